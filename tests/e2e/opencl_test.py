"""A second kind of device beside the processor, by the command line and over HTTP: found, described, computed with,
held against the processor; and what is said where there is none. The first half needs an OpenCL device, as PoCL is."""

import contextlib
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys

import networks_test
from harness import CPU_ALONE, EVERY_DEVICE, PROGRAM, SOURCE, expect, main, need_server, run, scratch, surroundings
from server_test import JSON, get, serving

DIGITS = os.path.join("data", "digits")
SEVEN = os.path.join(DIGITS, "samples", "7-1.png")
SHARE = 0.99  # of the operations, that `strict` and `verify` ask for
AGREEMENT = 1e-3
COMPUTES = {"matrix_multiply": 128, "vector_operations": 4096, "elementwise": 512, "reduce": 512, "softmax": 512,
            "transpose": 512, "fft": 1024, "convolution": 32, "memory_bandwidth": 65536}
# Compiled kernels are kept beside the builds, which have the same ones.
kept = os.path.join(os.environ.get("OPENRUNTIME_BUILD") or os.path.dirname(PROGRAM), os.pardir, "opencl-cache")


def environment(**more):
    return {**EVERY_DEVICE, "OPENRUNTIME_CACHE": kept, **more}


def every(*arguments, **more):
    return run(*arguments, env=environment(**more))


def document(*arguments, code=0, **more):
    done = every("--json", *arguments, **more)
    expect(done.code == code, f"{arguments}: exit {done.code}: {done.err}")
    return done.json()


def opencl_devices():
    return [device for device in document("devices")["devices"] if device["type"] == "opencl"]


# --- with a device ---


def is_found_and_described():
    device = opencl_devices()[0]
    expect(device["id"] == "opencl_0" and device["state"] == "available" and device["name"], device)
    expect(device["compute_units"] > 0 and device["memory_total"] > 0 and device["driver_version"], device)
    one = document("devices", "opencl_0")
    expect(one["hardware_id"] == device["hardware_id"], f"{one} {device}")
    status = document("status")
    backend = next(row for row in status["backends"] if row["name"] == "opencl")
    expect(backend["usable"] and "OpenCL" in backend["detail"], backend)
    expect("opencl_0" in every("devices").out, "the table lacks it")


def the_processor_stays_the_first_choice_of_its_hardware():
    host = {device["id"] for device in document("devices")["devices"] if device["hardware_id"] == "host"}
    task = document("run", "-s", "16")
    expect("cpu_0" in host, host)
    if "opencl_0" in host:
        expect(task["device_used"] == "cpu_0" and task["fallback_reason"] is None, task)


def computes_agree_with_their_references():
    for kind, size in COMPUTES.items():
        task = document("run", "-t", kind, "-s", size, "-d", "opencl_0", "--verify", "--set", "iterations=1")
        expect(task["status"] == "completed" and task["device_used"] == "opencl_0", f"{kind}: {task}")
        expect(task["fallback_reason"] is None, f"{kind}: {task['fallback_reason']}")


def reads_a_digit_as_the_processor_does():
    answers = [document("infer", DIGITS, "--image", SEVEN, "-d", device, "--strict")
               for device in ("cpu_0", "opencl_0")]
    expect([answer["device_used"] for answer in answers] == ["cpu_0", "opencl_0"], answers)
    best = [answer["result"]["predictions"][0][0] for answer in answers]
    expect(best[0]["label"] == best[1]["label"] == "7", best)
    expect(abs(best[0]["probability"] - best[1]["probability"]) <= AGREEMENT, best)


def two_devices_agree_and_their_shares_are_told():
    done = every("verify", DIGITS, "--devices", "cpu_0,opencl_0", "--rtol", AGREEMENT)
    expect(done.code == 0, done.err)
    expect("100.0 % of the flops on cpu_0, 100.0 % on opencl_0" in done.out, done.out)
    said = document("verify", DIGITS, "--devices", "cpu_0,opencl_0", "--rtol", AGREEMENT)
    shares = said["cases"][0]["flops_by_device_of_other"]
    expect(shares == [{"device": "opencl_0", "flops_share": 1}], shares)


def explains_what_runs_where():
    explanation = document("explain", DIGITS, "-d", "opencl_0")
    expect(explanation["flops_on_device"] >= SHARE, explanation["flops_on_device"])
    nodes = [node for node in explanation["nodes"] if node["op"] != "Copy"]
    expect(any(node["device"] == "opencl_0" for node in nodes), nodes)
    for node in nodes:
        expect(node["device"] == "opencl_0" or node["reason"], f"elsewhere, and no reason: {node}")


def networks_agree_with_what_another_runtime_computed():
    """One export of each network at its first shape and at its last, all on the device (networks_test.py)."""
    if networks_test.numpy is None:
        print("skipped: NumPy is not installed")
        return
    os.environ.update(environment())
    try:
        for network, exports in networks_test.network_inputs.EXPORTS.items():
            expected = networks_test.expectations(network)
            model = os.path.join(networks_test.FOLDER, f"{exports[-2]}.onnx")
            shapes = list(expected)
            for shape in (shapes[0], shapes[-1]):
                with scratch() as folder:
                    found = networks_test.infer(model, network, shape, folder, "-d", "opencl_0", "--strict")
                    worst = networks_test.error(network, shape, found, expected[shape])
                expect(worst <= AGREEMENT, f"{network} {shape}: {worst:.1e}")
    finally:
        os.environ.update(CPU_ALONE)


def keeps_what_was_compiled_for_its_owner_alone():
    with scratch() as folder:
        cache = os.path.join(folder, "made", "by the first")
        every("run", "-t", "elementwise", "-s", "64", "-d", "opencl_0", OPENRUNTIME_CACHE=cache)
        expect(stat.S_IMODE(os.stat(cache).st_mode) == 0o700, oct(os.stat(cache).st_mode))
        files = os.listdir(cache)
        expect(files, "nothing was kept")
        for name in files:  # a damaged entry is made anew
            with open(os.path.join(cache, name), "wb") as file:
                file.write(b"no such thing")
        again = document("run", "-t", "elementwise", "-s", "64", "-d", "opencl_0", "--verify", "--set", "iterations=1",
                         OPENRUNTIME_CACHE=cache)
        expect(again["device_used"] == "opencl_0", again)


def looks_for_devices_only_where_they_are_wanted():
    drivers = []  # libOpenCL.so.1 itself is also oneDNN's, which asks nothing of it
    for path in glob.glob("/etc/OpenCL/vendors/*.icd"):
        with open(path, encoding="utf-8") as file:
            drivers.append(os.path.basename(file.read().strip()))

    def opened(*arguments, **more):
        """Whether the dynamic linker was asked for a driver."""
        said = every(*arguments, LD_DEBUG="libs", **more).err
        return any(driver in said for driver in drivers)

    if not drivers:
        print("skipped: no drivers by name")
        return
    for words in (["help"], ["version"], ["completion", "bash"], ["devices", "--backends", "cpu"],
                  ["devices", "--no-vendor"], ["tasks", "--url", "127.0.0.1:1"]):
        expect(not opened(*words), f"{words} looked for OpenCL")
    expect(opened("devices", "--cache", "off"), "devices did not")
    with scratch() as cache:
        every("devices", OPENRUNTIME_CACHE=cache)
        expect(not opened("devices", OPENRUNTIME_CACHE=cache), "the facts were not kept")
        expect("opencl_0" in every("devices", OPENRUNTIME_CACHE=cache).out, "the second time it was not there")
        with serving(env=environment(OPENRUNTIME_CACHE=cache)) as (process, port, _):  # nor does an idle server
            expect("opencl_0" in get(port, "/devices")[1], "a server does not know it")
            with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
                loaded = maps.read()
            expect(not any(driver in loaded for driver in drivers), "a server loaded a driver for nothing")


@contextlib.contextmanager
def server(*arguments):
    with serving("--models", "data", *arguments, env=environment()) as (_, port, _):
        yield port


def serves_on_it():
    with server() as port:
        listed = json.loads(get(port, "/devices")[1])["devices"]
        device = next(one for one in listed if one["id"] == "opencl_0")
        expect(device["state"] == "available", device)
        expect(json.loads(get(port, "/devices/opencl_0")[1])["type"] == "opencl", "one device")
        product = {"operation": "compute", "device_preference": "opencl_0", "strict_device": True,
                   "data": {"a": {"shape": [2, 2], "data": [1, 2, 3, 4]}, "b": {"shape": [2, 2], "data": [5, 6, 7, 8]},
                            "iterations": 1}}
        reply, text = get(port, "/tasks", JSON, "POST", json.dumps(product))
        task = json.loads(text)
        expect(reply.status == 200 and task["status"] == "completed" and task["device_used"] == "opencl_0", text)
        expect(task["result"]["outputs"]["result"]["data"] == [19, 22, 43, 50], task["result"])
        digit = {"operation": "inference", "device_preference": "opencl_0", "data": {"model": "digits"}}
        reply, text = get(port, "/tasks", JSON, "POST", json.dumps(digit))
        task = json.loads(text)
        expect(reply.status == 200 and task["device_used"] == "opencl_0" and task["fallback_reason"] is None, text)
        metrics = get(port, "/metrics")[1]
        expect('openruntime_device_info{device="opencl_0"' in metrics, "no series of it")
        remote = every("--url", f"127.0.0.1:{port}", "devices", "opencl_0")
        expect(remote.code == 0 and "opencl_0" in remote.out, remote.err)


# --- without one ---


def without_opencl_says_what_is_missing_and_the_cure():
    nothing = {"OPENRUNTIME_OPENCL_LIBRARY": "/nonexistent", "OPENRUNTIME_CACHE": "off"}
    status = document("status", **nothing)
    backend = next(row for row in status["backends"] if row["name"] == "opencl")
    expect(not backend["usable"] and "/nonexistent" in backend["detail"], backend)
    expect(backend["advice"].startswith("let OPENRUNTIME_OPENCL_LIBRARY name"), backend)
    expect("to mend it: let OPENRUNTIME_OPENCL_LIBRARY" in every("status", **nothing).out, "the cure is not shown")
    listed = every("devices", **nothing)
    expect(listed.code == 0 and "cpu_0" in listed.out and "opencl_0" not in listed.out, listed.out)
    task = document("run", "-s", "16", "-d", "opencl", **nothing)
    expect(task["device_used"] == "cpu_0" and 'no device "opencl"' in task["fallback_reason"], task)
    strict = every("run", "-s", "16", "-d", "opencl", "--strict", **nothing)
    expect(strict.code == 1 and 'no device "opencl"' in strict.err, strict.err)


def without_a_driver_says_so():
    with scratch() as empty:
        nothing = {"OCL_ICD_VENDORS": empty, "OPENRUNTIME_CACHE": "off"}
        status = document("status", **nothing)
        backend = next(row for row in status["backends"] if row["name"] == "opencl")
        expect(not backend["usable"] and backend["detail"] and "install" in backend["advice"], backend)
        expect([device["id"] for device in status["devices"]] == ["cpu_0"], status["devices"])


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def health(path):
    """(status, word) of /health on a Unix socket; None while nobody listens."""
    connection = UnixConnection(path)
    try:
        connection.request("GET", "/health")
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())["status"]
    except (ConnectionRefusedError, FileNotFoundError):
        return None
    finally:
        connection.close()


def answers_while_devices_are_looked_for():
    """A library that takes its time: its constructor waits until somebody opens the other end of a pipe."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        print("skipped: no compiler for a library that is slow")
        return
    with scratch() as folder:
        gate, library, path = (os.path.join(folder, name) for name in ("gate", "slow.so", "socket"))
        os.mkfifo(gate)
        code = ('#include <fcntl.h>\n#include <unistd.h>\n'
                f'__attribute__((constructor)) static void wait(void) {{ close(open("{gate}", O_RDONLY)); }}\n')
        subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=code, text=True, check=True)
        slow = {**EVERY_DEVICE, "OPENRUNTIME_OPENCL_LIBRARY": library, "OPENRUNTIME_CACHE": "off"}
        process = subprocess.Popen([PROGRAM, "server", "--port", "0", "--unix", path], cwd=SOURCE, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=surroundings(**slow))
        try:
            while (seen := health(path)) is None:
                expect(process.poll() is None, "it ended by itself")
            expect(seen == (503, "starting"), seen)
            with open(gate, "wb"):
                expect("listens at" in process.stdout.readline(), "it never began")
            expect(health(path) == (200, "healthy"), "not healthy once they are found")
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(OSError):  # were it still waiting
                os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
            process.communicate(timeout=60)


if __name__ == "__main__":
    tests = [without_opencl_says_what_is_missing_and_the_cure, without_a_driver_says_so]
    need_server()
    tests.append(answers_while_devices_are_looked_for)
    if opencl_devices():
        tests += [is_found_and_described, the_processor_stays_the_first_choice_of_its_hardware,
                  computes_agree_with_their_references, reads_a_digit_as_the_processor_does,
                  two_devices_agree_and_their_shares_are_told, explains_what_runs_where,
                  networks_agree_with_what_another_runtime_computed,
                  keeps_what_was_compiled_for_its_owner_alone, looks_for_devices_only_where_they_are_wanted,
                  serves_on_it]
    else:
        lacking = next(row for row in document("status")["backends"] if row["name"] == "opencl")
        print(f"skipped, all that needs an OpenCL device: {lacking['detail']}")
    main(tests)
