"""A server under everything at once for a while: tasks waited for and not, cancellations, clients that leave, models
that are loaded and unloaded, lists, metrics. Its resident memory stays where it was after the warm-up, and it ends
well.
   python3 tests/fault/soak.py [--seconds 300] [--no-memory: a sanitizer's build keeps what was freed]"""

import argparse
import os
import random
import socket
import sys
import tempfile
import threading
import time

from faults import GONE, SOURCE, Client, Server, compute, expect

GROWTH = 0.01
WARM_SHARE = 0.3  # of the time, before memory is looked at
SAMPLE_S = 1
READS = ("/health", "/devices", "/devices/cpu_0", "/devices/cpu_0/metrics?limit=100", "/tasks", "/openapi.json",
         "/metrics", "/metrics/summary", "/models", "/")
MODELS = ("digits", "mobilenet-v2")


def wait_for_tasks(client, rng, count):
    kinds = (compute(rng.choice([8, 64, 128]), 2),
             {"operation": "compute", "data": {"type": "fft", "size": 4096, "iterations": 2}},
             {"operation": "inference", "data": {"model": MODELS[0], "batch_size": 1, "iterations": 2}})
    status, task = client.ask("POST", "/tasks", rng.choice(kinds))
    expect(status in (200, 429, 503), f"{status} {task}")
    expect(status != 200 or task["status"] == "completed", task)


def leave_and_remove(client, rng, count):
    task_id = f"kept-{threading.get_ident()}-{count}"
    status, reply = client.submit(compute(rng.choice([8, 64]), 1, task_id=task_id))
    expect(status in (202, 429, 503), f"{status} {reply}")
    if status == 202:
        client.wait_for(task_id, "completed")
        status, reply = client.ask("DELETE", f"/tasks/{task_id}")
        expect(status == 200, f"{status} {reply}")


def cancel(client, rng, count):
    task_id = f"long-{threading.get_ident()}-{count}"
    status, reply = client.submit(compute(256, 100000, task_id=task_id))
    expect(status in (202, 429, 503), f"{status} {reply}")
    if status == 202:
        time.sleep(rng.uniform(0, 0.05))
        client.ask("DELETE", f"/tasks/{task_id}")
        client.wait_for(task_id, "cancelled")


def go_away(client, rng, _):
    """A task whose client closes the socket while it is carried out."""
    with socket.create_connection(("127.0.0.1", client.connection.port)) as other:
        text = b'{"operation":"compute","data":{"size":256,"iterations":100000}}'
        other.sendall(b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                      + str(len(text)).encode() + b"\r\n\r\n" + text)
        time.sleep(rng.uniform(0, 0.05))


def read(client, rng, _):
    path = rng.choice(READS)
    status, reply = client.ask("GET", path)
    expect(status in (200, 404), f"{path}: {status} {reply}")  # 404: a route that this version does not have


def load_and_unload(client, rng, _):
    """Through its routes; where they are missing, by tasks that need them."""
    name = rng.choice(MODELS)
    status, _reply = client.ask("POST", f"/models/{name}/load", {})
    if status == 404:
        client.ask("POST", "/tasks", {"operation": "inference", "data": {"model": name, "iterations": 1}})
    else:
        client.ask("POST", f"/models/{name}/unload")
    time.sleep(0.05)


class Worker(threading.Thread):
    def __init__(self, port, action, seed):
        super().__init__()
        self.port, self.action, self.seed = port, action, seed
        self.count, self.wrong, self.stopping = 0, None, False

    def run(self):
        client, rng = Client(self.port), random.Random(self.seed)
        while not self.stopping and self.wrong is None:
            self.count += 1
            try:
                self.action(client, rng, self.count)
            except (AssertionError, *GONE) as error:
                self.wrong = error


def watch(server, workers, seconds):
    """Resident bytes, once a second; ends early when something is wrong."""
    samples, end = [], time.monotonic() + seconds
    while time.monotonic() < end and server.process.poll() is None and not any(worker.wrong for worker in workers):
        time.sleep(SAMPLE_S)
        samples.append(server.resident_bytes())
    return samples


def growth(samples):
    """What memory grew by after the warm-up, as a share: the least of the last third beside the least of the first,
    since work in flight comes and goes."""
    steady = samples[int(len(samples) * WARM_SHARE):]
    third = max(len(steady) // 3, 1)
    return min(steady[-third:]) / min(steady[:third]) - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--no-memory", action="store_true")
    options = parser.parse_args()
    actions = (wait_for_tasks, wait_for_tasks, leave_and_remove, cancel, go_away, read, load_and_unload)
    with tempfile.TemporaryDirectory(prefix="openruntime-soak-") as folder:
        arguments = ("--data", folder, "--models", os.path.join(SOURCE, "data"))
        with Server(*arguments) as server:
            workers = [Worker(server.port, action, seed) for seed, action in enumerate(actions)]
            for worker in workers:
                worker.start()
            samples = watch(server, workers, options.seconds)
            for worker in workers:
                worker.stopping = True
            for worker in workers:
                worker.join()
            code, said = server.stop()
    for worker in workers:
        print(f"{worker.action.__name__}: {worker.count}")
    grown = growth(samples)
    print(f"resident {samples[0] >> 20} MiB at first, {max(samples) >> 20} MiB at most, "
          f"{samples[-1] >> 20} MiB at the end; {100 * grown:+.2f} % after the warm-up")
    wrong = [f"{worker.action.__name__}: {worker.wrong}" for worker in workers if worker.wrong is not None]
    if code != 0:
        wrong.append(f"the server ended with {code}: {said[-4000:]}")
    if grown > GROWTH and not options.no_memory:
        wrong.append(f"memory grew by {100 * grown:.2f} %")
    print("\n".join(wrong) if wrong else "nothing wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
