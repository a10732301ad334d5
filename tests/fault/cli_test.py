"""ursactl against a daemon: what it prints, what it answers, what the shells make of it."""
import base64
import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

import ursa
from ursa import BUILD

URSACTL = str(BUILD / "ursactl")
POLICY = "type: Timeout\nmesh: blue\nname: t1\nsources: [{match: {kuma.io/service: '*'}}]\ndestinations: [{match: {kuma.io/service: '*'}}]\n" \
         "conf: {connectTimeout: 5s}\n"


class Yaml(yaml.SafeLoader):
    """Times stay texts, as in JSON."""

    yaml_implicit_resolvers = {first: [(tag, at) for tag, at in rows if not tag.endswith(":timestamp")]
                               for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()}


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
    c.run("apply", "-f", "-", text="type: Mesh\nname: blue\nmtls: {enabledBackend: ca, backends: [{name: ca, type: builtin}]}\n---\n" + POLICY)
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


# ---- get and inspect ----
def test_every_type_has_tables_and_trees(cli):
    offered = subprocess.run([URSACTL, "__complete", "get", ""], capture_output=True, text=True, timeout=60).stdout.splitlines()
    words = [line.split("\t")[0] for line in offered]
    assert len(words) > 76
    for single, plural in zip(words[::2], words[1::2]):
        shown = {o: cli.run("get", plural, "--mesh", "blue", "-o", o) for o in ("table", "yaml", "json")}
        listed = json.loads(shown["json"])
        assert yaml.load(shown["yaml"], Yaml) == listed
        rows = shown["table"].splitlines()
        assert len(rows) == 1 + listed["total"] and "NAME" in rows[0], plural
        for item in listed["items"][:1]:
            assert cli.json("get", single, item["name"], "--mesh", "blue")["name"] == item["name"]


def test_wide_tables_say_more(cli):
    narrow, wide = (cli.run("get", "timeouts", "--mesh", "blue", "-o", o).splitlines() for o in ("table", "wide"))
    assert narrow[0].split() == ["MESH", "NAME", "AGE"]
    assert wide[0].startswith(narrow[0]) and "APPLIES TO" in wide[0]
    assert any("from kuma.io/service=* to kuma.io/service=*" in row for row in wide)


def test_a_page_that_is_not_there_is_no_missing_resource(cli):
    cli.run("inspect", "meshgateway", "nothing", "--mesh", "blue", status=1)
    assert cli.errors.startswith("Error: ")


# ---- tokens, keys, certificates ----
def who_is(daemon, token):
    answer = daemon.http("GET", "/who-am-i", headers={"Authorization": f"Bearer {token}"}, source="127.0.0.2")
    assert answer.status == 200, answer
    return answer.json


def test_tokens_of_the_control_plane(cli, daemon):
    user = who_is(daemon, cli.run("generate", "user-token", "--name", "joe", "--mesh", "blue", "--role", "operator", "--group", "g",
                                  "--valid-for", "1h"))
    assert (user["name"], user["groups"][:2]) == ("joe", ["g", "mesh:blue:operator"])
    for words in (["dataplane-token", "--mesh", "blue", "--tag", "kuma.io/service=web,api"], ["zone-token", "--zone", ""],
                  ["zone-token", "--zone", "z", "--scope", "egress"], ["zone-ingress-token", "--zone", "z"]):
        assert cli.run("generate", *words, "--valid-for", "1h").count(".") == 2
    cli.run("generate", "zone-token", "--zone", "z", "--scope", "everything", "--valid-for", "1h", status=2)
    assert 'one of ingress, egress, cp is expected, not "everything"' in cli.errors


@pytest.mark.parametrize("form", ["raw", "pem-base64"])
def test_a_new_signing_key_signs_here_and_there(cli, daemon, form, tmp_path):
    """The key goes into a secret; a token that is signed with it offline is good, and what it says is what was asked for."""
    data = cli.run("generate", "signing-key", "--format", form)
    serial = {"raw": "7", "pem-base64": "8"}[form]
    cli.run("apply", "-v", f"key={data}", "-f", "-", text=f"type: GlobalSecret\nname: user-token-signing-key-{serial}\ndata: {{{{ key }}}}\n")
    key = tmp_path / "key"
    key.write_bytes(base64.b64decode(data))
    token = cli.run("generate", "user-token", "--name", "off", "--group", "a", "--valid-for", "1h", "--signing-key-path", str(key), "--kid",
                    serial)
    assert who_is(daemon, token)["name"] == "off"
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header == {"alg": "RS256", "kid": serial, "typ": "JWT"}
    cli.run("generate", "user-token", "--name", "off", "--valid-for", "1h", "--signing-key-path", str(key), status=2)
    assert "needs --kid" in cli.errors


def test_keys_have_public_halves(cli, tmp_path):
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    private.write_text(cli.run("generate", "signing-key", "--format", "pem"))
    public.write_text(cli.run("generate", "public-key", "--signing-key-path", str(private)))
    signature = serialization.load_pem_private_key(private.read_bytes(), None).sign(b"text", padding.PKCS1v15(), hashes.SHA256())
    serialization.load_pem_public_key(public.read_bytes()).verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())
    public.write_text("no key")
    cli.run("generate", "public-key", "--signing-key-path", str(public), status=1)
    assert "no private key found" in cli.errors


@pytest.mark.parametrize("kind, hosts", [("rsa", ["--hostname", "mesh.test", "--hostname", "192.0.2.1"]), ("ecdsa", ["--hostname", "mesh.test,192.0.2.1"])])
def test_a_certificate_is_for_its_hosts(cli, kind, hosts, tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    said = cli.run("generate", "tls-certificate", "--type", "server", *hosts, "--key-type", kind,
                   "--key-file", str(key), "--cert-file", str(cert))
    assert said == f"Private key saved in {key}\nCertificate saved in {cert}\n"
    assert key.stat().st_mode & 0o777 == 0o600
    made = x509.load_pem_x509_certificate(cert.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mesh.test"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.1"]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)  # they belong together
    cli.run("generate", "tls-certificate", "--type", "server", "--hostname", "mesh.test,,", status=2)
    assert "--hostname: a value is expected" in cli.errors
    cli.run("generate", "tls-certificate", "--type", "server", status=2)
    assert "--hostname" in cli.errors


def test_ursactl_shows_its_certificate(cli, tmp_path):
    """Made by ursactl itself; the server asks for one, and finds who is calling."""
    for kind in ("server", "client"):
        cli.run("generate", "tls-certificate", "--type", kind, "--hostname", "localhost", "--hostname", "127.0.0.1", "--key-file",
                str(tmp_path / f"{kind}.key"), "--cert-file", str(tmp_path / f"{kind}.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    tls.load_verify_locations(tmp_path / "client.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            for _ in range(3):
                with contextlib.suppress(OSError), tls.wrap_socket(listener.accept()[0], server_side=True) as peer:
                    peer.recv(65536)
                    body = json.dumps({"tagline": "Kuma", "version": "2.4.10", "ursaVersion": peer.getpeercert()["subject"][0][0][1]})
                    peer.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

        threading.Thread(target=serve, daemon=True).start()
        cli.address = f"https://127.0.0.1:{listener.getsockname()[1]}"
        trust = ("--ca-cert-file", str(tmp_path / "server.pem"))
        own = ("--client-cert-file", str(tmp_path / "client.pem"), "--client-key-file", str(tmp_path / "client.key"))
        assert "Server: Ursa localhost" in cli.run("version", *trust, *own)
        cli.run("version", *own, status=1)
        assert "is not trusted" in cli.errors
        cli.run("version", *trust, *own[:2], status=1)
        assert "go together" in cli.errors


# ---- diff and export ----
def test_diff_is_what_apply_would_change(cli):
    assert cli.run("diff", "-f", "-", text=POLICY) == ""
    changed = POLICY.replace("5s", "7s") + "---\ntype: Mesh\nname: green\n"
    assert cli.run("diff", "-f", "-", text=changed, status=1) == "timeout/blue/t1 updated\n  ~ conf.connectTimeout: 5s -> 7s\nmesh/green created\n"
    items = json.loads(cli.run("diff", "-f", "-", "-o", "json", text=changed, status=1))["items"]
    assert items[0]["changes"] == [{"field": "conf.connectTimeout", "before": "5s", "after": "7s"}]
    assert cli.run("diff", "-f", "-", text=POLICY) == ""  # nothing was written


def test_diff_tells_faults_and_never_a_secret(cli):
    cli.run("diff", "-f", "-", text=POLICY.replace("5s", "5x"), status=2)
    assert '<stdin>:6:8: timeout/blue/t1: conf.connectTimeout: expected a duration such as "5s" or "1h30m", got "5x"' in cli.errors
    secret = "type: Secret\nmesh: blue\nname: hidden\ndata: {}\n"
    value = base64.b64encode(b"the value of it").decode()
    for form in ("table", "yaml", "json"):
        said = cli.run("diff", "-f", "-", "-o", form, text=secret.format(value), status=1)
        assert "hidden" in said and value not in said
    cli.run("apply", "-f", "-", text=secret.format(value))
    assert cli.run("diff", "-f", "-", text=secret.format(value)) == ""
    said = cli.run("diff", "-f", "-", "-o", "json", text=secret.format("b3RoZXI="), status=1)
    assert value not in said and "b3RoZXI=" not in said


@pytest.mark.parametrize("words", [["export"], ["export", "--mesh", "blue", "--with-secrets"], ["export", "-o", "json"]])
def test_an_export_is_the_state(cli, words):
    exported = cli.run(*words)
    assert "creationTime" not in exported and "Insight" not in exported
    assert ("signing-key" in exported) == ("--with-secrets" in words)
    if "json" in words:
        exported = "[" + ",".join(exported.splitlines()) + "]"
        assert all(json.loads(exported))
    else:
        assert {line.split()[-1] for line in cli.run("apply", "-f", "-", text=exported).splitlines()} == {"unchanged"}
    assert cli.run("diff", "-f", "-", text=exported) == ""


def test_an_export_with_secrets_makes_the_same_control_plane(cli, tmp_path):
    """Signing keys and certificate authorities too: tokens and certificates that were issued stay good."""
    exported = cli.run("export", "--with-secrets")
    with ursa.running("memory", DEFAULTS_SKIP_MESH_CREATION="true") as other:
        there = Cli(other, tmp_path)
        there.run("apply", "-f", "-", text=exported)
        assert there.run("export", "--with-secrets") == exported


# ---- revisions ----
def test_history_and_the_difference_between_revisions(cli, daemon):
    before = daemon.http("PUT", "/meshes/blue/retries/r1", {"type": "Retry", "mesh": "blue", "name": "r1", "sources": [{"match": {"kuma.io/service": "*"}}],
                         "destinations": [{"match": {"kuma.io/service": "*"}}], "conf": {"http": {"numRetries": 3}}}).headers["Ursa-Revision"]
    cli.run("apply", "-f", "-", text=POLICY.replace("5s", "9s"))
    cli.run("delete", "retry", "r1", "--mesh", "blue")
    newest = cli.json("history", "--size", "1")["items"][0]
    assert newest["changes"] == [{"op": "delete", "type": "Retry", "mesh": "blue", "name": "r1"}]
    rows = cli.run("history", "--mesh", "blue", "--size", "2").splitlines()
    assert rows[0].split() == ["REVISION", "TIME", "AUTHOR", "ORIGIN", "CHANGES"]
    assert rows[1].endswith("delete retry/blue/r1") and rows[2].endswith("update timeout/blue/t1")
    assert "--offset=2" in rows[4]
    assert all("retry/blue/r1" in row for row in cli.run("history", "retry", "r1", "--mesh", "blue").splitlines()[1:])
    said = cli.run("diff", "--from", before, "--to", str(newest["revision"]), "--mesh", "blue", status=1)
    assert said.startswith("retry/blue/r1 deleted\n  - sources:\n") and said.endswith("timeout/blue/t1 updated\n  ~ conf.connectTimeout: 5s -> 9s\n")
    assert cli.run("diff", "--from", before, status=1) == said
    assert cli.run("diff", "--from", str(newest["revision"])) == ""
    tree = json.loads(cli.run("diff", "--from", before, "-o", "json", status=1))
    assert (tree["from"], tree["to"], len(tree["items"])) == (int(before), newest["revision"], 2)
    assert cli.json("get", "retry", "r1", "--mesh", "blue", "--revision", before)["name"] == "r1"
    assert "r1" in cli.run("get", "retries", "--mesh", "blue", "--revision", before, "-o", "wide")
    assert "name: r1" in cli.run("export", "--mesh", "blue", "--revision", before)
    cli.run("get", "retry", "r1", "--mesh", "blue", status=1)
    assert cli.errors == 'Error: there is no Retry with name "r1" in mesh "blue"\n'
    cli.run("get", "retry", "r1", "--mesh", "blue", "--revision", "999999", status=1)
    assert "999999" in cli.errors
    cli.run("diff", "--from", "999999", status=2)
    assert cli.errors.startswith("Error: Could not compare the revisions")
    cli.run("diff", status=2)
    assert "say what to compare" in cli.errors


def test_rollback_is_the_earlier_state_again(cli):
    then = str(cli.json("history", "--size", "1")["items"][0]["revision"])
    cli.run("apply", "-f", "-", text=POLICY.replace("5s", "9s") + "---\n" + POLICY.replace("t1", "t2"))
    dry = cli.run("rollback", "--to", then, "--mesh", "blue", "--dry-run").splitlines()
    assert sorted(dry) == ["nothing was changed (dry run)", "timeout/blue/t1 updated (dry run)", "timeout/blue/t2 deleted (dry run)"]
    assert cli.run("diff", "--from", then, status=1)
    said = cli.run("rollback", "--to", then, "--mesh", "blue").splitlines()
    assert sorted(said[:-1]) == ["timeout/blue/t1 updated", "timeout/blue/t2 deleted"] and said[-1].startswith("revision ")
    assert cli.run("diff", "--from", then) == ""
    assert cli.run("rollback", "--to", then, "--mesh", "blue") == "nothing to change\n"
    cli.run("rollback", "--to", "999999", status=1)
    assert cli.errors.startswith("Error: Could not roll back")


def test_status_of_a_control_plane_without_proxies(cli):
    said = cli.run("apply", "-f", "-", "--wait=5s", text=POLICY.replace("5s", "6s")).splitlines()
    assert said[0] == "timeout/blue/t1 updated" and said[1].endswith(": applied, for no proxy is online")
    assert cli.json("status", "--wait=1s", "--mesh", "blue")["proxies"]["total"] == 0
    cli.run("apply", "-f", "-", "--wait", "--dry-run", text=POLICY, status=2)
    assert "nothing will change" in cli.errors


def test_zones_and_their_proxies(cli):
    cli.run("apply", "-f", "-", text="type: Zone\nname: east\nenabled: true\n---\ntype: ZoneIngress\nname: in\nzone: east\n"
            "networking: {address: 127.0.0.1, port: 10001, advertisedAddress: 192.0.2.9, advertisedPort: 10002}\n"
            "---\ntype: ZoneEgress\nname: out\nzone: east\nnetworking: {address: 127.0.0.1, port: 10003}\n")
    shared = "STATUS    LAST CONNECTED AGO   LAST UPDATED AGO   TOTAL UPDATES   TOTAL ERRORS"
    offline = "   Offline   never                never              0               0"
    proxy = "KUMA-DP VERSION   ENVOY VERSION"
    for kind, name, versions in (("zones", "east", "ZONE-CP VERSION   BACKEND"), ("zone-ingresses", "in  ", proxy), ("zoneegresses", "out ", proxy)):
        assert [row.rstrip() for row in cli.run("inspect", kind).splitlines()] == [f"NAME   {shared}   {versions}", name + offline]
    assert cli.json("inspect", "zones")["items"][0]["zone"] == {"enabled": True}
    for kind, words in (("zones", ["east", "yes", "Offline"]), ("zone-ingresses", ["127.0.0.1:10001", "192.0.2.9:10002"]), ("zoneegresses", ["127.0.0.1:10003"])):
        row = cli.run("get", kind, "-o", "wide").splitlines()[1].split()
        assert all(word in row for word in words), row
    cli.run("inspect", "zoneingress", "nothing", status=1)
    assert cli.errors == 'Error: there is no ZoneIngress with name "nothing"\n'


def test_a_backup_is_put_back(tmp_path):
    """Into the store of another control plane, which then is the same; never into one that runs."""
    file = tmp_path / "backup.db"

    def restore(cli, plane):
        return subprocess.run([URSACTL, "restore", str(file)], capture_output=True, text=True, timeout=60, env={**cli.environment, **plane.environment})

    with ursa.running("sqlite") as plane:
        here = Cli(plane, tmp_path)
        here.run("apply", "-f", "-", text="type: Mesh\nname: blue\n---\n" + POLICY)
        exported = here.run("export", "--with-secrets")
        assert here.run("backup", str(file)).startswith("Backup of ")
        refused = restore(here, plane)
        assert refused.returncode == 1 and "in use" in refused.stderr
        key = (plane.work_dir / "seal.key").read_text()
    other = ursa.Daemon("sqlite")
    (other.work_dir / "seal.key").touch(0o600)
    (other.work_dir / "seal.key").write_text(key)
    there = Cli(other, tmp_path)
    assert restore(there, other).returncode == 0
    other.start()
    try:
        assert there.run("export", "--with-secrets") == exported
    finally:
        other.stop()


def test_watch_tells_what_is_written(cli, daemon):
    now = str(cli.json("history", "--size", "1")["items"][0]["revision"])
    watch = subprocess.Popen([URSACTL, "--no-config", "--address", cli.address, "watch", "timeouts", "--mesh", "blue", "--since", now, "-o", "json"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cli.environment)
    try:
        cli.run("apply", "-f", "-", text=POLICY.replace("5s", "8s") + "---\n" + POLICY.replace("t1", "t9"))
        cli.run("delete", "timeout", "t9", "--mesh", "blue")
        seen = [json.loads(watch.stdout.readline()) for _ in range(3)]
    finally:
        watch.terminate()
        watch.communicate(timeout=60)
    assert {(e["event"], e["op"], e["type"], e["mesh"], e["name"]) for e in seen[:2]} == {
        ("resource", "update", "Timeout", "blue", "t1"), ("resource", "create", "Timeout", "blue", "t9")}
    assert (seen[2]["op"], seen[2]["name"]) == ("delete", "t9")
    cli.run("watch", "--mesh", "nothing", status=1)
    assert cli.errors.startswith("Error: ")
