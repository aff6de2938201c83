"""An OpenCL device on bad days, over the routes: a server with tests/fake_opencl before the system's library."""

import contextlib
import os
import subprocess
import tempfile

from faults import PROGRAM, SOURCE, Client, Server, compute, expect, main
from harness import surroundings

FAKE_OPENCL = os.environ.get("FAKE_OPENCL") or os.path.join(os.path.dirname(os.environ["OPENRUNTIME"]),
                                                            "libfake_opencl.so")
EVERY_DEVICE = {"OPENRUNTIME_BACKENDS": "", "OPENRUNTIME_OPENCL_LIBRARY": FAKE_OPENCL}
FOREVER = {**compute(256, 1000000), "timeout": 3600}


def run_program(*arguments, **env):
    """Its standard output and error; it ends well."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, cwd=SOURCE, check=False,
                          env=surroundings("FAKE_OPENCL_", **{**EVERY_DEVICE, **env}))
    expect(done.returncode == 0, f"{arguments}: {done.returncode} {done.stderr}")
    return done.stdout, done.stderr


def counted(path):
    with open(path, encoding="ascii") as file:
        return {name: int(count) for name, count in map(str.split, file)}


class Rig:
    def __init__(self, server, folder):
        self.client, self.folder = Client(server.port), folder

    def lose(self):
        """From now on every call fails."""
        with open(os.path.join(self.folder, "lost"), "w", encoding="ascii"):
            pass

    def device(self, name):
        devices = self.client.ask("GET", "/devices")[1]["devices"]
        return next((device for device in devices if device["id"] == name), None)

    def run(self, device, **fields):
        status, task = self.client.ask("POST", "/tasks", compute(device_preference=device, **fields))
        expect(status == 200, f"{status} {task}")
        return task

    def submit(self, name, **fields):
        status, reply = self.client.submit({**FOREVER, "task_id": name, **fields})
        expect(status == 202, f"{status} {reply}")
        self.client.wait_for(name, "running")


@contextlib.contextmanager
def rigged(**rules):
    """A server that has an OpenCL device, or None; when it has ended, none of OpenCL's objects is left."""
    with tempfile.TemporaryDirectory() as folder:
        counts = os.path.join(folder, "counts")
        env = {**EVERY_DEVICE, "FAKE_OPENCL_COUNTS": counts, "FAKE_OPENCL_TRIGGER": os.path.join(folder, "lost"),
               "OPENRUNTIME_CACHE": os.path.join(folder, "cache"),
               **{f"FAKE_OPENCL_{name}": value for name, value in rules.items()}}
        with Server("--data", ":memory:", env=env) as server:
            yield Rig(server, folder)
            code, said = server.stop()
            expect(code == 0, f"it ends with {code}: {said[-4000:]}")
        if os.path.exists(counts):  # the library was opened
            left = {name: count for name, count in counted(counts).items() if name.startswith("live_") and count != 0}
            expect(not left, f"left behind: {left}")


def expect_on(task, device, fell_back=False):
    expect(task["status"] == "completed" and task["device_used"] == device, task)
    expect(bool(task["fallback_reason"]) == fell_back, task)


def there_is_one():
    with rigged() as rig:
        device = rig.device("opencl_0")
    return device is not None


def a_lost_device_costs_its_own_tasks_and_is_shown_as_lost():
    with rigged(FAIL="1+", CODE="-9999") as rig:
        expect_on(rig.run("opencl_0"), "opencl_0")
        rig.submit("moves", device_preference="opencl_0", data={"size": 256, "iterations": 3000})
        rig.submit("strict", device_preference="opencl_0", strict_device=True)
        rig.submit("once", device_preference="opencl_0", on_restart="fail")
        rig.submit("elsewhere", device_preference="cpu_0")
        rig.lose()
        for name in ("strict", "once"):
            task = rig.client.wait_for(name, "failed")
            expect(task["error_code"] == "device_lost" and task["attempts"] == 1, task)
        expect_on(rig.client.wait_for("moves", "completed"), "cpu_0", fell_back=True)
        rig.client.wait_for("elsewhere", "running")
        expect(rig.client.ask("DELETE", "/tasks/elsewhere")[0] == 200, "not cancelled")
        device = rig.device("opencl_0")
        expect(not device["is_available"] and device["state"] == "lost" and device["reason"], device)
        status, reply = rig.client.ask("POST", "/tasks", compute(device_preference="opencl_0", strict_device=True))
        expect(status == 409 and reply["error_code"] == "failed_precondition", f"{status} {reply}")
        expect_on(rig.run("opencl_0"), "cpu_0", fell_back=True)
        expect(rig.client.ask("GET", "/health/ready")[0] == 200, "not ready, though there is a device")


def memory_that_is_out_costs_the_task_and_the_device_stays():
    with rigged(GPU="1", FAIL="clCreateBuffer:1", CODE="-4") as rig:
        expect_on(rig.run("opencl_0"), "opencl_0")
        rig.lose()
        task = rig.run("opencl_0", strict_device=True, size=64)
        expect(task["status"] == "failed" and task["error_code"] == "resource_exhausted", task)
        expect_on(rig.run("opencl_0"), "opencl_0")


def a_build_that_is_refused_costs_the_task_and_the_device_stays():
    with rigged(FAIL="clBuildProgram:1", CODE="-11") as rig:
        rig.lose()
        transform = {"type": "fft", "size": 64, "iterations": 1}  # of a matrix product another form would do
        task = rig.run("opencl_0", strict_device=True, data=transform)
        expect(task["status"] == "failed" and "refused by tests/fake_opencl" in task["error"], task)
        expect_on(rig.run("opencl_0", strict_device=True, data=transform), "opencl_0")


def a_second_process_compiles_nothing():
    with tempfile.TemporaryDirectory() as folder:
        counts = os.path.join(folder, "counts")
        env = {"FAKE_OPENCL_COUNTS": counts, "OPENRUNTIME_CACHE": os.path.join(folder, "cache")}
        once = ("run", "-t", "fft", "-s", "64", "--iterations", "1", "-d", "opencl_0", "--strict")
        run_program(*once, **env)
        expect(counted(counts).get("clCreateProgramWithSource", 0) > 0, counted(counts))
        run_program(*once, **env)
        expect(counted(counts).get("clCreateProgramWithSource", 0) == 0, counted(counts))
        expect(counted(counts).get("clCreateProgramWithBinary", 0) > 0, counted(counts))
        os.unlink(counts)
        out, _ = run_program("devices", **env)
        expect("opencl_0" in out and not os.path.exists(counts), "a list of devices opens the library")


def what_has_no_device_says_why():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "broken.icd"), "w", encoding="ascii") as file:
            file.write("libnowhere.so.1\n")
        for env in ({"OCL_ICD_VENDORS": folder}, {"OPENRUNTIME_OPENCL_LIBRARY": "/nowhere/libOpenCL.so"},
                    {"FAKE_OPENCL_REAL": "/nowhere/libOpenCL.so"},
                    {"FAKE_OPENCL_FAIL": "clGetPlatformIDs:1+", "FAKE_OPENCL_CODE": "-6"},
                    {"FAKE_OPENCL_FAIL": "clGetDeviceIDs:1+", "FAKE_OPENCL_CODE": "-1"}):
            out, error = run_program("devices", OPENRUNTIME_CACHE="off", **env)
            expect("cpu_0" in out and "opencl_0" not in out, f"{env}: {out}")
            cure = "let OPENRUNTIME_OPENCL_LIBRARY name" if "OPENRUNTIME_OPENCL_LIBRARY" in env else "install"
            expect("opencl: " in error and cure in error, f"{env}: {error}")


def without_a_library_a_server_has_its_other_devices():
    for library in ("/nowhere/libOpenCL.so", os.path.abspath(__file__)):
        env = {**EVERY_DEVICE, "OPENRUNTIME_OPENCL_LIBRARY": library}
        with Server("--data", ":memory:", env=env) as server:
            client = Client(server.port)
            devices = client.ask("GET", "/devices")[1]["devices"]
            expect([device["id"] for device in devices] == ["cpu_0"], devices)
            expect(client.ask("POST", "/tasks", compute())[1]["status"] == "completed", "no task")
            expect(server.stop()[0] == 0, "no clean end")


if __name__ == "__main__":
    if there_is_one():
        main([
            a_lost_device_costs_its_own_tasks_and_is_shown_as_lost,
            memory_that_is_out_costs_the_task_and_the_device_stays,
            a_build_that_is_refused_costs_the_task_and_the_device_stays,
            a_second_process_compiles_nothing,
            what_has_no_device_says_why,
            without_a_library_a_server_has_its_other_devices,
        ])
    else:
        print("no OpenCL device: what needs none is tested")
        main([what_has_no_device_says_why, without_a_library_a_server_has_its_other_devices])
