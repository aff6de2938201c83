"""Memory that runs out: the n-th allocation of the server fails while one request is at work, for every n of small
requests and a stride of large ones: ours, SQLite's. It costs that request at most: a declared error, or the
end of its connection; the next one is answered, nothing stays active, no descriptor and no block is lost.
   FAULT_ALLOCATIONS  how many of a route are made to fail at most (40)      FAULT_ROUTES  only those with this word
   FAULT_TRACE=1      the server prints where each was asked for"""

import base64
import contextlib
import json
import mmap
import os
import socket
import struct
import tempfile
import time

from faults import FAULT_SERVER, GONE, PARTS, QUICK, SOURCE, Client, Server, compute, expect, main, number, parts

MOST = number("FAULT_ALLOCATIONS", 15 if QUICK else 40)
LONG = MOST >= 1000
SETTLE_S = 0.015  # the store gathers rows that nobody waits for as long as 10 ms
REFUSALS = (503, 507)
MATRIX = {"shape": [2, 2], "dtype": "float32", "data": [1, 2, 3, 4]}
TASK = {"operation": "compute", "data": {"a": MATRIX, "b": MATRIX, "iterations": 1}}
PRODUCT = [7, 10, 15, 22]


class Memory:
    """The words that fault_server maps (memory.h)."""

    def __init__(self, path):
        with open(path, "wb") as file:
            file.write(bytes(4 * 8))
        with open(path, "r+b") as file:
            self.words = mmap.mmap(file.fileno(), 4 * 8)

    def read(self, index):
        return struct.unpack_from("=Q", self.words, 8 * index)[0]

    def arm(self, fail_at):
        for index, word in ((0, 0), (1, 0), (2, 0), (0, fail_at)):
            struct.pack_into("=Q", self.words, 8 * index, word)

    def failed(self):
        return self.read(2) == 1

    def settle(self):
        """Waits until nothing has been asked for in a while, or the one to fail was."""
        seen, since = self.read(1), time.monotonic()
        while not self.failed() and time.monotonic() - since < SETTLE_S:
            time.sleep(0.001)
            if self.read(1) != seen:
                seen, since = self.read(1), time.monotonic()


class Rig:
    """A server, its memory, and who asks it as admin."""

    def __init__(self, server, memory):
        self.server, self.memory, self.key, self.count = server, memory, None, 0
        self.profile_id = None
        status, key = self.ask("POST", "/keys", {"label": "fault", "scopes": ["admin"]})
        expect(status == 200, f"{status} {key}")
        self.key = key["secret"]

    def headers(self):
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def ask(self, method, path, body=None, **headers):
        """On a connection of its own. (0, None): that ended without an answer."""
        client = Client(self.server.port)
        try:
            return client.ask(method, path, body, {**self.headers(),
                                                   **{name.replace("_", "-"): text for name, text in headers.items()}})
        except GONE:
            return 0, None
        finally:
            client.close()

    def name(self, word):
        self.count += 1
        return f"{word}-{self.count}"

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))


# ---- requests: each returns what it was answered, as (status, document) ----

def waiting_task(rig):
    return rig.ask("POST", "/tasks", {**TASK, "task_id": rig.name("waits")})


def is_product(status, task):
    return status == 200 and task["status"] == "completed" and task["result"]["outputs"]["result"]["data"] == PRODUCT


def recorded_task(rig):
    return rig.ask("POST", "/tasks", {**TASK, "task_id": rig.name("recorded")}, Prefer="respond-async")


def is_recorded(status, task):
    return status == 202 and task["task_id"].startswith("recorded-")


def task_of_parts(rig):
    operand = {"shape": [2, 2], "dtype": "float32"}
    request = {"operation": "compute", "task_id": rig.name("parts"),
               "data": {"a": {**operand, "part": "a"}, "b": {**operand, "part": "b"}, "iterations": 1}}
    data = struct.pack("<4f", 1, 2, 3, 4)
    return rig.ask("POST", "/tasks", parts(request=json.dumps(request).encode(), a=data, b=data), Content_Type=PARTS)


def inference(rig):
    return rig.ask("POST", "/tasks", {"operation": "inference", "data": {"model": "digits", "iterations": 1}})


def load_model(rig):
    armed = rig.memory.read(0)
    rig.memory.arm(0)
    rig.ask("POST", "/models/digits/unload")  # as the last one may have left it
    rig.memory.arm(armed)
    return rig.ask("POST", "/models/digits/load", {})


def unload_model(rig):
    return rig.ask("POST", "/models/digits/unload")


def change_device(rig):
    return rig.ask("PATCH", "/devices/cpu_0", {"is_available": True, "max_concurrency": 4})


def make_key(rig):
    return rig.ask("POST", "/keys", {"label": rig.name("key"), "scopes": ["read"]})


def profile(rig):
    """Begun for a second; another one is refused until then, and waited for where there is time."""
    armed = rig.memory.read(0)
    rig.memory.arm(0)
    while LONG and rig.profile_id and rig.ask("GET", f"/profile/{rig.profile_id}")[0] == 409:
        time.sleep(0.05)
    rig.memory.arm(armed)
    status, document = rig.ask("POST", "/profile/start?duration=1")
    if status == 200:
        rig.profile_id = document["profile_id"]
    return status, document


def live(rig):
    """/ws, as far as a description of the devices and one of what they do: (101, how many came)."""
    head = (f"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Authorization: Bearer {rig.key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n\r\n")
    wish = b'{"interval": 0.1}'
    frame = bytes((0x81, 0x80 | len(wish))) + bytes(4) + wish
    try:
        with socket.create_connection(("127.0.0.1", rig.server.port), timeout=30) as client:
            client.sendall(head.encode() + frame)
            with client.makefile("rb") as replies:
                status = int(replies.readline().split()[1])
                length = 0
                while (line := replies.readline()) not in (b"\r\n", b""):
                    length = int(line[15:]) if line.startswith(b"Content-Length:") else length
                if status != 101:
                    return status, json.loads(replies.read(length))
                return 101, read_states(replies)
    except (OSError, IndexError, ValueError, struct.error):  # it ended in the middle
        return 0, None


def read_states(replies):
    """Messages of a WebSocket until one with metrics, or a close."""
    seen = []
    while "metrics_update" not in seen:
        opcode, length = replies.read(2)
        if length == 126:
            length = struct.unpack(">H", replies.read(2))[0]
        content = replies.read(length)
        if opcode == 0x88:
            expect(struct.unpack(">H", content[:2])[0] in (1011, 1013), content)
            return ["closed"]
        seen.append(json.loads(content)["type"])
    return seen


def is_live(status, seen):
    return status == 101 and seen == ["device_status", "metrics_update"]


def is_ok(status, _document):
    return status == 200


def read(path, field):
    """A GET whose answer has that field, or that word in its text."""
    return (f"GET {path}", lambda rig: rig.ask("GET", path),
            lambda status, document: status == 200 and field in document)


ROUTES = (
    ("POST /tasks, waiting", waiting_task, is_product),
    ("POST /tasks, 202", recorded_task, is_recorded),
    ("POST /tasks, parts", task_of_parts, is_product),
    ("POST /tasks, inference", inference, lambda status, task: status == 200 and task["status"] == "completed"),
    ("POST /models/{name}/load", load_model, lambda status, model: status == 200 and model["state"] == "ready"),
    ("POST /models/{name}/unload", unload_model, is_ok),
    ("PATCH /devices/{id}", change_device, lambda status, device: status == 200 and device["id"] == "cpu_0"),
    ("POST /keys", make_key, lambda status, key: status == 200 and key["secret"]),
    ("GET /profile/{id}", lambda rig: rig.ask("GET", f"/profile/{rig.profile_id}"),
     lambda status, document: status == 200 and "traceEvents" in document),
    ("POST /profile/start", profile, lambda status, _: status in (200, 409)),
    ("GET /ws", live, is_live),
    read("/", "devices"), read("/devices", "devices"), read("/devices/cpu_0/metrics", "metrics"),
    read("/tasks", "active_tasks"), read("/tasks/known", "result"), read("/tasks/known/result", "outputs"),
    read("/models", "models"), read("/models/digits", "state"), read("/keys", "keys"), read("/log", "modules"),
    read("/metrics", "openruntime_tasks"), read("/metrics/summary", "summary"), read("/openapi.json", "paths"),
    read("/health", "status"),
)


def is_declared(status, document):
    """An answer that a request may get for which there was no memory."""
    if status == 0:
        return True
    if status == 101:  # a WebSocket may be closed with the reason, or lack a message until the next one
        return document == ["closed"] or document[-1:] == ["metrics_update"]
    if status == 200 and isinstance(document, dict) and "task_id" in document:  # accepted, so its end is told
        return document["status"] == "failed" and document["error_code"] == "resource_exhausted"
    return status in REFUSALS and isinstance(document.get("detail"), str) and document["error_code"]


def strides(count):
    """Which of so many are made to fail: the first and the last ones each, between them every so many-th."""
    if count <= MOST:
        return list(range(1, count + 1))
    edge = MOST // 4
    step = max((count - 2 * edge) // (MOST - 2 * edge), 1)
    return [*range(1, edge + 1), *range(edge + 1, count - edge + 1, step), *range(count - edge + 1, count + 1)]


def count_allocations(rig, ask):
    rig.memory.arm(0)
    answer = ask(rig)
    rig.memory.settle()
    return rig.memory.read(1), answer


def check_after(rig, words, is_good, ask):
    """The server as it was, and the same request without a failure."""
    rig.memory.arm(0)
    status, document = ask(rig)
    expect(is_good(status, document), f"{words}, the next one: {status} {document}")
    status, document = rig.ask("GET", "/health/ready")
    expect(status == 200, f"{words}: not ready: {status} {document}")


def fail_each(rig, name, ask, is_good):
    count_allocations(rig, ask)  # what is made once is made
    count, (status, document) = count_allocations(rig, ask)
    expect(is_good(status, document), f"{name}: {status} {document}")
    tried = refused = 0
    wrong = []
    for n in strides(count):
        words = f"{name}, allocation {n} of {count}"
        try:
            rig.memory.arm(n)
            status, document = ask(rig)
            rig.memory.settle()
            good = is_good(status, document)
            expect(good or rig.memory.failed(), f"{words}: refused without a failure: {status} {document}")
            expect(good or is_declared(status, document), f"{words}: {status} {document}")
            tried += rig.memory.failed()
            refused += not good
            check_after(rig, words, is_good, ask)
        except AssertionError as error:
            wrong.append(str(error))
    print(f"     {name}: {count} allocations, {tried} made to fail, {refused} refused")
    expect(tried > 0, f"{name}: nothing was made to fail")
    return wrong


def wait_until_idle(rig):
    while rig.ask("GET", "/tasks")[1]["active_tasks"]:
        time.sleep(0.01)


def a_profile(rig):
    status, document = rig.ask("POST", "/profile/start?duration=1")
    expect(status == 200, f"{status} {document}")
    while rig.ask("GET", f"/profile/{document['profile_id']}")[0] == 409:
        time.sleep(0.05)
    return document["profile_id"]


@contextlib.contextmanager
def rigged():
    with tempfile.TemporaryDirectory(prefix="openruntime-fault-") as folder:
        path = os.path.join(folder, "memory")
        memory = Memory(path)
        with Server("--data", os.path.join(folder, "data"), "--models", os.path.join(SOURCE, "data"),
                    program=FAULT_SERVER, env={"FAULT_MEMORY": path}) as server:
            yield Rig(server, memory)
            memory.arm(0)
            code, said = server.stop()
            if os.environ.get("FAULT_TRACE"):
                print(said)
            expect(code == 0, f"it ends with {code}: {said[-4000:]}")


def an_allocation_that_fails_costs_one_request():
    with rigged() as rig:
        status, document = rig.ask("POST", "/tasks", {**TASK, "task_id": "known"})
        expect(is_product(status, document), f"{status} {document}")
        rig.profile_id = a_profile(rig)
        descriptors, wrong = rig.descriptors(), []
        for name, ask, is_good in ROUTES:
            if os.environ.get("FAULT_ROUTES", "") not in name:
                continue
            wrong += fail_each(rig, name, ask, is_good)
        wait_until_idle(rig)
        while rig.descriptors() > descriptors + 1:  # the connection that asks; those that were left close by and by
            time.sleep(0.01)
        expect(not wrong, "\n".join(wrong))


if __name__ == "__main__":
    main([an_allocation_that_fails_costs_one_request])
