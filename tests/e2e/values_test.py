"""What is no tensor of numbers: strings, sequences and optionals, through the command line and over HTTP."""

import contextlib
import json
import os
import shutil
import sys
import tempfile

import httpx

from harness import expect, fields_of, main, run, tensor_of
from server_test import serving

NODES = "/usr/share/libonnx-testdata/data/node"
CASES = {"lower": "test_strnormalizer_export_monday_casesensintive_lower", "front": "test_sequence_insert_at_front",
         "has": "test_optional_has_element"}
DAYS = {"shape": [4], "dtype": "string", "data": ["monday", "tuesday", "WEDNESDAY", "thürsday"]}


def numbers(*values):
    return {"shape": [len(values)], "dtype": "int64", "data": list(values)}


FRONT = {"sequence": [numbers(1, 2, 3, 4), numbers(5, 6, 7)], "tensor": numbers(10, 11, 12), "position": numbers(0)}
INSERTED = [numbers(10, 11, 12), numbers(1, 2, 3, 4), numbers(5, 6, 7)]


@contextlib.contextmanager
def models():
    with tempfile.TemporaryDirectory() as folder:
        for name, case in CASES.items():
            os.mkdir(os.path.join(folder, name))
            shutil.copy(os.path.join(NODES, case, "model.onnx"), os.path.join(folder, name))
        yield folder


def infer(folder, model, inputs):
    flags = []
    for name, value in inputs.items():
        path = os.path.join(folder, name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file)
        flags += ["--input", f"{name}={path}"]
    return run("infer", os.path.join(folder, model), *flags, "--output", os.path.join(folder, "out"), "--json")


def the_command_line_takes_and_gives_them():
    with models() as folder:
        result = infer(folder, "lower", {"x": DAYS}).json()
        expect(result["result"]["outputs"]["y"]["data"] == ["tuesday", "wednesday", "thürsday"], result)
        result = infer(folder, "front", FRONT).json()
        expect(result["result"]["outputs"]["output_sequence"] == INSERTED, result)
        written = os.path.join(folder, "out", "output_sequence.pb")
        with open(written, "rb") as file:
            tensors = [tensor_of(field) for number, _, field in fields_of(file.read()) if number == 3]
        expect([array.tolist() for _, array in tensors] == [one["data"] for one in INSERTED], "the file")
        again = run("infer", os.path.join(folder, "front"), "--input", f"sequence={written}", *[
            word for name in ("tensor", "position") for word in ("--input", f"{name}={folder}/{name}.json")], "--json")
        expect(len(again.json()["result"]["outputs"]["output_sequence"]) == 4, again.out)


def a_server_takes_and_gives_them():
    with models() as folder, serving("--models", folder) as (_, port, _):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            def ask(model, inputs, **fields):
                return client.post("/tasks", json={"operation": "inference", **fields,
                                                   "data": {"model": model, "inputs": inputs}})
            days = ask("lower", {"x": DAYS}, task_id="days").json()
            expect(days["result"]["outputs"]["y"]["data"] == ["tuesday", "wednesday", "thürsday"], days)
            front = ask("front", FRONT, task_id="front").json()
            expect(front["result"]["outputs"]["output_sequence"] == INSERTED, front)
            for task in ("days", "front"):
                reply = client.get(f"/tasks/{task}/result", headers={"Accept": "application/octet-stream"})
                expect(reply.status_code == 422 and "no bytes of its own" in reply.text, reply.text)
            outputs = client.get("/tasks/front/result").json()["outputs"]
            expect(outputs == {"output_sequence": INSERTED}, outputs)
            served = client.get("/models/front").json()
            expect([value["type"] for value in served["inputs"]] == ["sequence", "tensor", "tensor"], served)
            name = served_name(client)
            expect(ask("has", {name: None}).json()["result"]["outputs"]["output"]["data"] == [False], "null")
            held = {"shape": [4], "data": [1, 2, 3, 4]}
            expect(ask("has", {name: held}).json()["result"]["outputs"]["output"]["data"] == [True], "what it holds")
            wrong = ask("front", {**FRONT, "sequence": [3]})
            expect(wrong.status_code == 422 and "element of a sequence" in wrong.text, wrong.text)


def served_name(client):
    client.post("/models/has/load")
    return client.get("/models/has").json()["inputs"][0]["name"]


if __name__ == "__main__":
    if not os.path.isdir(NODES):
        print(f"skipped: {NODES} is not there (libonnx-testdata)")
        sys.exit(77)
    main([the_command_line_takes_and_gives_them, a_server_takes_and_gives_them])
