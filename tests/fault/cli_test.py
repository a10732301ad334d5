"""ursactl against a daemon: what it prints, what it answers, what the shells make of it."""
import json
import shutil
import subprocess

import pytest

from ursa import BUILD

URSACTL = str(BUILD / "ursactl")
POLICY = "type: Timeout\nmesh: blue\nname: t1\nsources: [{match: {kuma.io/service: '*'}}]\ndestinations: [{match: {kuma.io/service: '*'}}]\n" \
         "conf: {connectTimeout: 5s}\n"


class Cli:
    def __init__(self, daemon, home):
        self.address = f"http://127.0.0.1:{daemon.api_port}"
        self.environment = {"PATH": f"{BUILD}:/usr/bin:/bin", "HOME": str(home), "TZ": "UTC", "LC_ALL": "C.UTF-8"}

    def run(self, *words, text=None, status=0):
        """Standard output; the exit status must be 'status'."""
        done = subprocess.run([URSACTL, "--no-config", "--address", self.address, *words], input=text, capture_output=True, text=True,
                              timeout=60, env=self.environment)
        assert done.returncode == status, (words, done)
        self.errors = done.stderr
        return done.stdout

    def json(self, *words):
        return json.loads(self.run(*words, "-o", "json"))


@pytest.fixture
def cli(daemon, tmp_path):
    c = Cli(daemon, tmp_path)
    c.run("apply", "-f", "-", text="type: Mesh\nname: blue\n---\n" + POLICY)
    return c


# ---- completion ----
SHELLS = {
    "bash": ["bash", "--norc", "-c", 'source <(ursactl completion bash); COMP_LINE="$1"; COMP_POINT=${#1}; _ursactl; printf "%s\\n" "${COMPREPLY[@]}"', "-"],
    "fish": ["fish", "--no-config", "-c", "ursactl completion fish | source; complete -C $argv[1]"],
}


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_complete_words_types_and_names(cli, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")

    def complete(line):
        said = subprocess.run([*SHELLS[shell], line], capture_output=True, text=True, env=cli.environment, timeout=60)
        assert said.stderr == ""
        return [row.split("\t")[0] for row in said.stdout.splitlines() if row]

    assert complete("ursactl appl") == ["apply"]
    assert complete("ursactl get traffic-p") == ["traffic-permission", "traffic-permissions"]
    there = f"ursactl --no-config --address {cli.address} "
    assert complete(there + "get timeout --mesh blue ") == ["t1", "timeout-all-blue"]
    assert complete(there + "get timeouts --mesh bl") == ["blue"]
    assert complete(there + "get timeouts --mesh=bl")[0].endswith("blue")
    assert complete("ursactl --no-config --address http://127.0.0.1:1 get timeout ") == []  # nobody answers: nothing is said


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_the_shells_language(cli, shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(cli.run("completion", shell))
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
