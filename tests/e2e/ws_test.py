"""/ws as its clients meet it: Python's websockets, and sockets that misbehave."""

import asyncio
import http.client
import json
import os
import signal
import socket
import struct
import sys
from datetime import datetime

from harness import QUICK, deaf, expect, main, need_server, run, scratch
from server_test import JSON, get, problems, serving

try:
    import websockets
except ImportError:
    websockets = None

TINY = {"operation": "compute", "data": {"size": 8, "iterations": 1}}
LONG = {"operation": "compute", "data": {"size": 256, "iterations": 1000000}}


def post(port, body, **headers):
    reply, text = get(port, "/tasks", {**JSON, **headers}, "POST", json.dumps(body))
    return reply, json.loads(text)


def post_many(port, ids):
    """Small tasks, one after the other over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for task_id in ids:
        connection.request("POST", "/tasks", json.dumps({**TINY, "task_id": task_id}), JSON)
        reply = connection.getresponse()
        expect(reply.status == 200 and json.loads(reply.read())["status"] == "completed", task_id)
    connection.close()


def live(port, talk, **options):
    """Runs talk(socket) on a connection that is open."""

    async def run_it():
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws", **options) as ws:
            return await talk(ws)

    return asyncio.run(run_it())


async def hear(ws, *kinds):
    """The next message of one of these types."""
    while True:
        message = json.loads(await ws.recv())
        if not kinds or message["type"] in kinds:
            return message


async def hear_end(ws):
    """Code and reason with which the server closes."""
    try:
        while True:
            await ws.recv()
    except websockets.ConnectionClosed as closed:
        return closed.rcvd.code, closed.rcvd.reason


def time_of(message):
    expect(message["timestamp"].endswith("+00:00"), message["timestamp"])
    return datetime.fromisoformat(message["timestamp"]).timestamp()


def devices_come_first_and_then_metrics_every_second():
    with serving() as (_, port, _):
        schemas = json.loads(get(port, "/openapi.json")[1])["components"]["schemas"]

        async def talk(ws):
            first = await hear(ws)
            expect(list(first) == ["type", "devices", "timestamp"] and first["type"] == "device_status", first)
            for device in first["devices"]:
                found = problems(schemas["Device"], device, schemas)
                expect(not found, found)
            ids = [device["id"] for device in first["devices"]]
            expect("cpu_0" in ids, ids)
            times = []
            for _ in range(3):
                update = await hear(ws)
                expect(list(update) == ["type", "metrics", "active_tasks", "timestamp"], update)
                expect(update["type"] == "metrics_update" and update["active_tasks"] == 0, update)
                for device, sample in update["metrics"].items():
                    expect(device in ids and sample["device_id"] == device, sample)
                    expect(None not in sample.values(), f"null in a Sample: {sample}")
                    time_of(sample)
                times.append(time_of(update))
            expect(times[2] - times[1] > 0.5, f"{times}: not every second")

        live(port, talk)


def the_interval_is_the_clients():
    with serving() as (_, port, _):

        async def talk(ws):
            await hear(ws, "device_status")
            await hear(ws, "metrics_update")
            await ws.send(json.dumps({"interval": 0.1}))
            updates = [await hear(ws, "metrics_update") for _ in range(12)]
            times = [time_of(update) for update in updates]
            expect(times == sorted(times), times)
            samples = {update["metrics"].get("cpu_0", {}).get("timestamp") for update in updates}
            expect(len(samples) > 3, f"the same samples again and again: {samples}")
            await ws.send(json.dumps({"subscribe": [], "interval": 60}))
            await ws.send(json.dumps({"subscribe": ["metrics"]}))
            before = await hear(ws, "metrics_update")
            await ws.send(json.dumps({"subscribe": ["tasks"]}))
            await asyncio.to_thread(post, port, TINY)
            expect((await hear(ws))["type"] != "device_status", before)

        live(port, talk)


def a_task_is_told_from_its_beginning_to_its_end():
    with serving() as (_, port, _):

        async def talk(ws):
            await ws.send(json.dumps({"subscribe": ["tasks"]}))
            await hear(ws, "metrics_update")
            reply, _ = await asyncio.to_thread(post, port, {**LONG, "task_id": "long"}, Prefer="respond-async")
            expect(reply.status == 202, reply.status)
            states = []
            while True:
                update = await hear(ws, "task_update", "task_completed")
                if update["type"] == "task_completed":
                    break
                expect(list(update) == ["type", "task_id", "status", "progress", "timestamp"], update)
                expect(update["task_id"] == "long" and 0 <= update["progress"] <= 1, update)
                time_of(update)
                states.append(update["status"])
                if update["status"] == "running" and len(states) == 2:
                    await asyncio.to_thread(get, port, "/tasks/long", {}, "DELETE")
            expect(list(update) == ["type", "task_id", "status", "timestamp"], update)
            expect(update["status"] == "cancelled", update)
            expect(states[:2] == ["pending", "running"] and set(states[2:]) <= {"running"}, states)

        live(port, talk)


def log_lines_are_told_to_whoever_asks():
    with serving("--log-level", "debug") as (_, port, _):

        async def talk(ws):
            await ws.send(json.dumps({"subscribe": ["logs"]}))
            heard = asyncio.ensure_future(hear(ws, "log"))
            while not heard.done():
                await asyncio.to_thread(get, port, "/devices")
            line = heard.result()
            expect(list(line) == ["type", "level", "message", "timestamp"], line)
            expect(line["level"] in ("error", "warning", "info", "debug") and "event=" in line["message"], line)

        live(port, talk)


def what_is_not_understood_is_closed_with_the_reason():
    with serving() as (_, port, _):
        for message, word in (("x", "JSON"), ("[]", "object"), ('{"subscribe": ["weather"]}', "metrics, tasks, logs"),
                              ('{"subscribe": "tasks"}', "list"), ('{"interval": 0.01}', "0.1 to 60"),
                              ('{"interval": 61}', "0.1 to 60"), ('{"type": "ping"}', "type"), (b"{}", "text")):

            async def talk(ws, message=message):
                await ws.send(message)
                return await hear_end(ws)

            code, reason = live(port, talk)
            expect(code == 1008 and word in reason, f"{message}: {code} {reason}")

        async def too_long(ws):
            await ws.send("x" * (1 << 20))
            return await hear_end(ws)

        code, _ = live(port, too_long)
        expect(code == 1009, code)


def who_may_not_is_refused():
    with serving() as (_, port, _):

        async def nothing(ws):
            return ws.subprotocol

        try:
            live(port, nothing, origin="http://evil.example")
            expect(False, "a foreign page got in")
        except websockets.InvalidStatusCode as refused:
            expect(refused.status_code == 403, refused)
        expect(live(port, nothing, origin=f"http://127.0.0.1:{port}") is None, "its own page")
        name = "openruntime.key.whatever"
        expect(live(port, nothing, subprotocols=[name, "x"]) == name, "the subprotocol is not answered")
        reply, text = get(port, "/ws")
        expect(reply.status == 426 and reply.getheader("Upgrade") == "websocket", f"{reply.status} {text}")


def tasks_are_told_to_their_key_and_to_admins():
    with scratch() as folder:
        keys = [run("--json", "keys", "create", "--data", folder, "--scopes", scopes).json()["secret"]
                for scopes in ("read,run", "read,run", "admin")]
        with serving("--data", folder) as (_, port, _):

            async def talk():
                sockets = [await websockets.connect(f"ws://127.0.0.1:{port}/ws",
                                                    subprotocols=[f"openruntime.key.{key}"]) for key in keys]
                for ws in sockets:
                    await hear(ws, "metrics_update")
                for number, key in enumerate(keys):
                    reply, text = await asyncio.to_thread(post, port, {**TINY, "task_id": f"of{number}"},
                                                          Authorization=f"Bearer {key}")
                    expect(reply.status == 200, text)
                ends = [[(await hear(ws, "task_completed"))["task_id"] for _ in range(count)]
                        for ws, count in zip(sockets, (1, 1, 3))]
                expect(ends == [["of0"], ["of1"], ["of0", "of1", "of2"]], ends)
                await sockets[0].send('{"subscribe": ["logs"]}')
                code, reason = await hear_end(sockets[0])
                expect(code == 1008 and "admin" in reason, f"{code} {reason}")
                for ws in sockets[1:]:
                    await ws.close()

            asyncio.run(talk())
            reply, _ = get(port, "/ws")
            expect(reply.status == 401, reply.status)


def a_revoked_key_ends_its_sockets():
    with scratch() as folder:
        keys = [run("--json", "keys", "create", "--data", folder, "--scopes", scopes).json()
                for scopes in ("read,run", "read,run", "admin")]
        with serving("--data", folder) as (_, port, _):

            async def talk():
                sockets = [await websockets.connect(f"ws://127.0.0.1:{port}/ws",
                                                    subprotocols=[f"openruntime.key.{key['secret']}"]) for key in keys]
                reply, text = await asyncio.to_thread(post, port, {**LONG, "task_id": "of0"}, Prefer="respond-async",
                                                      Authorization=f"Bearer {keys[0]['secret']}")
                expect(reply.status == 202, text)
                for ws, count in zip(sockets, (1, 0, 1)):  # one's own; an admin sees all
                    await ws.send('{"subscribe": ["metrics"]}')
                    while (await hear(ws, "metrics_update"))["active_tasks"] != count:
                        pass
                admin = {"Authorization": f"Bearer {keys[2]['secret']}"}
                counts = [json.loads((await asyncio.to_thread(get, port, "/", {"X-API-Key": key["secret"]}))[1])
                          ["active_tasks"] for key in keys]
                expect(counts == [1, 0, 1], f"GET / counts {counts}")
                await asyncio.to_thread(get, port, f"/keys/{keys[0]['id']}", admin, "DELETE")
                expect(await hear_end(sockets[0]) == (1008, "the key was revoked"), "it stays open")
                await hear(sockets[1], "metrics_update")
                await asyncio.to_thread(get, port, "/tasks/of0", admin, "DELETE")
                for ws in sockets[1:]:
                    await ws.close()

            asyncio.run(talk())


def the_first_key_ends_what_was_open_to_all():
    with serving() as (_, port, _):

        async def talk(ws):
            await hear(ws, "metrics_update")
            reply, _ = await asyncio.to_thread(get, port, "/keys", JSON, "POST", '{"scopes": ["admin"]}')
            expect(reply.status == 200, reply.status)
            code, reason = await hear_end(ws)
            expect(code == 1008 and "keys now" in reason, f"{code} {reason}")

        live(port, talk)


def the_end_of_the_server_is_told():
    with serving("--set", "drain_timeout=1") as (process, port, _):

        async def talk(ws):
            await hear(ws, "metrics_update")
            await asyncio.to_thread(post, port, {**LONG, "task_id": "last"}, Prefer="respond-async")
            while (await hear(ws, "task_update"))["status"] != "running":
                pass
            process.send_signal(signal.SIGTERM)
            return await hear_end(ws)

        code, reason = live(port, talk)
        expect(code == 1001 and reason, f"{code} {reason}")


def resident(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def readers_that_never_read_cost_little():
    count, tasks = (100, 50) if QUICK else (500, 100)
    with serving() as (process, port, _):
        post(port, TINY)
        before = resident(process)
        clients = [deaf(port) for _ in range(count)]

        async def talk(ws):
            done = set()
            await hear(ws, "metrics_update")
            feeding = asyncio.create_task(asyncio.to_thread(post_many, port, [f"t{n}" for n in range(tasks)]))
            while len(done) < tasks:
                message = await hear(ws, "task_completed", "skipped")
                expect(message["type"] == "task_completed", "a reader that keeps up lost something")
                done.add(message["task_id"])
            await feeding

        live(port, talk)
        grown = resident(process) - before
        expect(QUICK or grown < 48 << 20, f"{count} readers cost {grown >> 20} MiB")
        for number, client in enumerate(clients):
            if number % 2:  # half of them vanish without a word
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        expect(get(port, "/health")[0].status == 200, "it does not answer any more")

        async def again(ws):
            return await hear(ws, "device_status")

        live(port, again)


def a_client_that_was_slow_for_a_moment_gets_every_end():
    tasks = 100
    with serving() as (_, port, _):

        async def talk(ws):
            await hear(ws, "metrics_update")
            await asyncio.to_thread(post_many, port, [f"t{n}" for n in range(tasks)])  # nobody reads meanwhile
            ends = []
            while len(ends) < tasks:
                ends.append((await hear(ws, "task_completed", "skipped")).get("task_id"))
            expect(ends == [f"t{number}" for number in range(tasks)], ends)

        live(port, talk, max_queue=1)


if __name__ == "__main__":
    if websockets is None:
        sys.exit("not installed: python3-websockets; tools/setup.sh test")
    need_server()
    main([test for test in [
        devices_come_first_and_then_metrics_every_second,
        the_interval_is_the_clients,
        a_task_is_told_from_its_beginning_to_its_end,
        log_lines_are_told_to_whoever_asks,
        what_is_not_understood_is_closed_with_the_reason,
        who_may_not_is_refused,
        tasks_are_told_to_their_key_and_to_admins,
        a_revoked_key_ends_its_sockets,
        the_first_key_ends_what_was_open_to_all,
        the_end_of_the_server_is_told,
        readers_that_never_read_cost_little,
        a_client_that_was_slow_for_a_moment_gets_every_end,
    ] if not sys.argv[1:] or test.__name__ in sys.argv[1:]])
