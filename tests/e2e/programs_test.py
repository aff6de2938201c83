"""A model with If, Loop, a sequence, an optional and strings, at every door: the command line, HTTP, /ws, metrics."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import struct
import sys

import numpy

import onnx_writer as onnx
from harness import expect, main, need_server, run, scratch
from profile_test import check_trace
from server_test import JSON, get, problems, serving
from tasks_test import send, wait_for

try:
    import websockets
except ImportError:
    websockets = None

NAMES = {"c": "bool []", "n": "int64 []", "x": "float32 [N]", "s": "sequence of float32", "o": "optional of float32",
         "w": "string [M]"}


def branch(op, x, out):
    return onnx.graph([onnx.node(op, [x], [out])], [], [onnx.value(out, onnx.tensor_type(onnx.FLOAT))])


def forms():
    """y: x, n times greater by one, then negated or not, as c says; z: the elements of s, joined; h: whether o holds
    something; t: each of w, twice."""
    scalar = onnx.tensor_type
    body = onnx.graph([onnx.node("Add", ["v", "one"], ["v_out"], "step"), onnx.node("Identity", ["go"], ["go_out"])],
                      [onnx.value("i", scalar(onnx.INT64, [])), onnx.value("go", scalar(onnx.BOOL, [])),
                       onnx.value("v", scalar(onnx.FLOAT, ["N"]))],
                      [onnx.value("go_out", scalar(onnx.BOOL, [])), onnx.value("v_out", scalar(onnx.FLOAT, ["N"]))],
                      [onnx.tensor(onnx.FLOAT, [], struct.pack("<f", 1), "one")])
    return onnx.model(onnx.graph(
        [onnx.node("Loop", ["n", "", "x"], ["l"], "count", body=body),
         onnx.node("If", ["c"], ["y"], "sign", then_branch=branch("Neg", "l", "a"),
                   else_branch=branch("Relu", "l", "b")),
         onnx.node("ConcatFromSequence", ["s"], ["z"], axis=0), onnx.node("OptionalHasElement", ["o"], ["h"]),
         onnx.node("StringConcat", ["w", "w"], ["t"])],
        [onnx.value("c", scalar(onnx.BOOL, [])), onnx.value("n", scalar(onnx.INT64, [])),
         onnx.value("x", scalar(onnx.FLOAT, ["N"])), onnx.value("s", onnx.sequence_type(onnx.FLOAT)),
         onnx.value("o", onnx.optional_type(onnx.FLOAT)), onnx.value("w", scalar(onnx.STRING, ["M"]))],
        [onnx.value("y", scalar(onnx.FLOAT, ["N"])), onnx.value("z", scalar(onnx.FLOAT, ["K"])),
         onnx.value("h", scalar(onnx.BOOL, [])), onnx.value("t", scalar(onnx.STRING, ["M"]))]))


def made(negate, count, x, s, o, w):
    """Its inputs as JSON, and what comes of them."""
    floats = lambda values: {"shape": [len(values)], "data": values}
    inputs = {"c": {"shape": [], "dtype": "bool", "data": [negate]},
              "n": {"shape": [], "dtype": "int64", "data": [count]}, "x": floats(x), "s": [floats(one) for one in s],
              "o": o, "w": {"shape": [len(w)], "dtype": "string", "data": w}}
    sums = [value + count for value in x]
    return inputs, {"y": [-value for value in sums] if negate else [max(value, 0) for value in sums],
                    "z": [value for one in s for value in one], "h": [o is not None], "t": [word * 2 for word in w]}


INPUTS, OUTPUTS = made(True, 3, [0.5, -7], [[1, 2], [], [3]], None, ["ä", ""])
ENDLESS = {**INPUTS, "n": {"shape": [], "dtype": "int64", "data": [2**62]}}
BOUNDLESS = ("--model-limit", f"loop_iterations={2**63}", "--model-limit", "loop_seconds=100000")
TIMES = {"x": numpy.array([0.5, -7], numpy.float32)}


@contextlib.contextmanager
def models():
    with scratch() as folder:
        os.mkdir(os.path.join(folder, "forms"))
        with open(os.path.join(folder, "forms", "model.onnx"), "wb") as file:
            file.write(forms())
        yield folder


def data_set(folder, negated=True):
    """The inputs and the outputs as ONNX's test data has them."""
    place = os.path.join(folder, "forms", "test_data_set_0")
    os.makedirs(place, exist_ok=True)
    scalar = lambda dtype, raw: onnx.tensor(dtype, [], raw)
    values = OUTPUTS["y"] if negated else [-value for value in OUTPUTS["y"]]
    files = {"input_0": scalar(onnx.BOOL, b"\1"), "input_1": scalar(onnx.INT64, struct.pack("<q", 3)),
             "input_2": onnx.floats(0.5, -7),
             "input_3": onnx.sequence(onnx.floats(1, 2), onnx.floats(), onnx.floats(3)),
             "input_4": onnx.optional(), "input_5": onnx.tensor(onnx.STRING, [2], strings=["ä", ""]),
             "output_0": onnx.floats(*values), "output_1": onnx.floats(1, 2, 3), "output_2": scalar(onnx.BOOL, b"\0"),
             "output_3": onnx.tensor(onnx.STRING, [2], strings=["ää", ""])}
    for name, content in files.items():
        with open(os.path.join(place, name + ".pb"), "wb") as file:
            file.write(content)
    return place


def flags(folder, inputs):
    given = []
    for name, value in inputs.items():
        path = os.path.join(folder, name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file)
        given += ["--input", f"{name}={path}"]
    return given


def expect_outputs(outputs, expected=None):
    got = {name: output["data"] for name, output in outputs.items()}
    expect(got == (expected or OUTPUTS), got)


def the_command_line_shows_and_infers_it():
    with models() as folder:
        path = os.path.join(folder, "forms")
        shown = run("models", "show", path)
        for name, words in NAMES.items():
            expect(f"{name}: {words}" in shown.out, shown.out)
        expect_outputs(run("infer", path, *flags(folder, INPUTS), "--json").json()["result"]["outputs"])
        place = data_set(folder)
        given = [f"{name}={place}/input_{index}.pb" for index, name in enumerate(NAMES)]
        numpy.save(os.path.join(folder, "x.npy"), TIMES["x"])
        given[2] = f"x={folder}/x.npy"
        out = os.path.join(folder, "out")
        done = run("infer", path, *[word for one in given for word in ("--input", one)], "--output", out)
        expect(done.code == 0 and "string" in done.out, done.err)
        expect(sorted(os.listdir(out)) == ["h.npy", "t.pb", "y.npy", "z.npy"], os.listdir(out))
        expect(numpy.load(os.path.join(out, "y.npy")).tolist() == OUTPUTS["y"], "y")
        for other in (True, 0, [-5, 2], [[]], {"shape": [1], "data": [4]}, ["ß"]), (False, 0, [-5, 2], [[9]], None, []):
            inputs, expected = made(*other)
            expect_outputs(run("infer", path, *flags(folder, inputs), "--json").json()["result"]["outputs"], expected)


def the_command_line_explains_and_verifies_it():
    with models() as folder:
        path = os.path.join(folder, "forms")
        place = data_set(folder)
        given = [word for index, name in enumerate(NAMES) for word in ("--input", f"{name}={place}/input_{index}.pb")]
        rows = {row["name"]: row for row in run("explain", path, *given, "--json").json()["nodes"]}
        expect(rows["count/step"]["op"] == "Add" and rows["count/step"]["shape"] == [2], rows)
        expect(any(row["op"] == "Neg" for row in rows.values()), rows)
        expect(not any(row["op"] == "Relu" for row in rows.values()), "a branch that was not taken")
        table = run("explain", path, *given)
        expect(table.code == 0 and "count/step" in table.out, table.out)
        told = run("explain", path)
        expect(told.code == 2 and 'input "s" is a sequence, which can\'t be generated' in told.err, told.err)
        passed = run("verify", path, "--json")
        expect(passed.code == 0 and passed.json()["cases"][0]["outputs"] == 4, passed.out)
        data_set(folder, negated=False)
        wrong = run("verify", path)
        expect(wrong.code == 1 and '"y": 2 of 2 elements differ' in wrong.out + wrong.err, wrong.out)


# What is given, and what is said of it.
WRONG = {
    "a null": ({"x": None}, "x", "expected float32 [N], got null"),
    "a sequence": ({"x": [INPUTS["x"]]}, "x", "expected float32 [N], got a sequence of 1"),
    "a tensor": ({"s": INPUTS["x"]}, "s", "expected a sequence of float32 tensors, got float32 [2]"),
    "a null for a sequence": ({"s": None}, "s", "expected a sequence of float32 tensors, got null"),
    "another dtype in it": ({"s": [INPUTS["x"], INPUTS["n"]]}, "s", "got int64 [] as element 1"),
    "numbers": ({"w": INPUTS["x"]}, "w", "expected string [M], got float32 [2]"),
    "a sequence in an optional": ({"o": [INPUTS["x"]]}, "o", "expected null or a tensor of float32, got a sequence"),
    "another rank": ({"n": {"shape": [1], "dtype": "int64", "data": [1]}}, "n", "expected int64 [], got int64 [1]"),
    "a misspelt name": ({"X": INPUTS["x"]}, "X", 'the model has no input "X"; it has: "c", "n", "x", "s", "o", "w"'),
}
# These are no values at all: they are refused whatever the model.
MALFORMED = {
    "a lone number": ({"x": 5}, "x", "a tensor is an object"),
    "numbers that are no tensor": ({"s": [1, 2]}, "s[0]", "an element of a sequence is a tensor"),
    "a sequence in a sequence": ({"s": [[INPUTS["x"]]]}, "s[0]", "an element of a sequence is a tensor"),
    "a null in a sequence": ({"s": [None]}, "s[0]", "an element of a sequence is a tensor"),
    "another nesting": ({"x": {"shape": [4], "data": [[1, 2], [3, 4]]}}, "x", "is nested as [2,2]"),
    "numbers for words": ({"w": {**INPUTS["w"], "data": [1, 2]}}, "w", "value 0 is not a string"),
}


def wrong_inputs_are_refused_before_there_is_a_task():
    with models() as folder, serving("--models", folder) as (_, port, _):
        schemas = json.loads(get(port, "/openapi.json")[1])["components"]["schemas"]

        def refused(inputs, loc, words, what):
            body = {"operation": "inference", "task_id": "t", "data": {"model": "forms", "inputs": inputs}}
            for headers in {}, {"Prefer": "respond-async"}:
                reply, told = send(port, body, headers)
                expect(reply.status == 422 and not problems(schemas["Problems"], told, schemas), f"{what}: {told}")
                expect(any(one["loc"] == ["body", "data", "inputs", loc] and words in one["msg"]
                           for one in told["detail"]), f"{what}: {told}")
            expect(get(port, "/tasks/t")[0].status == 404, f"{what}: there is a task")

        for loaded in (False, True):  # as well before anybody has loaded the model
            expect(json.loads(get(port, "/models/forms")[1])["state"] == ("ready" if loaded else "available"), loaded)
            for what, (change, loc, words) in {**WRONG, **MALFORMED}.items():
                refused({**INPUTS, **change}, loc, words, what)
            for name in INPUTS:
                refused({key: one for key, one in INPUTS.items() if key != name}, name, "is missing", f"no {name}")
            reply, told = send(port, {"operation": "inference", "data": {"model": "forms"}})
            expect(reply.status == 422 and [one["loc"][-1] for one in told["detail"]] == ["s", "o", "w"], told)
            reply, done = send(port, {"operation": "inference", "data": {"model": "forms", "inputs": INPUTS}})
            expect(reply.status == 200 and done["status"] == "completed", done)
            expect_outputs(done["result"]["outputs"])


def wrong_inputs_are_told_on_the_command_line():
    with models() as folder, serving("--models", folder) as (_, port, _):
        for where in ((os.path.join(folder, "forms"),), ("forms", "--url", f"http://127.0.0.1:{port}")):
            for what, (change, _, words) in WRONG.items():
                done = run("infer", *where, *flags(folder, {**INPUTS, **change}))
                expect(done.code == 2 and words in done.err and not done.out, f"{where} {what}: {done.code} {done.err}")
                done = run("infer", *where, *flags(folder, {**INPUTS, **change}), "--json")
                expect(done.code == 2 and words in done.json()["detail"][0]["msg"], f"{where} {what}: {done.out}")
            done = run("infer", *where, *flags(folder, {"x": INPUTS["x"]}))
            expect(done.code == 2 and done.err.count("is missing") == 5, done.err)


def endless(task_id, **fields):
    return {"operation": "inference", "task_id": task_id, "data": {"model": "forms", "inputs": ENDLESS}, **fields}


def post_without_waiting(port, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/tasks", json.dumps(body), JSON)
    return connection


def known(port, task_id):
    while get(port, f"/tasks/{task_id}")[0].status == 404:
        pass  # it is accepted once the model was read and the store has said that it knows no such id
    wait_for(port, task_id, "running")


def counted(port, status):
    """Inferences that ended so."""
    lines = get(port, "/metrics")[1].splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("openruntime_tasks_total{")
               and 'operation="inference"' in line and f'status="{status}"' in line)


def a_loop_ends_when_nobody_wants_it():
    with models() as folder, serving("--models", folder, *BOUNDLESS) as (_, port, _):
        waiting = post_without_waiting(port, endless("deleted"))
        known(port, "deleted")
        expect(send(port, None, method="DELETE", path="/tasks/deleted")[1]["status"] == "cancelling", "not cancelling")
        reply = waiting.getresponse()
        told = json.loads(reply.read())
        expect(reply.status == 200 and (told["status"], told["error_code"]) == ("cancelled", "cancelled"), told)
        left = post_without_waiting(port, endless("left"))
        known(port, "left")
        left.sock.close()
        wait_for(port, "left", "cancelled")
        reply, told = send(port, endless("late", timeout=1))
        expect(reply.status == 200 and (told["status"], told["error_code"]) == ("timeout", "deadline_exceeded"), told)
        expect(counted(port, "cancelled") == 2 and counted(port, "timeout") == 1, get(port, "/metrics")[1])
        reply, done = send(port, {"operation": "inference", "data": {"model": "forms", "inputs": INPUTS}})
        expect_outputs(done["result"]["outputs"])
        expect(counted(port, "completed") == 1, get(port, "/metrics")[1])


def a_loop_beyond_its_bounds_says_which():
    with models() as folder:
        for limit, words in (("loop_iterations=100", "more than 100 iterations"),
                             ("loop_seconds=0.05", "more than 0.05 s")):
            with serving("--models", folder, "--model-limit", limit) as (_, port, _):
                reply, told = send(port, endless("much"))
                expect(reply.status == 200 and told["error_code"] == "resource_exhausted", told)
                expect(words in told["error"] and limit.split("=")[0] in told["error"], told)
                expect(counted(port, "failed") == 1, "it is not counted")


def a_drain_ends_a_loop_when_its_time_is_up():
    with models() as folder, scratch() as data:
        short = {"OPENRUNTIME_DRAIN_TIMEOUT": "1"}
        with serving("--models", folder, "--data", data, *BOUNDLESS, env=short) as (process, port, _):
            reply, told = send(port, endless("kept", on_restart="fail"), {"Prefer": "respond-async"})
            expect(reply.status == 202, told)
            known(port, "kept")
            waiting = post_without_waiting(port, endless("waited"))
            known(port, "waited")
            process.send_signal(signal.SIGTERM)
            expect(process.wait(timeout=120) == 0, "a drain ends with 0")
            waiting.close()
        with serving("--models", folder, "--data", data) as (_, port, _):
            told = json.loads(get(port, "/tasks/kept")[1])
            expect((told["status"], told["error_code"]) == ("failed", "interrupted"), told)


def programs_wait_in_line_by_their_priority():
    with models() as folder, serving("--models", folder, *BOUNDLESS) as (_, port, _):
        send(port, {"max_concurrency": 1}, method="PATCH", path="/devices/cpu_0")
        for name in ("first", "second", "third"):
            reply, told = send(port, endless(name), {"Prefer": "respond-async"})
            expect(reply.status == 202, told)
        wait_for(port, "first", "running")
        reply, told = send(port, {"priority": 9}, method="PATCH", path="/tasks/third")
        expect(reply.status == 200 and told["status"] == "pending", told)
        send(port, None, method="DELETE", path="/tasks/first")
        wait_for(port, "third", "running")
        expect(json.loads(get(port, "/tasks/second")[1])["status"] == "pending", "the second went before")
        for name in ("third", "second"):
            send(port, None, method="DELETE", path=f"/tasks/{name}")
            wait_for(port, name, "cancelled")


def a_profile_has_its_nodes():
    with models() as folder, serving("--models", folder) as (_, port, _):
        body = {"operation": "inference", "task_id": "seen", "data": {"model": "forms", "inputs": INPUTS}}
        begun = json.loads(get(port, "/profile/start?duration=1", JSON, "POST", "")[1])
        expect(send(port, body)[1]["status"] == "completed", "it failed")
        while True:
            reply, text = get(port, f"/profile/{begun['profile_id']}")
            if reply.status == 200:
                break
            expect(reply.status == 409, text)
        events = check_trace(json.loads(text))
        nodes = {event["name"]: event for event in events if event["ph"] == "X" and event["args"].get("op")}
        steps = [event for event in events if event["name"] == "step"]
        expect({event["args"]["op"] for event in nodes.values()} >= {"Loop", "If", "Neg", "ConcatFromSequence"}, nodes)
        expect(len(steps) == 3 and nodes["count"]["args"]["op"] == "Loop", steps)
        begin, end = nodes["count"]["ts"], nodes["count"]["ts"] + nodes["count"]["dur"]
        expect(all(begin <= event["ts"] <= end for event in steps), "the body is not within its Loop")


def its_life_is_told_over_ws():
    async def talk(port):
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws") as ws:
            await ws.recv()  # the devices
            told = []
            body = {"operation": "inference", "task_id": "told", "data": {"model": "forms", "inputs": INPUTS}}
            done = asyncio.get_running_loop().run_in_executor(None, send, port, body)
            while not told or told[-1]["type"] != "task_completed":
                message = json.loads(await ws.recv())
                if message.get("task_id") == "told":
                    told.append(message)
            expect((await done)[1]["status"] == "completed" and told[-1]["status"] == "completed", told)
            loop = asyncio.get_running_loop().run_in_executor(None, send, port, endless("gone", timeout=1))
            while message.get("task_id") != "gone" or message["type"] != "task_completed":
                message = json.loads(await ws.recv())
            expect(message["status"] == "timeout" and (await loop)[1]["status"] == "timeout", message)

    if websockets is None:
        print("     without websockets: not looked at")
        return
    with models() as folder, serving("--models", folder, *BOUNDLESS) as (_, port, _):
        asyncio.run(talk(port))


if __name__ == "__main__":
    need_server()
    main([
        the_command_line_shows_and_infers_it,
        the_command_line_explains_and_verifies_it,
        wrong_inputs_are_refused_before_there_is_a_task,
        wrong_inputs_are_told_on_the_command_line,
        a_loop_ends_when_nobody_wants_it,
        a_loop_beyond_its_bounds_says_which,
        a_drain_ends_a_loop_when_its_time_is_up,
        programs_wait_in_line_by_their_priority,
        a_profile_has_its_nodes,
        its_life_is_told_over_ws,
    ])
