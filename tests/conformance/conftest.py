"""The daemons that the recordings are replayed against."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import ursa  # noqa: E402


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def daemon(request):
    """A fresh control plane for a module's cases, once on each store."""
    with ursa.running(request.param) as started:
        yield started
