"""Models over HTTP as users meet them: listed, loaded, used, explained, let go, removed, loaded again at a start."""

import http.client
import json
import os
import shutil
import threading

from harness import SOURCE, expect, main, run, scratch
from server_test import JSON, get, problems, serving

DIGITS = os.path.join(SOURCE, "data", "digits")
FIELDS = {"name", "version", "versions", "state", "reason", "inputs", "outputs", "device", "precision", "weights",
          "bytes", "loaded_at", "last_used"}
# Runs until it is cancelled, so that the model is in use meanwhile.
BUSY = {"operation": "inference", "data": {"model": "mobilenet-v2", "iterations": 1000000}}


def ask(port, method, path, body=None):
    reply, text = get(port, path, JSON if body is not None else {}, method, None if body is None else json.dumps(body))
    return reply.status, json.loads(text)


def repository(folder, versions=()):
    """A folder of models: "one", a file's folder, and "many" with versions."""
    shutil.copytree(DIGITS, os.path.join(folder, "one"), dirs_exist_ok=True)
    for version in versions:
        shutil.copytree(DIGITS, os.path.join(folder, "many", str(version)))
    return folder


def expect_model(port, model, **wanted):
    schemas = json.loads(get(port, "/openapi.json")[1])["components"]["schemas"]
    expect(set(model) == FIELDS, sorted(set(model) ^ FIELDS))
    found = problems(schemas["Model"], model, schemas)
    expect(not found, found)
    for name, value in wanted.items():
        expect(model[name] == value, f"{name}: {model[name]!r}, not {value!r}")


def wait_for(port, name, state):
    """Asks until the model is in that state: each answer comes when it comes, nothing sleeps."""
    while True:
        status, model = ask(port, "GET", f"/models/{name}")
        expect(status == 200 and model["state"] not in {"failed"} - {state}, model)
        if model["state"] == state:
            return model


def lists_loads_and_lets_go():
    with scratch() as folder, serving("--models", repository(folder)) as (_, port, _):
        status, listed = ask(port, "GET", "/models")
        names = [model["name"] for model in listed["models"]]
        expect(status == 200 and names == ["one", "resnet50", "mobilenet-v2", "bert-base", "gpt2"], names)
        for model in listed["models"]:
            expect_model(port, model, state="available", loaded_at=None, last_used=None, inputs=None, device=None,
                         bytes={"weights": None, "arena": None, "state": None})
        wish = {"device": "cpu", "max_batch_size": 2, "keep_alive_s": -1}
        status, model = ask(port, "POST", "/models/one/load", wish)
        expect(status == 200, model)
        expect_model(port, model, name="one", state="ready", device="cpu_0", weights="file", reason=None, version=None,
                     versions=[], precision=None)
        weights = os.path.getsize(os.path.join(DIGITS, "model.onnx"))
        expect(0 < model["bytes"]["weights"] <= weights and model["bytes"]["state"] == 0, model["bytes"])
        expect(model["loaded_at"].endswith("+00:00") and model["inputs"][0]["dtype"] == "float32", model)
        task = {"operation": "inference", "data": {"model": "one", "iterations": 1, "batch_size": 2}}
        status, done = ask(port, "POST", "/tasks", task)
        expect(status == 200 and done["status"] == "completed", done)
        used = ask(port, "GET", "/models/one")[1]
        expect(used["bytes"]["arena"] > 0 and used["last_used"] >= model["last_used"], used)
        task["data"]["batch_size"] = 3
        status, done = ask(port, "POST", "/tasks", task)
        expect(done["status"] == "failed" and "at most 2" in done["error"], done)
        for _ in range(2):  # one that is not loaded is where it was wanted to be
            status, model = ask(port, "POST", "/models/one/unload")
            expect(status == 200, model)
            expect_model(port, model, state="available", loaded_at=None)


def a_model_in_use_goes_with_its_last_run():
    with serving() as (_, port, _):
        busy = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        busy.request("POST", "/tasks", json.dumps({**BUSY, "task_id": "busy"}), JSON)
        wait_for(port, "mobilenet-v2", "ready")
        while ask(port, "GET", "/tasks/busy")[1]["status"] != "running":
            pass
        status, model = ask(port, "POST", "/models/mobilenet-v2/unload")
        expect(status == 200 and model["state"] == "unloading", model)
        status, model = ask(port, "POST", "/models/mobilenet-v2/load")  # a new one beside it
        expect(status == 200 and model["state"] == "ready", model)
        expect(ask(port, "GET", "/tasks/busy")[1]["status"] == "running", "the run was ended")
        expect(ask(port, "DELETE", "/tasks/busy")[0] == 200, "not cancelled")
        expect(json.loads(busy.getresponse().read())["status"] == "cancelled", "not cancelled")
        busy.close()
        expect(ask(port, "GET", "/models/mobilenet-v2")[1]["state"] == "ready", "the new one went")


def versions_stand_beside_each_other():
    with scratch() as folder, serving("--models", repository(folder, (1, 2))) as (_, port, _):
        model = ask(port, "GET", "/models/many")[1]
        expect_model(port, model, version="2", versions=["1", "2"], state="available")
        for body, version in (({"version": 1}, "1"), ({"version": "2"}, "2"), ({}, "2")):
            status, model = ask(port, "POST", "/models/many/load", body)
            expect(status == 200, model)
            expect_model(port, model, version=version, state="ready")
        shutil.copytree(DIGITS, os.path.join(folder, "many", "3"))
        status, model = ask(port, "POST", "/models/many/load")
        expect(status == 200 and model["version"] == "3", model)
        status, model = ask(port, "POST", "/models/many:1/unload")
        expect(status == 200 and model["state"] == "available" and model["version"] == "1", model)
        expect(ask(port, "GET", "/models/many:3")[1]["state"] == "ready", "another version went")
        status, model = ask(port, "DELETE", "/models/many:3")
        expect((status, model) == (200, {"name": "many:3", "status": "removed"}), model)
        expect(ask(port, "GET", "/models/many")[1]["versions"] == ["1", "2"], "it is still there")
        expect(ask(port, "GET", "/models/many:3")[0] == 404, "it is still there")


def explains_as_the_command_line_does():
    with scratch() as folder, serving("--models", repository(folder)) as (_, port, _):
        schemas = json.loads(get(port, "/openapi.json")[1])["components"]["schemas"]
        status, plain = ask(port, "GET", "/models/one/explain?profile=false&batch=2")
        expect(status == 200, plain)
        local = run("--json", "explain", "one", "--models", folder, "--no-profile", "-b", "2").json()
        expect(plain == local, "another answer than in process")
        status, timed = ask(port, "GET", "/models/one/explain?device=cpu_0&seed=7&precision=fp32")
        expect(status == 200 and not problems(schemas["Explanation"], timed, schemas), timed)
        expect(timed["seconds"] > 0 and all(node["seconds"] > 0 for node in timed["nodes"]), timed)
        for query, field in (("batch=0", "batch"), ("profile=perhaps", "profile"), ("precision=soft", "precision"),
                             ("dims=n", "dims"), ("dims=n=0", "dims"), ("seed=x", "seed")):
            status, wrong = ask(port, "GET", f"/models/one/explain?{query}")
            expect(status == 422 and wrong["detail"][0]["loc"] == ["query", field], f"{query}: {status} {wrong}")
        for query in ("dims=no_such=3", "device=cuda"):
            status, wrong = ask(port, "GET", f"/models/one/explain?{query}")
            expect(status == 404 and wrong["error_code"] == "not_found", f"{query}: {status} {wrong}")


def an_explanation_waits_for_its_place_on_the_device():
    long = {"operation": "compute", "task_id": "long", "data": {"size": 256, "iterations": 1000000}}
    with scratch() as folder, serving("--models", repository(folder)) as (_, port, _):
        expect(ask(port, "PATCH", "/devices/cpu_0", {"max_concurrency": 1})[0] == 200, "one place")
        expect(get(port, "/tasks?wait=false", JSON, "POST", json.dumps(long))[0].status == 202, "a long task")
        while ask(port, "GET", "/tasks/long")[1]["status"] != "running":
            pass
        answers = []
        asking = threading.Thread(target=lambda: answers.append(ask(port, "GET", "/models/one/explain?profile=false")))
        asking.start()
        while ask(port, "GET", "/models/one")[1]["state"] != "ready":  # so far it is
            pass
        expect(answers == [] and ask(port, "GET", "/tasks/long")[1]["status"] == "running", "it ran beside the task")
        expect(ask(port, "DELETE", "/tasks/long")[0] == 200, "cancel")
        asking.join()
        expect(answers[0][0] == 200 and answers[0][1]["nodes"], answers)
        expect(ask(port, "PATCH", "/devices/cpu_0", {"is_available": False})[0] == 200, "out")
        status, wrong = ask(port, "GET", "/models/one/explain?profile=false")
        expect(status == 409 and "cpu_0" in wrong["detail"], f"{status} {wrong}")


def what_is_wrong_is_told_without_the_folder():
    with scratch() as folder:
        repository(folder)
        os.mkdir(os.path.join(folder, "empty"))
        with open(os.path.join(folder, "broken.onnx"), "wb") as file:
            file.write(b"\x08\x07garbage")
        with serving("--models", folder) as (_, port, _):
            for method, path in (("GET", "/models/nine"), ("GET", "/models/no%2Fname"), ("DELETE", "/models/nine"),
                                 ("POST", "/models/nine/load"), ("POST", "/models/nine/unload"),
                                 ("GET", "/models/nine/explain"), ("DELETE", "/models/..%2Fone"),
                                 ("GET", "/models/empty"), ("GET", "/models/one:4"), ("POST", "/models/one:4/load"),
                                 ("GET", f"/models/{'x' * 200}")):
                status, wrong = ask(port, method, path)
                expect(status == 404 and wrong["error_code"] == "not_found", f"{method} {path}: {status} {wrong}")
                expect(folder not in wrong["detail"], wrong)
            for body, field in (({"version": 0}, "version"), ({"version": "a"}, "version"), ({"device": 1}, "device"),
                                ({"precision": "soft"}, "precision"), ({"max_batch_size": 0}, "max_batch_size"),
                                ({"keep_alive_s": 1e9}, "keep_alive_s"), ({"more": 1}, "more")):
                status, wrong = ask(port, "POST", "/models/one/load", body)
                expect(status == 422 and wrong["detail"][0]["loc"] == ["body", field], f"{body}: {status} {wrong}")
            status, wrong = ask(port, "POST", "/models/one/load", {"version": 0, "device": 1, "more": True})
            expect(status == 422 and len(wrong["detail"]) == 3, wrong)
            status, wrong = ask(port, "POST", "/models/one:1/load", {"version": 2})
            expect(status == 422 and wrong["detail"][0]["loc"] == ["body", "version"], wrong)
            status, wrong = ask(port, "POST", "/models/one/load", {"device": "cuda"})
            expect(status == 404 and "cpu_0" in wrong["detail"], wrong)
            status, wrong = ask(port, "POST", "/models/broken/load")
            expect(status == 409 and wrong["error_code"] == "data_loss" and folder not in wrong["detail"], wrong)
            model = ask(port, "GET", "/models/broken")[1]
            expect_model(port, model, state="failed")
            expect(model["reason"] and folder not in model["reason"], model)
            status, wrong = ask(port, "DELETE", "/models/resnet50")
            expect(status == 409 and "built in" in wrong["detail"], wrong)


def a_file_that_is_cut_is_an_error_to_one_caller():
    """Weights lie beside the model; they are cut when it is loaded, before a run has needed them, and again later."""
    with scratch() as folder, serving("--models", repository(folder)) as (_, port, _):
        os.mkdir(os.path.join(folder, "beside"))
        file = os.path.join(folder, "beside", "model.onnx")
        expect(run("models", "export", "mobilenet-v2", file, "--external-data").code == 0, "export")
        expect(ask(port, "POST", "/models/beside/load")[0] == 200, "load")
        os.truncate(file + ".data", 1000)
        for _ in range(2):
            task = {"operation": "inference", "data": {"model": "beside", "iterations": 1}}
            done = ask(port, "POST", "/tasks", task)[1]
            expect(done["status"] == "failed" and done["error_code"] == "data_loss", done)
            expect("while it was read" in done["error"] and folder not in done["error"], done)
            task["data"]["model"] = "one"
            done = ask(port, "POST", "/tasks", task)[1]
            expect(done["status"] == "completed", done)
        expect(ask(port, "POST", "/models/beside/unload")[0] == 200, "unload")
        status, wrong = ask(port, "POST", "/models/beside/load")
        expect(status == 409 and wrong["error_code"] == "data_loss" and "truncated" in wrong["detail"], wrong)
        expect(get(port, "/health")[0].status == 200, "it is well")


def removes_what_lies_in_the_folder_and_nothing_else():
    with scratch() as folder, scratch() as elsewhere:
        repository(folder)
        outside = shutil.copytree(DIGITS, os.path.join(elsewhere, "digits"))
        os.symlink(outside, os.path.join(folder, "linked"))
        os.symlink(elsewhere, os.path.join(folder, "one", "way-out"))
        shutil.copy(os.path.join(DIGITS, "model.onnx"), os.path.join(folder, "flat.onnx"))
        shutil.copy(os.path.join(DIGITS, "model.json"), os.path.join(folder, "flat.json"))
        shutil.copy(os.path.join(DIGITS, "model.json"), os.path.join(folder, "other.json"))
        with serving("--models", folder) as (_, port, _):
            for name in ("one", "linked", "flat"):
                expect(ask(port, "POST", f"/models/{name}/load")[0] == 200, name)
                status, answer = ask(port, "DELETE", f"/models/{name}")
                expect((status, answer) == (200, {"name": name, "status": "removed"}), answer)
                expect(ask(port, "GET", f"/models/{name}")[0] == 404, name)
                expect(ask(port, "DELETE", f"/models/{name}")[0] == 404, name)
            for method, path in (("DELETE", "/models//"), ("POST", "/models//load"), ("GET", "/models//explain")):
                expect(ask(port, method, path)[0] == 404, f"{method} {path}: a model without a name")
        expect(sorted(os.listdir(folder)) == ["other.json"], os.listdir(folder))
        expect(sorted(os.listdir(outside)) == sorted(os.listdir(DIGITS)), "what a link leads to was removed")


def a_restart_loads_again_what_was_loaded():
    with scratch() as folder, scratch() as data:
        repository(folder, (1, 2))
        with serving("--models", folder, "--data", data) as (process, port, _):
            for path, body in (("one", {}), ("many", {"version": 1}), ("bert", None), ("many", {"device": "cpu_0"})):
                status, model = ask(port, "POST", f"/models/{path}/load", body)
                expect(status == 200, model)
            expect(ask(port, "POST", "/models/bert-base/unload")[0] == 200, "unload")
            expect(ask(port, "POST", "/models/broken/load")[0] == 404, "there is none")
            process.kill()
            process.wait(timeout=60)
        shutil.rmtree(os.path.join(folder, "many", "2"))
        with serving("--models", folder, "--data", data) as (_, port, _):
            expect_model(port, wait_for(port, "one", "ready"), device="cpu_0")
            expect_model(port, wait_for(port, "many:1", "ready"), version="1")
            expect(ask(port, "GET", "/models/bert-base")[1]["state"] == "available", "unload forgets")


def an_idle_model_goes_when_its_time_is_over():
    with scratch() as folder, serving("--models", repository(folder)) as (_, port, _):
        status, model = ask(port, "POST", "/models/one/load", {"keep_alive_s": 0.001})
        expect(status == 200, model)
        wait_for(port, "one", "available")


def a_client_that_goes_leaves_nothing_behind():
    with serving() as (_, port, _):
        gone = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        gone.request("POST", "/models/resnet50/load", "{}", JSON)
        gone.close()
        wait_for(port, "resnet50", "ready")


def an_explanation_ends_when_the_server_drains():
    with serving("--set", "drain_timeout=0") as (process, port, _):
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        asked.request("GET", "/models/resnet50/explain?batch=64")
        wait_for(port, "resnet50", "ready")
        process.terminate()
        reply = asked.getresponse()
        wrong = json.loads(reply.read())
        expect(reply.status == 503 and "draining" in wrong["detail"], wrong)
        asked.close()


if __name__ == "__main__":
    main([
        lists_loads_and_lets_go,
        a_model_in_use_goes_with_its_last_run,
        versions_stand_beside_each_other,
        explains_as_the_command_line_does,
        an_explanation_waits_for_its_place_on_the_device,
        what_is_wrong_is_told_without_the_folder,
        a_file_that_is_cut_is_an_error_to_one_caller,
        removes_what_lies_in_the_folder_and_nothing_else,
        a_restart_loads_again_what_was_loaded,
        an_idle_model_goes_when_its_time_is_over,
        a_client_that_goes_leaves_nothing_behind,
        an_explanation_ends_when_the_server_drains,
    ])
