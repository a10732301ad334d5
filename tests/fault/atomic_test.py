"""POST /apply of many documents: all or nothing, for readers at any time and after SIGKILL at any moment (reliability.md, D6)."""
import http.client
import os
import random
import threading
import time

import ursa

from history_test import plain_mesh, put, timeout

SEED = int(os.environ.get("URSA_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
N_PARTS, ROUNDS = 100, 12


def values(daemon):
    """What the parts hold, each value once."""
    return {item["conf"]["connectTimeout"] for item in daemon.get("/meshes/atomic/timeouts?size=0").json["items"]}


def test_killed_at_any_moment_it_is_all_or_nothing():
    moments = random.Random(SEED)
    with ursa.running("sqlite") as daemon:
        put(daemon, plain_mesh("atomic"))
        acked = sent = 0
        for _ in range(ROUNDS):
            torn, state = [], {"sent": sent, "acked": acked}

            def write(state=state):
                """Every part at once, again and again, until the connection is cut."""
                try:
                    while True:
                        state["sent"] += 1
                        answer = daemon.post("/apply", [timeout("atomic", f"part-{i}", state["sent"]) for i in range(N_PARTS)])
                        assert answer.status == 200, answer
                        state["acked"] = state["sent"]
                except (OSError, http.client.HTTPException):
                    pass

            def read(torn=torn):
                try:
                    while True:
                        seen = values(daemon)
                        if len(seen) > 1:
                            torn.append(seen)
                except (OSError, http.client.HTTPException, ValueError):
                    pass

            clients = [threading.Thread(target=write), threading.Thread(target=read), threading.Thread(target=read)]
            for client in clients:
                client.start()
            time.sleep(moments.uniform(0.005, 0.15))  # the moment of death, not a wait for something
            daemon.process.kill()
            daemon.process.wait()
            for client in clients:
                client.join()
            daemon.start()
            acked, sent = state["acked"], state["sent"]
            seen = sorted(int(value[:-1]) for value in values(daemon))
            assert not torn, f"seed {SEED}: readers saw {torn[0]}"
            assert len(seen) <= 1 and acked <= (seen or [0])[0] <= sent, f"seed {SEED}: {seen}, acknowledged {acked}, sent {sent}"
        assert acked > ROUNDS, "hardly anything was written: this run shows nothing"
