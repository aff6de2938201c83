"""The limits of a server, each set low and then hit: what it says beyond it, and that others are served on."""

import base64
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import threading

from harness import QUICK, SOURCE, expect, main, run, scratch
from metrics_test import scrape, total
from server_test import JSON, get, serving
from tasks_test import LONG

PATIENCE = 60  # a connection that should end and does not is a failure, not a hang
HEAD = "GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n"
UPGRADE = ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n")


def dial(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def rest(client):
    """All that still comes, until the server ends the connection."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


def expect_refusal(text, status, code):
    head, _, body = text.partition(b"\r\n\r\n")
    expect(head.startswith(b"HTTP/1.1 %d " % status), f"not {status}: {text[:200]}")
    expect(json.loads(body)["error_code"] == code, f"{status}: {body}")


def setting(**values):
    return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


def header_size():
    with serving(*setting(max_header_size=2048)) as (_, port, _):
        expect(get(port, "/health", {"X-Long": "x" * 1500})[0].status == 200, "below")
        reply, text = get(port, "/health", {"X-Long": "x" * 2048})
        expect(reply.status == 431 and json.loads(text)["error_code"] == "bad_request", text)


def target_size():
    with serving(*setting(max_target_size=256)) as (_, port, _):
        expect(get(port, "/health?" + "a" * 240)[0].status == 200, "below")
        reply, text = get(port, "/health?" + "a" * 256)
        expect(reply.status == 414 and json.loads(text)["error_code"] == "bad_request", text)


def headers():
    with serving(*setting(max_headers=8)) as (_, port, _):
        few = {f"X-{number}": "1" for number in range(6)}  # beside Host and Accept-Encoding
        expect(get(port, "/health", few)[0].status == 200, "as many as may be")
        expect(get(port, "/health", {**few, "X-6": "1"})[0].status == 431, "one more")


def body_size():
    with serving(*setting(max_body_size=1024)) as (_, port, _):
        for length, status in ((1024, 422), (1025, 413)):  # 422: it was read, and is no JSON
            reply, text = get(port, "/tasks", JSON, "POST", "x" * length)
            expect(reply.status == status, f"{length}: {reply.status} {text}")
        expect(json.loads(text)["error_code"] == "content_too_large" and "1024" in text, text)
        with dial(port) as client:
            client.sendall(b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n401\r\n" + b"x" * 1025)
            expect_refusal(rest(client), 413, "content_too_large")


def message_size():
    with serving(*setting(max_message_size=125)) as (_, port, _), dial(port) as client:
        client.sendall(HEAD.format("/ws", UPGRADE).encode())
        client.sendall(b"\x81\xfe" + struct.pack("!H", 126) + bytes(4) + b"x" * 126)
        expect(struct.pack("!H", 1009) in rest(client), "it does not close with 1009")


def connections():
    with serving(*setting(max_connections=3)) as (_, port, _), contextlib.ExitStack() as stack:
        some = [http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE) for _ in range(3)]
        for one in some:
            stack.callback(one.close)
            one.request("GET", "/health")
            expect(one.getresponse().read(), "within the limit")
        for _ in range(2):
            with dial(port) as client:
                text = rest(client)
                expect_refusal(text, 503, "unavailable")
                expect(b"Retry-After: " in text, text)
        some[0].request("GET", "/metrics")
        text = some[0].getresponse().read().decode()
        expect("\nopenruntime_http_connections_refused_total 2\n" in text, "two are not counted")
        expect("\nopenruntime_http_connections 3\n" in text, "three are not counted")


def header_timeout():
    with serving(*setting(header_timeout=1)) as (_, port, _), dial(port) as client, dial(port) as silent:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: local")
        expect_refusal(rest(client), 408, "request_timeout")
        expect(rest(silent) == b"", "one that says nothing is answered")


def body_timeout():
    with serving(*setting(body_timeout=1)) as (_, port, _), dial(port) as client:
        client.sendall(b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       b"Content-Length: 100\r\n\r\n{")
        expect_refusal(rest(client), 408, "request_timeout")


def idle_timeout():
    with serving(*setting(idle_timeout=1)) as (_, port, _), dial(port) as client:
        client.sendall(HEAD.format("/health", "").encode())
        text = rest(client)
        expect(text.startswith(b"HTTP/1.1 200") and b"Connection: close" not in text, text)


def write_timeout():
    with serving(*setting(write_timeout=1)) as (_, port, _):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", port))
        with client:
            size = len(get(port, "/openapi.json")[1].encode())
            count = (64 << 20) // size  # more than the sockets hold
            client.sendall(HEAD.format("/openapi.json", "").encode() * min(count, 512))
            while total(scrape(port), "openruntime_http_connections") > 1:  # that of the question itself
                pass
            expect(len(rest(client)) < min(count, 512) * size, "all of it was sent")


def ws_ping():
    with serving(*setting(ws_ping=1)) as (_, port, _), dial(port) as client:
        client.sendall(HEAD.format("/ws", UPGRADE).encode())
        client.sendall(b"\x81\x91" + bytes(4) + b'{"subscribe": []}')
        text = rest(client)  # we never answer
        expect(b"\x89\x00" in text, "it was not asked")
        expect(get(port, "/health")[0].status == 200, "others")


def drain_timeout():
    with scratch() as folder, serving("--data", folder, *setting(drain_timeout=1)) as (process, port, _):
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(
            get(port, "/tasks", JSON, "POST", json.dumps({**LONG, "task_id": "long"}))))
        waiting.start()
        while json.loads(get(port, "/tasks/long")[1]).get("status") != "running":
            pass
        process.send_signal(signal.SIGTERM)
        waiting.join()
        expect(json.loads(answers[0][1])["status"] == "cancelled", answers[0][1])
        expect(process.wait(timeout=PATIENCE) == 0, "exit")


def a_key_and_a_server_have_only_so_many_waiting_tasks():
    """1,024 of a key, 4,096 in all; none runs meanwhile, since another has the only place."""
    small = {"operation": "compute", "data": {"size": 4, "iterations": 1}}
    with serving("--log-level", "off") as (_, port, _):
        expect(get(port, "/devices/cpu_0", JSON, "PATCH", '{"max_concurrency": 1}')[0].status == 200, "one place")
        reply, text = get(port, "/tasks?wait=false", JSON, "POST", json.dumps({**LONG, "task_id": "first"}))
        while json.loads(get(port, "/tasks/first")[1])["status"] != "running":
            pass
        key = {}
        for number in range(1 if QUICK else 4):
            reply, text = get(port, "/keys", {**JSON, **key}, "POST", '{"scopes": ["admin"]}')
            key = {"X-API-Key": json.loads(text)["secret"]}
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            for task in range(1025):
                sent = json.dumps({**small, "task_id": f"{number}.{task}"})
                connection.request("POST", "/tasks?wait=false", sent, {**JSON, **key})
                reply = connection.getresponse()
                text = reply.read()
                expect(task == 1024 or reply.status == 202, f"{number}.{task}: {reply.status} {text}")
            expect(reply.status == (429 if number < 3 else 503), f"{reply.status} {text}")
            expect(int(reply.getheader("Retry-After")) >= 1, "no Retry-After")
            expect(json.loads(text)["error_code"] == "unavailable", text)
            connection.close()


LIMITS = {"max_header_size": header_size, "max_target_size": target_size, "max_headers": headers,
          "max_body_size": body_size, "max_message_size": message_size, "max_connections": connections,
          "header_timeout": header_timeout, "body_timeout": body_timeout, "idle_timeout": idle_timeout,
          "write_timeout": write_timeout, "ws_ping": ws_ping, "drain_timeout": drain_timeout}


def every_limit_is_documented_and_hit_here():
    template = run("server", "--print-config").out
    limits = dict(re.findall(r"(?m)^#((?:max_|ws_)\w+|(?!kernel_)\w+_timeout) = (\S+)", template))  # kernels_test.py
    expect(set(limits) == set(LIMITS), set(limits) ^ set(LIMITS))
    with open(os.path.join(SOURCE, "docs", "operations.md"), encoding="utf-8") as file:
        text = file.read()
    for name, default in limits.items():
        expect(re.search(rf"(?m)^\| `{name}` \| `{default}` \| .+(4\d\d|503|1009|closed|cut off)", text), name)


if __name__ == "__main__":
    main([every_limit_is_documented_and_hit_here, *LIMITS.values(), a_key_and_a_server_have_only_so_many_waiting_tasks])
