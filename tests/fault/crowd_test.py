"""Many who want little: thousands of idle connections, hundreds of WebSockets whose clients never read while tasks are
told, and clients that send a byte at a time. Memory stays within the bounds of docs/operations.md, the others are
answered, and who reads again gets the newest.
   FAULT_CONNECTIONS  idle ones (3000)      FAULT_READERS  that never read (500)"""

import json
import resource
import select
import socket
import struct

from faults import QUICK, Client, Server, compute, deaf, expect, fill, main, number

CONNECTIONS = number("FAULT_CONNECTIONS", 500 if QUICK else 3000)
READERS = number("FAULT_READERS", 50 if QUICK else 500)
TASKS = 100 if QUICK else 1000
SLOW = 10 if QUICK else 50
SPARE_DESCRIPTORS = 200
# docs/operations.md, "What it needs".
CONNECTION_BYTES = 12 << 10
READER_BYTES = 32 << 10
SHARED_BYTES = 16 << 20
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def may_open(count):
    """Whether this process may hold so many descriptors; if not, says so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_DESCRIPTORS
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            print(f"     skipped: {wanted} descriptors are needed, and the hard limit is {hard} (ulimit -Hn)")
            return False
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return True


def ask_everything(client, task_id=None):
    for path in ("/health", "/devices", "/tasks", "/metrics"):
        status, reply = client.ask("GET", path)
        expect(status == 200, f"{path}: {status} {reply}")
    fields = {"task_id": task_id} if task_id else {}
    status, task = client.ask("POST", "/tasks", compute(**fields))
    expect(status == 200 and task["status"] == "completed", f"{status} {task}")


def expect_bounded(server, before, bound, words):
    grown = server.resident_bytes() - before
    print(f"     {words}: {grown >> 10} KiB more, the bound is {bound >> 10} KiB")
    expect(QUICK or grown <= bound, f"{words}: resident memory grew by {grown} bytes; the bound is {bound}")


def idle_connections_cost_little_and_others_are_served():
    if not may_open(CONNECTIONS):
        return
    with Server("--data", ":memory:", "--set", "idle_timeout=3600") as server:
        client = Client(server.port)
        fill(client)
        before, idle = server.resident_bytes(), []
        for count in range(CONNECTIONS):
            one = socket.create_connection(("127.0.0.1", server.port))
            one.sendall(HEALTH)
            expect(one.recv(4096).startswith(b"HTTP/1.1 200"), f"connection {count} is not answered")
            idle.append(one)
            if count % 100 == 0:
                ask_everything(client)
        for _ in range(50):
            ask_everything(client)
        expect_bounded(server, before, CONNECTIONS * CONNECTION_BYTES + SHARED_BYTES, f"{CONNECTIONS} idle connections")
        for one in idle[::100]:  # they are as good as new
            one.sendall(HEALTH)
            expect(one.recv(4096).startswith(b"HTTP/1.1 200"), "an idle connection is not answered")
        for one in idle:
            one.close()
        ask_everything(client)
        code, said = server.stop()
        expect(code == 0, f"it ends with {code}: {said}")


def large_requests_leave_idle_connections_small():
    """What a connection needed for a long head and a long reply is given back when it is idle."""
    count = CONNECTIONS // 10
    if not may_open(count):
        return
    with Server("--data", ":memory:", "--set", "idle_timeout=3600") as server:
        client = Client(server.port)
        fill(client)
        for _ in range(100):
            client.ask("GET", "/tasks?limit=50")
        before, idle = server.resident_bytes(), []
        for _ in range(count):
            one = Client(server.port)
            status, _reply = one.ask("GET", "/tasks?limit=50", headers={"X-Filler": "x" * 8000})
            expect(status == 200, status)
            idle.append(one)
        expect_bounded(server, before, count * CONNECTION_BYTES + SHARED_BYTES // 4, f"{count} that asked for much")
        for one in idle:
            one.close()


def messages(client):
    """What a WebSocket is told, one document after another."""
    with client.makefile("rb") as replies:
        while replies.readline() not in (b"\r\n", b""):
            pass
        while head := replies.read(2):
            length = head[1]
            if length == 126:
                length = struct.unpack(">H", replies.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", replies.read(8))[0]
            content = replies.read(length)
            if head[0] == 0x81:
                yield json.loads(content)


def readers_that_never_read_cost_little_and_get_the_newest():
    if not may_open(READERS):
        return
    with Server("--data", ":memory:", "--set", "ws_ping=3600", "--set", "write_timeout=3600") as server:
        client = Client(server.port)
        fill(client)
        before = server.resident_bytes()
        readers = [deaf(server.port) for _ in range(READERS)]
        for count in range(TASKS):
            ask_everything(client, task_id=f"told-{count}")
        expect_bounded(server, before, READERS * READER_BYTES + SHARED_BYTES, f"{READERS} that never read")
        status, task = client.ask("POST", "/tasks", compute(task_id="last"))
        expect(status == 200, f"{status} {task}")
        finished = task["finished_at"]
        for reader in readers[::max(READERS // 10, 1)]:
            told, has_end, has_state = 0, False, False
            for message in messages(reader):
                told += 1
                has_end = has_end or message.get("task_id") == "last" and message["type"] == "task_completed"
                has_state = has_state or message["type"] == "metrics_update" and message["timestamp"] > finished
                if has_end and has_state:
                    break
            expect(has_end and has_state, f"after {told} messages no end of the last task, or no newer state")
        for reader in readers:
            reader.close()
        ask_everything(client)
        code, said = server.stop()
        expect(code == 0, f"it ends with {code}: {said}")


class Dripping:
    """Sends a request a byte at a time, as far as the server lets it."""

    def __init__(self, port, at_once, dripped):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(at_once)
        self.left, self.reply, self.over = dripped, b"", False

    def step(self):
        try:
            if select.select([self.socket], [], [], 0)[0]:
                piece = self.socket.recv(4096)
                self.reply += piece
                self.over = not piece
            elif self.left:
                self.left = self.left[self.socket.send(self.left[:1]):]
        except ConnectionError:
            self.over = True
        if self.over:
            self.socket.close()


def who_sends_a_byte_at_a_time_is_cut_off_and_others_are_served():
    head = b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n"
    with Server("--data", ":memory:", "--set", "header_timeout=1", "--set", "body_timeout=1") as server:
        client, asked = Client(server.port), 0
        drips = [Dripping(server.port, head, b"X-Filler: " + b"x" * 7000) for _ in range(SLOW)]
        drips += [Dripping(server.port, head + b"\r\n", b"[" * 15000) for _ in range(SLOW)]
        while any(not drip.over for drip in drips):
            for drip in drips:
                if not drip.over:
                    drip.step()
            ask_everything(client)
            asked += 1
        for kind, one in (("head", drips[:SLOW]), ("body", drips[SLOW:])):
            answered = sum(drip.reply.startswith(b"HTTP/1.1 408") for drip in one)
            finished = sum(not drip.left for drip in one)
            expect(finished == 0, f"{kind}: {finished} of {SLOW} were let send all")
            expect(answered == SLOW, f"{kind}: {answered} of {SLOW} were told 408: {one[0].reply[:200]}")
        print(f"     {2 * SLOW} slow clients were cut off while {asked} rounds of requests were answered")
        code, said = server.stop()
        expect(code == 0, f"it ends with {code}: {said}")


if __name__ == "__main__":
    main([
        idle_connections_cost_little_and_others_are_served,
        large_requests_leave_idle_connections_small,
        readers_that_never_read_cost_little_and_get_the_newest,
        who_sends_a_byte_at_a_time_is_cut_off_and_others_are_served,
    ])
