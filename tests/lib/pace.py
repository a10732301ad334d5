"""pace.py -- limits of time that mean the same on a slower or busier machine, and for a sanitized build.

Limits are written for the release build on a core of the usual speed that nobody else wants. A time above its limit is not yet a fault: then
a fixed piece of work is timed, here and now, and the limit grows by as much as that takes longer than usual. A quick machine changes nothing."""
import hashlib
import json
import random
import time
import zlib

import ursa

USUAL = 0.016  # seconds for the piece of work: what a server's core of 2024 needs
PIECES = 5
SANITIZED = 1 if ursa.BUILD.name == "release" else 20  # times slower than the release build

_numbers = random.Random(1)
_TEXT = json.dumps([{f"k{i}": [_numbers.random() for _ in range(5)]} for i in range(1600)]).encode()


def _work():
    """What the daemon does all day: trees of small pieces, text, hashes."""
    zlib.compress(_TEXT)
    json.loads(_TEXT)
    hashlib.sha256(_TEXT).digest()


def _times(clock):
    for _ in range(PIECES):
        started = clock()
        _work()
        yield clock() - started


def processor_within(seconds, limit):
    """For processor time: how slow a core is, also because others use its caches."""
    return seconds < limit * SANITIZED or seconds < limit * SANITIZED * max(1, min(_times(time.thread_time)) / USUAL)


def clock_within(seconds, limit):
    """For time on the clock: how slow a core is and how long one waits for it."""
    return seconds < limit * SANITIZED or seconds < limit * SANITIZED * max(1, max(_times(time.monotonic)) / USUAL)
