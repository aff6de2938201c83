"""The server killed at random instants under load, on a disk that forgets what was not synced (fault_server.c): no task
that was answered with 202 is lost, none that must not run twice does, none begins more than three times.
   FAULT_ROUNDS  how many kills (10)      FAULT_SEED  where the random numbers begin"""

import collections
import os
import random
import tempfile
import threading
import time

from faults import FAULT_SERVER, GONE, Client, Server, compute, expect, main, number

CLIENTS = 3
MAX_ATTEMPTS = 3
QUICK = os.environ.get("OPENRUNTIME_QUICK") == "1"
ROUNDS = number("FAULT_ROUNDS", 3 if QUICK else 10)
SEED = number("FAULT_SEED", 1)
FINAL = ("completed", "failed", "cancelled", "timeout")


def sample(rng, name):
    """Mostly work of a millisecond; some that a kill is likely to meet, some with operands of a few pages."""
    kind = rng.random()
    fields = {"task_id": name, "on_restart": rng.choice(["rerun", "fail"]), "priority": rng.randint(1, 10)}
    if kind < 0.03:
        return compute(256, 100, **fields)
    if kind < 0.3:
        matrix = {"shape": [32, 32], "dtype": "float32", "data": [rng.random() for _ in range(1024)]}
        return {"operation": "compute", "data": {"a": matrix, "b": matrix, "iterations": 1}, **fields}
    return compute(rng.choice([8, 64]), 1, **fields)


class Load:
    """Clients that submit until the server is gone. Each has random numbers and a list of its own."""

    def __init__(self, port, rng, name, sent):
        self.port, self.sent = port, sent
        self.accepted = [[] for _ in range(CLIENTS)]
        self.threads = [threading.Thread(target=self.run, args=(random.Random(rng.random()), f"{name}-{number}",
                                                                self.accepted[number]))
                        for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, rng, name, accepted):
        client = Client(self.port)
        for count in range(100000):
            body = sample(rng, f"{name}-{count}")
            self.sent[body["task_id"]] = body
            try:
                status, reply = client.submit(body)
            except GONE:
                return
            if status == 202:
                accepted.append(body["task_id"])
            else:
                expect(status in (429, 503), f"{status} {reply}")  # the queue is full: it is to be tried later

    def join(self):
        for thread in self.threads:
            thread.join()
        return [task_id for accepted in self.accepted for task_id in accepted]


def look_up(client, accepted):
    """Which of these the server does not know."""
    answers = [(task_id, *client.ask("GET", f"/tasks/{task_id}")) for task_id in accepted]
    return [answer for answer in answers if answer[1] != 200]


def resend(client, rng, sent, accepted):
    """Clients that heard nothing ask again: the same task, whether it had been accepted or not."""
    unheard = sorted(set(sent) - set(accepted))
    for task_id in rng.sample(unheard, min(5, len(unheard))):
        status, reply = client.submit(sent[task_id])
        expect(status in (200, 202, 429, 503), f"{task_id} again: {status} {reply}")
        if status in (200, 202):
            accepted.append(task_id)


def kill_again_and_again(folder, rounds, rng, **environment):
    """What was wrong, in words; empty where all was well."""
    witness = os.path.join(folder, "witness")
    data = os.path.join(folder, "data")
    sent, accepted, kills_early = {}, [], 0

    def start(wait=True):
        return Server("--data", data, program=FAULT_SERVER, wait=wait,
                      env={"FAULT_WITNESS": witness, "FAULT_SEED": str(rng.getrandbits(32)),
                           "FAULT_THROUGH": rng.choice(["0", "50"]), **environment})

    for number_of_round in range(rounds):
        if rng.random() < 0.15:  # in the middle of its start, or of taking up what it finds
            server = start(wait=False)
            time.sleep(rng.uniform(0, 0.1))
            server.kill()
            kills_early += 1
            continue
        with start() as server:
            client = Client(server.port)
            lost = look_up(client, rng.sample(accepted, min(50, len(accepted))))
            if lost:
                return f"after {number_of_round} kills: lost {lost}"
            resend(client, rng, sent, accepted)
            load = Load(server.port, rng, f"r{number_of_round}", sent)
            time.sleep(rng.uniform(0.01, 0.25))
            server.kill()
            accepted += load.join()
    with start() as server:
        client = Client(server.port)
        lost = look_up(client, accepted)
        if lost:
            return f"lost {len(lost)} of {len(accepted)}: {lost[:10]}"
        ends = collections.Counter(client.wait_for(task_id, *FINAL)["status"] for task_id in accepted)
        expect(server.stop()[0] == 0, "it does not end well")
    with open(witness, encoding="ascii") as file:
        executions = collections.Counter(file.read().split())
    twice = [one for one, count in executions.items() if count > 1 and sent[one]["on_restart"] == "fail"]
    often = [one for one, count in executions.items() if count > MAX_ATTEMPTS]
    again = sum(1 for count in executions.values() if count > 1)
    print(f"{rounds} kills ({kills_early} at the start), {len(accepted)} tasks accepted, {dict(ends)}, "
          f"{sum(executions.values())} executions, {again} tasks begun again")
    if twice or often:
        return f"begun twice though it must not: {twice[:10]}; begun too often: {often[:10]}"
    return ""


def nothing_that_was_accepted_is_lost_or_done_twice():
    with tempfile.TemporaryDirectory(prefix="openruntime-fault-") as folder:
        wrong = kill_again_and_again(folder, ROUNDS, random.Random(SEED))
        expect(not wrong, wrong)


def without_waiting_for_the_disk_tasks_are_lost():
    """So that the test above is known to see a loss."""
    wrong = ""
    with tempfile.TemporaryDirectory(prefix="openruntime-fault-") as folder:
        try:
            wrong = kill_again_and_again(folder, 3, random.Random(SEED + 1), FAULT_SYNCHRONOUS="off")
        except AssertionError as error:  # no server any more on what the disk kept
            wrong = str(error)
    expect(wrong, "a server that does not wait for the disk lost nothing: this test sees nothing")
    print(f"as it must be: {wrong[:100]}")


if __name__ == "__main__":
    main([nothing_that_was_accepted_is_lost_or_done_twice, without_waiting_for_the_disk_tasks_are_lost])
