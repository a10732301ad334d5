"""Every command line that kumactl was recorded with, given to ursactl in the same order: it is understood, succeeds or fails as there, and prints the
same tables."""
import functools
import json
import re
import subprocess

import pytest
import yaml

import ursa
from recorded import FIXTURES

RECORDED = json.loads((FIXTURES / "rest/kumactl/commands.json").read_text())
# What is meant to be otherwise: label -> exit status.
OTHERWISE = {
    "get unknown": 2,            # an unknown type is an error
    "inspect meshgateway": 0,    # takes --mesh
    "export": 0,                 # exists
    "config add https": 1,       # a file of the machine that was recorded
}
OTHER_TABLES = {"inspect meshes None"}  # a column for each policy in use


def expanded(text):
    """YAML's aliases, which recorded documents have and ursactl refuses, are written out."""
    if not text or "&id" not in text:
        return text
    return "---\n".join(json.dumps(document) + "\n" for document in yaml.safe_load_all(text))


def masked(text):
    """Without ages, and blanks that follow from how long those are."""
    return [re.sub(r" +", " ", re.sub(r"\b\d+[smhd]\b", "AGE", row)).rstrip() for row in text.splitlines()]


@pytest.fixture(scope="module")
def replay(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with ursa.running("memory", API_SERVER_AUTHN_ANONYMOUS_WRITES="true") as plane:
        def run(args, text=""):
            here = {"127.0.0.1:5681": f"127.0.0.1:{plane.api_port}", "127.0.0.1:5682": f"127.0.0.1:{plane.https_port}", "/tmp/k/": f"{home}/"}
            words = [functools.reduce(lambda word, old: word.replace(old, here[old]), here, a) for a in args]
            return subprocess.run([str(ursa.BUILD / "ursactl"), *words], input=text, capture_output=True, text=True, timeout=60,
                                  env={"HOME": str(home), "PATH": "/usr/bin:/bin", "TZ": "UTC"})

        (home / "k.pem").write_text(run(["generate", "signing-key", "--format", "pem"]).stdout)
        yield [(c, run(c["args"], expanded(c["stdin"]) or "")) for c in RECORDED]


def test_every_line_succeeds_or_fails_as_with_kumactl(replay):
    wrong = [(c["label"], c["args"], done.returncode, done.stderr) for c, done in replay
             if (done.returncode != OTHERWISE[c["label"]] if c["label"] in OTHERWISE else (done.returncode == 0) != (c["exit"] == 0))]
    assert not wrong


def test_tables_are_kumactls(replay):
    n = 0
    for c, done in replay:
        if c["args"][0] not in ("get", "inspect") or c["exit"] or "-o" in c["args"] or c["label"] in OTHERWISE or c["label"] in OTHER_TABLES:
            continue
        n += 1
        assert masked(done.stdout) == masked(c["stdout"]), c["label"]
    assert n > 80
