#!/usr/bin/env python3
"""Ours beside its peers in one run: interleaved rounds, medians and spread, a table and JSON. See README.md."""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import subprocess

import footprint
import machine
import networks
import onnx_model
import report
import workers

VECTOR_COUNT = 1 << 25  # elements: 128 MiB an operand, beyond any cache
BYTES = {"copy": 2, "triad": 3, "axpy": 3, "dot": 2, "read": 1}  # operands read and written


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=machine.ROOT / "build" / "release",
                        help="where the library and the program were built (default: build/release)")
    parser.add_argument("--out", type=pathlib.Path, help="JSON (default: build/bench/DATE.json)")
    parser.add_argument("--rounds", type=int, default=20, help="interleaved rounds of a row (default: 20)")
    parser.add_argument("--seconds", type=float, default=20.0, help="a row ends after this long (default: 20)")
    parser.add_argument("--threads", default="1,2", help="thread counts (default: 1,2)")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds: does it work?")
    parser.add_argument("--no-setup", action="store_true", help="install nothing; a peer that is missing is left out")
    return parser.parse_args()


def cases(quick, folder):
    """Each row: name, the line for ours, the line for peers, the peers, dtype, operations and bytes of a run."""
    for size in (64, 256) if quick else (256, 512, 1024, 2048):
        path = folder / f"matmul_{size}.onnx"
        path.write_bytes(onnx_model.matmul(size))
        line, flops = f"op matmul {{}} {size}", 2.0 * size ** 3
        fp32 = line.format("fp32")
        yield (f"matmul fp32 {size}, weights packed", f"model {path}", fp32,
               ("onednn", "openblas", "openblas-told", "numpy"), "fp32", flops, 0)
        for dtype in ("fp32", "fp64"):
            yield (f"matmul {dtype} {size}", line.format(dtype), line.format(dtype),
                   ("openblas", "openblas-told", "numpy"), dtype, flops, 0)
    count = 1 << 20 if quick else VECTOR_COUNT
    for name, operands in BYTES.items():
        line = f"op {name} fp32 {count}"
        yield (f"{name} fp32 {count * 4 >> 20} MiB", line, line,
               ("numpy", "openblas", "openblas-told") if name in ("copy", "axpy", "dot") else ("numpy",), "", 0,
               4 * operands * count)
    for exponent in (8, 10) if quick else range(8, 21, 2):
        size = 1 << exponent
        line = f"op fft fp32 {size}"
        yield (f"fft fp32 complex 2^{exponent}", line, line, ("fftw", "fftw-patient", "numpy"), "fp32",
               5.0 * size * exponent, 0)
    yield from networks.cases(quick)
    digits = f"model {machine.ROOT / 'data' / 'digits' / 'model.onnx'}"
    yield ("digits b1", digits, digits, ("onnxruntime", "onnxruntime-tuned"), "", 0, 0)


def start(programs, threads, cores, missing):
    """Ours and every peer that starts, by name."""
    count, python, script = str(threads), machine.python(), str(machine.BENCH / "peer.py")
    limits = {name: count for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    core = machine.openblas_core()
    commands = {
        "ours": ([str(programs / "ours"), count], {}),
        "onednn": ([str(programs / "onednn_matmul")], limits),
        "fftw": ([str(programs / "fftw_fft"), count, "measure"], {}),
        "fftw-patient": ([str(programs / "fftw_fft"), count, "patient"], {}),
        "openblas": ([python, script, "openblas", count], limits),
        "openblas-told": ([python, script, "openblas", count], dict(limits, OPENBLAS_CORETYPE=core) if core else None),
        "numpy": ([python, script, "numpy", count], limits),
        **{name: ([python, script, name, count], {}) for name in networks.PEERS},
    }
    found = {}
    for name, (command, environment) in commands.items():
        try:
            if environment is not None:
                found[name] = workers.Worker(name, command, cores, environment)
        except (workers.Refused, OSError) as problem:
            if name == "ours":
                raise
            missing[name] = str(problem)
    told = found.get("openblas-told")
    if told and "openblas" in found and told.version == found["openblas"].version:
        found.pop("openblas-told").close()  # it found its core by itself
    return found


def measure_limits(programs, threads, cores, known):
    """The machine's limits from a process of their own; the best of what was measured so far."""
    worker = workers.Worker("limits", [str(programs / "ours"), str(threads)], cores)
    values = [float(word) for word in worker.ask("limits").split()]
    worker.close()
    names = ("fp32", "fp64", "read", "copy")
    return {name: max(value, known.get(name, 0.0)) for name, value in zip(names, values)}


def speed_rows(options, folder, team, threads):
    for name, ours, peers, names, dtype, flops, size in cases(options.quick, folder):
        if options.only not in name:
            continue
        chosen = [team["ours"], *(team[peer] for peer in names if peer in team)]
        requests = {worker.name: peers for worker in chosen} | {"ours": ours}
        row = {"name": name, "threads": threads, "flops": flops, "bytes": size, "dtype": dtype}
        try:
            row["void"] = [f"{peer}: not there" for peer in names if peer not in team]
            row |= workers.measure(chosen, requests, 3 if options.quick else options.rounds, options.seconds)
        except workers.Refused as problem:
            row["void"] = [str(problem)]
        yield row


def add_rates(rows, limits):
    for row in rows:
        limit = limits[row["threads"]]
        if "seconds" not in row or not (row["flops"] or row["bytes"]):
            continue
        row["rate"] = (row["flops"] or row["bytes"]) / row["seconds"]["ours"]["median"]
        row["rate_unit"] = "GFLOP/s" if row["flops"] else "GB/s"
        row["limit"] = row["dtype"] if row["flops"] else "copy" if row["name"].startswith("copy") else "read"
        row["share"] = row["rate"] / limit[row["limit"]]


def main():
    options = arguments()
    build = options.build.resolve()
    programs = machine.ROOT / "build" / "bench"
    if not options.no_setup:
        subprocess.run([str(machine.BENCH / "setup.sh")], check=False)
    missing = machine.build_programs(build, programs)
    missing |= networks.export(build, options.only)
    available = sorted(os.sched_getaffinity(0))
    result = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "quick": options.quick, "machine": machine.describe(), "versions": {}, "missing": missing}
    rows, limits, overheads, loads = [], {}, [], []
    for threads in (int(word) for word in options.threads.split(",")):
        if threads > len(available):
            print(f"{threads} threads: only {len(available)} cores; left out")
            continue
        cores = set(available[:threads])
        limits[threads] = measure_limits(programs, threads, cores, {})
        with contextlib.ExitStack() as stack:
            team = start(programs, threads, cores, missing)
            for worker in team.values():
                stack.callback(worker.close)
                result["versions"][worker.name] = worker.version
            for row in speed_rows(options, programs, team, threads):
                report.progress(row)
                rows.append(row)
        limits[threads] = measure_limits(programs, threads, cores, limits[threads])
        loads += networks.loads(programs, threads, cores, 1 if options.quick else 5, options.only)
        for on in [cores] if threads == len(available) else [cores, set(available)]:
            overheads.append(footprint.overhead(programs, threads, on, 3 if options.quick else 50))
    add_rates(rows, limits)
    result |= {"limits": limits, "rows": rows, "overhead": overheads, "loads": loads,
               "footprint": footprint.rows(build, programs, options.quick), "missing": missing}
    print_all(result)
    out = options.out or programs / f"{result['date'].replace(':', '')}.json"
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"written to {out}")
    if any("seconds" not in row for row in rows):
        raise SystemExit("a row of ours could not be measured")


def print_all(result):
    print()
    report.head(result["machine"], result["versions"], result["limits"])
    for name, reason in result["missing"].items():
        print(f"missing peer {name}: {reason}")
    report.speed(result["rows"])
    report.loads(result["loads"])
    report.overheads(result["overhead"])
    report.footprint(result["footprint"])


if __name__ == "__main__":
    try:
        main()
    except workers.Refused as problem:
        raise SystemExit(str(problem)) from problem
