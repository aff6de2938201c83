"""`openruntime monitor` on a terminal, in a pipe, and beside a server that goes away."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

from harness import PROGRAM, SOURCE, expect, main, run, scratch, surroundings
from server_test import JSON, certificate, get, serving

LEAVES = b"\x1b[?25h\x1b[?1049l"
LONG = {"operation": "compute", "data": {"size": 256, "iterations": 1000000}, "task_id": "the-long-one"}


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *arguments, columns=100, rows=30, env=None):
        self.controller, self.terminal = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.terminal)
        wanted = {"TERM": "xterm", "LANG": "C.UTF-8", **(env or {})}
        environment = surroundings("NO_COLOR", "LC_ALL", "LC_CTYPE", **wanted)
        self.process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=self.terminal, stdout=self.terminal,
                                        stderr=self.terminal, cwd=SOURCE, env=environment, start_new_session=True)
        self.printed = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, pattern):
        """Until it printed that, after what was read before."""
        start, end = len(self.printed), time.monotonic() + 60
        while not re.search(pattern.encode(), self.printed[start:], re.DOTALL):
            ready, _, _ = select.select([self.controller], [], [], max(end - time.monotonic(), 0))
            expect(ready, f"{pattern} does not come: {self.printed[start:][-2000:]!r}")
            self.printed += os.read(self.controller, 65536)

    def end(self):
        """Its exit code, with the terminal as it was before."""
        while self.process.poll() is None:
            if select.select([self.controller], [], [], 0.05)[0]:
                self.printed += os.read(self.controller, 65536)
        while select.select([self.controller], [], [], 0)[0]:
            self.printed += os.read(self.controller, 65536)
        expect(termios.tcgetattr(self.terminal) == self.before, "the terminal is not as it was")
        expect(self.printed.count(LEAVES) == self.printed.count(b"\x1b[?1049h"), "the other screen stays")
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.controller)
        os.close(self.terminal)


@contextlib.contextmanager
def on_terminal(*arguments, **options):
    terminal = Terminal(*arguments, **options)
    try:
        yield terminal
    finally:
        terminal.close()


def a_screen_is_drawn_resized_and_left():
    with on_terminal("monitor", "--interval", "0.1") as terminal:
        terminal.read_until("openruntime monitor.*this machine")
        terminal.read_until(r"cpu_0.*use .*%.*memory")
        terminal.read_until("[▁▂▃▄▅▆▇█]")
        terminal.resize(40, 8)
        terminal.process.send_signal(signal.SIGWINCH)
        terminal.read_until("\x1b\\[H")
        start = len(terminal.printed)
        terminal.read_until("q leaves.*q leaves")
        frames = terminal.printed[start:].decode(errors="ignore").split("\x1b[H")[1:-1]
        for frame in frames:
            lines = re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", frame).replace("\r", "").split("\n")
            expect(len(lines) <= 8 and max(map(len, lines)) <= 40, f"it does not fit: {lines}")
        os.write(terminal.controller, b"q")
        expect(terminal.end() == 0, terminal.process.returncode)
        expect(b"\x1b[31m" in terminal.printed or b"\x1b[32m" in terminal.printed, "no colours")


def every_end_gives_the_terminal_back():
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 130),
                         (signal.SIGSEGV, -signal.SIGSEGV), (signal.SIGABRT, -signal.SIGABRT),
                         (signal.SIGQUIT, -signal.SIGQUIT), (signal.SIGUSR1, -signal.SIGUSR1)):
        with on_terminal("monitor") as terminal:
            terminal.read_until("q leaves")
            terminal.process.send_signal(number)
            ended = terminal.end()
            expect(ended == code or (code < 0 and ended != 0), f"{number}: {ended}")
    with on_terminal("monitor") as terminal:  # stopped, and it goes on
        terminal.read_until("q leaves")
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.read_until("\x1b\\[\\?1049l")
        os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED)
        expect(termios.tcgetattr(terminal.terminal) == terminal.before, "stopped with the terminal taken")
        terminal.process.send_signal(signal.SIGCONT)
        terminal.read_until("\x1b\\[\\?1049h.*q leaves")
        os.write(terminal.controller, b"q")
        expect(terminal.end() == 0, terminal.process.returncode)


def a_terminal_that_does_not_take_its_screens_is_waited_for():
    with on_terminal("monitor", "--interval", "0.1", columns=200, rows=60) as terminal:
        terminal.read_until("q leaves")
        for _ in range(40):  # nothing is read: the terminal is full, and a write waits
            time.sleep(0.05)
            terminal.process.send_signal(signal.SIGWINCH)
        terminal.read_until("q leaves.*q leaves.*q leaves.*q leaves")
        os.write(terminal.controller, b"q")
        expect(terminal.end() == 0, terminal.process.returncode)


def no_colours_where_none_are_wanted():
    with on_terminal("monitor", env={"NO_COLOR": "1", "LANG": "C"}) as terminal:
        terminal.read_until("use \\[[#.]+\\]")
        os.write(terminal.controller, b"q")
        expect(terminal.end() == 0, terminal.process.returncode)
        expect(not re.search(rb"\x1b\[\d+m", terminal.printed.replace(b"\x1b[0m\x1b[?25h", b"")), "colours")
        expect(all(byte < 128 for byte in terminal.printed), "not ASCII")


def lines(*arguments, count=3):
    """The first lines that it prints into a pipe; its exit code after SIGINT."""
    with subprocess.Popen([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          cwd=SOURCE, env=surroundings()) as process:
        found = [process.stdout.readline() for _ in range(count)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        return found, process.returncode


def without_a_terminal_it_prints_a_line_a_sample():
    found, code = lines("monitor", "--interval", "0.1")
    expect(code == 130, code)
    for line in found:
        expect(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00 cpu_0( \w+=[\d.e+-]+\S*)*\n$", line), line)
    found, code = lines("monitor", "--interval", "0.1", "--json")
    expect(code == 130, code)
    for line in found:
        document = json.loads(line)
        expect(list(document) == ["type", "metrics", "active_tasks", "timestamp"], document)
        expect(document["type"] == "metrics_update" and "cpu_0" in document["metrics"], document)
    for wrong in ("0", "61", "x"):
        result = run("monitor", "--interval", wrong)
        expect(result.code == 2 and "0.1 to 60" in result.err, f"{wrong}: {result.code} {result.err}")


def a_server_is_watched_live_until_it_goes():
    with serving() as (process, port, _):
        get(port, "/tasks", {**JSON, "Prefer": "respond-async"}, "POST", json.dumps(LONG))
        with on_terminal("--url", f"localhost:{port}", "monitor", "--interval", "0.2", columns=120) as terminal:
            terminal.read_until("tasks: 1 active")
            terminal.read_until("the-long-one +compute +cpu_0 +running")
            get(port, "/tasks/the-long-one", method="DELETE")
            terminal.read_until("tasks: 0 active, 0 completed, 0 failed, 1 cancelled")
            process.kill()
            terminal.read_until("trying again: the server at")
            terminal.read_until("trying again: no server at")
            with serving("--port", str(port)):
                terminal.read_until(f"localhost:{port}")
                terminal.read_until("tasks: 0 active.*, 0.0/s")
                os.write(terminal.controller, b"q")
                expect(terminal.end() == 0, terminal.process.returncode)
    with serving() as (process, port, _):
        for more in ((), ("--json",)):
            found, code = lines("--url", f"http://127.0.0.1:{port}", "monitor", "--interval", "0.1", *more)
            expect(code == 130 and all(found), f"{code} {found}")
        watch = subprocess.Popen([PROGRAM, "--url", f"http://127.0.0.1:{port}", "monitor"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        expect("active_tasks=0" in watch.stdout.readline(), "not of a server")
        process.terminate()
        _, error = watch.communicate(timeout=60)
        one = len(error.splitlines()) == 1
        expect(watch.returncode == 3 and "1001" in error and one, f"{watch.returncode} {error}")
        process.wait(timeout=60)
        result = run("--url", f"http://127.0.0.1:{port}", "monitor")
        expect(result.code == 3 and "no server" in result.err, f"{result.code} {result.err}")


def a_server_is_watched_over_tls_and_over_a_socket():
    with scratch() as folder:
        certificate(folder, "localhost")
        secured = ("--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem", "--unix", f"{folder}/socket")
        for over in ("tls", "socket"):
            with serving(*secured) as (process, port, _):
                tls = ("--url", f"https://localhost:{port}", "--ca", f"{folder}/cert.pem")
                way = tls if over == "tls" else ("--url", f"unix:{folder}/socket")
                for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 130)):
                    with on_terminal(*way, "monitor", "--interval", "0.1") as terminal:
                        terminal.read_until("cpu_0.*q leaves")
                        terminal.process.send_signal(number)
                        expect(terminal.end() == code, f"{over} {number}: {terminal.process.returncode}")
                with on_terminal(*way, "monitor", "--interval", "0.1") as terminal:
                    terminal.read_until("tasks: 0 active")
                    terminal.resize(50, 10)
                    terminal.process.send_signal(signal.SIGWINCH)
                    terminal.read_until("\x1b\\[H.*q leaves")
                    process.kill()  # the connection breaks
                    terminal.read_until("trying again:")
                    os.write(terminal.controller, b"q")
                    expect(terminal.end() == 3, f"{over}: {terminal.process.returncode}")


def interrupted_before_the_first_screen_it_ends():
    for _ in range(5):  # the signal comes at any instant of the start
        with on_terminal("monitor") as terminal:
            terminal.process.send_signal(signal.SIGTERM)
            expect(terminal.end() in (130, -signal.SIGTERM), terminal.process.returncode)


if __name__ == "__main__":
    tests = [
        a_screen_is_drawn_resized_and_left,
        every_end_gives_the_terminal_back,
        a_terminal_that_does_not_take_its_screens_is_waited_for,
        no_colours_where_none_are_wanted,
        interrupted_before_the_first_screen_it_ends,
        without_a_terminal_it_prints_a_line_a_sample,
    ]
    if "server" in (run("--json", "version").json()["details"].replace("-server", "")):
        tests.append(a_server_is_watched_live_until_it_goes)
        if shutil.which("openssl"):
            tests.append(a_server_is_watched_over_tls_and_over_a_socket)
    main([test for test in tests if not sys.argv[1:] or test.__name__ in sys.argv[1:]])
