#!/usr/bin/env python3
"""kill9.py [ROUNDS] -- SIGKILL at random moments: no acknowledged write is lost, none is half applied, the file stays sound.

One file lives through all rounds, so recovery follows recovery. The seed is printed; URSA_TEST_SEED repeats it."""
import os
import random
import subprocess
import sys
import tempfile
import time

import store_file

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
SEED = int(os.environ.get("URSA_TEST_SEED", random.SystemRandom().randrange(1 << 32)))


def kill_once(path, log, delay):
    """Starts the driver, kills it after 'delay' seconds; what it acknowledged by then."""
    with open(log, "wb") as output:
        driver = subprocess.Popen([store_file.DRIVER, path, "1000000", "16"], stdout=output)
        time.sleep(delay)  # the moment of death, not a wait for something
        driver.kill()
        driver.wait()
    with open(log, encoding="ascii") as output:
        return store_file.answers(output.read())


def main():
    store_file.build()
    tally, moments, total = store_file.Tally(), random.Random(SEED), 0
    with tempfile.TemporaryDirectory(prefix="ursa-kill9-") as folder:
        path, log = os.path.join(folder, "store.db"), os.path.join(folder, "answers")
        for number in range(ROUNDS):
            delay = moments.uniform(0.005, 0.3)
            acked, failed = kill_once(path, log, delay)
            total += len(acked)

            def judge(acked=acked, failed=failed):
                assert not failed, f"refused: {failed[:3]}"
                store_file.check(path, acked)

            tally.case(f"round {number}, killed after {delay * 1000:.0f} ms, {len(acked)} acknowledged", judge)
    assert total > ROUNDS, "the driver hardly got to write: this run shows nothing"
    print(f"kill9: seed {SEED}, {ROUNDS} kills, {total} acknowledged transactions")
    tally.end()


main()
