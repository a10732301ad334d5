"""recorded.py -- what the replays of ../shared/fixtures share: which types there are, masks, comparison, deviations."""
import functools
import json
import pathlib
import re

import yaml

import ursa

FIXTURES = ursa.SHARED / "fixtures"
LISTED = yaml.safe_load((pathlib.Path(__file__).parent / "deviations.yaml").read_text("utf-8"))
VOLATILE = {
    "creationTime", "modificationTime", "creationTimestamp", "hostname", "instanceId", "clusterId", "controlPlaneInstanceId", "id",
    "connectTime", "disconnectTime", "lastUpdateTime", "certificateExpirationTime", "lastCertificateRegeneration",
}
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+|<volatile:jwt>")
# What stands behind these comes from Go's libraries: the reference's wording, which nobody reads by program.
GO_TAIL = re.compile(r"(invalid \w+ object: '|could not parse config: |could not convert backend config: |not a valid TLS key pair: |"
                     r"native Envoy resource is not valid: |template pre evaluation failed with error='|provided regexp isn't correct: |"
                     r"format string is not valid: ).*", re.S)


# ---- types ----
def ours():
    """URL plural -> type name, of the types that Ursa has."""
    rows = re.findall(r'^RES_TYPE\(\w+,\s*"(\w+)",\s*"([\w-]+)"', (ursa.ROOT / "include/ursa/types.def").read_text("utf-8"), re.M)
    return {path: name for name, path in rows}


def collection(path):
    """/meshes/m/timeouts/t?x -> timeouts; /meshes/m -> meshes."""
    parts = path.split("?")[0].strip("/").split("/")
    return parts[2] if parts[0] == "meshes" and len(parts) > 2 else parts[0]


@functools.cache
def missing():
    """URL plural -> type name, of the reference's types that Ursa does not have yet: read from the recorded requests."""
    found = {}
    for folder in (FIXTURES / "validation").glob("[A-Z]*/"):
        case = next(folder.glob("*.response.json"))
        found[collection(json.loads(case.read_text("utf-8"))["request"]["path"])] = folder.name
    return {path: name for path, name in found.items() if path not in ours()}


def missing_type(path):
    """The type a request is about when Ursa does not have it; insights and overviews count as their type."""
    return missing().get(collection(path).removesuffix("+insights"))


def without_missing(node):
    """An answer without what it says about types that Ursa does not have: counters by type, entries of a type."""
    names = set(missing().values())
    if isinstance(node, dict):
        return {k: without_missing(v) for k, v in node.items() if k not in names}
    if isinstance(node, list):
        return [without_missing(v) for v in node
                if not (isinstance(v, dict) and (v.get("type") in names or ("path" in v and v.get("name") in names)))]
    return node


# ---- comparison ----
def masked(node):
    if isinstance(node, dict):
        return {k: "*" if k in VOLATILE or hidden(k, v) else masked(v) for k, v in node.items()}
    if isinstance(node, list):
        return [masked(v) for v in node]
    if isinstance(node, str):
        return "<bootstrap>" if node.startswith("admin:\n") else JWT.sub("*", node)
    return node


def hidden(key, value):
    """Keys and certificates (long secrets), and the bootstrap document."""
    return isinstance(value, str) and (key == "bootstrap" or (key == "data" and (len(value) > 200 or value.startswith("<volatile"))))


def without_tails(node):
    if isinstance(node, dict):
        return {k: without_tails(v) for k, v in node.items()}
    if isinstance(node, list):
        return [without_tails(v) for v in node]
    return GO_TAIL.sub(r"\1", node) if isinstance(node, str) else node


def differences(want, got, at="body"):
    """Every place where two JSON values differ, in words."""
    if isinstance(want, dict) and isinstance(got, dict):
        found = [f"{at}.{k}: missing, want {want[k]!r}" for k in want if k not in got]
        found += [f"{at}.{k}: unexpected {got[k]!r}" for k in got if k not in want]
        return found + [d for k in want if k in got for d in differences(want[k], got[k], f"{at}.{k}")]
    if isinstance(want, list) and isinstance(got, list):
        found = [] if len(want) == len(got) else [f"{at}: {len(got)} items, want {len(want)}"]
        return found + [d for i, (w, g) in enumerate(zip(want, got)) for d in differences(w, g, f"{at}[{i}]")]
    same = type(want) is type(got) and want == got
    return [] if same else [f"{at}: got {got!r}, want {want!r}"]


def part_differences(want, got, at="body"):
    """As above, but 'want' names only the parts that matter."""
    if isinstance(want, dict) and isinstance(got, dict):
        return [d for k in want for d in part_differences(want[k], got.get(k), f"{at}.{k}")]
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return [d for i, (w, g) in enumerate(zip(want, got)) for d in part_differences(w, g, f"{at}[{i}]")]
    return differences(want, got, at)


def deviation_differences(entry, answer):
    """What an answer has other than the deviation says."""
    found = [] if answer.status == entry["status"] else [f"status {answer.status}, want {entry['status']}"]
    return found + (part_differences(entry["body"], answer.body) if "body" in entry else [])
