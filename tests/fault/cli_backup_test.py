"""ursactl backup against a server that misbehaves: what was cut off is no backup, and does not replace one."""
import subprocess

import pytest

from stub import head, serving
from ursa import BUILD

URSACTL = str(BUILD / "ursactl")
BACKUP = b"SQLite format 3\0" + bytes(100_000)


def run(address, *words):
    return subprocess.run([URSACTL, "--no-config", "--address", address, *words], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("sent, said", [(BACKUP, "Backup of"), (BACKUP[:5000], "no answer from"), (b"<html>" * 1000, "no backup"), (b"", "no answer from")],
                         ids=["whole", "cut off", "another thing", "nothing"])
def test_a_backup_is_whole_or_not_at_all(sent, said, tmp_path):
    def answer(handler):
        length = len(BACKUP) if sent and sent[:1] != b"<" else len(sent)
        head(handler, Content_Type="application/vnd.sqlite3", Content_Length=str(length or 1))
        handler.wfile.write(sent)
        handler.close_connection = True

    file = tmp_path / "backup.db"
    file.write_text("the one before")
    with serving(answer) as address:
        done = run(address, "backup", str(file))
    assert said in done.stdout + done.stderr
    whole = sent == BACKUP
    assert done.returncode == (0 if whole else 1)
    assert file.read_bytes() == (BACKUP if whole else b"the one before")
    assert [f.name for f in tmp_path.iterdir()] == ["backup.db"]
    if whole:
        assert file.stat().st_mode & 0o777 == 0o600
