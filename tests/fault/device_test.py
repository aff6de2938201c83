"""Devices on bad days, over the routes: fault_server with fake devices beside the processor. Where tasks go, where they
go when their device is taken out, is lost, or does not end what was cancelled, and what strict ones are told."""

import contextlib
import socket
import subprocess

from faults import FAULT_SERVER, PROGRAM, Client, Server, compute, expect, main, until

FOREVER = {"operation": "compute", "data": {"size": 256, "iterations": 1000000}, "timeout": 3600}


def small(device, **fields):
    return compute(device_preference=device, **fields)


class Rig:
    def __init__(self, server, control):
        self.server, self.control = server, control
        self.client = Client(server.port)

    def tell(self, line):
        """To the fake devices; returns when it is so."""
        self.control.sendall(line.encode() + b"\n")
        answer = self.control.recv(64)
        expect(answer == b"ok\n", f"{line}: {answer}")

    def run(self, body):
        status, task = self.client.ask("POST", "/tasks", body)
        expect(status == 200, f"{status} {task}")
        return task

    def device(self, name):
        status, device = self.client.ask("GET", f"/devices/{name}")
        expect(status == 200, f"{status} {device}")
        return device

    def submit(self, body):
        status, reply = self.client.submit(body)
        expect(status == 202, f"{status} {reply}")
        return reply["task_id"]

    def cancel(self, task_id):
        status, reply = self.client.ask("DELETE", f"/tasks/{task_id}")
        expect(status == 200 and reply["status"] == "cancelling", f"{status} {reply}")


@contextlib.contextmanager
def rigged(devices=1, stuck_ms=0, arguments=()):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        env = {"FAULT_DEVICES": str(devices), "FAULT_CONTROL": str(theirs.fileno()), "FAULT_STUCK_MS": str(stuck_ms)}
        with Server("--data", ":memory:", *arguments, program=FAULT_SERVER, env=env,
                    pass_fds=(theirs.fileno(),)) as server:
            yield Rig(server, ours)
            code, said = server.stop()
            expect(code == 0, f"it ends with {code}: {said[-4000:]}")


def expect_on(task, device, fell_back=False):
    expect(task["status"] == "completed" and task["device_used"] == device, task)
    expect(bool(task["fallback_reason"]) == fell_back, task)


def expect_strict_refused(rig, device):
    status, reply = rig.client.ask("POST", "/tasks", small(device, strict_device=True))
    expect(status == 409 and reply["error_code"] == "failed_precondition" and device in reply["detail"],
           f"{status} {reply}")


def tasks_go_where_they_are_asked_to_and_else_where_they_are_done_first():
    with rigged() as rig:
        expect([device["id"] for device in rig.client.ask("GET", "/devices")[1]["devices"]] == ["cpu_0", "fake_0"], "")
        for preference, device in (("cpu", "cpu_0"), ("cpu_0", "cpu_0"), ("fake", "fake_0"), ("fake_0", "fake_0")):
            expect_on(rig.run(small(preference)), device)
            expect_on(rig.run(small(preference, strict_device=True)), device)
        busy = [rig.submit({**FOREVER, "device_preference": "cpu_0", "task_id": f"busy-{count}"}) for count in range(4)]
        for task_id in busy:
            rig.client.wait_for(task_id, "running")
        expect_on(rig.run(small("auto")), "fake_0")
        waits = rig.submit(small("cpu_0", task_id="waits"))
        expect(rig.client.ask("GET", f"/tasks/{waits}")[1]["status"] == "pending", "no room, and it runs")
        for task_id in busy:
            rig.cancel(task_id)
        rig.client.wait_for(waits, "completed")
        expect(rig.client.ask("GET", f"/tasks/{waits}")[1]["device_used"] == "cpu_0", "not where it was asked to be")


def a_device_that_is_taken_out_is_replaced_and_comes_back():
    with rigged() as rig:
        status, device = rig.client.ask("PATCH", "/devices/fake_0", {"is_available": False})
        expect(status == 200 and not device["is_available"] and device["state"] == "unavailable", f"{status} {device}")
        expect("taken out" in device["reason"], device)
        expect_on(rig.run(small("fake_0")), "cpu_0", fell_back=True)
        expect_on(rig.run(small("fake")), "cpu_0", fell_back=True)
        expect_strict_refused(rig, "fake_0")
        expect(rig.client.ask("PATCH", "/devices/fake_0", {"is_available": True})[0] == 200, "not taken back")
        expect_on(rig.run(small("fake_0")), "fake_0")


def a_device_that_fails_costs_the_task_and_stays():
    with rigged() as rig:
        rig.tell("fail node")
        task = rig.run(small("fake_0"))
        expect(task["status"] == "failed" and task["error_code"] == "internal" and task["error"], task)
        expect_on(rig.run(small("fake_0")), "fake_0")


def a_lost_device_costs_an_attempt_or_a_task_that_must_not_run_twice():
    with rigged() as rig:
        rig.tell("lose node")
        task = rig.run(small("fake_0"))
        expect_on(task, "cpu_0", fell_back=True)
        expect(task["attempts"] == 2, task)
        device = rig.device("fake_0")
        expect(not device["is_available"] and device["state"] == "lost" and device["reason"], device)
        expect_strict_refused(rig, "fake_0")
        expect(rig.client.ask("GET", "/health/ready")[0] == 200, "not ready, though there is a device")
    with rigged() as rig:
        rig.tell("lose node")
        task = rig.run(small("fake_0", on_restart="fail"))
        expect(task["status"] == "failed" and task["error_code"] == "device_lost" and task["attempts"] == 1, task)
        expect(task["error"], task)
        expect_on(rig.run(small("fake", priority=10)), "cpu_0", fell_back=True)


DIGITS = {"operation": "inference", "data": {"model": "digits"}}


def infer(device, **fields):
    return {**DIGITS, "device_preference": device, **fields}


def lost_in(task, attempt):
    return task["fallback_reason"] == f'device "fake_0" was lost during attempt {attempt}; cpu_0 is the next best'


def a_device_that_is_lost_under_many_ends_nobody_elses_work():
    """What runs there has another attempt or ends by its own word, what waits there goes elsewhere unless it must not,
    and what is elsewhere goes on."""
    with rigged(arguments=("--models", "data")) as rig:
        expect_on(rig.run(infer("fake_0")), "fake_0")
        expect_on(rig.run(infer("cpu_0")), "cpu_0")
        rig.tell("close run")
        again = rig.submit(infer("fake_0", task_id="again"))
        rig.tell("wait run")
        once = rig.submit(small("fake_0", task_id="once", on_restart="fail"))
        strict = rig.submit(infer("fake_0", task_id="strict", strict_device=True))
        other = rig.submit(small("fake_0", task_id="other"))
        for task_id in (once, strict, other):
            rig.client.wait_for(task_id, "running")
        waits = rig.submit(small("fake_0", task_id="waits"))
        stays = rig.submit(small("fake_0", task_id="stays", strict_device=True))
        expect_on(rig.run(infer("cpu_0", task_id="beside")), "cpu_0")
        rig.tell("lose node")
        rig.tell("open run")
        for task_id in (again, other):
            task = rig.client.wait_for(task_id, "completed")
            expect_on(task, "cpu_0", fell_back=True)
            expect(task["attempts"] == 2 and lost_in(task, 1), task)
        task = rig.client.wait_for(waits, "completed")
        expect_on(task, "cpu_0", fell_back=True)
        expect(task["attempts"] == 1 and 'device "fake_0" was lost: ' in task["fallback_reason"], task)
        for task_id, attempts in ((once, 1), (strict, 1), (stays, 0)):
            task = rig.client.wait_for(task_id, "failed")
            expect(task["error_code"] == "device_lost" and task["attempts"] == attempts, task)
        expect_lost_everywhere(rig)


def expect_lost_everywhere(rig):
    """It is shown wherever devices are, and models that lay there are had elsewhere."""
    device = rig.device("fake_0")
    expect(not device["is_available"] and device["state"] == "lost" and device["reason"], device)
    status, text = rig.client.ask("GET", "/metrics")
    expect(status == 200 and 'openruntime_device_available{device="fake_0"} 0' in text, f"{status} {text}")
    expect('openruntime_device_available{device="cpu_0"} 1' in text, text)
    for path in ("/health", "/health/live", "/health/ready"):
        expect(rig.client.ask("GET", path)[0] == 200, path)
    shown = subprocess.run([PROGRAM, "--url", f"http://127.0.0.1:{rig.server.port}", "devices"], capture_output=True,
                           text=True, check=True)
    expect("lost" in shown.stdout, shown.stdout)
    expect_on(rig.run(infer("fake_0")), "cpu_0", fell_back=True)
    status, reply = rig.client.ask("POST", "/tasks", infer("fake_0", strict_device=True))
    expect(status == 409 and reply["error_code"] == "failed_precondition" and "was lost" in reply["detail"], reply)
    status, reply = rig.client.ask("POST", "/models/digits/load", {"device": "fake_0"})
    expect(status == 503 and reply["error_code"] == "device_lost", f"{status} {reply}")
    status, reply = rig.client.ask("GET", "/models/digits")
    expect(status == 200 and reply["device"] == "cpu_0", reply)


def what_a_device_does_not_offer_is_told_or_refused():
    """A network that is split, with what crosses; and a strict one, with the list of what would run elsewhere."""
    with rigged(arguments=("--models", "data")) as rig:
        rig.tell("only Gemm")
        task = rig.run(infer("fake_0"))
        expect_on(task, "fake_0", fell_back=True)
        expect('% of the operations ran on fake_0; "conv1" (Conv) ran on cpu_0: ' in task["fallback_reason"], task)
        task = rig.run(infer("fake_0", strict_device=True))
        expect(task["status"] == "failed" and task["error_code"] == "failed_precondition", task)
        expect('99 % are asked for; elsewhere: "conv1" (Conv): ' in task["error"], task)
        status, explained = rig.client.ask("GET", "/models/digits/explain?device=fake_0&profile=false")
        expect(status == 200, f"{status} {explained}")
        crossings, totals = explained["crossings"], explained["totals"]
        expect([(c["from"], c["to"]) for c in crossings] == [("fake_0", "cpu_0"), ("cpu_0", "fake_0")] * 2, crossings)
        expect(totals["copies"] == 4 and totals["copied_bytes"] == sum(c["bytes"] for c in crossings), totals)
        reasons = {node["name"]: node["reason"] for node in explained["nodes"]}
        expect(reasons["gemm2"] == "next to nodes that run on cpu_0: 2 copies of 168 B saved", reasons)
        rig.tell("only any")


def expect_taken_out(rig, name):
    def is_lost():
        device = rig.device(name)
        return device["state"] == "lost" or device

    until(f"{name} is not taken out", is_lost)
    device = rig.device(name)
    expect(not device["is_available"], device)
    expect("did not end work that was cancelled or out of time" in device["reason"], device)


def a_stuck_device_is_taken_out_with_its_reason():
    with rigged(stuck_ms=100) as rig:
        rig.tell("close node")
        stuck = rig.submit(small("fake_0", task_id="stuck"))
        rig.tell("wait node")
        others = [rig.submit(small("fake_0", task_id=f"other-{count}")) for count in range(2)]
        once = rig.submit(small("fake_0", task_id="once", on_restart="fail"))
        for task_id in [*others, once]:
            rig.client.wait_for(task_id, "running")
        waiting = [rig.submit(small("fake_0", task_id=f"waiting-{count}")) for count in range(3)]
        rig.cancel(stuck)
        expect_taken_out(rig, "fake_0")
        task = rig.client.wait_for(stuck, "failed")
        expect(task["error_code"] == "device_lost" and "fake_0" in task["error"], task)
        task = rig.client.wait_for(once, "failed")
        expect(task["error_code"] == "device_lost" and task["attempts"] == 1, task)
        for name in others + waiting:
            task = rig.client.wait_for(name, "completed")
            expect_on(task, "cpu_0", fell_back=True)
        expect_strict_refused(rig, "fake_0")
        expect_on(rig.run(small("fake_0")), "cpu_0", fell_back=True)
        rig.tell("open node")
        expect(rig.client.ask("GET", "/health/ready")[0] == 200, "not ready, though there is a device")
        expect(rig.client.ask("GET", "/tasks")[1]["active_tasks"] == [], "something is active")


def a_client_that_waits_for_a_stuck_device_is_told():
    """When the time is up, and the device had its time to end."""
    with rigged(stuck_ms=100) as rig:
        rig.tell("close node")
        task = rig.run(small("fake_0", timeout=1))
        expect(task["status"] == "failed" and task["error_code"] == "device_lost" and "fake_0" in task["error"], task)
        expect_taken_out(rig, "fake_0")
        rig.tell("open node")


def a_device_that_never_answers_again_does_not_hold_the_end_up():
    with rigged(stuck_ms=100) as rig:
        rig.tell("close node")
        stuck = rig.submit(small("fake_0", task_id="stuck"))
        rig.tell("wait node")
        rig.cancel(stuck)
        rig.client.wait_for(stuck, "failed")


if __name__ == "__main__":
    main([
        tasks_go_where_they_are_asked_to_and_else_where_they_are_done_first,
        a_device_that_is_taken_out_is_replaced_and_comes_back,
        a_device_that_fails_costs_the_task_and_stays,
        a_lost_device_costs_an_attempt_or_a_task_that_must_not_run_twice,
        a_device_that_is_lost_under_many_ends_nobody_elses_work,
        what_a_device_does_not_offer_is_told_or_refused,
        a_stuck_device_is_taken_out_with_its_reason,
        a_client_that_waits_for_a_stuck_device_is_told,
        a_device_that_never_answers_again_does_not_hold_the_end_up,
    ])
