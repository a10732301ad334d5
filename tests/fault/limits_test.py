"""More connections than there may be, and more than there are descriptors for: the others wait, and are served afterwards."""
import os
import resource
import time

import pytest

import raw
import ursa


def cpu_seconds(daemon):
    fields = open(f"/proc/{daemon.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def no_descriptors_left(daemon):
    """The limit of the process, a little above what it has open."""
    have = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (have + 10, have + 10))


@pytest.mark.parametrize("settings, prepare", [
    ({"API_SERVER_MAX_CONNECTIONS": 10}, lambda daemon: None),
    ({}, no_descriptors_left),
], ids=["connections", "descriptors"])
def test_those_beyond_the_limit_wait(settings, prepare):
    with ursa.running("memory", **settings) as daemon:
        prepare(daemon)
        held = [raw.connect(daemon) for _ in range(30)]
        with pytest.raises(TimeoutError):
            daemon.get("/", timeout=0.5)
        before, started = cpu_seconds(daemon), time.monotonic()
        with pytest.raises(TimeoutError):
            daemon.get("/", timeout=1)
        assert (cpu_seconds(daemon) - before) / (time.monotonic() - started) < 0.2, "it spins"
        for connection in held:
            connection.close()
        assert daemon.get("/", timeout=10).status == 200
