#!/usr/bin/env python3
"""The server beside its peers, each row in one run, interleaved.

    bench/server.py build/release/openruntime [--python VENV/bin/python] [--only ROW] [--rounds N] [--seconds S]

Rows: health tasks inference idle numbers durable start. A server has one loop thread and, with all its threads, one
core; the load (bench/server_load.c) has another. A peer whose parts are missing is left out and named. Prints a line a
measurement and, with the target, the ratio; --json FILE keeps them."""
import argparse
import contextlib
import http.client
import json
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

import machine

HERE = pathlib.Path(__file__).parent
ROWS = ("health", "tasks", "inference", "idle", "numbers", "durable", "start")
SERVER_CORE, LOAD_CORE = "0", "1"
PRODUCT = {"operation": "compute", "data": {"type": "matrix_multiply", "size": 16, "iterations": 1}}
results = []


def report(row, words, value=None, target=None, at_most=False):
    """One line; with a target also whether it is met."""
    met = None if target is None else (value <= target if at_most else value >= target)
    verdict = "" if met is None else f"   target {'<=' if at_most else '>='} {target:g}: {'met' if met else 'MISSED'}"
    print(f"{row:10} {words}{verdict}", flush=True)
    results.append({"row": row, "words": words, "value": value, "target": target, "met": met})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_health(port, process):
    """Until /health answers 200; seconds since the call."""
    started = time.perf_counter()
    while process.poll() is None:
        with contextlib.suppress(OSError):  # it does not listen yet
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return time.perf_counter() - started
    sys.exit(f"{process.args} ended with {process.returncode}")


@contextlib.contextmanager
def running(command):
    port = free_port()
    command = ["taskset", "-c", SERVER_CORE, *[str(part).replace("PORT", str(port)) for part in command]]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=HERE)
    try:
        wait_for_health(port, process)
        yield port, process, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()


class Load:
    """One bench/server_load process: one kind of request to one server."""

    def __init__(self, options, port, method, path, body=None, headers=()):
        name = "-"
        if body is not None:
            name = options.folder / f"body-{port}-{len(os.listdir(options.folder))}"
            name.write_text(json.dumps(body), encoding="utf-8")
        self.process = subprocess.Popen(["taskset", "-c", LOAD_CORE, options.load, str(port), method, path, str(name),
                                         *headers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.seen = []

    def tell(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the load ended: {words}")
        return json.loads(line)

    def run(self, connections, seconds, counts=True):
        one = self.tell(f"run {connections} {seconds}")
        if one["wrong"]:
            sys.exit(f"{one['wrong']} answers were no success")
        if counts:
            self.seen.append(one)
        return one

    def median(self, name):
        return statistics.median(one[name] for one in self.seen)

    def spread(self, name):
        values = sorted(one[name] for one in self.seen)
        return f"{values[0]:.0f} to {values[-1]:.0f}"

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def loads(options, ports, *request):
    """A load a server, warmed up; closed at the end."""
    found = {name: Load(options, port, *request) for name, port in ports.items()}
    try:
        for load in found.values():
            load.run(16, 0.5, counts=False)
        yield found
    finally:
        for load in found.values():
            load.close()


def ours(options, *more):
    return [options.program, "server", "--port", "PORT", "-q", "--log-level", "warning", *more]


def peers(options, bare=False):
    """Commands of the peers that can run here."""
    found = {}
    if bare:
        program = options.folder / "server_websockets"
        built = subprocess.run(["cc", "-O2", HERE / "server_websockets.c", "-o", program, "-lwebsockets", "-luv"],
                               capture_output=True, check=False)
        if built.returncode == 0:
            found["libwebsockets"] = [program, "PORT"]
        else:
            print("libwebsockets: left out, its parts are missing")
    if options.python:
        uvicorn = [os.path.abspath(options.python), "-m", "uvicorn", "server_fastapi:app", "--port", "PORT",
                   "--log-level", "warning", "--no-access-log"]
        found["uvloop+httptools"] = [*uvicorn, "--loop", "uvloop", "--http", "httptools"]
        found["plain uvicorn"] = [*uvicorn, "--loop", "asyncio", "--http", "h11"]
    else:
        print("FastAPI: left out, no --python")
    return found


def beside_peers(options, row, commands, request, targets):
    """Requests a second of ours and of each peer, in turns."""
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(running(command))[0] for name, command in commands.items()}
        found = stack.enter_context(loads(options, ports, *request))
        for _ in range(options.rounds):
            for load in found.values():
                load.run(16, options.seconds)
    for name, load in found.items():
        rate = load.median("rate")
        ratio = statistics.median(a["rate"] / b["rate"] for a, b in zip(found["ours"].seen, load.seen))
        report(row, f"{name}: {rate:.0f} requests/s ({load.spread('rate')}), p50 {load.median('p50_us'):.0f} us, "
               f"p99 {load.median('p99_us'):.0f} us; ours is {ratio:.2f}x", ratio, targets.get(name))


def health(options):
    beside_peers(options, "health", {"ours": ours(options), **peers(options, bare=True)}, ("GET", "/health"),
                 {"uvloop+httptools": 3, "plain uvicorn": 8})


def tasks(options):
    beside_peers(options, "tasks", {"ours": ours(options), **peers(options)}, ("POST", "/tasks", PRODUCT),
                 {"uvloop+httptools": 10, "plain uvicorn": 10})


def inference(options):
    """What the server adds: all of a request's time but `run`, beside a round trip of /health on the same server."""
    pixels = [round((i * 37 % 256) / 255, 6) for i in range(28 * 28)]
    body = {"operation": "inference", "data": {"model": "digits", "iterations": 1, "inputs": {
        "image": {"shape": [1, 1, 28, 28], "dtype": "float32", "data": pixels}}}}
    with running(ours(options, "--models", str(HERE.parent / "data"))) as (port, _, _):
        with loads(options, {"": port}, "POST", "/tasks", body) as small, loads(options, {"": port}, "GET",
                                                                                "/health") as trip:
            small, trip = small[""], trip[""]
            for _ in range(options.rounds):
                trip.run(1, options.seconds)
                small.run(1, options.seconds)
    parts = {name: small.median(f"{name}_p50_us") for name in ("parse", "queue", "run", "serialise")}
    own = sum(max(0, parts[name]) for name in ("parse", "queue", "serialise"))
    words = ", ".join(f"{name} {value:.1f}" if value >= 0 else f"{name} not told" for name, value in parts.items())
    report("inference", f"p50 of Server-Timing, us: {words}; parse + queue + serialise {own:.1f} us", own, 60, True)
    ratio = statistics.median(a["added_p50_us"] / b["p50_us"] for a, b in zip(small.seen, trip.seen))
    report("inference", f"added p50 {small.median('added_p50_us'):.1f} us (whole {small.median('p50_us'):.1f}), "
           f"/health {trip.median('p50_us'):.1f} us: {ratio:.2f}x", ratio, 1.8, True)


def resident_mib(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def idle(options):
    """Three servers in turns, short rounds: two without idle connections, whose ratio is chance, and one with."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(running(ours(options))) for name in ("plain", "again", "full")}
        found = stack.enter_context(loads(options, {name: one[0] for name, one in servers.items()}, "GET", "/health"))
        before = resident_mib(servers["full"][1])
        count = found["full"].tell(f"idle {min(options.idle, hard - 200)}")["idle"]
        memory = (resident_mib(servers["full"][1]) - before) * 1024 / count
        for load in found.values():
            load.run(16, 0.5, counts=False)
        for _ in range(options.idle_rounds):
            for load in found.values():
                load.run(16, 0.25)
    plain = found["plain"]
    for name, words, target in (("again", "without, another server", None), ("full", f"with {count} idle", 2)):
        pairs = list(zip(plain.seen, found[name].seen))
        p99 = statistics.median(b["p99_us"] / a["p99_us"] for a, b in pairs)
        rate = statistics.median(b["rate"] / a["rate"] for a, b in pairs)
        report("idle", f"{words}: p99 {found[name].median('p99_us'):.0f} us ({found[name].spread('p99_us')}), without "
               f"{plain.median('p99_us'):.0f} us ({plain.spread('p99_us')}): {p99:.2f}x; rate {rate:.2f}x", p99, target,
               True)
    report("idle", f"{memory:.2f} KiB resident a connection")


def numbers(options):
    """Several runs of numbers_bench, which takes ours and the C library's in turns."""
    program, found = options.program.parent / "numbers_bench", {}
    for _ in range(2 * options.rounds + 1):
        text = subprocess.run(["taskset", "-c", SERVER_CORE, program], capture_output=True, text=True,
                              check=True).stdout
        for line in text.splitlines():
            write, read = (float(value) for value in re.findall(r"([\d.]+)x", line))
            found.setdefault(line.split("  ")[0], []).append((read, write))
    for name, pairs in found.items():
        for index, (way, peer, target) in enumerate((("in", "strtof", 4), ("out", "snprintf", 5))):
            values = [pair[index] for pair in pairs]
            report("numbers", f"{name}, {way}: {statistics.median(values):.2f}x of {peer} ({min(values):.1f} to "
                   f"{max(values):.1f})", statistics.median(values), target)


def ask(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, None if body is None else json.dumps(body),
                       {"Content-Type": "application/json", **headers})
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


def gauge(port, name):
    return float(re.search(rf"^openruntime_{name}(?:{{.*}})? (\S+)$", ask(port, "GET", "/metrics"), re.M).group(1))


def occupy(port, process):
    """One place on the device, which a long task holds; the threads that work have the load's core, behind the load."""
    ask(port, "PATCH", "/devices/cpu_0", {"max_concurrency": 1})
    ask(port, "POST", "/tasks?wait=false", {"task_id": "long", "operation": "compute", "timeout": 3600, "data": {
        "type": "matrix_multiply", "size": 512, "iterations": 1000000}})
    while gauge(port, "tasks_running") < 1:
        time.sleep(0.05)
    for thread in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        if (thread / "comm").read_text(encoding="utf-8").startswith(("or-worker", "or-cpu")):
            os.sched_setaffinity(int(thread.name), {int(LOAD_CORE)})
            os.setpriority(os.PRIO_PROCESS, int(thread.name), 19)


def admissions(options, place):
    """202s a second while nothing of what is accepted runs: bursts that the queue holds, which time out behind the long
    task before the next."""
    rates = []
    with tempfile.TemporaryDirectory(dir=place) as data, running(ours(options, "--data", data)) as (port, process, _):
        occupy(port, process)
        load = Load(options, port, "POST", "/tasks", {**PRODUCT, "timeout": 1}, ["Prefer: respond-async"])
        for _ in range(4):
            one = load.tell("burst 64 900")
            if one["refused"] or one["wrong"]:
                sys.exit(f"{one['refused'] + one['wrong']} of a burst were not accepted")
            rates.append(one["rate"])
            while gauge(port, "tasks_waiting") > 0 or gauge(port, "store_backlog_rows") > 0:
                time.sleep(0.1)
        load.close()
        ask(port, "DELETE", "/tasks/long")
    return rates


def durable(options):
    """202s a second by 64 clients, while nothing of that runs and while all of it does, beside SQLite's rows a second
    in groups of 64."""
    place = options.program.parent
    alone, rates, bursts, ratios, refused = [], [], [], [], 0
    for _ in range(options.rounds):
        done = subprocess.run(["taskset", "-c", SERVER_CORE, place / "store_bench", place, "alone"],
                              capture_output=True, text=True, check=True)
        alone.append(float(done.stdout))
        one = admissions(options, place)
        bursts += one
        ratios.append(statistics.median(one) / alone[-1])
        with tempfile.TemporaryDirectory(dir=place) as data, running(ours(options, "--data", data)) as (port, _, _):
            load = Load(options, port, "POST", "/tasks", PRODUCT, ["Prefer: respond-async"])
            one = load.run(64, 3)
            load.close()
        rates.append(one["rate"])
        refused += one["refused"]
    beside = f"SQLite alone {statistics.median(alone):.0f}/s ({min(alone):.0f} to {max(alone):.0f})"
    ratio = statistics.median(ratios)
    report("durable", f"admission: {statistics.median(bursts):.0f}/s ({min(bursts):.0f} to {max(bursts):.0f}), "
           f"{beside}: {ratio:.2f}x", ratio, 0.5)
    ratio = statistics.median(a / b for a, b in zip(rates, alone))
    report("durable", f"and all of it runs: {statistics.median(rates):.0f}/s ({min(rates):.0f} to {max(rates):.0f}; "
           f"{refused} refused), {beside}: {ratio:.2f}x", ratio)


def start(options):
    times, memory = [], 0
    for _ in range(20):
        with running(ours(options)) as (_, process, seconds):
            times.append(seconds * 1e3)
            memory = max(memory, resident_mib(process))
    median = statistics.median(times)
    report("start", f"to /health 200: median {median:.1f} ms, worst {max(times):.1f} ms", median, 50, True)
    report("start", f"resident {memory:.1f} MiB", memory, 30, True)
    stripped = options.folder / "stripped"
    subprocess.run(["strip", "-o", stripped, options.program], check=True)
    size = stripped.stat().st_size / 2**20
    report("start", f"program {size:.2f} MiB stripped", size, 5, True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--python", help="an interpreter with fastapi, uvicorn, uvloop, httptools, numpy")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--idle-rounds", type=int, default=30)
    parser.add_argument("--only", choices=ROWS, action="append")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    print(json.dumps(machine.describe()), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        options.folder = pathlib.Path(folder)
        options.load = options.folder / "server_load"
        subprocess.run(["cc", "-O2", HERE / "server_load.c", "-o", options.load], check=True)
        for name in ROWS:
            if not options.only or name in options.only:
                globals()[name](options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
