"""Compares what a client takes over, over each variant of the protocol, with what kuma-cp 2.4.10 was recorded to send (../shared/fixtures/xds).

Ursa delivers routes, permissions, source tags and the admin certificate beside the listeners (architecture.md, "Listeners
stand still"). Each such deviation is written back into the reference's form first; what it is and why stands in deviations.yaml
under its id, and a write-back that is not listed there fails. Everything else must be equal: names, structure, values.
"""
import base64
import copy
import json
import pathlib
import re
import subprocess

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT.parent / "shared" / "fixtures" / "xds"
DUMP = ROOT / "build" / "release" / "tests" / "dump_config"
SCENARIOS = [
    "http-plain", "tcp-plain", "two-meshes", "multi-inbound", "tags-versions", "no-default-policies", "registered-by-proxy",
    "mtls-strict", "mtls-permissive", "mtls-cert-settings", "traffic-permission", "traffic-route-split", "timeout", "retry",
    "circuit-breaker", "virtual-probes", "serviceprobe-hds", "locality-aware", "locality-zone-tags",
    "tproxy", "tproxy-mtls", "reachable-services", "passthrough-off", "virtual-outbound",
    "tproxy-direct-access",
]
KINDS = {"clusters": "cds", "endpoints": "eds", "listeners": "lds", "routes": "rds", "secrets": "sds"}
DEVIATIONS = {d["id"]: d for d in yaml.safe_load((pathlib.Path(__file__).parent / "deviations.yaml").read_text())["xds"]}
IGNORED = [re.compile(d["ignore"]) for d in DEVIATIONS.values() if "ignore" in d]
VALIDITY_TOLERANCE = 20  # seconds


def deviates(name):
    assert name in DEVIATIONS, f"deviation {name} is not listed in deviations.yaml"


# ---- certificates: what they say, not what they are ----
def extension(cert, oid, read):
    try:
        found = cert.extensions.get_extension_for_oid(oid)
    except x509.ExtensionNotFound:
        return None
    return {"critical": found.critical, "value": read(found.value)}


USAGES = ["digital_signature", "key_agreement", "key_cert_sign", "crl_sign"]


def describe(pem):
    """A certificate's properties; one that says the same thing compares equal. Key and signature kinds differ by decision."""
    cert = x509.load_pem_x509_certificate(pem)
    deviates("ec-keys")  # only an RSA key can encipher another one
    life = (cert.not_valid_after - cert.not_valid_before).total_seconds()
    return {
        "subject": cert.subject.rfc4514_string(),
        "san": extension(cert, ExtensionOID.SUBJECT_ALTERNATIVE_NAME, lambda v: [str(n.value) for n in v]),
        "usage": extension(cert, ExtensionOID.KEY_USAGE, lambda v: [u for u in USAGES if getattr(v, u)]),
        "extended": extension(cert, ExtensionOID.EXTENDED_KEY_USAGE, lambda v: [u.dotted_string for u in v]),
        "constraints": extension(cert, ExtensionOID.BASIC_CONSTRAINTS, lambda v: v.ca),
        "life": round(life / VALIDITY_TOLERANCE),
    }


def certificates(node):
    """Replaces every PEM certificate of a tree by its description."""
    if isinstance(node, dict):
        text = node.get("inlineBytes")
        if isinstance(text, str) and text != "REDACTED":
            pem = base64.b64decode(text)
            if b"BEGIN CERTIFICATE" in pem:
                return {"certificate": describe(pem)}
        return {k: certificates(v) for k, v in node.items()}
    if isinstance(node, list):
        return [certificates(v) for v in node]
    return node


# ---- writing back ----
def canonical(node):
    return json.dumps(node, sort_keys=True)


def sort_sets(node):
    """RBAC principals are sets."""
    if isinstance(node, dict):
        out = {k: sort_sets(v) for k, v in node.items()}
        for key in ("principals", "ids"):
            if isinstance(out.get(key), list):
                out[key] = sorted(out[key], key=canonical)
        return out
    if isinstance(node, list):
        return [sort_sets(v) for v in node]
    return node


class Proxy:
    """What Ursa would send to one proxy, turned into the reference's form."""

    def __init__(self, dump):
        self.dump = copy.deepcopy(dump)
        self.by_name = {kind: {r["name"]: r for r in dump[kind]} for kind in ("rds", "ecds", "sds")}
        self.used = {"rds": set(), "ecds": set(), "sds": set()}
        for listener in self.dump["lds"]:
            for chain in listener.get("filterChains", []):
                self.write_back_chain(listener, chain)
        for kind, used in self.used.items():
            self.dump[kind] = [r for r in self.dump[kind] if r["name"] not in used]

    def take(self, kind, name):
        self.used[kind].add(name)
        return copy.deepcopy(self.by_name[kind][name])

    def write_back_chain(self, listener, chain):
        for flt in list(chain.get("filters", [])):
            if flt["name"] == "envoy.filters.network.http_connection_manager":
                self.write_back_hcm(listener, chain, flt["typedConfig"])
        tls = chain.get("transportSocket", {}).get("typedConfig", {}).get("commonTlsContext")
        if tls and listener["name"] == "kuma:envoy:admin":
            self.write_back_admin_tls(tls)

    def write_back_hcm(self, listener, chain, hcm):
        if "rds" in hcm:
            deviates("routes-by-rds")
            config = self.take("rds", hcm.pop("rds")["routeConfigName"])
            direction = config["name"].split(":")[0]
            config["name"] = f"{direction}:{config['virtualHosts'][0]['name']}"
            hcm["routeConfig"] = config
        for extension_config in hcm.pop("earlyHeaderMutationExtensions", []):
            deviates("source-tags-by-early-mutation")
            for mutation in extension_config["typedConfig"]["mutations"]:
                assert mutation["append"].pop("appendAction") == "OVERWRITE_IF_EXISTS_OR_ADD"
                hcm["routeConfig"].setdefault("requestHeadersToAdd", []).append(mutation["append"])
        for http_filter in [f for f in hcm["httpFilters"] if "configDiscovery" in f]:
            deviates("permissions-by-ecds")
            hcm["httpFilters"].remove(http_filter)
            rules = self.take("ecds", http_filter["name"])["typedConfig"]["rules"]
            prefix = re.sub(r"[^A-Za-z0-9_-]", "_", listener["name"]) + "."
            chain["filters"].insert(0, {"name": "envoy.filters.network.rbac", "typedConfig": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC", "rules": rules, "statPrefix": prefix}})

    def write_back_admin_tls(self, tls):
        deviates("admin-certificate-by-sds")
        certs = [self.take("sds", c["name"])["tlsCertificate"] for c in tls.pop("tlsCertificateSdsSecretConfigs")]
        combined = tls.pop("combinedValidationContext")
        context = combined["defaultValidationContext"]
        context.update(self.take("sds", combined["validationContextSdsSecretConfig"]["name"])["validationContext"])
        tls["tlsCertificates"] = certs
        tls["validationContext"] = context


POLLING = {"apiConfigSource": {"apiType": "REST", "transportApiVersion": "V3", "clusterNames": ["rest_cluster"],
                               "refreshDelay": "0.050s", "requestTimeout": "30s"}, "resourceApiVersion": "V3"}


def over_stream(node):
    """What is told to a client that polls, as a client with a stream is told it: the sources of further configuration differ."""
    if isinstance(node, dict):
        assert "ads" not in node, "a source that a client without a stream does not have"
        return {"ads": {}, "resourceApiVersion": "V3"} if node == POLLING else {k: over_stream(v) for k, v in node.items()}
    return [over_stream(v) for v in node] if isinstance(node, list) else node


# ---- comparing ----
def differences(got, want, at=""):
    if isinstance(got, dict) and isinstance(want, dict):
        for key in sorted(got.keys() | want.keys()):
            yield from differences(got.get(key), want.get(key), f"{at}.{key}")
    elif isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        for i, (a, b) in enumerate(zip(got, want)):
            yield from differences(a, b, f"{at}[{i}]")
    elif got != want and "REDACTED" not in (got, want):
        yield f"{at}: got {canonical(got)[:400]}, want {canonical(want)[:400]}"


def resource_differences(kind, got, want):
    def name(r):
        return r.get("name") or r.get("clusterName")
    ours, theirs = {name(r): r for r in got}, {name(r): r for r in want}
    for missing in sorted(theirs.keys() - ours.keys()):
        yield f"{kind}: {missing} is missing"
    for extra in sorted(ours.keys() - theirs.keys()):
        yield f"{kind}: {extra} is not wanted"
    for both in sorted(ours.keys() & theirs.keys()):
        yield from differences(sort_sets(certificates(ours[both])), sort_sets(certificates(theirs[both])), f"{kind} {both}")


def recordings(folder):
    """(mesh, proxy, file prefix) of every recorded proxy."""
    scenario = json.loads((folder / "scenario.json").read_text())
    for p in scenario["connected"]:
        both = folder / f"{p['mesh']}.{p['name']}.clusters.json"
        yield p["mesh"], p["name"], f"{p['mesh']}.{p['name']}" if both.exists() else p["name"]


def dump(folder, protocol):
    scenario = json.loads((folder / "scenario.json").read_text())
    command = [DUMP, folder / "input.yaml", *sorted(folder.glob("*.dataplane.yaml"))]
    for deleted in scenario["deletedAfterApply"]:
        command += ["--delete", deleted]
    if scenario.get("dnsPort"):
        command += ["--dns", str(scenario["dnsPort"]), str(scenario["emptyDnsPort"])]
    command += [] if protocol == "sotw" else [f"--{protocol}"]
    for mesh, name, _ in recordings(folder):
        command += ["--proxy", f"{mesh}/{name}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("protocol", ["delta", "sotw", "rest"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name, protocol):
    folder = FIXTURES / name
    if not folder.is_dir():
        pytest.skip("the recordings are not here")
    dumps = dump(folder, protocol)
    found = []
    for mesh, proxy, prefix in recordings(folder):
        told = dumps[f"{mesh}/{proxy}"]
        ours = Proxy(over_stream(told) if protocol == "rest" else told).dump
        for file, kind in KINDS.items():
            want = json.loads((folder / f"{prefix}.{file}.json").read_text())["resources"]
            found += [f"{prefix} {d}" for d in resource_differences(kind, ours[kind], want)]
        found += [f"{prefix}: {kind} {r['name']} is used by nothing" for kind in ("rds", "ecds") for r in ours[kind]]
    found = [d for d in found if not any(pattern.search(d) for pattern in IGNORED)]
    assert not found, "\n" + "\n".join(found)
