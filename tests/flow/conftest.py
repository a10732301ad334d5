"""The daemon end to end: real Envoys, real requests. Nothing waits for time to pass; everything waits for what it needs, with a limit."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))


@pytest.fixture
def record(request, capsys):
    """Prints a figure of this test, also when it passes."""
    def say(text):
        with capsys.disabled():
            print(f"\n  {request.node.name}: {text}", end="", flush=True)
    return say
