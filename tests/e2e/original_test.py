"""A program that was written for the original API: what it sends, and what it reads without asking first. Everything is
read as such programs do: fields that must be there by [], those that may be missing by get, numbers by formatting."""

import json
import threading
from datetime import datetime, timezone

from harness import expect, main, scratch
from models_test import repository
from server_test import JSON, get, serving

SERVER = {"name": str, "version": str, "author": str, "status": str, "devices": int, "active_tasks": int,
          "mlx_available": bool, "torch_available": bool, "backends": list, "uptime_seconds": float, "timestamp": str}
TASK = {"task_id": str, "status": str, "result": dict, "metrics": dict, "execution_time": float, "device_used": str,
        "created_at": str, "started_at": str, "finished_at": str, "attempts": int}
RESULTS = {
    "matrix_multiply": ({"size": 16, "dtype": "float32"}, "operation size dtype result_shape throughput gflops "
                        "execution_time device"),
    "fft": ({"size": 64}, "operation size throughput device"),
    "vector_operations": ({"size": 1000}, "operation size throughput device execution_time"),
    "memory_bandwidth": ({"size": 4096}, "operation size throughput device execution_time"),
    "neural_network": ({"input_size": 8, "hidden_size": 4, "output_size": 2}, "operation input_size hidden_size "
                       "output_size output_shape execution_time device"),
}


class Client:
    """As the original's own client: JSON, no headers beside the type, optional fields sent as None."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None):
        reply, text = get(self.port, path, JSON if body is not None else {}, method,
                          None if body is None else json.dumps(body))
        expect(reply.status == 200, f"{method} {path}: {reply.status} {text}")
        return json.loads(text)

    def submit(self, operation, data, device=None, priority=1, timeout=300, task_id=None):
        return self.ask("POST", "/tasks", {"task_id": task_id, "operation": operation, "data": data,
                                           "device_preference": device, "priority": priority, "timeout": timeout})


def has(document, fields):
    for name, kind in fields.items():
        value = document[name]
        number = kind is float and isinstance(value, (int, float)) and not isinstance(value, bool)
        expect(number or isinstance(value, kind), f"{name}: {value!r} is no {kind.__name__}")


def age_s(text):
    """Timestamps are read and subtracted from an aware now."""
    expect(text.endswith("+00:00"), text)
    return (datetime.now(timezone.utc) - datetime.fromisoformat(text)).total_seconds()


def finished(task):
    has(task, TASK)
    expect(task["status"] == "completed" and task["error"] is None, task)
    has(task["metrics"], {"execution_time": float, "device_used": str, "throughput": float})
    since_end = age_s(task["finished_at"])  # first: the clock goes on, and both may be microseconds apart
    expect(age_s(task["created_at"]) >= since_end >= -1, task)
    return f"{task['execution_time']:.3f}s on {task['device_used']}, {task['metrics']['throughput']:.2f}"


def state_and_devices_are_printed():
    with serving() as (_, port, _):
        client = Client(port)
        has(client.ask("GET", "/"), SERVER)
        expect(client.ask("GET", "/")["name"] == "OpenRuntime", "name")
        health = client.ask("GET", "/health")
        expect(health["status"] == "healthy" and health["devices"] == 1 and age_s(health["timestamp"]) < 60, health)
        for device in client.ask("GET", "/devices")["devices"]:
            one = client.ask("GET", f"/devices/{device['id']}")
            expect(one["name"] == device["name"] and one["type"] in ("cpu", "cuda", "opencl", "mlx", "torch"), one)
            expect(f"{one['memory_total'] / 1e9:.1f} GB" != "0.0 GB", "memory_total")
            expect(", ".join(one["capabilities"]) and one["is_available"] is True, one)
            now = one.get("current_metrics") or {}
            expect(f"{now.get('temperature', 0):.1f} {now.get('power_usage', 0):.1f}", "a sample is formatted")
        samples = client.ask("GET", "/devices/cpu_0/metrics?limit=10")
        expect(samples["count"] == len(samples["metrics"]) <= 10, samples)
        for sample in samples["metrics"]:
            for name in ("memory_usage", "gpu_utilization", "temperature", "power_usage", "throughput"):
                expect(f"{sample.get(name, 0):.1f}", name)
        for summary in client.ask("GET", "/metrics/summary")["summary"].values():
            for name in ("avg_utilization", "avg_memory_usage", "avg_temperature", "avg_power", "total_throughput"):
                expect(f"{summary.get(name, 0):.1f}", name)


def every_operation_gives_the_fields_that_it_always_gave():
    with serving() as (_, port, _):
        client = Client(port)
        for kind, (data, names) in RESULTS.items():
            operation = "mlx_compute" if kind == "neural_network" else "compute"
            task = client.submit(operation, {"type": kind, "iterations": 1, **data})
            finished(task)
            missing = [name for name in names.split() if task["result"].get(name) is None]
            expect(not missing and task["result"]["operation"] == kind, f"{kind}: {missing} missing in {task}")
        expect(task["device_used"] == "cpu_0" and task["fallback_reason"], "no word of the missing mlx")
        plain = client.submit("compute", {"size": 16})  # a matrix product is meant
        expect(plain["result"]["operation"] == "matrix_multiply" and plain["result"]["result_shape"] == [16, 16], plain)
        for device in ("cpu", "cpu_0", "auto", "metal", "vulkan", "mlx", "torch", "cuda", "opencl"):
            task = client.submit("compute", {"size": 8, "iterations": 1, "dtype": "fp32"}, device=device)
            finished(task)
            expect(device in ("cpu", "cpu_0", "auto") or task["fallback_reason"], f"{device}: no word of it")


def models_are_run_by_their_short_names():
    with scratch() as folder:
        repository(folder)
        for name in ("resnet50", "bert-base", "gpt2"):  # small ones in their place, so that this takes no minute
            with open(f"{folder}/one/model.onnx", "rb") as source, open(f"{folder}/{name}.onnx", "wb") as target:
                target.write(source.read())
        with serving("--models", folder) as (_, port, _):
            client = Client(port)
            for data, name in (({}, "resnet50"), ({"model": "bert"}, "bert-base"), ({"model": "gpt"}, "gpt2"),
                               ({"model": "resnet50", "batch_size": 2, "precision": None}, "resnet50")):
                task = client.submit("inference", {**data, "iterations": 1})
                finished(task)
                result = task["result"]
                expect(result["operation"] == "inference" and result["model"] == name, result)
                expect(result["batch_size"] == data.get("batch_size", 1) and "predictions" in result, result)
                expect(f"{result['latency_ms']:.2f} ms, {result['throughput_fps']:.1f}/s on {result['device']}", result)


def a_task_is_watched_and_cancelled():
    with serving() as (_, port, _):
        client = Client(port)
        ends = []
        body = {"size": 256, "iterations": 1000000}
        waiting = threading.Thread(target=lambda: ends.append(client.submit("compute", body, task_id="mine")))
        waiting.start()
        while not (active := client.ask("GET", "/tasks")["active_tasks"]) or active[0]["status"] != "running":
            pass
        has(active[0], {"task_id": str, "operation": str, "device_id": str, "status": str, "running_time": float,
                        "priority": int})
        one = client.ask("GET", "/tasks/mine")
        has(one, {"task_id": str, "status": str, "device_id": str, "running_time": float, "progress": float})
        expect(client.ask("DELETE", "/tasks/mine")["task_id"] == "mine", "cancelled")
        waiting.join()
        expect(ends[0]["status"] == "cancelled" and ends[0]["error"] and ends[0]["result"] is None, ends)
        has(client.ask("GET", "/tasks/mine"), {"execution_time": float, "created_at": str, "finished_at": str})


def the_rest_is_there_under_its_name():
    with serving() as (_, port, _):
        client = Client(port)
        started = client.ask("POST", "/profile/start?duration=5")
        expect(started["status"] == "profiling_started" and started["duration"] == 5, started)
        expect(client.ask("GET", "/kernels") == {"kernels": []}, "kernels")
        for path, status in (("/devices/none", 404), ("/tasks/none", 404), ("/devices/none/metrics", 404)):
            reply, text = get(port, path)
            expect(reply.status == status and isinstance(json.loads(text)["detail"], str), text)
        reply, text = get(port, "/tasks", JSON, "POST", json.dumps({"operation": "unknown", "data": {}}))
        expect(reply.status == 422 and json.loads(text)["detail"][0]["loc"], text)


if __name__ == "__main__":
    main([
        state_and_devices_are_printed,
        every_operation_gives_the_fields_that_it_always_gave,
        models_are_run_by_their_short_names,
        a_task_is_watched_and_cancelled,
        the_rest_is_there_under_its_name,
    ])
