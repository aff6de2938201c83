#!/usr/bin/env python3
"""GET /health: ours beside a bare libwebsockets server and FastAPI on uvicorn, in one run, interleaved.

    bench/server.py build/release/openruntime [--python VENV/bin/python] [--rounds 4] [--seconds 2] [--idle 10000]

Each server has one thread pinned to one core; wrk (16 connections) has another. Needs wrk; a peer whose parts are
missing is left out and named. Also: start to the first 200, resident memory, p99 with and without idle connections."""
import argparse
import contextlib
import http.client
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_health(port, process):
    """Seconds until /health answers 200."""
    started = time.perf_counter()
    while process.poll() is None:
        with contextlib.suppress(OSError):  # it does not listen yet
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return time.perf_counter() - started
    sys.exit(f"{process.args} ended with {process.returncode}")


@contextlib.contextmanager
def running(command, core):
    port = free_port()
    command = ["taskset", "-c", str(core), *[str(part).replace("PORT", str(port)) for part in command]]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=HERE)
    try:
        yield port, process, wait_for_health(port, process)
    finally:
        process.terminate()
        process.wait()


def wrk(port, seconds, core):
    """Requests a second and the p99 in ms."""
    text = subprocess.run(["taskset", "-c", str(core), "wrk", "-t1", "-c16", f"-d{seconds}s", "--latency",
                           f"http://127.0.0.1:{port}/health"], capture_output=True, text=True, check=True).stdout
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(text)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    return rate, float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def resident_mib(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def commands(options, folder):
    found = {"ours": [pathlib.Path(options.program).resolve(), "server", "--port", "PORT", "-q"]}
    bare = pathlib.Path(folder) / "server_websockets"
    built = subprocess.run(["cc", "-O2", HERE / "server_websockets.c", "-o", bare, "-lwebsockets", "-luv"],
                           capture_output=True, check=False)
    if built.returncode == 0:
        found["libwebsockets"] = [bare, "PORT"]
    if options.python:
        uvicorn = [os.path.abspath(options.python), "-m", "uvicorn", "server_fastapi:app", "--port", "PORT",
                   "--log-level", "warning", "--no-access-log"]
        found["uvloop+httptools"] = [*uvicorn, "--loop", "uvloop", "--http", "httptools"]
        found["plain uvicorn"] = [*uvicorn, "--loop", "asyncio", "--http", "h11"]
    for name in ("libwebsockets", "uvloop+httptools", "plain uvicorn"):
        if name not in found:
            print(f"{name}: left out, its parts are missing")
    return found


def rates(options, servers):
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(running(command, 0))[0] for name, command in servers.items()}
        seen = {name: [] for name in servers}
        for name, port in ports.items():
            wrk(port, 1, 1)
        for _ in range(options.rounds):
            for name, port in ports.items():
                seen[name].append(wrk(port, options.seconds, 1))
    ours = statistics.median(rate for rate, _ in seen["ours"])
    for name, rows in seen.items():
        rate = statistics.median(row[0] for row in rows)
        print(f"{name:18} {rate:9.0f} requests/s ({min(r for r, _ in rows):.0f} to {max(r for r, _ in rows):.0f}), "
              f"p99 {statistics.median(p for _, p in rows):.3f} ms; ours is {ours / rate:.2f}x")


def start_and_memory(options, servers):
    times, memory = [], 0
    for _ in range(10):
        with running(servers["ours"], 0) as (port, process, seconds):
            times.append(seconds * 1e3)
            memory = max(memory, resident_mib(process))
    print(f"start to /health 200: median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms; "
          f"resident {memory:.1f} MiB")


def idle(options, servers):
    """Two servers on one core, one of them with idle connections, measured in turn."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with running(servers["ours"], 0) as (plain, _, _), running(servers["ours"], 0) as (full, process, _):
        before, sockets = resident_mib(process), []
        for _ in range(min(options.idle, hard - 200)):
            sockets.append(socket.create_connection(("127.0.0.1", full)))
        for one in sockets:  # each has been used once, and waits for its next request
            one.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            one.recv(1024)
        memory = (resident_mib(process) - before) * 1024 / max(1, len(sockets))
        rows = [(wrk(plain, options.seconds, 1), wrk(full, options.seconds, 1)) for _ in range(options.rounds)]
        for one in sockets:
            one.close()
    a, b = (statistics.median(row[i][1] for row in rows) for i in (0, 1))
    rate = statistics.median(row[1][0] / row[0][0] for row in rows)
    print(f"p99 without idle connections {a:.3f} ms, with {len(sockets)}: {b:.3f} ms, {b / a:.2f}x "
          f"(rate {rate:.2f}x); {memory:.2f} KiB a connection")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--python", help="an interpreter with fastapi, uvicorn, uvloop, httptools")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--only", choices=["rates", "start", "idle"])
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    with tempfile.TemporaryDirectory() as folder:
        servers = commands(options, folder)
        for name, measure in (("rates", rates), ("start", start_and_memory), ("idle", idle)):
            if options.only in (None, name):
                measure(options, servers)


if __name__ == "__main__":
    main()
