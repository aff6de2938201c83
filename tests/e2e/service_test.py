"""`openruntime server` as a service manager meets it: the datagrams of sd_notify(3), the unit by systemd's checks."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

from harness import PROGRAM, SOURCE, expect, main, scratch, surroundings

BUILD = os.environ.get("OPENRUNTIME_BUILD") or os.path.join(SOURCE, "build", "dev")
PATIENCE_S = 60  # no measure of ours: after it a broken test ends


@contextlib.contextmanager
def managed(address, name, **more):
    """A server told of a manager's socket, and the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(PATIENCE_S)
        process = subprocess.Popen([PROGRAM, "server", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, cwd=SOURCE, env=surroundings("WATCHDOG_", NOTIFY_SOCKET=name, **more))
        try:
            yield process, manager
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)


def told(manager):
    lines = manager.recv(4096).decode().split("\n")
    return dict(line.split("=", 1) for line in lines)


def tells_when_it_is_ready_reloads_and_stops():
    with scratch() as folder:
        path = os.path.join(folder, "notify")
        with managed(path, path) as (process, manager):
            ready = told(manager)
            expect(ready["READY"] == "1" and ready["MAINPID"] == str(process.pid), ready)
            port = re.fullmatch(r"listens at http://127\.0\.0\.1:(\d+); \d+ devices", ready["STATUS"]).group(1)
            health = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
                                     f"http://127.0.0.1:{port}/health"], capture_output=True, text=True, check=True)
            expect(health.stdout == "200", health)
            process.send_signal(signal.SIGHUP)
            reloading = told(manager)
            expect(reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0, reloading)
            expect(told(manager)["READY"] == "1", "not ready again after a reload")
            process.terminate()
            expect(told(manager)["STOPPING"] == "1", "not told that it stops")
            expect(process.wait(timeout=PATIENCE_S) == 0, process.returncode)


def gives_signs_of_life_in_the_abstract_space():
    name = f"openruntime-service-test-{os.getpid()}"
    with managed("\0" + name, "@" + name, WATCHDOG_USEC="100000") as (_, manager):
        seen = [told(manager) for _ in range(4)]
        expect(sum(one.get("WATCHDOG") == "1" for one in seen) >= 3, seen)
        expect(sum("READY" in one for one in seen) <= 1, seen)


def gives_none_when_the_watchdog_is_anothers():
    name = f"openruntime-service-other-{os.getpid()}"
    with managed("\0" + name, "@" + name, WATCHDOG_USEC="1000", WATCHDOG_PID="1") as (process, manager):
        expect("READY" in told(manager), "a sign of life before it was ready")
        process.terminate()
        expect("STOPPING" in told(manager), "a sign of life for another")


def says_what_is_wrong_with_the_address():
    done = subprocess.run([PROGRAM, "server", "--port", "0"], capture_output=True, text=True, cwd=SOURCE, check=False,
                          env={**os.environ, "NOTIFY_SOCKET": "here"}, timeout=PATIENCE_S)
    expect(done.returncode == 2 and 'NOTIFY_SOCKET: "here" is neither' in done.stderr, done)


def the_unit_satisfies_systemds_own_checks():
    with scratch() as folder:
        subprocess.run(["cmake", "--install", BUILD, "--prefix", folder], check=True, stdout=subprocess.DEVNULL)
        unit = pathlib.Path(folder, "lib", "systemd", "system", "openruntime.service")
        text = unit.read_text(encoding="utf-8")
        expect(f"ExecStart={folder}/bin/openruntime server" in text, text)
        expect("Type=notify\n" in text and not re.search("^MemoryDenyWriteExecute", text, re.M), text)
        for words in (["verify"], ["security", "--offline=true", "--threshold=30", "--no-pager"]):
            done = subprocess.run(["systemd-analyze", *words, str(unit)], capture_output=True, text=True, check=False)
            complaints = done.stderr.strip() if words == ["verify"] else ""
            expect(done.returncode == 0 and not complaints, f"{words}: {done.stdout}{done.stderr}")


TESTS = [tells_when_it_is_ready_reloads_and_stops, gives_signs_of_life_in_the_abstract_space,
         gives_none_when_the_watchdog_is_anothers, says_what_is_wrong_with_the_address]

if __name__ == "__main__":
    if not sys.platform.startswith("linux"):
        print("skipped: sockets and units of Linux")
        sys.exit(0)
    if shutil.which("systemd-analyze") and shutil.which("cmake"):
        TESTS.append(the_unit_satisfies_systemds_own_checks)
    else:
        print("skipped: the unit's checks, for systemd-analyze is not installed")
    main(TESTS)
