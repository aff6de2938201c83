"""What is slow or stuck on one side holds up nobody on another: a large body, a log that nobody reads, a system without
threads, a download that breaks."""

import contextlib
import fcntl
import http.client
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import PROGRAM, SOURCE, expect, main, need_server, surroundings
from server_test import JSON, get, serving
from tasks_test import send

BYTES = {"Accept": "application/octet-stream"}
F_SETPIPE_SZ = 1031  # fcntl's name of it is new in Python 3.10


def tensor(count):
    return {"shape": [count, 1], "dtype": "float32", "data": [random.random() for _ in range(count)]}


def product(count, **more):
    """A column times [[1]]: the same numbers come back."""
    one = {"shape": [1, 1], "dtype": "float32", "data": [1]}
    return {"operation": "compute", "data": {"a": tensor(count), "b": one, "iterations": 1}, **more}


def a_large_body_is_read_elsewhere():
    with serving() as (_, port, _):
        request = product(100_000)
        reply, task = send(port, request)
        expect(reply.status == 200 and task["status"] == "completed", task)
        numbers = zip(request["data"]["a"]["data"], task["result"]["outputs"]["result"]["data"])
        expect(all(abs(sent - got) < 1e-6 for sent, got in numbers), "other numbers came back")
        parts = re.findall(r"(\w+);dur=", reply.getheader("Server-Timing"))
        expect(parts == ["parse_queue", "parse", "queue", "run", "serialise", "total"], parts)
        reply, task = send(port, product(10))
        expect("parse_queue" not in reply.getheader("Server-Timing"), reply.getheader("Server-Timing"))
        for path, method in (("/tasks", "POST"), ("/devices/cpu_0", "PATCH")):
            reply, text = get(port, path, JSON, method, '{"operation": [' + "1," * 200_000 + "1]}")
            expect(reply.status == 422 and json.loads(text)["detail"], f"{path}: {reply.status} {text[:200]}")
        # A client that goes while its body is read leaves nothing behind; one that does not wait is heard.
        body = json.dumps(product(200_000, task_id="left")).encode()
        head = ("POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n")
        for more in ("", "Prefer: respond-async\r\n"):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall((head + more + "\r\n").encode() + body)
                if more:
                    expect(client.recv(12) == b"HTTP/1.1 202", "a recorded task is accepted")
        while True:
            reply, text = get(port, "/tasks/left")
            if reply.status == 200 and json.loads(text)["status"] == "completed":
                break
            expect(reply.status in (200, 404), text)


def ask_part(port, path, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path, headers={**BYTES, **headers})
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    return reply, data


def a_download_that_broke_goes_on():
    count = 60_000  # 240,000 bytes: in a file, in several pieces
    with tempfile.TemporaryDirectory() as data:
        path, tag = "/tasks/ranges/result", None
        for run in range(2):  # from the memory of the server that carried it out, then from the next one's disk
            with serving("--data", data) as (_, port, _):
                if run == 0:
                    reply, text = get(port, "/tasks", {**JSON, "Prefer": "respond-async"}, "POST",
                                      json.dumps(product(count, task_id="ranges")))
                    expect(reply.status == 202, text)
                    while json.loads(get(port, "/tasks/ranges")[1])["status"] != "completed":
                        pass
                reply, whole = ask_part(port, path, {})
                expect(reply.status == 200 and len(whole) == 4 * count, reply.status)
                expect(reply.getheader("Accept-Ranges") == "bytes", reply.headers)
                tag = tag or reply.getheader("ETag")
                expect(tag and tag == reply.getheader("ETag"), f"{tag} is not {reply.getheader('ETag')}")
                for first, last in ((0, 0), (100, 70_000), (len(whole) - 3, len(whole) - 1)):
                    reply, part = ask_part(port, path, {"Range": f"bytes={first}-{last}", "If-Range": tag})
                    expect(reply.status == 206 and part == whole[first:last + 1], f"{first}-{last}: {reply.status}")
                    expect(reply.getheader("Content-Range") == f"bytes {first}-{last}/{len(whole)}", reply.headers)
                reply, part = ask_part(port, path, {"Range": "bytes=5-9", "If-Range": '"another"'})
                expect(reply.status == 200 and part == whole, reply.status)
                reply, text = ask_part(port, path, {"Range": f"bytes={len(whole)}-"})
                expect(reply.status == 416 and reply.getheader("Content-Range") == f"bytes */{len(whole)}", text)
        statuses = get_statuses("/tasks/{task_id}/result")
        expect({"206", "416"} <= set(statuses), statuses)


def get_statuses(path):
    with serving() as (_, port, _):
        return json.loads(get(port, "/openapi.json")[1])["paths"][path]["get"]["responses"]


@contextlib.contextmanager
def serving_into(written, *arguments, program=PROGRAM, **options):
    """A server whose log goes into that descriptor; its process and port."""
    with subprocess.Popen([program, "server", "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=written,
                          text=True, cwd=SOURCE, env=surroundings(), **options) as process:
        try:
            line = process.stdout.readline()
            match = re.search(r"http://[^ ]*:(\d+)", line)
            expect(match, f"no address in {line!r}")
            yield process, int(match.group(1))
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def a_log_that_nobody_reads_stops_nobody():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 8192)
    with serving_into(writer, "--log-level", "debug", "--data", ":memory:") as (process, port):
        os.close(writer)
        dropped = 0
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while dropped == 0:
            for _ in range(500):  # each with a line
                connection.request("GET", "/health")
                expect(connection.getresponse().read(), "no answer")
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
            dropped = float(re.search(r"^openruntime_log_lines_dropped_total (\S+)", text, re.M).group(1))
        connection.close()
        log, told = b"", None
        while told is None:  # it is read again: what was kept, then how much was not
            log += os.read(reader, 65536)
            told = re.search(rb"event=log_lines_dropped count=(\d+)\n", log)
        expect(int(told.group(1)) >= dropped, f"{told.group(1)} of {dropped}")
        process.send_signal(signal.SIGTERM)
        while piece := os.read(reader, 65536):
            log += piece
        expect(b"event=draining" in log, log[-500:])
        expect(process.wait(timeout=60) == 0, process.returncode)
    os.close(reader)
    # One that nobody will ever read does not keep it from ending either.
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 8192)
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    fcntl.fcntl(writer, fcntl.F_SETFL, 0)
    with serving_into(writer, "--log-level", "debug", "--data", ":memory:") as (process, port):
        os.close(writer)
        expect(get(port, "/health")[0].status == 200, "it does not answer")
        process.send_signal(signal.SIGTERM)
        expect(process.wait(timeout=60) == 0, process.returncode)
    os.close(reader)


def files_are_sent_where_no_thread_can_be_started():
    if os.getuid() != 0:  # the limit counts all processes of a user: only another one's is known
        print("   skipped: needs root, to be somebody without processes")
        return
    somebody = 54321
    count = 60_000

    def become_somebody(most=None):
        def become():
            if most is not None:
                resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
            os.setgid(somebody)
            os.setuid(somebody)
        return become

    with tempfile.TemporaryDirectory() as data:
        # The checkout may lie where nobody else may look.
        program = shutil.copy(PROGRAM, data)
        with serving("--data", data) as (_, port, _):
            reply, text = get(port, "/tasks", {**JSON, "Prefer": "respond-async"}, "POST",
                              json.dumps(product(count, task_id="kept")))
            expect(reply.status == 202, text)
            while json.loads(get(port, "/tasks/kept")[1])["status"] != "completed":
                pass
        for folder, folders, files in os.walk(data):
            for name in [folder] + [os.path.join(folder, one) for one in folders + files]:
                os.chown(name, somebody, somebody)
        with serving_into(subprocess.DEVNULL, "--data", data, program=program,
                          preexec_fn=become_somebody()) as (process, _):
            threads = len(os.listdir(f"/proc/{process.pid}/task"))
        most = threads + 1  # one of those that find the devices has ended
        with serving_into(subprocess.DEVNULL, "--data", data, program=program,
                          preexec_fn=become_somebody(most)) as (process, port):
            reply, whole = ask_part(port, "/tasks/kept/result", {})
            expect(reply.status == 200 and len(whole) == 4 * count, reply.status)
            reply, part = ask_part(port, "/tasks/kept/result", {"Range": "bytes=200000-"})
            expect(reply.status == 206 and part == whole[200000:], reply.status)
            expect(process.poll() is None, "it has ended")


if __name__ == "__main__":
    need_server()
    main([a_large_body_is_read_elsewhere, a_download_that_broke_goes_on, a_log_that_nobody_reads_stops_nobody,
          files_are_sent_where_no_thread_can_be_started])
