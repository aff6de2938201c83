"""What a server measures and counts: samples of devices, their summary, Prometheus' text, Server-Timing."""

import http.client
import json
import os
import re
import shutil
import subprocess

from harness import SOURCE, expect, main, run
from server_test import JSON, get, problems, serving
from tasks_test import LONG, send, wait_for

ONES = {"shape": [2, 2], "dtype": "float32", "data": [1, 1, 1, 1]}
PRODUCT = {"operation": "compute", "data": {"a": ONES, "b": ONES, "iterations": 1}}
INFERENCE = {"operation": "inference", "data": {"model": "mobilenet-v2", "iterations": 1}}
LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")


def scrape(port):
    """{(name, frozenset of label pairs): value} of GET /metrics."""
    reply, text = get(port, "/metrics")
    expect(reply.status == 200, reply.status)
    kind = reply.getheader("Content-Type")
    expect(kind == "text/plain; version=0.0.4; charset=utf-8", kind)
    series = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = LINE.fullmatch(line).groups()
        pairs = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
        expect((name, pairs) not in series, f"{name} {labels} is there twice")
        series[name, pairs] = float(value)
    return series


def total(series, name, **labels):
    """The sum over all series of a name that have these labels."""
    return sum(value for (one, pairs), value in series.items() if one == name and pairs >= set(labels.items()))


def samples_have_fields_and_types():
    with serving() as (_, port, _):
        send(port, PRODUCT)
        schemas = json.loads(get(port, "/openapi.json")[1])["components"]["schemas"]
        while True:  # until the server has taken a second sample: it takes one a second
            taken = json.loads(get(port, "/devices/cpu_0/metrics")[1])
            if taken["count"] > 1:
                break
        found = problems(schemas["DeviceMetrics"], taken, schemas)
        expect(not found, found)
        expect(taken["device_id"] == "cpu_0" and len(taken["metrics"]) == taken["count"], taken)
        times = [sample["timestamp"] for sample in taken["metrics"]]
        expect(times == sorted(times) and all(time.endswith("+00:00") for time in times), times)
        for sample in taken["metrics"]:
            expect(sample["device_id"] == "cpu_0" and sample["active_kernels"] >= 0, sample)
        expect(taken["metrics"][-1]["throughput"] >= 0, taken["metrics"][-1])
        one = json.loads(get(port, "/devices/cpu_0/metrics?limit=1")[1])
        expect(one["count"] == 1 and one["metrics"][0]["timestamp"] >= times[-1], one)
        device = json.loads(get(port, "/devices/cpu_0")[1])
        expect(device["current_metrics"]["timestamp"] >= times[-1], device)
        for limit in ("0", "1001", "many"):
            reply, text = get(port, f"/devices/cpu_0/metrics?limit={limit}")
            expect(reply.status == 422 and json.loads(text)["detail"][0]["loc"] == ["query", "limit"], text)
        reply, text = get(port, "/devices/no_such/metrics")
        expect(reply.status == 404 and json.loads(text)["error_code"] == "not_found", text)


def the_summary_is_json():
    with serving() as (_, port, _):
        schemas = json.loads(get(port, "/openapi.json")[1])["components"]["schemas"]
        for path, headers in (("/metrics/summary", {}), ("/metrics", {"Accept": "application/json"})):
            reply, text = get(port, path, headers)
            found = problems(schemas["MetricsSummary"], json.loads(text), schemas)
            expect(reply.status == 200 and not found, found)
            numbers = json.loads(text)["summary"]["cpu_0"]
            known = {"avg_utilization", "avg_memory_usage", "avg_temperature", "avg_power", "total_throughput"}
            expect(set(numbers) <= known, numbers)
            expect(all(isinstance(value, (int, float)) for value in numbers.values()), numbers)


def counters_move_by_what_was_done():
    with serving() as (_, port, _):
        sent = received = 0
        for count in range(1, 4):
            body = json.dumps(PRODUCT)
            reply, text = get(port, "/tasks", JSON, "POST", body)
            expect(json.loads(text)["status"] == "completed", text)
            sent, received = sent + len(body), received + len(text.encode())
        send(port, {**PRODUCT, "operation": "fly"})
        send(port, INFERENCE)
        send(port, {**LONG, "task_id": "long"}, {"Prefer": "respond-async"})
        wait_for(port, "long", "running")
        during = scrape(port)
        expect(total(during, "openruntime_tasks_running", device="cpu_0") == 1, "one task runs")
        send(port, None, method="DELETE", path="/tasks/long")
        wait_for(port, "long", "cancelled")
        send(port, {**PRODUCT, "device_preference": "cuda", "strict_device": True})
        while True:  # a task is counted by the thread that ended it, after the client has its answer
            after = scrape(port)
            if total(after, "openruntime_tasks_total") == 5:
                break
        place = {"operation": "compute", "type": "matrix_multiply", "device": "cpu_0"}
        posts = {"route": "/tasks", "method": "POST"}
        sent += len(json.dumps({**LONG, "task_id": "long"}))
        received += len(get(port, "/tasks/long")[1].encode())
        for expected, name, labels in (
            (3, "openruntime_tasks_total", {"status": "completed", **place}),
            (1, "openruntime_tasks_total", {"status": "cancelled", **place}),
            (1, "openruntime_tasks_total", {"status": "completed", "operation": "inference"}),
            (1, "openruntime_task_refusals_total", {"reason": "request"}),
            (4, "openruntime_task_run_seconds_count", place),
            (4, "openruntime_task_queue_wait_seconds_count", place),
            (1, "openruntime_task_run_seconds_count", {"model": INFERENCE["data"]["model"]}),
            (4, "openruntime_task_run_seconds_bucket", {"le": "+Inf", **place}),
            (sent, "openruntime_task_request_bytes_total", {"operation": "compute"}),
            (received, "openruntime_task_response_bytes_total", {"operation": "compute"}),
            (5, "openruntime_http_requests_total", {"status": "2xx", **posts}),
            (2, "openruntime_http_requests_total", {"status": "4xx", **posts}),
            (7, "openruntime_http_request_duration_seconds_count", posts),
            (1, "openruntime_http_requests_total", {"route": "/tasks/{task_id}", "method": "DELETE"}),
            (0, "openruntime_tasks_running", {}),
            (0, "openruntime_tasks_waiting", {}),
            (1, "openruntime_model_loads_total", {}),
            (1, "openruntime_models_loaded", {}),
            (0, "openruntime_store_commit_failures_total", {}),
            (1, "openruntime_ready", {}),
            (1, "openruntime_device_available", {"device": "cpu_0"}),
        ):
            value = total(after, name, **labels)
            expect(value == expected, f"{name} {labels}: {value}, not {expected}")
        expect(total(after, "openruntime_task_device_seconds_total", model="mobilenet-v2", device="cpu_0") > 0, after)
        expect(total(after, "openruntime_device_flops_total", device="cpu_0") > 1e8, "the network's operations")
        later = scrape(port)
        expect(total(later, "openruntime_http_requests_total", route="/metrics") ==
               total(after, "openruntime_http_requests_total", route="/metrics") + 1, "the scrape before is counted")
        for (name, pairs), value in after.items():
            if name.endswith(("_total", "_count", "_bucket")):
                expect(later[name, pairs] >= value, f"{name} fell")


def every_metric_is_documented():
    with open(os.path.join(SOURCE, "docs", "operations.md"), encoding="utf-8") as file:
        documented = set(re.findall(r"^\| `(openruntime_\w+)", file.read(), re.M))
    with serving() as (_, port, _):
        send(port, PRODUCT)
        text = get(port, "/metrics")[1]
        shown = set(re.findall(r"^# TYPE (\w+)", text, re.M))
        expect(shown <= documented, f"not in docs/operations.md: {sorted(shown - documented)}")


def promtool_finds_nothing():
    local = os.path.join(SOURCE, "build", "tools", "promtool")
    promtool = local if os.path.exists(local) else shutil.which("promtool")
    if promtool is None:
        print("skipped: promtool is not installed (tools/setup.sh ci)")
        return
    with serving() as (_, port, _):
        send(port, PRODUCT)
        send(port, {**PRODUCT, "operation": "fly"})
        for text in (get(port, "/metrics")[1], run("metrics", "--prometheus").out):
            done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True,
                                  check=False)
            expect(done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr)


def server_timing_has_every_part():
    with serving() as (_, port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/tasks", json.dumps(PRODUCT), JSON)
        reply = connection.getresponse()
        reply.read()
        parts = dict(re.findall(r"(\w+);dur=(\d+\.\d{3})(?:, |$)", reply.getheader("Server-Timing")))
        expect(list(parts) == ["parse", "queue", "run", "serialise", "total"], reply.getheader("Server-Timing"))
        times = {name: float(value) for name, value in parts.items()}
        expect(times["run"] > 0 and sum(times.values()) <= 2 * times["total"] + 0.005, times)
        connection.request("GET", "/health")
        reply = connection.getresponse()
        reply.read()
        expect(reply.getheader("Server-Timing") is None, "a health check has no parts")
        connection.close()


def the_command_shows_devices_in_process():
    summary = run("--json", "metrics").json()["summary"]
    expect("cpu_0" in summary and "avg_memory_usage" in summary["cpu_0"], summary)
    expect(run("metrics").out.startswith("DEVICE"), "a table")
    text = run("metrics", "--prometheus").out
    expect('openruntime_device_available{device="cpu_0"} 1' in text, text)
    expect(run("--json", "metrics", "--prometheus").code == 2, "two forms at once")


def the_command_asks_a_server():
    with serving() as (_, port, _):
        send(port, PRODUCT)
        url = f"http://127.0.0.1:{port}"
        summary = run("--url", url, "--json", "metrics").json()["summary"]
        expect("avg_memory_usage" in summary["cpu_0"], summary)
        expect(run("--url", url, "metrics").out.startswith("DEVICE"), "a table")
        text = run("--url", url, "metrics", "--prometheus").out
        expect("openruntime_ready 1\n" in text and "openruntime_tasks_total{" in text, text)
    expect(run("--url", url, "metrics", "--prometheus").code == 3, "the server is gone")


if __name__ == "__main__":
    main([
        samples_have_fields_and_types,
        the_summary_is_json,
        counters_move_by_what_was_done,
        every_metric_is_documented,
        promtool_finds_nothing,
        server_timing_has_every_part,
        the_command_shows_devices_in_process,
        the_command_asks_a_server,
    ])
