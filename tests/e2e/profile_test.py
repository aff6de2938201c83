"""Profiles over HTTP: what tasks, devices and threads did, as a trace that is checked against the trace event format
(Google's "Trace Event Format", JSON object format) by rules of this script's own."""

import json
import threading

from harness import expect, main
from models_test import ask
from server_test import get, problems, serving

NUMBER = (int, float)
EPSILON = 0.002  # microseconds: two roundings to a nanosecond
SMALL = {"operation": "inference", "data": {"model": "digits", "iterations": 1}}
PRODUCT = {"operation": "compute", "data": {"size": 64, "iterations": 3}}


def check_event(event):
    """The members that the format asks of an event by its phase."""
    expect(isinstance(event["name"], str) and event["name"], f"name: {event}")
    expect(isinstance(event["cat"], str) and event["cat"], f"cat: {event}")
    expect(isinstance(event["pid"], int) and isinstance(event["tid"], int), f"pid, tid: {event}")
    expect(isinstance(event["ts"], NUMBER) and event["ts"] >= 0, f"ts: {event}")
    expect(isinstance(event.get("args", {}), dict), f"args: {event}")
    phase = event["ph"]
    expect(phase in "XbesfM", f"ph: {event}")
    if phase == "X":
        expect(isinstance(event["dur"], NUMBER) and event["dur"] >= 0, f"dur: {event}")
    if phase in "besf":
        expect(isinstance(event["id"], str), f"id: {event}")
    if phase == "f":
        expect(event["bp"] == "e", f"bp: {event}")
    if phase == "M":
        expect(event["name"] in ("process_name", "thread_name") and isinstance(event["args"]["name"], str), event)


def check_slices(events):
    """Complete events of a thread lie within each other or beside each other, never across."""
    rows = {}
    for event in events:
        if event["ph"] == "X":
            rows.setdefault((event["pid"], event["tid"]), []).append(event)
    for row in rows.values():
        open_ends = []
        for event in sorted(row, key=lambda event: (event["ts"], -event["dur"])):
            end = event["ts"] + event["dur"]
            while open_ends and open_ends[-1] <= event["ts"] + EPSILON:
                open_ends.pop()
            expect(not open_ends or end <= open_ends[-1] + EPSILON, f"crosses the slice around it: {event}")
            open_ends.append(end)
    return rows


def check_spans(events):
    """Async events of one category and id: every begin has its end, which is not before it, like brackets."""
    stacks = {}
    for event in events:
        if event["ph"] not in "be":
            continue
        stack = stacks.setdefault((event["cat"], event["id"]), [])
        if event["ph"] == "b":
            expect(not stack or event["ts"] >= stack[-1]["ts"], f"begins before what is around it: {event}")
            stack.append(event)
        else:
            begun = stack and stack[-1]["name"] == event["name"] and stack[-1]["ts"] <= event["ts"]
            expect(begun, f"no begin: {event}")
            stack.pop()
    expect(not any(stacks.values()), f"no end: {[stack for stack in stacks.values() if stack][:3]}")


def check_flows(events, rows):
    """Every arrow has one start and one end, later, and the end lies in a slice of its thread."""
    flows = {}
    for event in events:
        if event["ph"] in "sf":
            flows.setdefault(event["id"], {})[event["ph"]] = event
    for name, ends in flows.items():
        expect(set(ends) == {"s", "f"} and ends["s"]["ts"] <= ends["f"]["ts"], f"{name}: {ends}")
        end = ends["f"]
        expect(any(one["ts"] - EPSILON <= end["ts"] <= one["ts"] + one["dur"] + EPSILON
                   for one in rows[(end["pid"], end["tid"])]), f"{name}: ends in no slice")
    return flows


def check_trace(trace):
    """The whole; gives its events."""
    events = trace["traceEvents"]
    for event in events:
        check_event(event)
    rows = check_slices(events)
    check_spans(events)
    check_flows(events, rows)
    named = {(event["name"], event["pid"], event["tid"]) for event in events if event["ph"] == "M"}
    for pid, tid in rows:
        expect(("process_name", pid, 0) in named, f"process {pid} has no name")
        expect(("thread_name", pid, tid) in named, f"thread {tid} of {pid} has no name")
    end = trace["otherData"]["duration"] * 1e6
    expect(all(event["ts"] + event.get("dur", 0) <= end + EPSILON for event in events), "beyond the end")
    return events


def start(port, seconds=1):
    status, started = ask(port, "POST", f"/profile/start?duration={seconds}")
    expect(status == 200 and started["status"] == "profiling_started" and started["duration"] == seconds, started)
    return started["profile_id"]


def fetch(port, profile, work=None):
    """Asks until it is recorded, doing `work` meanwhile."""
    while True:
        status, trace = ask(port, "GET", f"/profile/{profile}")
        if status == 200:
            return trace
        expect(status == 409 and trace["error_code"] == "failed_precondition", trace)
        if work:
            work()


def profile_holds_tasks_waits_nodes_and_kernels():
    with serving("--models", "data") as (_, port, _):
        expect(ask(port, "POST", "/tasks", SMALL)[0] == 200, "the model")
        done = []

        def work():
            for body in (SMALL, PRODUCT):
                status, task = ask(port, "POST", "/tasks", body)
                expect(status == 200 and task["status"] == "completed", task)
                done.append(task)

        profile = start(port)
        work()
        trace = fetch(port, profile, work)
        events = check_trace(trace)
        schemas = json.loads(get(port, "/openapi.json")[1])["components"]["schemas"]
        expect(not problems(schemas["Trace"], trace, schemas), "another document than described")
        facts = trace["otherData"]
        expect(facts["profile_id"] == profile and 0 < facts["duration"] <= 1.0, facts)
        expect(facts["dropped_events"] == 0 and facts["recorded_events"] > 0, facts)

        ids = [event["args"]["task_id"] for event in events
               if event["ph"] == "b" and event["cat"] == "task" and "args" in event]
        expect([task["task_id"] for task in done][: len(ids)] == ids and len(ids) >= 2, f"{ids}")
        names = {event["name"] for event in events if event["cat"] == "task"}
        expect(names == {"inference digits", "compute matrix_multiply", "wait", "run"}, names)
        process = next(event for event in events if event["ph"] == "M" and event["args"]["name"] == "cpu_0")
        on_device = [event for event in events if event["pid"] == process["pid"] and event["ph"] == "X"]
        explained = json.loads(get(port, "/models/digits/explain?profile=false")[1])["nodes"]
        kinds = {kind: [event for event in on_device if event["cat"] == kind]
                 for kind in ("submission", "node", "kernel")}
        expect({node["name"] for node in explained} <= {event["name"] for event in kinds["node"]}, "nodes are missing")
        expect({node["kernel"] for node in explained} <= {event["name"] for event in kinds["kernel"]}, "kernels")
        expect(len(kinds["kernel"]) == len(kinds["node"]) > 2 * len(explained), "a kernel for each node")
        first = kinds["node"][0]["args"]
        expect(first["flops"] >= 0 and first["bytes"] > 0 and first["op"] and first["task"] > 0, first)
        waits = [event for event in events if event["ph"] == "b" and event["cat"] == "queue"]
        expect(len(waits) >= len(kinds["submission"]) - 1, "waits in the queue are missing")
        expect(sum(event["ph"] == "s" for event in events) >= len(kinds["submission"]) - 1, "arrows are missing")
        work_slices = [event for event in events if event["ph"] == "X" and event["cat"] == "work"]
        expect({event["args"]["task_id"] for event in work_slices} <= {task["task_id"] for task in done}, "work")

        nodes = [event for event in kinds["node"]]
        spent = sum(event["dur"] for event in kinds["submission"])
        inside = sum(event["dur"] for event in nodes)
        expect(0 < inside <= spent + EPSILON * len(nodes), f"nodes {inside} of {spent} us")


def what_runs_before_and_after_is_in_it_as_far_as_it_goes():
    with serving() as (_, port, _):
        long = {"task_id": "long", "operation": "compute", "data": {"size": 256, "iterations": 1000000}}
        waiting = threading.Thread(target=ask, args=(port, "POST", "/tasks", long))
        waiting.start()
        while ask(port, "GET", "/tasks/long")[1].get("status") != "running":
            pass
        trace = fetch(port, start(port))
        expect(ask(port, "DELETE", "/tasks/long")[0] == 200, "not cancelled")
        waiting.join()
        events = check_trace(trace)
        whole = [event for event in events if event["cat"] == "task" and event["name"].startswith("compute")]
        expect([event["ph"] for event in whole] == ["b", "e"], whole)
        expect(whole[0]["ts"] == 0 and abs(whole[1]["ts"] - trace["otherData"]["duration"] * 1e6) < 1, whole)
        expect(whole[0]["args"] == {"task_id": "long", "status": "running"}, whole)
        if trace["otherData"]["dropped_events"] > 0:  # a fast machine: then the ring is full of the newest
            expect(trace["otherData"]["recorded_events"] == 65536, trace["otherData"])


def errors_are_declared():
    with serving() as (_, port, _):
        for duration in ("0", "3601", "1.5", "x", ""):
            status, wrong = ask(port, "POST", f"/profile/start?duration={duration}")
            expect(status == 422 and wrong["detail"][0]["loc"] == ["query", "duration"], f"{duration}: {wrong}")
        status, wrong = ask(port, "GET", "/profile/none")
        expect(status == 404 and wrong["error_code"] == "not_found", wrong)
        profile = start(port, 3600)
        reply, text = get(port, f"/profile/{profile}")
        expect(reply.status == 409 and 3500 < int(reply.getheader("Retry-After")) <= 3600, text)
        reply, text = get(port, "/profile/start", method="POST")
        expect(reply.status == 409 and int(reply.getheader("Retry-After")) > 3500, text)


def the_oldest_go_when_there_are_many():
    with serving() as (_, port, _):
        kept = []
        for _ in range(5):
            kept.append(start(port))
            expect(len(check_trace(fetch(port, kept[-1]))) > 0, "empty")
        expect(ask(port, "GET", f"/profile/{kept[0]}")[0] == 404, "more are kept than said")
        for profile in kept[1:]:
            expect(ask(port, "GET", f"/profile/{profile}")[0] == 200, "it is gone")


def the_checks_find_what_is_wrong():
    slice_ = {"ph": "X", "name": "a", "cat": "c", "pid": 1, "tid": 1, "ts": 0, "dur": 10}
    across = [slice_, {**slice_, "ts": 5}]
    span = {"ph": "b", "name": "a", "cat": "c", "pid": 1, "tid": 0, "ts": 1, "id": "1"}
    arrow = {"ph": "s", "name": "a", "cat": "flow", "pid": 1, "tid": 1, "ts": 1, "id": "1"}
    for check, wrong in ((lambda: check_slices(across), "crosses"), (lambda: check_spans([span]), "no end"),
                         (lambda: check_spans([{**span, "ph": "e"}]), "no begin"),
                         (lambda: check_flows([arrow], {}), "flow"),
                         (lambda: check_event({**slice_, "dur": -1}), "dur"),
                         (lambda: check_event({**slice_, "ph": "Q"}), "ph"),
                         (lambda: check_event({**slice_, "ts": "1"}), "ts"),
                         (lambda: check_trace({"traceEvents": [slice_], "otherData": {"duration": 1}}), "name")):
        try:
            check()
        except AssertionError:
            continue
        raise AssertionError(f"not found: {wrong}")


if __name__ == "__main__":
    main([
        the_checks_find_what_is_wrong,
        profile_holds_tasks_waits_nodes_and_kernels,
        what_runs_before_and_after_is_in_it_as_far_as_it_goes,
        errors_are_declared,
        the_oldest_go_when_there_are_many,
    ])
