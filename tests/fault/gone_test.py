"""Clients that vanish: in the middle of a head, a body, a task that they wait for, a reply, a WebSocket; by a reset, by
half a close, by a close. The device is free again, connections and descriptors are given back, memory stays.
   FAULT_ROUNDS  how often each way is gone (10)"""

import json
import os
import re
import socket
import struct
import tempfile

from faults import HANDSHAKE, QUICK, Client, Server, compute, expect, fill, main, number, until

ROUNDS = number("FAULT_ROUNDS", 2 if QUICK else 10)
WARM_UP_ROUNDS = 20
GROWTH_BYTES = 4 << 20  # of resident memory, that an allocator may keep without a leak
FOREVER = compute(256, 1000000, timeout=3600)
LARGE = {"operation": "compute", "task_id": "large",
         "data": {"a": {"shape": [512, 512], "dtype": "float32", "data": [1.25] * (512 * 512)},
                  "b": {"shape": [512, 512], "dtype": "float32", "data": [0.5] * (512 * 512)}, "iterations": 1}}


def request(body, path="/tasks", method="POST"):
    text = json.dumps(body).encode()
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text


LARGE_BEGUN = request(LARGE)[:300000]


class Watch:
    """What a server holds, as its metrics and the system tell."""

    def __init__(self, server):
        self.server, self.client = server, Client(server.port)

    def metric(self, name):
        status, text = self.client.ask("GET", "/metrics")
        expect(status == 200, text)
        return sum(float(value) for value in re.findall(rf"^openruntime_{name}(?:{{.*}})? (\S+)$", text, re.M))

    def connections(self):
        return int(self.metric("http_connections"))

    def active(self):
        return len(self.client.ask("GET", "/tasks")[1]["active_tasks"])

    def running(self):
        return self.metric("tasks_running")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def until_idle(self, descriptors):
        until("tasks are active", lambda: self.active() == 0 or self.active())
        until("tasks hold the device", lambda: self.running() == 0 or self.running())
        until("connections are open", lambda: self.connections() == 1 or self.connections())
        until("descriptors are open", lambda: self.descriptors() <= descriptors or self.descriptors())


# ---- ways to end a socket ----

def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def close(client):
    client.close()


def half_close(client):
    """The client says that it is done, and waits for nothing but the end."""
    client.shutdown(socket.SHUT_WR)
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        pass
    client.close()


ENDS = (reset, close, half_close)

# ---- instants to vanish at; each leaves the socket where it is to end ----


def in_the_head(client, _):
    client.sendall(request(FOREVER)[:40])


def in_the_body(client, _):
    text = request(FOREVER)
    client.sendall(text[:len(text) - 10])


def in_a_large_body(client, _):
    client.sendall(LARGE_BEGUN)


def while_a_task_runs(client, watch):
    client.sendall(request(FOREVER))
    until("the task does not run", lambda: watch.running() == 1 or watch.active())


def while_a_task_waits(client, watch):
    """Behind others of the same client, so that it never begins."""
    while_a_task_runs(client, watch)
    others = []
    for _ in range(5):
        others.append(socket.create_connection(("127.0.0.1", watch.server.port)))
        others[-1].sendall(request(FOREVER))
    until("the tasks are not accepted", lambda: watch.active() == 6 or watch.active())
    return others


def in_the_middle_of_a_reply(client, _):
    client.sendall(b"GET /tasks/large/result HTTP/1.1\r\nHost: localhost\r\n\r\n")
    expect(client.recv(1000).startswith(b"HTTP/1.1 200"), "no result")


def before_replies_to_many_requests(client, _):
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)


def in_a_websocket(client, _):
    client.sendall(HANDSHAKE)
    expect(client.recv(1000).startswith(b"HTTP/1.1 101"), "no WebSocket")


INSTANTS = (in_the_head, in_the_body, in_a_large_body, while_a_task_runs, while_a_task_waits, in_the_middle_of_a_reply,
            before_replies_to_many_requests, in_a_websocket)


def vanish(watch, instant, end):
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", watch.server.port))
        others = instant(client, watch) or []
        for one in [client, *others]:
            end(one)


def vanish_in_each_way(watch, descriptors):
    for instant in INSTANTS:
        for end in ENDS:
            vanish(watch, instant, end)
    watch.until_idle(descriptors)


def clients_that_vanish_leave_nothing_behind():
    with tempfile.TemporaryDirectory(prefix="openruntime-fault-") as folder, Server("--data", folder) as server:
        watch = Watch(server)
        fill(watch.client)
        status, task = watch.client.ask("POST", "/tasks", LARGE)
        expect(status == 200 and task["status"] == "completed", f"{status} {str(task)[:200]}")
        descriptors = watch.descriptors()
        for _ in range(1 if QUICK else WARM_UP_ROUNDS):  # as many large bodies at once as there will be
            vanish_in_each_way(watch, descriptors)
        resident = server.resident_bytes()
        for _ in range(ROUNDS):
            vanish_in_each_way(watch, descriptors)
        grown = server.resident_bytes() - resident
        print(f"     {ROUNDS * len(INSTANTS) * len(ENDS)} clients gone: resident memory {grown / 1024:+.0f} KiB")
        expect(QUICK or grown < GROWTH_BYTES, f"memory grew by {grown} bytes")
        status, task = watch.client.ask("POST", "/tasks", compute())
        expect(status == 200 and task["status"] == "completed", f"{status} {task}")
        code, said = server.stop()
        expect(code == 0, f"it ends with {code}: {said}")


def a_client_that_goes_cancels_only_what_it_waits_for():
    """A task with a second waiter, and one that is recorded, go on."""
    with Server("--data", ":memory:") as server:
        watch = Watch(server)
        for name, headers in (("kept", b"Prefer: respond-async\r\n"), ("shared", b"")):
            text = request({**FOREVER, "task_id": name})
            head, body = text.split(b"\r\n\r\n", 1)
            sockets = []
            for _ in range(2):
                client = socket.create_connection(("127.0.0.1", server.port))
                client.sendall(head + b"\r\n" + headers + b"\r\n" + body)
                sockets.append(client)
                if headers:
                    expect(client.recv(1000).startswith(b"HTTP/1.1 202"), "not accepted")
            until("it does not run", lambda: watch.running() == 1 or watch.active())
            until("both are not there", lambda: watch.connections() == 3 or watch.connections())
            for _ in range(3):  # the loop answers in order: then it has seen both
                watch.active()
            reset(sockets[0])
            until("it is still there", lambda: watch.connections() == 2 or watch.connections())
            expect(watch.active() == 1, f"{name}: who went cancelled the task of another")
            reset(sockets[1])
            if headers:
                until("it is still there", lambda: watch.connections() == 1 or watch.connections())
                expect(watch.active() == 1, f"{name}: a recorded task was cancelled")
                watch.client.ask("DELETE", f"/tasks/{name}")
            until("it is active", lambda: watch.active() == 0 or watch.active())


if __name__ == "__main__":
    main([clients_that_vanish_leave_nothing_behind, a_client_that_goes_cancels_only_what_it_waits_for])
