"""A control plane that is treated badly. Each file of tests has one of its own; at the end it must stop cleanly."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import ursa  # noqa: E402


@pytest.fixture(scope="module")
def daemon():
    """Silent connections are closed after 2 s here, so that a hang is seen soon; and there is no end of bad tokens."""
    with ursa.running("memory", API_SERVER_CONNECTION_TIMEOUT="2s", GENERAL_BAD_TOKENS_PER_SECOND=0) as started:
        yield started
