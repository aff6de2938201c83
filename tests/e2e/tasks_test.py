"""Tasks over HTTP as users meet them: waited for, on disk, cancelled, refused, found again after a restart."""

import http.client
import json
import signal
import tempfile

from harness import expect, main
from server_test import JSON, get, problems, serving

IDENTITY = {"shape": [2, 2], "dtype": "float32", "data": [1, 0, 0, 1]}
# Long enough to be met while it runs or waits, ended at the next iteration by whoever cancels it.
LONG = {"operation": "compute", "data": {"size": 256, "iterations": 1000000}}
SMALL = {"operation": "compute", "data": {"size": 8, "iterations": 1}}


def send(port, body, headers=None, method="POST", path="/tasks"):
    reply, text = get(port, path, {**JSON, **(headers or {})}, method, json.dumps(body))
    return reply, json.loads(text)


def wait_for(port, task_id, state):
    """Asks until the task is in that state: each answer comes when it comes, nothing sleeps."""
    while True:
        task = json.loads(get(port, f"/tasks/{task_id}")[1])
        if task.get("status") == state:
            return task
        expect(task.get("status") in ("pending", "running"), f"{task_id}: {task}")


def a_product_of_given_matrices_comes_back():
    with serving() as (_, port, _):
        a = {"shape": [2, 3], "dtype": "float32", "data": [1, 2, 3, 4, 5, 6]}
        b = {"shape": [3, 2], "dtype": "float32", "data": [1, 2, 3, 4, 5, 6]}
        reply, task = send(port, {"operation": "compute", "data": {"a": a, "b": b, "iterations": 1}})
        expect(reply.status == 200 and task["status"] == "completed", task)
        expect(task["result"]["outputs"]["result"] == {"shape": [2, 2], "dtype": "float32", "data": [22, 28, 49, 64]},
               task["result"])
        expect("queue" in reply.getheader("Server-Timing"), reply.getheader("Server-Timing"))
        expect(len(task["task_id"]) == 26 and task["attempts"] == 1 and task["device_used"] == "cpu_0", task)
        schemas = json.loads(get(port, "/openapi.json")[1])["components"]["schemas"]
        found = problems(schemas["TaskResponse"], task, schemas)
        expect(not found, found)


def a_bad_request_names_every_field():
    with serving() as (_, port, _):
        for body, loc in (({"operation": "fly"}, "operation"),
                          ({"operation": "compute", "data": {"size": -1}}, "data size"),
                          ({"operation": "compute", "priority": 11}, "priority"), ({}, "operation"),
                          ({"operation": "compute", "task_id": "a b"}, "task_id")):
            reply, text = send(port, body)
            expect(reply.status == 422 and text["detail"][0]["loc"] == ["body", *loc.split()], f"{body}: {text}")
        body = {"operation": 1, "data": [], "device_preference": 1, "priority": 0, "timeout": 0, "task_id": "a b",
                "strict_device": 1, "on_restart": "x", "colour": 1}
        reply, text = send(port, body)
        expect(sorted(one["loc"][1] for one in text["detail"]) == sorted(body), text)  # each of them at once
        reply, text = get(port, "/tasks", JSON, "POST", "{")
        wrong = json.loads(text)["detail"][0]
        expect(reply.status == 422 and "JSON" in wrong["msg"] and wrong["loc"] == ["body"], text)
        for query, status in (("wait=False", 202), ("wait=0", 202), ("wait=1", 200), ("wait=soon", 422),
                              ("wait=true&wait=false", 422)):
            reply, text = get(port, f"/tasks?{query}", JSON, "POST", json.dumps(SMALL))
            expect(reply.status == status, f"{query}: {reply.status} {text}")
        reply, text = get(port, "/tasks", {}, "POST", "{}")
        expect(reply.status == 415, f"{reply.status} {text}")
        unknown = [{"operation": "inference", "data": {"model": name}} for name in ("no-such", "../digits", "gpt2:x")]
        unknown.append({"operation": "benchmark", "data": {"type": "ml", "models": ["gpt2", "no-such"]}})
        for body in unknown:
            reply, text = send(port, body)
            expect(reply.status == 404 and text["error_code"] == "not_found", f"{body}: {text}")
        reply, text = send(port, {"type": "ml", "model": "no-such"}, path="/benchmark")
        expect(reply.status == 404 and text["error_code"] == "not_found", text)
        reply, text = send(port, {"operation": "compute", "device_preference": "cuda", "strict_device": True})
        expect(reply.status == 409, f"{reply.status} {text}")
        reply, text = send(port, {"operation": "compute", "data": {"size": 4194304, "iterations": 1}})
        expect(reply.status == 507 and "bytes" in text["detail"], f"{reply.status} {text}")


def a_task_that_need_not_be_waited_for_is_on_disk():
    body = {"task_id": "kept", "operation": "compute", "data": {"a": IDENTITY, "b": IDENTITY, "iterations": 1}}
    with tempfile.TemporaryDirectory() as folder:
        with serving("--data", folder) as (process, port, _):
            reply, task = send(port, body, {"Prefer": "respond-async"})
            expect(reply.status == 202 and reply.getheader("Location") == "/tasks/kept", f"{reply.status} {task}")
            schemas = json.loads(get(port, "/openapi.json")[1])["components"]["schemas"]
            expect(not problems(schemas["ActiveTask"], task, schemas), task)
            done = wait_for(port, "kept", "completed")
            reply, again = send(port, body)
            expect(reply.status == 200 and again == done, "the same body is not the same task")
            reply, text = send(port, {**body, "priority": 2})
            expect(reply.status == 409 and text["error_code"] == "already_exists", text)
            process.send_signal(signal.SIGTERM)
            expect(process.wait(timeout=60) == 0, "a drain ends with 0")
        with serving("--data", folder) as (_, port, _):
            expect(json.loads(get(port, "/tasks/kept")[1]) == done, "it is another after a restart")


def what_was_killed_in_the_middle_runs_again():
    with tempfile.TemporaryDirectory() as folder:
        with serving("--data", folder) as (process, port, _):
            reply, _ = send(port, {**LONG, "task_id": "long"}, {"Prefer": "respond-async"})
            expect(reply.status == 202, reply.status)
            wait_for(port, "long", "running")
            process.kill()
            process.wait(timeout=60)
        with serving("--data", folder) as (_, port, _):
            wait_for(port, "long", "running")
            reply, text = send(port, None, method="DELETE", path="/tasks/long")
            expect(reply.status == 200 and text["status"] == "cancelling", text)
            wait_for(port, "long", "cancelled")


def cancels_removes_lists_and_changes():
    with serving() as (_, port, _):
        for number in range(5):  # one more than run at once
            reply, _ = send(port, {**LONG, "task_id": f"t{number}"}, {"Prefer": "respond-async"})
            expect(reply.status == 202, reply.status)
        wait_for(port, "t0", "running")
        listed = json.loads(get(port, "/tasks")[1])
        expect([task["task_id"] for task in listed["active_tasks"]] == [f"t{number}" for number in range(5)], listed)
        reply, text = send(port, {"priority": 7}, method="PATCH", path="/tasks/t4")
        expect(reply.status == 200 and text["status"] == "pending", f"{reply.status} {text}")
        for wrong in ({}, {"priority": 0}, {"priority": "high"}, {"priority": 3, "more": 1}):
            reply, text = send(port, wrong, method="PATCH", path="/tasks/t4")
            expect(reply.status == 422, f"{wrong}: {reply.status}")
        for number in range(5):
            expect(send(port, None, method="DELETE", path=f"/tasks/t{number}")[0].status == 200, number)
            wait_for(port, f"t{number}", "cancelled")
        reply, text = send(port, {"priority": 7}, method="PATCH", path="/tasks/t4")
        expect(reply.status == 409, f"{reply.status} {text}")
        expect(send(port, None, method="DELETE", path="/tasks/t0")[1]["status"] == "removed", "not removed")
        reply, text = send(port, None, method="DELETE", path="/tasks/t0")
        expect(reply.status == 404, f"{reply.status} {text}")


def a_client_that_goes_frees_the_device():
    with serving() as (_, port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/tasks", json.dumps({**LONG, "task_id": "left"}), JSON)
        while get(port, "/tasks/left")[0].status == 404:
            pass  # it is accepted once the store has said that it knows no such id
        wait_for(port, "left", "running")
        connection.sock.close()
        wait_for(port, "left", "cancelled")


def a_model_is_loaded_once_for_many():
    with serving() as (_, port, _):
        body = {"operation": "inference", "data": {"model": "mobilenet-v2", "iterations": 1}}
        for _ in range(2):
            reply, task = send(port, body)
            expect(reply.status == 200 and task["result"]["weights"] == "synthetic", task)


if __name__ == "__main__":
    main([
        a_product_of_given_matrices_comes_back,
        a_bad_request_names_every_field,
        a_task_that_need_not_be_waited_for_is_on_disk,
        what_was_killed_in_the_middle_runs_again,
        cancels_removes_lists_and_changes,
        a_client_that_goes_frees_the_device,
        a_model_is_loaded_once_for_many,
    ])
