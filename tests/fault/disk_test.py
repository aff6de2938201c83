"""A disk that is full: submits that are to be recorded get 507, reads and work that is waited for go on, what ends
meanwhile is kept and recorded when there is room again; then submits work as before. fault_server's disk is full while
a file is there (FAULT_FULL)."""

import json
import os
import re
import struct
import tempfile

from faults import FAULT_SERVER, PARTS, Client, Server, compute, expect, main, parts, until

SIDE = 192  # of a matrix of 144 KiB, which lies in a file of its own
ONES = struct.pack(f"<{SIDE * SIDE}f", *[1.0] * (SIDE * SIDE))


def of_parts(client, task_id):
    """A product of large matrices, recorded with them."""
    operand = {"shape": [SIDE, SIDE], "dtype": "float32"}
    request = {"operation": "compute", "task_id": task_id,
               "data": {"a": {**operand, "part": "a"}, "b": {**operand, "part": "b"}, "iterations": 1}}
    return client.ask("POST", "/tasks", parts(request=json.dumps(request).encode(), a=ONES, b=ONES),
                      {"Content-Type": PARTS, "Prefer": "respond-async"})


def is_full(client):
    return re.search(r"^openruntime_store_disk_full (\S+)$", client.ask("GET", "/metrics")[1], re.M).group(1) == "1"


def expect_refused(answer, words):
    status, document = answer
    expect(status == 507 and document["error_code"] == "resource_exhausted" and document["detail"],
           f"{words}: {status} {document}")


def use_a_full_disk(server, full):
    client = Client(server.port)
    expect(client.submit(compute(task_id="before"))[0] == 202, "not accepted")
    expect(of_parts(client, "parts-before")[0] == 202, "not accepted")
    client.wait_for("before", "completed")
    client.wait_for("parts-before", "completed")
    expect(client.submit(compute(256, 20000, task_id="under-way", timeout=3600))[0] == 202, "not accepted")
    client.wait_for("under-way", "running")
    with open(full, "wb"):
        pass
    # Reads of what is on disk, and of what is not.
    for path in ("/tasks/before", "/tasks?limit=10", "/tasks/parts-before/result", "/health/ready", "/metrics"):
        status, reply = client.ask("GET", path)
        expect(status == 200, f"{path}: {status} {str(reply)[:300]}")
    for count in range(3):
        expect_refused(client.submit(compute(task_id=f"refused-{count}")), "a task")
        expect_refused(of_parts(client, f"refused-parts-{count}"), "a task with files")
        status, task = client.ask("POST", "/tasks", compute(task_id=f"waited-{count}"))
        expect(status == 200 and task["status"] == "completed", f"{status} {task}")
        expect(client.ask("GET", f"/tasks/refused-{count}")[0] in (200, 404), "a refused task")
    expect(is_full(client), "no word of the full disk in the metrics")
    client.ask("DELETE", "/tasks/under-way")
    expect(client.wait_for("under-way", "completed", "cancelled"), "what was running did not end")
    os.unlink(full)
    until("no task is accepted though there is room", lambda: client.submit(compute(task_id="after"))[0] == 202)
    client.wait_for("after", "completed")
    expect(of_parts(client, "parts-after")[0] == 202, "not accepted")
    client.wait_for("parts-after", "completed")
    until("the disk still counts as full", lambda: not is_full(client))
    code, said = server.stop()
    expect(code == 0, f"it ends with {code}: {said}")


def a_full_disk_refuses_what_is_to_be_recorded_and_nothing_else():
    with tempfile.TemporaryDirectory(prefix="openruntime-fault-") as folder:
        full = os.path.join(folder, "full")
        arguments = ("--data", os.path.join(folder, "data"))
        with Server(*arguments, program=FAULT_SERVER, env={"FAULT_FULL": full, "FAULT_THROUGH": "100"}) as server:
            use_a_full_disk(server, full)
        with Server(*arguments) as server:
            client = Client(server.port)
            for name in ("before", "parts-before", "waited-0", "waited-2", "after", "parts-after"):
                status, task = client.ask("GET", f"/tasks/{name}")
                expect(status == 200 and task["status"] == "completed", f"{name} after a restart: {status} {task}")
            status, task = client.ask("GET", "/tasks/under-way")
            expect(status == 200 and task["status"] in ("cancelled", "completed"), f"{status} {task}")
            for name in ("parts-before", "parts-after"):
                status, result = client.ask("GET", f"/tasks/{name}/result")
                expect(status == 200 and result["outputs"]["result"]["data"] == [SIDE] * SIDE ** 2, f"{name}: {status}")
            code, said = server.stop()
            expect(code == 0, f"it ends with {code}: {said}")


if __name__ == "__main__":
    main([a_full_disk_refuses_what_is_to_be_recorded_and_nothing_else])
