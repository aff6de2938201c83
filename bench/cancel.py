"""How long after a cancellation the device is free: during one product of 4096 x 4096 float32, one transform of 2^22
points, one run of ResNet-50 on 32 pictures; by DELETE, by the deadline, by a client that closes its socket.
   python3 bench/cancel.py [--program build/release/openruntime] [--rounds 15] [--only product]
The target is a median of 50 ms. Each instant is drawn anew from the time that the whole task takes undisturbed; tasks
that were done before are not counted. For the deadline the work is repeated, since deadlines are whole seconds."""

import argparse
import http.client
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import time

TARGET_MS = 50
CASES = {
    "product": {"operation": "compute", "data": {"type": "matrix_multiply", "size": 4096, "dtype": "float32"}},
    "fft": {"operation": "compute", "data": {"type": "fft", "size": 1 << 22}},
    "resnet50": {"operation": "inference", "data": {"model": "resnet50", "batch_size": 32}},
}
FINAL = ("completed", "failed", "cancelled", "timeout")


def ask(connection, method, path, body=None, headers=None):
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
    reply = connection.getresponse()
    return reply.status, json.loads(reply.read())


def when(connection, task_id, states):
    """The task, as soon as it is in one of the states; asks without a pause."""
    while True:
        task = ask(connection, "GET", f"/tasks/{task_id}")[1]
        if task["status"] in states:
            return task


def body_of(case, task_id, iterations=1, **fields):
    request = CASES[case]
    return {**request, "data": {**request["data"], "iterations": iterations}, "task_id": task_id, **fields}


def undisturbed_s(connection, case):
    """The shortest of three: the first one compiles, or loads."""
    times = []
    for count in range(3):
        status, task = ask(connection, "POST", "/tasks", body_of(case, f"{case}-whole-{count}"))
        if status != 200 or task["status"] != "completed":
            sys.exit(f"{case}: {status} {task}")
        times.append(task["execution_time"])
    return min(times)


def by_delete(connection, task_id, case, delay_s, _):
    ask(connection, "POST", "/tasks", body_of(case, task_id), {"Prefer": "respond-async"})
    when(connection, task_id, ("running",) + FINAL)
    time.sleep(delay_s)
    begun = time.perf_counter()
    ask(connection, "DELETE", f"/tasks/{task_id}")
    status, task = ask(connection, "GET", f"/tasks/{task_id}")
    if status == 404 or task["status"] == "completed":
        return None
    task = when(connection, task_id, FINAL)
    return time.perf_counter() - begun if task["status"] == "cancelled" else None


def by_closing(connection, task_id, case, delay_s, port):
    with socket.create_connection(("127.0.0.1", port)) as other:
        text = json.dumps(body_of(case, task_id)).encode()
        head = ("POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(text)}\r\n\r\n")
        other.sendall(head.encode() + text)
        while ask(connection, "GET", f"/tasks/{task_id}")[0] == 404:
            pass
        when(connection, task_id, ("running",) + FINAL)
        time.sleep(delay_s)
        begun = time.perf_counter()
    task = when(connection, task_id, FINAL)
    return time.perf_counter() - begun if task["status"] == "cancelled" else None


def by_deadline(connection, task_id, case, _, __):
    """From the deadline to the end, by the server's own clock."""
    from datetime import datetime

    task = ask(connection, "POST", "/tasks", body_of(case, task_id, iterations=1000, timeout=1))[1]
    if task["status"] != "timeout":
        return None
    created, finished = (datetime.fromisoformat(task[name]) for name in ("created_at", "finished_at"))
    return (finished - created).total_seconds() - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=os.path.join("build", "release", "openruntime"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=list(CASES))
    parser.add_argument("--way", choices=["delete", "close", "deadline"])
    options = parser.parse_args()
    server = subprocess.Popen([options.program, "server", "--port", "0", "--data", ":memory:"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    missed = 0
    try:
        port = int(re.search(r":(\d+);", server.stdout.readline()).group(1))
        connection = http.client.HTTPConnection("127.0.0.1", port)
        rng = random.Random(1)
        print("| work | whole task, ms | ended by | median ms | largest ms | times |")
        print("| --- | --- | --- | --- | --- | --- |")
        for case in [options.only] if options.only else CASES:
            whole_s = undisturbed_s(connection, case)
            for way, function in (("delete", by_delete), ("close", by_closing), ("deadline", by_deadline)):
                if options.way not in (None, way):
                    continue
                times = [function(connection, f"{case}-{way}-{number}", case, rng.uniform(0, whole_s), port)
                         for number in range(options.rounds)]
                times = [1000 * one for one in times if one is not None]
                median = statistics.median(times) if times else float("nan")
                missed += not median <= TARGET_MS
                largest = max(times, default=float("nan"))
                print(f"| {case} | {1000 * whole_s:.0f} | {way} | {median:.1f} | {largest:.1f} | "
                      f"{len(times)} |", flush=True)
    finally:
        server.terminate()
        server.wait()
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
