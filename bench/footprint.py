"""Start, size and memory of the program and of a process that embeds the library; what the runtime adds to a node."""
import json
import os
import subprocess

import machine
import workers

MIB = 1 << 20
OVERHEAD_TARGET_US = 5.0


def _pinned(cores):
    return lambda: os.sched_setaffinity(0, cores)


def spawn(programs, count, command):
    """(seconds, peak resident bytes) of each of `count` runs; the first, cold one is left out."""
    done = subprocess.run([programs / "spawn", str(count + 1), *map(str, command)], capture_output=True, text=True,
                          check=False, cwd=machine.ROOT)
    if done.returncode != 0:
        raise workers.Refused(done.stderr.strip())
    pairs = [line.split() for line in done.stdout.splitlines()][1:]
    return [float(pair[0]) for pair in pairs], [int(pair[1]) * 1024 for pair in pairs]


def row(name, unit, values, target):
    figure = workers.spread(values)
    return {"name": name, "unit": unit, **figure, "samples": len(values), "target": target,
            "verdict": verdict(figure, target)}


def verdict(figure, target):
    """Of a figure that should be below `target`; a spread wider than the target says nothing either way."""
    if target is None:
        return ""
    if figure["p90"] - figure["p10"] > target:
        return "too noisy"
    return "met" if figure["median"] < target else "MISSED"


def verdict_of(ratio, target):
    return "met" if ratio <= target else "MISSED"


def stripped_size(build, programs):
    copy = programs / "openruntime.stripped"
    subprocess.run(["strip", "-o", str(copy), str(build / "openruntime")], check=True)
    return copy.stat().st_size


def overhead(programs, threads, cores, rounds):
    done = subprocess.run([programs / "overhead", "data/digits", str(threads), str(rounds)], capture_output=True,
                          text=True, check=False, cwd=machine.ROOT, preexec_fn=_pinned(cores))
    if done.returncode != 0:
        raise workers.Refused(done.stderr.strip())
    found = json.loads(done.stdout)
    return {"threads": threads, "cores": len(cores), **found,
            "verdict": verdict(found["overhead_us_per_node"], OVERHEAD_TARGET_US)}


def idle(programs, cores, count):
    """Resident bytes of processes that created a runtime, found the device and wait."""
    found = []
    for _ in range(count):
        worker = workers.Worker("idle", [str(programs / "ours")], cores)
        found.append(worker.resident_bytes())
        worker.close()
    return found


def rows(build, programs, quick):
    """All rows but the overhead."""
    program, count = build / "openruntime", 5 if quick else 50
    image = "data/digits/samples/7-1.png"
    enumerate_s, enumerate_bytes = spawn(programs, count, [program, "devices"])
    _, infer_bytes = spawn(programs, max(3, count // 5), [program, "infer", "data/digits", "--image", image])
    everyone = os.sched_getaffinity(0)
    mib = lambda values: [value / MIB for value in values]  # noqa: E731
    return [
        row("openruntime devices, wall", "ms", [value * 1e3 for value in enumerate_s], 50.0),
        row("openruntime devices, peak resident", "MiB", mib(enumerate_bytes), 10.0),
        row("a process with an idle runtime, resident", "MiB", mib(idle(programs, everyone, 3)), 10.0),
        row("program, stripped", "MiB", mib([stripped_size(build, programs)]), 5.0),
        row("openruntime infer digits, peak resident", "MiB", mib(infer_bytes), None),
    ]
