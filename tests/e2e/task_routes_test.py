"""The routes of tasks through Python's httpx: parts, results, pages, one task asked for twice, benchmarks."""

import base64
import contextlib
import email
import email.policy
import json
import os
import signal
import tempfile
import threading
import time

import httpx
import numpy

from harness import SOURCE, expect, main
from server_test import problems, serving
from tasks_test import LONG

ROWS = numpy.arange(6, dtype="<f4").reshape(2, 3)
COLUMNS = numpy.arange(6, dtype="<f4").reshape(3, 2)


@contextlib.contextmanager
def client(*arguments):
    with serving(*arguments) as (process, port, _):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as session:
            schemas = session.get("/openapi.json").json()["components"]["schemas"]
            session.schemas, session.process = schemas, process
            yield session


def is_a(session, schema, value):
    found = problems(session.schemas[schema], value, session.schemas)
    expect(not found, f"{schema}: {found} in {value}")
    return value


def tensor(array, part):
    return {"shape": list(array.shape), "dtype": str(array.dtype), "part": part}


def product(**fields):
    return {"operation": "compute", "data": {"a": tensor(ROWS, "left"), "b": tensor(COLUMNS, "right")}, **fields}


def parts(request, **more):
    files = {"request": (None, json.dumps(request), "application/json")}
    for name, array in {"left": ROWS, "right": COLUMNS, **more}.items():
        if array is not None:
            files[name] = (name, array if isinstance(array, bytes) else array.tobytes(), "application/octet-stream")
    return files


def done(session, task_id):
    while True:  # each answer comes when it comes
        task = session.get(f"/tasks/{task_id}").json()
        if task["status"] not in ("pending", "running"):
            return is_a(session, "TaskResponse", task)
        is_a(session, "ActiveTask", task)


def expect_error(session, reply, status, code):
    expect(reply.status_code == status, f"{reply.status_code} {reply.text}")
    expect(is_a(session, "Error", reply.json())["error_code"] == code, reply.text)


def expect_problem(session, reply, loc):
    expect(reply.status_code == 422, f"{reply.status_code} {reply.text}")
    expect(is_a(session, "Problems", reply.json())["detail"][0]["loc"] == loc, reply.text)


def tensors_come_as_parts_and_go_as_bytes():
    with client() as session:
        reply = session.post("/tasks", files=parts(product()))
        task = is_a(session, "TaskResponse", reply.json())
        expect(task["result"]["iterations"] == 1, "given operands are computed with once")
        expect(task["result"]["percent_of_peak"] is None, "a limit that nobody measured")
        got = numpy.reshape(task["result"]["outputs"]["result"]["data"], (2, 2))
        expect(numpy.array_equal(got, ROWS @ COLUMNS), task)
        path = f"/tasks/{task['task_id']}/result"
        outputs = is_a(session, "TaskOutputs", session.get(path).json())
        expect(outputs["outputs"] == task["result"]["outputs"], outputs)
        for query in ("", "?output=result"):
            reply = session.get(path + query, headers={"Accept": "application/octet-stream"})
            expect(reply.headers["OpenRuntime-Dtype"] == "float32" and reply.headers["OpenRuntime-Shape"] == "2,2",
                   reply.headers)
            expect(reply.content == (ROWS @ COLUMNS).tobytes(), reply.content)
        reply = session.get(path + "?output=no", headers={"Accept": "application/octet-stream"})
        expect_error(session, reply, 404, "not_found")
        expect_error(session, session.get("/tasks/nobody/result"), 404, "not_found")
        expect_error(session, session.get("/tasks/no%20body/result"), 404, "not_found")


def a_response_comes_in_parts_where_they_are_accepted():
    accept = {"Accept": "multipart/form-data, application/json"}
    with client() as session:
        reply = session.post("/tasks", files=parts(product(task_id="parted")), headers=accept)
        expect(reply.status_code == 200, reply.text)
        head = f"Content-Type: {reply.headers['content-type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + reply.content, policy=email.policy.HTTP)
        pieces = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
        expect(list(pieces) == ["response", "output0"], pieces)
        task = is_a(session, "TaskResponse", json.loads(pieces["response"].get_payload(decode=True)))
        expect(task["result"]["outputs"] == {"result": {"shape": [2, 2], "dtype": "float32", "part": "output0"}}, task)
        expect(pieces["output0"].get_payload(decode=True) == (ROWS @ COLUMNS).tobytes(), "other bytes")
        whole = session.get("/tasks/parted").json()  # as JSON it is as it ever was
        expect(numpy.array_equal(numpy.reshape(whole["result"]["outputs"]["result"]["data"], (2, 2)), ROWS @ COLUMNS),
               whole)
        plain = session.post("/tasks", json={"operation": "compute", "data": {"size": 8}}, headers=accept)
        expect(is_a(session, "TaskResponse", plain.json())["status"] == "completed", "without tensors it is JSON")
        expect_problem(session, session.post("/tasks", json={"operation": "x"}, headers=accept), ["body", "operation"])


def a_picture_comes_as_a_part():
    with open(os.path.join(SOURCE, "data", "digits", "samples", "7-1.png"), "rb") as file:
        picture = file.read()
    with client("--models", "data") as session:
        asked = {"operation": "inference", "data": {"model": "digits", "top_k": 1}}
        in_text = {**asked, "data": {**asked["data"], "image": base64.b64encode(picture).decode()}}
        named = {**asked, "data": {**asked["data"], "image": {"part": "scan"}}}
        for reply in (session.post("/tasks", json=in_text),
                      session.post("/tasks", files=parts(asked, left=None, right=None, image=picture)),
                      session.post("/tasks", files=parts(named, left=None, right=None, scan=picture))):
            task = is_a(session, "TaskResponse", reply.json())
            expect(task["result"]["predictions"][0][0]["label"] == "7" and task["result"]["runs"] == 1, task)


def wrong_parts_are_named():
    with client() as session:
        expect_problem(session, session.post("/tasks", files=parts(product(), right=None)), ["body", "data", "b"])
        expect_problem(session, session.post("/tasks", files=parts(product(), more=ROWS)), ["body", "more"])
        expect_problem(session, session.post("/tasks", files=parts(product(), left=b"1234")), ["body", "data", "a"])
        expect_problem(session, session.post("/tasks", json=product()), ["body", "data", "a"])
        expect_problem(session, session.post("/tasks", files={"left": b"1"}), ["body"])
        expect_problem(session, session.post("/tasks", files={"request": b"{"}), ["body"])
        reply = session.post("/tasks", content=b"x", headers={"Content-Type": "multipart/form-data"})
        expect_problem(session, reply, ["body"])
        reply = session.post("/tasks", content=b"x", headers={"Content-Type": "text/plain"})
        expect_error(session, reply, 415, "unsupported_media_type")


def recorded_parts_outlive_the_process():
    with tempfile.TemporaryDirectory() as folder:
        with client("--data", folder) as session:
            for number in range(4):  # as many as run at once, so that the next one waits
                session.post("/tasks?wait=false", json={**LONG, "task_id": f"long{number}"})
            large = numpy.ones((200, 200), dtype="<f4")  # of more bytes than a row holds
            asked = {"operation": "compute", "task_id": "kept", "priority": 1,
                     "data": {"a": tensor(large, "left"), "b": tensor(large, "left")}}
            reply = session.post("/tasks", files=parts(asked, left=large, right=None),
                                 headers={"Prefer": "respond-async"})
            expect(reply.status_code == 202 and reply.json()["task_id"] == "kept", reply.text)
            expect_error(session, session.get("/tasks/kept/result"), 409, "failed_precondition")
            session.process.kill()
            session.process.wait(timeout=60)
        with client("--data", folder) as session:
            for number in range(4):
                session.delete(f"/tasks/long{number}")
            first = done(session, "kept")
            expect(first["result"]["outputs"]["result"]["data"] == [200] * 40000, "another product")
            session.process.send_signal(signal.SIGTERM)
            session.process.wait(timeout=60)
        with client("--data", folder) as session:
            expect(done(session, "kept") == first, "it is another after a restart")
            expect(is_a(session, "TaskOutputs", session.get("/tasks/kept/result").json())["outputs"]
                   == first["result"]["outputs"], "other outputs")
            reply = session.get("/tasks/kept/result", headers={"Accept": "application/octet-stream"})
            expect(reply.content == (large @ large).tobytes() and reply.headers["OpenRuntime-Shape"] == "200,200",
                   reply.headers)
            reply = session.head("/tasks/kept/result", headers={"Accept": "application/octet-stream"})
            expect(reply.headers["Content-Length"] == "160000" and reply.content == b"", reply.headers)
            expect_error(session, session.get("/tasks/long0/result"), 404, "not_found")
            again = session.post("/tasks", files=parts(asked, left=large, right=None))
            expect(again.json() == first, "the same parts in another envelope are the same task")
            again = session.post("/tasks", files=parts(asked, left=large + 1, right=None))
            expect_error(session, again, 409, "already_exists")
            expect_error(session, session.patch("/tasks/kept", json={"priority": 3}), 409, "failed_precondition")
            expect_error(session, session.patch("/tasks/nobody", json={"priority": 3}), 404, "not_found")
            expect(is_a(session, "TaskRemoval", session.delete("/tasks/kept").json())["status"] == "removed", "stays")
            for reply in (session.get("/tasks/kept"), session.delete("/tasks/kept")):
                expect_error(session, reply, 404, "not_found")


def pages_are_turned_to_the_end():
    small = {"operation": "compute", "data": {"size": 4, "iterations": 1}}
    with client() as session:
        for number in range(7):
            session.post("/tasks", json={**small, "task_id": f"p{number}"})
        session.post("/tasks", json={**small, "data": {"type": "fft", "size": 8}, "device_preference": "cuda"})
        session.post("/tasks?wait=false", json={**LONG, "task_id": "long"})
        seen, after = [], ""
        while after is not None:
            page = is_a(session, "TaskList", session.get(f"/tasks?status=completed&limit=3{after}").json())
            expect(len(page["tasks"]) <= 3, page)
            seen += [task["task_id"] for task in page["tasks"]]
            after = page["next"] and f"&after={page['next']}"
        expect(len(seen) == 8 and seen[1:] == [f"p{number}" for number in range(6, -1, -1)], seen)
        listed = session.get("/tasks", params={"device": "cpu_0", "operation": "compute"}).json()
        expect(len(listed["tasks"]) >= 8 and all(task["device_id"] == "cpu_0" for task in listed["tasks"]), listed)
        for query in ("device=cuda_0", "operation=inference", "status=failed"):
            page = session.get(f"/tasks?{query}").json()
            expect(page["tasks"] == [] and page["active_tasks"] == [] and page["next"] is None, page)
        expect([task["task_id"] for task in session.get("/tasks").json()["active_tasks"]] == ["long"], "not listed")
        for query, field in (("status=odd", "status"), ("limit=0", "limit"), ("limit=1001", "limit"),
                             ("after=x", "after")):
            expect_problem(session, session.get(f"/tasks?{query}"), ["query", field])
        session.delete("/tasks/long")


def one_task_is_waited_for_by_several():
    with client() as session:
        body, replies = {**LONG, "task_id": "one"}, []
        threads = [threading.Thread(target=lambda: replies.append(session.post("/tasks", json=body))) for _ in range(3)]
        leaves = httpx.Client(base_url=session.base_url, timeout=httpx.Timeout(60, read=0.2))
        for thread in threads[:2]:
            thread.start()
        while session.get("/tasks/one").json().get("status") != "running":
            pass
        with contextlib.suppress(httpx.ReadTimeout):
            leaves.post("/tasks", json=body)
        leaves.close()  # others wait still
        threads[2].start()
        expect_error(session, session.post("/tasks", json={**body, "priority": 5}), 409, "already_exists")
        expect(session.get("/tasks/one").json()["status"] == "running", "who left has ended it")
        session.delete("/tasks/one")
        for thread in threads:
            thread.join()
        expect(len(replies) == 3 and all(reply.status_code == 200 for reply in replies), replies)
        expect(all(is_a(session, "TaskResponse", reply.json())["status"] == "cancelled" for reply in replies), replies)
        expect(len({reply.text for reply in replies}) == 1, "not the same answer")


def one_task_is_recorded_for_several():
    with tempfile.TemporaryDirectory() as folder, client("--data", folder) as session:
        for number in range(4):
            body, replies = {**LONG, "task_id": f"one{number}"}, []
            threads = [threading.Thread(target=lambda body=body, replies=replies: replies.append(
                session.post("/tasks?wait=false", json=body))) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            expect([reply.status_code for reply in replies] == [202] * 6, [reply.text for reply in replies])
            expect({reply.headers["Location"] for reply in replies} == {f"/tasks/one{number}"}, "elsewhere")
            session.delete(f"/tasks/one{number}")


def small_tasks_do_not_wait_for_measurements():
    with client() as session:
        for data in ({"size": 16}, {"size": 16, "iterations": 3}, {"type": "softmax", "size": 16}):
            reply = session.post("/tasks", json={"operation": "compute", "data": data})
            result = is_a(session, "TaskResponse", reply.json())["result"]
            expect(result["iterations"] <= 5 and result["iterations"] == data.get("iterations", result["iterations"]),
                   result)
            expect(result.get("percent_of_peak") is None and result.get("percent_of_bandwidth") is None, result)


def a_benchmark_is_bounded_and_shared():
    with client() as session:
        asked = "/benchmark?benchmark_type=compute&duration=2&device_id=cpu_0"
        replies, begun = [], time.monotonic()
        threads = [threading.Thread(target=lambda: replies.append(session.post(asked, json={"sizes": [64, 128]})))
                   for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(time.monotonic() - begun < 30, "clients wait for thirty seconds")
        for reply in replies:
            task = is_a(session, "TaskResponse", reply.json())
            expect(task["status"] == "completed" and task["shared_run"] is True, task)
            results = task["result"]["results"]
            expect({row["size"] for row in results["compute"]} == {64, 128}, results)
            expect(all(row["percent_of_peak"] > 0 for row in results["compute"]), results)
        alone = session.post("/benchmark", json={"type": "memory", "sizes": [64], "duration": 0.2}).json()
        expect(is_a(session, "TaskResponse", alone)["shared_run"] is False, alone)
        expect(alone["result"]["results"]["memory"][0]["size_kb"] == 64, alone)
        expect_error(session, session.post("/benchmark?device_id=cuda_9"), 404, "not_found")
        for query, body, loc in (("benchmark_type=odd", {}, ["query", "benchmark_type"]),
                                 ("", {"size": 1}, ["body", "size"]),
                                 ("duration=x", {}, ["query", "duration"]), ("", {"sizes": 3}, ["body", "sizes"]),
                                 ("duration=0", {}, ["query", "duration"]), ("", {"type": "odd"}, ["body", "type"]),
                                 ("", {"duration": 0}, ["body", "duration"]), ("", [1], ["body"])):
            expect_problem(session, session.post(f"/benchmark?{query}", json=body), loc)
        # What was measured is known from now on.
        task = session.post("/tasks", json={"operation": "compute", "data": {"size": 64}}).json()
        expect(task["result"]["percent_of_peak"] is None or 0 < task["result"]["percent_of_peak"] <= 100, task)


if __name__ == "__main__":
    main([
        tensors_come_as_parts_and_go_as_bytes,
        a_response_comes_in_parts_where_they_are_accepted,
        a_picture_comes_as_a_part,
        wrong_parts_are_named,
        recorded_parts_outlive_the_process,
        pages_are_turned_to_the_end,
        one_task_is_waited_for_by_several,
        one_task_is_recorded_for_several,
        small_tasks_do_not_wait_for_measurements,
        a_benchmark_is_bounded_and_shared,
    ])
