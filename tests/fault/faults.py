"""What the fault tests share: a server process that may die, and asking it."""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

from harness import HANDSHAKE, PROGRAM, SOURCE, deaf, expect, main, surroundings  # noqa: E402  (found by that)

__all__ = ["HANDSHAKE", "HERE", "FAULT_SERVER", "GONE", "JSON", "PARTS", "PROGRAM", "QUICK", "SOURCE", "Client",
           "Server", "compute", "deaf", "expect", "fill", "main", "number", "parts", "until"]

FAULT_SERVER = os.environ.get("FAULT_SERVER") or os.path.join(os.path.dirname(PROGRAM), "fault_server")
JSON = {"Content-Type": "application/json"}
PARTS = "multipart/form-data; boundary=x"
GONE = (OSError, http.client.HTTPException)
QUICK = os.environ.get("OPENRUNTIME_QUICK") == "1"
LOOKS = 6000
KEPT_TASKS = 1024  # that have ended, in a server's memory


def number(name, fallback):
    """A whole number from the environment."""
    return int(os.environ.get(name) or fallback)


def compute(size=8, iterations=1, **fields):
    return {"operation": "compute", "data": {"size": size, "iterations": iterations}, **fields}


def parts(**contents):
    """A body of parts, of type PARTS."""
    return b"".join(b"--x\r\nContent-Disposition: form-data; name=\"" + name.encode() + b"\"\r\n\r\n" + content
                    + b"\r\n" for name, content in contents.items()) + b"--x--\r\n"


def until(what, look):
    """Looks again and again until it sees True; what is never so has failed, with what was seen last."""
    for _ in range(LOOKS):
        seen = look()
        if seen is True:
            return
        time.sleep(0.01)
    raise AssertionError(f"{what}: {seen}")


def fill(client):
    """As many tasks as a server keeps in memory, so that this grows no more."""
    for _ in range(100 if QUICK else KEPT_TASKS + 100):
        status, task = client.ask("POST", "/tasks", compute())
        expect(status == 200 and task["status"] == "completed", f"{status} {task}")


class Server:
    """`openruntime server` on a free port. `port` is None where it ended before it was ready."""

    def __init__(self, *arguments, program=PROGRAM, env=None, wait=True, pass_fds=()):
        self.log = tempfile.TemporaryFile("w+")  # never full, as a pipe that nobody reads would be
        self.process = subprocess.Popen([program, "server", "--port", "0", "--log-level", "error",
                                         *map(str, arguments)],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=SOURCE,
                                        pass_fds=pass_fds,
                                        env=surroundings("FAULT_", **(env or {})))
        self.port = None
        if wait:
            match = re.search(r"https?://[^ ]*:(\d+)", self.process.stdout.readline())
            self.port = int(match.group(1)) if match else None

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def stop(self):
        """Asks it to end, as an operator does; its exit code and what it said."""
        self.process.terminate()
        self.process.communicate(timeout=120)
        return self.process.returncode, self.said()

    def said(self):
        """What it wrote to its log."""
        self.log.seek(0)
        return self.log.read()

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def __enter__(self):
        expect(self.port, f"no server: {self.said()}")
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        self.log.close()


class Client:
    """One connection that is kept, and opened again after a failure."""

    def __init__(self, port, timeout=60):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None):
        """(status, JSON or text); raises what GONE lists where the server is gone."""
        text = None if body is None else body if isinstance(body, (str, bytes)) else json.dumps(body)
        try:
            self.connection.request(method, path, text, {**(JSON if text is not None else {}), **(headers or {})})
            reply = self.connection.getresponse()
            content = reply.read()
        except GONE:
            self.connection.close()
            raise
        kind = reply.getheader("Content-Type") or ""
        return reply.status, json.loads(content) if kind.startswith("application/json") else content.decode()

    def submit(self, body):
        """A task that need not be waited for."""
        return self.ask("POST", "/tasks", body, {"Prefer": "respond-async"})

    def wait_for(self, task_id, *states):
        """Asks until the task is in one of the states; one that ended in another is an error."""
        while True:
            status, task = self.ask("GET", f"/tasks/{task_id}")
            expect(status == 200, f"{task_id}: {status} {task}")
            if task["status"] in states:
                return task
            expect(task["status"] in ("pending", "running"), f"{task_id}: {task}")

    def close(self):
        self.connection.close()
