"""fakeclock.py -- clocks that go as a test says, for the processes that are started with their environment."""
import contextlib
import datetime
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import ursa

FASTER = shutil.which("faketime")  # Debian's package of that name


class WallClock:
    """The wall clock of some processes, which can be set as an administrator would; their monotonic clock is the machine's (tools/wall_clock.c)."""

    def __init__(self, times=1, ahead=0):
        self._folder = tempfile.TemporaryDirectory(prefix="ursa-clock-")
        self._file = pathlib.Path(self._folder.name) / "clock"
        self._file.write_bytes(struct.pack("=qqq", round(ahead * 1e9), time.time_ns(), times))
        self.environment = {"LD_PRELOAD": str(ursa.BUILD / "tests/wall_clock.so"), "URSA_TEST_CLOCK": str(self._file)}

    def set(self, ahead):
        """So many seconds ahead of the true time, from now on."""
        with open(self._file, "r+b", buffering=0) as file:
            file.write(struct.pack("=q", round(ahead * 1e9)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()


class FastTime:
    """A time that passes so many times as fast: 'environment' is that of processes for which it passes, timers too, 'of_the_wall' that of those whose
    wall clock shows it."""

    def __init__(self, times):
        with contextlib.ExitStack() as undo:
            # The first process says when it began; the others share that.
            self._first = subprocess.Popen([FASTER, "-f", f"+0 x{times}", "sh", "-c", "cat /proc/self/environ; echo; exec sleep 1000000"],
                                           stdout=subprocess.PIPE, start_new_session=True)
            undo.callback(self._end)
            told = dict(line.split("=", 1) for line in self._first.stdout.readline().decode().split("\0") if "=" in line)
            self.environment = {name: told[name] for name in ("LD_PRELOAD", "FAKETIME", "FAKETIME_SHARED")}
            self.of_the_wall = undo.enter_context(WallClock(times, ahead=self.now().timestamp() - time.time())).environment
            self._undo = undo.pop_all()

    def _end(self):
        os.killpg(self._first.pid, signal.SIGTERM)
        self._first.wait()
        self._first.stdout.close()

    def now(self):
        told = subprocess.run(["date", "+%s.%N"], env={**os.environ, **self.environment}, capture_output=True, check=True, text=True)
        return datetime.datetime.fromtimestamp(float(told.stdout), datetime.timezone.utc)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._undo.close()
