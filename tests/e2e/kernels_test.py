"""Kernels of users by HTTP and on the command line, on OpenCL: what they compute, what is told of what does not fit,
who may have them, and that a network on the same device goes on beside an endless one, one that writes where it
must not, a source that the compiler does not come to an end with, and a worker that somebody kills."""

import base64
import json
import os
import signal
import struct
import sys
import tempfile
import threading
import urllib.request

from harness import EVERY_DEVICE, SOURCE, expect, main, need_server, run, scratch, surroundings
from keys_test import ask, make
from server_test import JSON, get, problems, serving
from tasks_test import send, wait_for

EXAMPLES = os.path.join(SOURCE, "examples", "kernels")
CACHE = tempfile.TemporaryDirectory(prefix="openruntime-e2e-cache-")  # compiling takes seconds: once for all tests
EVERYTHING = {**EVERY_DEVICE, "OPENRUNTIME_CACHE": CACHE.name}
TWICE = "kernel void twice(global float *x) { x[get_global_id(0)] *= 2; }"
ENDLESS = "kernel void endless(global int *x) { volatile int go = 1; while (go) ++x[0]; }"
WILD = "kernel void wild(global int *x, const long at) { for (long i = 0; i < 1024; ++i) x[at + i * 4096] = 7; }"
BOMB = ("#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(x)))\n"
        "kernel void bomb(global int *x) { B(B(x[0] = x[0] * 3 + 1;)) }")
FLOATS = {"shape": [2], "dtype": "float32", "data": [1, 2]}
NUMBER = {"shape": [1], "dtype": "int32", "data": [0]}


def cl(*arguments, **more):
    return run(*arguments, env=surroundings(**EVERYTHING, **more))


def need_opencl():
    if not any(device["id"] == "opencl_0" for device in cl("--json", "devices").json()["devices"]):
        print("this machine has no OpenCL device (tools/setup.sh test installs PoCL)")
        sys.exit(0)


def serving_kernels(*arguments):
    return serving("--kernels", "--models", os.path.join(SOURCE, "data"), *arguments, env=EVERYTHING)


def compiled(port, name, source, key=None, **more):
    """The Kernel of a source that compiles."""
    body = {"name": name, "entry_point": name, "source_code": source, **more}
    reply, text = ask(port, "POST", "/kernels/compile", body, key)
    expect(reply.status == 200 and text["status"] == "compiled", f"{reply.status} {text}")
    return text["kernel"]


def task_of(name, arguments, grid=(1,), **more):
    return {"operation": "kernel", "data": {"name": name, "grid": list(grid), "arguments": arguments}, **more}


def expect_twice(port, expected):
    """The kernel `twice` is had, and gives this of 1 and 2."""
    _, task = send(port, task_of("twice", [FLOATS], (2,)))
    expect(task["status"] == "completed" and task["result"]["outputs"]["0"]["data"] == expected, task)


def launched(port, task):
    """The id of a recorded task, once it runs."""
    reply, text = send(port, task, {"Prefer": "respond-async"})
    expect(reply.status == 202, f"{reply.status} {text}")
    wait_for(port, text["task_id"], "running")
    return text["task_id"]


class Network:
    """The digits network on the same device, asked without a pause by a thread of its own."""

    def __init__(self, port):
        with open(os.path.join(SOURCE, "data", "digits", "samples", "7-1.png"), "rb") as file:
            picture = base64.b64encode(file.read()).decode()
        self.body = {"operation": "inference", "device_preference": "opencl_0",
                     "data": {"model": "digits", "image": picture, "top_k": 1}}
        self.port, self.count, self.wrong, self.stop = port, 0, [], threading.Event()
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.ask)

    def ask(self):
        while not self.stop.is_set():
            _, task = send(self.port, self.body)
            good = (task.get("status"), task.get("device_used")) == ("completed", "opencl_0")
            label = task["result"]["predictions"][0][0]["label"] if good else None
            with self.changed:
                self.count += 1
                if label != "7":
                    self.wrong.append(task)
                self.changed.notify_all()

    def goes_on(self, answers=5):
        """Returns when so many more have been answered, all of them right."""
        with self.changed:
            wanted = self.count + answers
            self.changed.wait_for(lambda: self.count >= wanted or self.wrong)
            expect(not self.wrong, self.wrong[:1])

    def __enter__(self):
        self.thread.start()
        self.goes_on(1)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def a_kernel_is_compiled_run_and_removed_over_http():
    with serving_kernels() as (_, port, _):
        schemas = ask(port, "GET", "/openapi.json")[1]["components"]["schemas"]
        kernel = compiled(port, "twice", TWICE)
        expect(not problems(schemas["Kernel"], kernel, schemas), problems(schemas["Kernel"], kernel, schemas))
        expect(kernel["target_device"] == "opencl_0" and [one["name"] for one in kernel["signature"]] == ["x"], kernel)
        expect(ask(port, "GET", "/kernels")[1] == {"kernels": ["twice"]}, "list")
        expect(ask(port, "GET", "/kernels/twice")[1] == kernel, "one")
        reply, task = send(port, task_of("twice", [FLOATS], (2,)))
        expect(reply.status == 200 and task["status"] == "completed", task)
        expect(task["result"]["outputs"] == {"0": {**FLOATS, "data": [2, 4]}}, task)
        expect([task["device_used"], task["result"]["device"]] == 2 * ["opencl_0"], task)
        expect(task["fallback_reason"] is None, task)
        expect(task["result"]["execution_time"] >= 0, task)
        _, task = send(port, task_of("twice", [FLOATS], (2,), device_preference="cpu_0"))
        expect("compiled for" in task["fallback_reason"], task)
        reply, text = send(port, task_of("twice", [FLOATS], (2,), device_preference="cpu_0", strict_device=True))
        expect(reply.status == 409, f"{reply.status} {text}")
        # Recorded, its tensor is had as bytes.
        reply, text = send(port, task_of("twice", [FLOATS], (2,)), {"Prefer": "respond-async"})
        wait_for(port, text["task_id"], "completed")
        with urllib.request.urlopen(urllib.request.Request(
                f"http://127.0.0.1:{port}/tasks/{text['task_id']}/result?output=0",
                headers={"Accept": "application/octet-stream"})) as reply:
            expect(struct.unpack("<2f", reply.read()) == (2, 4), reply.headers)
            expect(reply.headers["OpenRuntime-Dtype"] == "float32", reply.headers)
        named = task_of("twice", [FLOATS], (2,), task_id="named")
        done = send(port, named)[1]
        reply, text = ask(port, "DELETE", "/kernels/twice")
        expect(text == {"name": "twice", "status": "removed"}, text)
        for method in ("GET", "DELETE"):
            expect(ask(port, method, "/kernels/twice")[0].status == 404, method)
        expect(send(port, task_of("twice", [FLOATS], (2,)))[0].status == 404, "a task of a removed one")
        reply, text = send(port, named)
        expect(reply.status == 200 and text == done, f"the task that its id stands for: {reply.status} {text}")


def a_source_that_is_wrong_gets_the_compilers_words():
    with serving_kernels() as (_, port, _):
        compiled(port, "twice", TWICE)
        wrong = {"name": "twice", "entry_point": "twice",
                 "source_code": "\nkernel void twice(global int *x) {\n  x[0] = y;\n}"}
        reply, text = ask(port, "POST", "/kernels/compile", wrong)
        expect(reply.status == 400 and text["error_code"] == "invalid_argument", f"{reply.status} {text}")
        expect(":3:10: " in text["log"] and "'y'" in text["log"] and "\n" not in text["detail"], text)
        expect_twice(port, [2, 4])  # the old one stays
        compiled(port, "twice", TWICE.replace("2", "N"), parameters={"N": 3})
        expect_twice(port, [3, 6])  # and goes when there is another
        good = {"name": "twice", "entry_point": "twice", "source_code": TWICE}
        for change, status, loc in (
                ({"entry_point": "thrice"}, 422, ["entry_point"]), ({"name": "2x"}, 422, ["name"]),
                ({"source_code": 1}, 422, ["source_code"]), ({"more": 1}, 422, ["more"]),
                ({"parameters": ["-I/etc"]}, 422, ["parameters", 0]),
                ({"parameters": {"N": "a b"}}, 422, ["parameters", "N"]),
                ({"source_code": "x" * ((1 << 20) + 1)}, 422, ["source_code"]),
                ({"target_device": "cuda_9"}, 404, None)):
            reply, text = ask(port, "POST", "/kernels/compile", {**good, **change})
            expect(reply.status == status, f"{change}: {reply.status} {text}")
            expect(loc is None or text["detail"][0]["loc"] == ["body", *loc], f"{change}: {text}")


def each_argument_that_does_not_fit_is_named_before_the_task_is_accepted():
    source = ("kernel void mixed(const int n, global const float *in, global float4 *out, local int *scratch) "
              "{ out[0].x = n; }")
    fours = {"shape": [4], "dtype": "float32", "zeros": True}
    good = [1, FLOATS, fours, {"local_bytes": 16}]
    with serving_kernels() as (_, port, _):
        compiled(port, "mixed", source)
        _, task = send(port, task_of("mixed", good))
        expect(task["status"] == "completed" and list(task["result"]["outputs"]) == ["2"], task)
        for index, value in ((0, 0.5), (0, 1 << 40), (0, FLOATS), (1, 1), (1, {**FLOATS, "dtype": "float64"}),
                             (1, {"local_bytes": 4}), (2, {**fours, "shape": [3]}), (2, {**fours, "dtype": "int32"}),
                             (2, {**fours, "shape": [1 << 40]}), (3, 16), (3, {"local_bytes": 1 << 29}), (0, "1"),
                             (1, {"shape": [2], "dtype": "float32", "data": [1]}), (0, None)):
            reply, text = send(port, task_of("mixed", good[:index] + [value] + good[index + 1:]))
            expect(reply.status == 422, f"{index} {value}: {reply.status} {text}")
            expect(text["detail"][0]["loc"] == ["body", "data", "arguments", index], f"{index} {value}: {text}")
        for data, loc in (({"arguments": good[:3]}, ["arguments"]), ({"arguments": good + [1]}, ["arguments"]),
                          ({"grid": [0]}, ["grid", 0]), ({"block": [1, 1 << 19]}, ["block", 1]),
                          ({"grid": "x"}, ["grid"]), ({"name": 1}, ["name"])):
            body = task_of("mixed", good)
            body["data"].update(data)
            reply, text = send(port, body)
            expect(reply.status == 422 and text["detail"][0]["loc"] == ["body", "data", *loc],
                   f"{data}: {reply.status} {text}")
        asking = "__attribute__((reqd_work_group_size(8, 2, 1))) kernel void asking(global int *x) { x[0] = 1; }"
        room = {"shape": [1], "dtype": "int32", "zeros": True}
        for cached in (False, True):
            kernel = compiled(port, "asking", asking)
            expect((kernel["required_block"], kernel["cached"]) == ([8, 2, 1], cached), kernel)
        body = task_of("asking", [room])
        reply, text = send(port, body)
        expect(reply.status == 422 and text["detail"][0]["loc"] == ["body", "data", "block", 0], text)
        body["data"]["block"] = [8, 2]
        expect(send(port, body)[1]["status"] == "completed", "the block that it asks for")
        copying = ("kernel void copying(ulong n, global const ulong *in, global ulong *out) "
                   "{ out[0] = n; out[1] = in[0]; }")
        compiled(port, "copying", copying)
        most = (1 << 64) - 1
        words = [{"shape": [1], "dtype": "uint64", "data": [most]}, {"shape": [2], "dtype": "uint64", "zeros": True}]
        _, task = send(port, task_of("copying", [most, *words]))
        expect(task["result"]["outputs"]["2"]["data"] == [most, most], task)
        for value in (1 << 64, -1):
            reply, text = send(port, task_of("copying", [value, *words]))
            expect(reply.status == 422 and text["detail"][0]["loc"] == ["body", "data", "arguments", 0], text)
        # Two at once, both told.
        _, text = send(port, task_of("mixed", [0.5, FLOATS, fours, 3]))
        expect([one["loc"][-1] for one in text["detail"]] == [0, 3], text)


def an_endless_kernel_and_a_network_go_on_side_by_side():
    with serving_kernels("--set", "kernel_run_timeout=600") as (_, port, _):
        compiled(port, "endless", ENDLESS)
        compiled(port, "twice", TWICE)
        with Network(port) as network:
            task_id = launched(port, task_of("endless", [NUMBER]))
            network.goes_on()
            expect(json.loads(get(port, f"/tasks/{task_id}")[1])["status"] == "running", "it ended by itself")
            expect(get(port, f"/tasks/{task_id}", method="DELETE")[0].status == 200, "DELETE")
            task = wait_for(port, task_id, "cancelled")
            expect(task["error_code"] == "cancelled", task)
            _, task = send(port, task_of("endless", [NUMBER], timeout=1))
            expect((task["status"], task["error_code"]) == ("timeout", "deadline_exceeded"), task)
            expect_twice(port, [2, 4])  # by a new worker
            network.goes_on()


def the_server_bounds_every_run():
    with serving_kernels("--set", "kernel_run_timeout=1", "--set", "kernel_output_size=4096") as (_, port, _):
        compiled(port, "endless", ENDLESS)
        _, task = send(port, task_of("endless", [NUMBER]))
        expect((task["status"], task["error_code"]) == ("timeout", "deadline_exceeded"), task)
        reply, text = send(port, task_of("endless", [{"shape": [1025], "dtype": "int32", "zeros": True}]))
        expect(reply.status == 422 and text["detail"][0]["loc"][-1] == 0 and "4096" in text["detail"][0]["msg"], text)
    bounds = ("kernel_source_size=100", "kernel_memory=1G", "kernel_output_size=2G")
    with serving_kernels(*(word for bound in bounds for word in ("--set", bound))) as (_, port, _):
        compiled(port, "pair", "kernel void pair(global float *x, global float *y) { x[0] = y[0]; }")
        long = {"name": "long", "entry_point": "long", "source_code": TWICE + " " * 100}
        reply, text = ask(port, "POST", "/kernels/compile", long)
        expect(reply.status == 422 and text["detail"][0]["loc"] == ["body", "source_code"], f"{reply.status} {text}")
        large = {"shape": [150, 1 << 20], "dtype": "float32", "zeros": True}  # each fits, both do not
        reply, task = send(port, task_of("pair", [large, large]))
        expect(reply.status == 200 and task["status"] == "failed", f"{reply.status} {str(task)[:500]}")
        expect(task["error_code"] in ("resource_exhausted", "out_of_range"), task)


def a_kernel_that_writes_where_it_must_not_is_its_tasks_failure():
    with serving_kernels() as (process, port, _):
        compiled(port, "wild", WILD)
        compiled(port, "twice", TWICE)
        with Network(port) as network:
            for at in (1 << 40, -(1 << 40), 1 << 60):
                _, task = send(port, task_of("wild", [NUMBER, at]))
                expect(task["status"] == "failed" and task["error_code"] == "resource_exhausted", task)
            network.goes_on()
            expect_twice(port, [2, 4])
            network.goes_on()
        expect(process.poll() is None, "the server ended")


def a_source_that_the_compiler_does_not_end_with_is_killed():
    with serving_kernels("--set", "kernel_compile_timeout=3") as (_, port, _):
        with Network(port) as network:
            bomb = {"name": "bomb", "entry_point": "bomb", "source_code": BOMB}
            reply, text = ask(port, "POST", "/kernels/compile", bomb)
            expect(reply.status in (400, 507), f"{reply.status} {text}")
            expect(text["error_code"] in ("deadline_exceeded", "resource_exhausted"), text)
            network.goes_on()
        expect(ask(port, "GET", "/kernels")[1] == {"kernels": []}, "it has a name")


def has_ended(number):
    """Whether a process is gone, or only waits to be noticed by whoever inherited it."""
    try:
        with open(f"/proc/{number}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def processor_time(pid):
    """In ticks of the system, most often hundredths of a second."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))


def workers_of(process):
    """Numbers of the server's workers."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == process.pid and b"worker" in words:
            found.append(int(name))
    return found


def a_worker_that_is_killed_from_outside_is_one_tasks_failure():
    with serving_kernels() as (process, port, _):
        compiled(port, "endless", ENDLESS)
        compiled(port, "twice", TWICE)
        with Network(port) as network:
            task_id = launched(port, task_of("endless", [NUMBER]))
            network.goes_on()
            workers = workers_of(process)
            expect(len(workers) == 1, workers)
            os.kill(workers[0], signal.SIGKILL)
            task = wait_for(port, task_id, "failed")
            expect(task["error_code"] == "resource_exhausted" and task["attempts"] == 1, task)
            network.goes_on()
            expect_twice(port, [2, 4])
        expect(workers_of(process) != workers, "the same worker")


def kernels_are_of_their_key():
    with tempfile.TemporaryDirectory() as folder:
        owner, other, reader, runner, admin = make(folder, "read,kernels", "read,kernels", "read", "run", "admin")
        body = {"name": "twice", "entry_point": "twice", "source_code": TWICE}
        with serving_kernels("--data", folder) as (_, port, _):
            for key in (reader, runner):
                expect(ask(port, "POST", "/kernels/compile", body, key)[0].status == 403, "compile without the scope")
                expect(ask(port, "POST", "/tasks", task_of("twice", [FLOATS]), key)[0].status == 403, "run without it")
                expect(ask(port, "DELETE", "/kernels/twice", key=key)[0].status == 403, "remove without it")
            compiled(port, "twice", TWICE, owner)
            expect(ask(port, "GET", "/kernels", key=owner)[1] == {"kernels": ["twice"]}, "one's own")
            for key in (other, reader):
                expect(ask(port, "GET", "/kernels", key=key)[1] == {"kernels": []}, "another's")
                expect(ask(port, "GET", "/kernels/twice", key=key)[0].status == 404, "another's")
            expect(ask(port, "POST", "/tasks", task_of("twice", [FLOATS]), other)[0].status == 404, "run another's")
            expect(ask(port, "DELETE", "/kernels/twice", key=other)[0].status == 404, "remove another's")
            expect(ask(port, "GET", "/kernels", key=admin)[1] == {"kernels": ["twice"]}, "an admin sees all")
            expect(ask(port, "GET", "/kernels/twice", key=admin)[1]["name"] == "twice", "an admin sees all")
            compiled(port, "twice", TWICE, other)  # a name is of its owner
            expect(ask(port, "DELETE", "/kernels/twice", key=other)[0].status == 200, "one's own")
            expect(ask(port, "GET", "/kernels/twice", key=owner)[0].status == 200, "the other one went with it")
            reply, task = ask(port, "POST", "/tasks", task_of("twice", [FLOATS], (2,)), owner)
            expect(reply.status == 200 and task["status"] == "completed", task)


def who_waits_for_himself_keeps_nobody_else_from_compiling():
    with tempfile.TemporaryDirectory() as folder:
        busy, other = make(folder, "read,kernels", "read,kernels")
        body = {"name": "later", "entry_point": "twice", "source_code": TWICE}
        replies = []
        refused = threading.Event()

        def compile_later(port):
            reply, _ = ask(port, "POST", "/kernels/compile", body, busy)
            replies.append(reply.status)
            if reply.status == 503:
                expect(reply.getheader("Retry-After") is not None, "when to ask again")
                refused.set()

        with serving_kernels("--data", folder) as (_, port, _):
            compiled(port, "endless", ENDLESS, busy)
            task = task_of("endless", [NUMBER])
            reply, text = ask(port, "POST", "/tasks", task, busy, Prefer="respond-async")
            path = f"/tasks/{text['task_id']}"
            while ask(port, "GET", path, key=busy)[1]["status"] != "running":
                pass
            threads = [threading.Thread(target=compile_later, args=(port,)) for _ in range(12)]
            for thread in threads:
                thread.start()
            expect(refused.wait(60), "no bound of what waits of one key")
            compiled(port, "twice", TWICE, other)
            expect(ask(port, "GET", path, key=busy)[1]["status"] == "running", "the other one waited for it")
            expect(ask(port, "DELETE", path, key=busy)[0].status == 200, "cancelled")
            for thread in threads:
                thread.join()
            expect(replies.count(200) + replies.count(503) == 12, replies)
            expect(replies.count(200) in (8, 9), replies)  # eight wait; the first may be with the thread by then


def kernels_are_off_unless_the_operator_wants_them():
    body = {"name": "twice", "entry_point": "twice", "source_code": TWICE}
    with serving() as (_, port, _):
        expect(ask(port, "GET", "/kernels")[1] == {"kernels": []}, "none where they are off")
        for method, path, what in (("POST", "/kernels/compile", body), ("GET", "/kernels/twice", None),
                                   ("DELETE", "/kernels/twice", None), ("POST", "/tasks", task_of("twice", []))):
            reply, text = ask(port, method, path, what)
            expect(reply.status == 403 and text["error_code"] == "permission_denied", f"{method} {path}: {text}")
            for words in ("kernels = on", "OPENRUNTIME_KERNELS=on", "--kernels"):
                expect(words in text["detail"], text)
    for arguments, env in ((("--set", "kernels=on"), {}), ((), {"OPENRUNTIME_KERNELS": "on"})):
        with serving(*arguments, env=env) as (_, port, _):
            expect(ask(port, "GET", "/kernels")[1] == {"kernels": []}, f"{arguments} {env}")


def kernels_outlive_the_server():
    with tempfile.TemporaryDirectory() as folder:
        with serving_kernels("--data", folder) as (process, port, _):
            kernel = compiled(port, "twice", TWICE)
            compiled(port, "endless", ENDLESS)
            named = task_of("twice", [FLOATS], (2,), task_id="named")
            done = send(port, named)[1]
            task_id = launched(port, task_of("endless", [NUMBER]))
            again = {**task_of("endless", [NUMBER]), "task_id": "again", "on_restart": "rerun"}
            expect(send(port, again, {"Prefer": "respond-async"})[0].status == 202, "one that waits behind it")
            workers = workers_of(process)
            process.kill()
            process.wait()
        with serving_kernels("--data", folder) as (_, port, _):
            while not all(map(has_ended, workers)):
                expect(ask(port, "GET", "/kernels")[0].status == 200, "it answers")
            expect(ask(port, "GET", "/kernels")[1] == {"kernels": ["endless", "twice"]}, "list")
            expect(ask(port, "GET", "/kernels/twice")[1] == kernel, "one")
            task = json.loads(get(port, f"/tasks/{task_id}")[1])
            expect((task["status"], task["error_code"]) == ("failed", "interrupted"), task)
            wait_for(port, "again", "running")
            expect(get(port, "/tasks/again", method="DELETE")[0].status == 200, "DELETE")
            wait_for(port, "again", "cancelled")
            reply, text = send(port, task_of("twice", [1], (2,)))  # checked by the kernel's own signature
            expect(reply.status == 422, f"{reply.status} {text}")
            expect_twice(port, [2, 4])
            expect(ask(port, "DELETE", "/kernels/twice")[0].status == 200, "DELETE")
        with serving_kernels("--data", folder) as (_, port, _):
            expect(ask(port, "GET", "/kernels")[1] == {"kernels": ["endless"]}, "a removed one is back")
            reply, text = send(port, named)
            expect(reply.status == 200 and text == done, f"the task that only the disk knows: {reply.status} {text}")
            reply, text = send(port, {**named, "priority": 9})
            expect(reply.status == 409 and text["error_code"] == "already_exists", f"{reply.status} {text}")
            reply, text = send(port, {**named, "task_id": "new"})
            expect(reply.status == 404 and "twice" in text["detail"], f"{reply.status} {text}")
            expect(get(port, "/tasks/new")[0].status == 404, "what was refused is a task")


def who_waits_for_himself_after_a_restart_keeps_no_network_from_answering():
    names = [f"twice_{index}" for index in range(10)]
    with tempfile.TemporaryDirectory() as folder:
        busy, other = make(folder, "read,kernels", "read,run")
        with serving_kernels("--data", folder) as (_, port, _):
            compiled(port, "endless", ENDLESS, busy)
            for name in names:
                compiled(port, name, TWICE, busy, entry_point="twice")
        with serving_kernels("--data", folder) as (process, port, _):

            def begin(name, arguments):
                """The path of a task that was accepted; None: it was told what does not fit."""
                reply, text = ask(port, "POST", "/tasks", task_of(name, arguments), busy, Prefer="respond-async")
                expect(reply.status in (202, 422), f"{reply.status} {text}")
                return f"/tasks/{text['task_id']}" if reply.status == 202 else None

            endless = begin("endless", [NUMBER])
            start = processor_time(worker := workers_of(process)[0])
            while processor_time(worker) < start + 20:  # it was compiled before: this is its loop
                pass
            wrong = next(filter(None, (begin(name, [1]) for name in names[:6])))  # once the endless one has the worker
            good = [begin(name, [FLOATS]) for name in names[6:]]
            digits = {"operation": "inference", "data": {"model": "digits"}}  # is read from the disk first
            reply, task = ask(port, "POST", "/tasks", digits, other)
            expect(reply.status == 200 and task["status"] == "completed", task)
            expect(ask(port, "GET", endless, key=busy)[1]["status"] == "running", "it waited for another key's kernel")
            expect(ask(port, "DELETE", endless, key=busy)[0].status == 200, "cancelled")
            for path, end in ((wrong, ("failed", "invalid_argument")), *((path, ("completed", None)) for path in good)):
                while "result" not in (task := ask(port, "GET", path, key=busy)[1]):
                    pass
                expect((task["status"], task["error_code"]) == end, task)


def what_is_done_is_counted_and_logged():
    with serving_kernels() as (process, port, _):
        compiled(port, "endless", ENDLESS)
        expect("openruntime_kernel_workers 1" in get(port, "/metrics")[1].splitlines(), "its compiler's process")
        send(port, task_of("endless", [NUMBER], timeout=1))
        samples = get(port, "/metrics")[1].splitlines()
        for sample in ('openruntime_kernel_compiles_total{status="done"} 1', "openruntime_kernels 1",
                       'openruntime_kernel_runs_total{status="killed_time"} 1', "openruntime_kernel_workers 0"):
            expect(sample in samples, f"no {sample}")
        ask(port, "DELETE", "/kernels/endless")
        process.terminate()
        process.wait(timeout=60)
        log = process.stderr.read()
    for words in ("event=kernel_compiled owner= kernel=endless device=opencl_0",
                  "event=kernel_killed owner= kernel=endless during=run reason=time",
                  "event=kernel_removed owner= kernel=endless"):
        expect(words in log, log[-2000:])


def the_examples_compute_what_they_say(*where):
    import numpy

    with scratch() as folder:
        x = numpy.arange(1000, dtype="float32")
        for name, array in (("x", x), ("y", numpy.ones(1000, "float32"))):
            numpy.save(os.path.join(folder, f"{name}.npy"), array)
        at = [f"@{folder}/{name}.npy" for name in "xy"]

        def running(name, grid, block, *arguments):
            flags = [word for argument in arguments for word in ("--arg", argument)]
            result = cl(*where, "kernels", "run", name, "--grid", grid, "--block", block, *flags, "--output", folder)
            expect(result.code == 0 and "opencl_0" in result.out, result.err)

        for name in ("saxpy", "reduction", "mandelbrot"):
            result = cl(*where, "kernels", "compile", os.path.join(EXAMPLES, f"{name}.cl"))
            expect(result.code == 0 and f"{name}: compiled for opencl_0" in result.out, result.err)
        running("saxpy", 16, 64, 1000, 3, *at)
        expect(numpy.array_equal(numpy.load(os.path.join(folder, "3.npy")), 3 * x + 1), "saxpy")
        running("reduction", 8, 64, 1000, at[0], "zeros:float32:8", "local:256")
        os.rename(os.path.join(folder, "2.npy"), os.path.join(folder, "partial.npy"))
        running("reduction", 1, 64, 8, f"@{folder}/partial.npy", "zeros:float32:1", "local:256")
        expect(numpy.load(os.path.join(folder, "2.npy"))[0] == x.sum(), "reduction")
        picture = os.path.join(folder, "mandelbrot.png")
        running("mandelbrot", "10,8", "16,16", "zeros:uint8:120x160x3", 160, 120, 100)
        pixels = numpy.load(os.path.join(folder, "0.npy"))
        expect(pixels.shape == (120, 160, 3) and not pixels[60, 70].any(), "mandelbrot: inside")
        expect(pixels.any(axis=2).mean() > 0.5, "mandelbrot: outside")
        expect(numpy.array_equal(pixels[1:60], pixels[:60:-1]), "it is symmetrical")
        result = cl(*where, "kernels", "run", "mandelbrot", "--grid", "10,8", "--block", "16,16", "--arg",
                    "zeros:uint8:120x160x3", "--arg", 160, "--arg", 120, "--arg", 100, "--image", picture)
        expect(result.code == 0, result.err)
        with open(picture, "rb") as file:
            data = file.read()
        expect(pixels_of(data) == pixels.tobytes(), "the picture")
        result = cl(*where, "--json", "run", "-o", "kernel", "--set", "name=saxpy", "--set", "grid=2", "--set",
                    f"arguments={json.dumps([2, 2, FLOATS, FLOATS])}")
        expect(result.code == 0 and result.json()["result"]["outputs"]["3"]["data"] == [3, 6], result.err)
        expect(cl(*where, "--json", "kernels").json() == {"kernels": ["mandelbrot", "reduction", "saxpy"]}, "list")
        for name in ("saxpy", "reduction", "mandelbrot"):
            expect(cl(*where, "kernels", "remove", name).code == 0, name)
        expect(cl(*where, "--json", "kernels").json() == {"kernels": []}, "removed")


def pixels_of(png):
    """The samples of a PNG of ours: rows without a filter."""
    import zlib

    width, height = struct.unpack(">II", png[16:24])
    channels = 3 if png[25] == 2 else 1
    data, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at:at + 4], "big"), png[at + 4:at + 8]
        body = png[at + 8:at + 8 + length]
        expect(zlib.crc32(kind + body) == int.from_bytes(png[at + 8 + length:at + 12 + length], "big"), kind)
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    rows, stride = zlib.decompress(data), width * channels + 1
    expect(len(rows) == stride * height and not any(rows[::stride]), "rows")
    return b"".join(rows[y * stride + 1:(y + 1) * stride] for y in range(height))


def the_examples_do_the_same_on_a_server():
    with serving_kernels() as (_, port, _):
        the_examples_compute_what_they_say("--url", f"localhost:{port}")


def the_command_line_says_where_a_source_is_wrong():
    with scratch() as folder, serving_kernels() as (_, port, _):
        path = os.path.join(folder, "f.cl")
        with open(path, "w", encoding="ascii") as file:
            file.write("kernel void f(global int *x) {\n  x[0] = y;\n}\n")
        for where in ([], ["--url", f"localhost:{port}"]):
            result = cl(*where, "kernels", "compile", path)
            expect(result.code == 2 and f"{path}:2:10: error: " in result.err and "'y'" in result.err, result.err)
            result = cl(*where, "--json", "kernels", "compile", path)
            expect(result.code == 2 and "kernel.cl:2:10: " in result.json()["log"], result.out + result.err)
            expect(cl(*where, "kernels", "compile", path, "--set", "y=7").code == 0, "a macro")
            result = cl(*where, "kernels", "compile", path, "--set", "y=7", "--name", "g")
            expect(result.code == 2 and 'no kernel "g"' in result.err and "entry" in result.err, result.err)
            result = cl(*where, "kernels", "run", "f", "--grid", "1", "--arg", "1.5")
            expect(result.code == 2 and "data.arguments.0" in result.err, result.err)
            expect(cl(*where, "kernels", "remove", "f").code == 0, "remove")
        result = cl("kernels", "run", path, "--set", "y=7", "--grid", "1", "--arg", "zeros:int32:1", "--json")
        expect(result.json()["result"]["outputs"]["0"]["data"] == [7], result.err)
        expect(cl("kernels", "compile", path, "--set", "y=7", "--cache", "off").code == 0, "without a cache folder")
        expect(cl("--json", "kernels").json() == {"kernels": []}, "kept nowhere")
        expect(cl("kernels", "run", "f", "--grid", "1").code == 1, "kept nowhere")


if __name__ == "__main__":
    need_server()
    need_opencl()
    main([
        a_kernel_is_compiled_run_and_removed_over_http,
        a_source_that_is_wrong_gets_the_compilers_words,
        each_argument_that_does_not_fit_is_named_before_the_task_is_accepted,
        an_endless_kernel_and_a_network_go_on_side_by_side,
        the_server_bounds_every_run,
        a_kernel_that_writes_where_it_must_not_is_its_tasks_failure,
        a_source_that_the_compiler_does_not_end_with_is_killed,
        a_worker_that_is_killed_from_outside_is_one_tasks_failure,
        kernels_are_of_their_key,
        who_waits_for_himself_keeps_nobody_else_from_compiling,
        kernels_are_off_unless_the_operator_wants_them,
        kernels_outlive_the_server,
        who_waits_for_himself_after_a_restart_keeps_no_network_from_answering,
        what_is_done_is_counted_and_logged,
        the_examples_compute_what_they_say,
        the_examples_do_the_same_on_a_server,
        the_command_line_says_where_a_source_is_wrong,
    ])
