"""Who may ask for what, and what rules the server: API keys over HTTP and on the command line, owners, devices that are
taken out, log levels, and what a start says of a folder or a port that it can't have."""

import json
import os
import re
import signal
import socket
import sqlite3
import tempfile

from harness import expect, main, run
from models_test import repository
from server_test import JSON, get, problems, serving
from tasks_test import IDENTITY, LONG

SCOPES = ("read", "run", "kernels", "admin")


def ask(port, method, path, body=None, key=None, **headers):
    """The reply, and what its JSON says."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if body is not None:
        headers = {**JSON, **headers}
    reply, text = get(port, path, headers, method, json.dumps(body) if isinstance(body, dict) else body)
    return reply, json.loads(text) if reply.getheader("Content-Type", "").startswith("application/json") else text


def make(folder, *scopes):
    """Secrets of new keys, one a scope."""
    secrets = []
    for scope in scopes:
        result = run("--json", "keys", "create", "--data", folder, "--scopes", scope, "--label", f"for {scope}")
        expect(result.code == 0, result.err)
        secrets.append(result.json()["secret"])
    return secrets


def needed(method, path):
    """The scopes of which one is needed, as the contract has it."""
    if path.startswith(("/health", "/v2/health")):
        return ()
    if path.startswith(("/keys", "/log")):
        return ("admin",)
    if method == "get":
        return ("read",)
    if (method, path) in (("post", "/tasks"), ("patch", "/tasks/{task_id}"), ("delete", "/tasks/{task_id}")):
        return ("run", "kernels")
    if path.startswith(("/tasks", "/benchmark", "/profile")):
        return ("run",)
    return ("kernels",) if path.startswith("/kernels") else ("admin",)


def every_route_wants_its_scope():
    with tempfile.TemporaryDirectory() as folder:
        keys = dict(zip(SCOPES, make(folder, *SCOPES)))
        with serving("--data", folder, "--kernels") as (_, port, _):
            description = ask(port, "GET", "/openapi.json", key=keys["read"])[1]
            for path, operations in description["paths"].items():
                for method in operations:
                    target = path.replace("{id}", "none").replace("{task_id}", "none").replace("{name}", "none")
                    wanted = needed(method, path)
                    reply, text = ask(port, method.upper(), target)
                    expect((reply.status == 401) == (wanted != ()), f"{method} {path} without a key: {reply.status}")
                    if reply.status == 401:
                        expect(text["error_code"] == "unauthenticated", text)
                        expect(reply.getheader("WWW-Authenticate").startswith("Bearer"), "no WWW-Authenticate")
                    for scope, key in keys.items():
                        if path in ("/docs", "/openapi.json") and method == "get" and scope == "read":
                            continue
                        # A body of the wrong type is refused behind the key and before the handler.
                        reply, text = ask(port, method.upper(), target, "x" if method != "get" else None, key,
                                          Content_Type="text/plain")
                        may = not wanted or scope == "admin" or scope in wanted
                        expect((reply.status == 403) != may, f"{method} {path} with {scope}: {reply.status} {text}")
                        expect(reply.status != 401 and (may or text["error_code"] == "permission_denied"), text)
            for key in ("", "x", "ork_" + "0" * 64, keys["admin"][:-1], keys["admin"] + "0"):
                expect(ask(port, "GET", "/devices", key=key or None)[0].status == 401, key)
            expect(ask(port, "GET", "/devices", X_API_Key=keys["read"])[0].status == 200, "X-API-Key")
            expect(ask(port, "GET", "/devices", Authorization=f"Basic {keys['read']}")[0].status == 401, "Basic")
            reply, text = ask(port, "POST", "/keys", "{}", keys["admin"], Content_Type="text/plain")
            expect(reply.status == 415 and text["error_code"] == "unsupported_media_type", text)
            expect(ask(port, "GET", "/devices", key=keys["read"], Host="evil.example")[0].status == 421, "Host")
            page = ask(port, "GET", "/devices", key=keys["read"], Origin="http://evil.example")[0]
            expect(page.status == 403, "a foreign page")
            if "/metrics" in description["paths"]:
                expect(ask(port, "GET", "/metrics")[0].status == 401, "/metrics is open")
        with serving("--data", folder, "--metrics-open") as (_, port, _):
            expect(ask(port, "GET", "/metrics")[0].status in (200, 404), "--metrics-open")
            expect(ask(port, "GET", "/devices")[0].status == 401, "--metrics-open opens more than that")


def a_browser_hands_its_key_over_as_a_subprotocol():
    with tempfile.TemporaryDirectory() as folder:
        (secret,) = make(folder, "read")
        with serving("--data", folder) as (_, port, _):
            if "/ws" not in ask(port, "GET", "/openapi.json", key=secret)[1]["paths"]:
                print("     no /ws in this build: left out")
                return
            upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                       "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
            for protocol, status in ((None, 401), ("openruntime.key.ork_0", 401), (f"openruntime.key.{secret}", 101)):
                headers = {**upgrade, **({"Sec-WebSocket-Protocol": protocol} if protocol else {})}
                head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                    client.sendall(f"GET /ws HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
                    expect(client.recv(12) == f"HTTP/1.1 {status}".encode(), f"{protocol}: not {status}")


def kernels_of_users_want_their_own_scope():
    with tempfile.TemporaryDirectory() as folder:
        run_key, kernels_key = make(folder, "run", "kernels")
        small = {"operation": "compute", "data": {"a": IDENTITY, "b": IDENTITY, "iterations": 1}}
        with serving("--data", folder) as (_, port, _):
            reply, text = ask(port, "POST", "/tasks", {"operation": "kernel", "data": {"name": "x"}}, run_key)
            expect(reply.status == 403 and "kernels" in text["detail"], f"{reply.status} {text}")
            reply, text = ask(port, "POST", "/tasks", {"operation": "kernel", "data": {"name": "x"}}, kernels_key)
            expect(reply.status == 403 and "kernels = on" in text["detail"], f"{reply.status} {text}")  # they are off
            reply, text = ask(port, "POST", "/tasks", small, kernels_key)
            expect(reply.status == 403 and "run" in text["detail"], f"{reply.status} {text}")
            expect(ask(port, "POST", "/tasks", small, run_key)[0].status == 200, "run")


def tasks_belong_to_their_key():
    with tempfile.TemporaryDirectory() as folder:
        (admin,) = make(folder, "admin")
        owner, other = make(folder, "read,run", "read,run")
        with serving("--data", folder) as (process, port, _):
            short = {"operation": "compute", "data": {"size": 8, "iterations": 1}}
            for name, body in (("long", LONG), ("short", short)):
                reply, text = ask(port, "POST", "/tasks?wait=false", {**body, "task_id": name}, owner)
                expect(reply.status == 202, text)
            for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"priority": 3})):
                reply, text = ask(port, method, "/tasks/long", body, other)
                expect(reply.status == 404 and text["error_code"] == "not_found", f"{method}: {reply.status} {text}")

            def listed(key):
                return [task["task_id"] for task in ask(port, "GET", "/tasks", key=key)[1]["active_tasks"]]

            expect("long" in listed(owner) and listed(other) == [] and "long" in listed(admin), "lists")
            expect(ask(port, "GET", "/tasks/long", key=admin)[0].status == 200, "admin sees all")
            reply, text = ask(port, "POST", "/tasks", {**LONG, "task_id": "long"}, other)
            expect(reply.status == 409, f"another's id: {reply.status} {text}")
            while ask(port, "GET", "/tasks/short", key=owner)[1]["status"] in ("pending", "running"):
                pass
            expect(ask(port, "DELETE", "/tasks/long", key=admin)[0].status == 200, "admin cancels all")
            process.send_signal(signal.SIGTERM)
            expect(process.wait(timeout=60) == 0, "drain")
        with serving("--data", folder) as (_, port, _):  # from the disk
            expect(ask(port, "GET", "/tasks/short", key=owner)[1]["status"] == "completed", "own")
            expect(ask(port, "GET", "/tasks/short", key=admin)[1]["status"] == "completed", "admin's")
            expect(ask(port, "GET", "/tasks/short", key=other)[0].status == 404, "another's")


def profiles_belong_to_their_key():
    with tempfile.TemporaryDirectory() as folder:
        owner, other, admin = make(folder, "read,run", "read,run", "admin")
        with serving("--data", folder) as (_, port, _):
            reply, started = ask(port, "POST", "/profile/start?duration=1", key=owner)
            expect(reply.status == 200, started)
            path = f"/profile/{started['profile_id']}"
            reply, text = ask(port, "POST", "/profile/start?duration=1", key=other)  # one at a time, whoever asks
            expect(reply.status == 409 and int(reply.getheader("Retry-After")) >= 1, text)
            expect(started["profile_id"] not in json.dumps(text), "it tells another key the id")
            small = {"operation": "compute", "data": {"size": 8, "iterations": 1}}
            for key, name in ((owner, "his"), (other, "hers")):
                expect(ask(port, "POST", "/tasks", {**small, "task_id": name}, key)[0].status == 200, name)
            expect(ask(port, "GET", path, key=other)[0].status == 404, "another's, while it is recorded")
            while (answer := ask(port, "GET", path, key=owner))[0].status == 409:
                pass
            expect(answer[0].status == 200 and "his" in json.dumps(answer[1]), "one's own task is not in it")
            expect('"hers"' not in json.dumps(answer[1]), "another's task is named in it")
            reply, text = ask(port, "GET", path, key=other)
            expect(reply.status == 404 and text["error_code"] == "not_found", f"{reply.status} {text}")
            expect(ask(port, "GET", path, key=admin)[0].status == 200, "admin sees all")


def models_are_seen_by_readers_used_by_runners_and_kept_by_admins():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as models:
        reader, runner, admin = make(folder, "read", "run", "admin")
        repository(models)
        with serving("--data", folder, "--models", models) as (_, port, _):
            task = {"operation": "inference", "data": {"model": "one", "iterations": 1}}
            for key, name in ((reader, "read"), (runner, "run")):
                for method, path in (("POST", "/models/one/load"), ("POST", "/models/one/unload"),
                                     ("DELETE", "/models/one")):
                    reply, text = ask(port, method, path, {} if path.endswith("load") else None, key)
                    expect(reply.status == 403 and text["error_code"] == "permission_denied", f"{name} {path}: {text}")
            expect(ask(port, "GET", "/models", key=runner)[0].status == 403, "run does not read")
            expect(ask(port, "POST", "/tasks", task, reader)[0].status == 403, "read does not run")
            expect(ask(port, "POST", "/tasks", task, runner)[1]["status"] == "completed", "used by its name")
            for path in ("/models", "/models/one", "/models/one/explain?profile=false"):
                expect(ask(port, "GET", path, key=reader)[0].status == 200, path)
            expect(ask(port, "POST", "/models/one/load", {}, admin)[1]["state"] == "ready", "load")
            expect(ask(port, "GET", "/models/one", key=reader)[1]["state"] == "ready", "what one key loads all use")
            expect(ask(port, "POST", "/models/one/unload", key=admin)[0].status == 200, "unload")
            expect(ask(port, "DELETE", "/models/one", key=admin)[0].status == 200, "delete")
            expect(ask(port, "GET", "/models/one", key=reader)[0].status == 404, "it is still there")


def work_is_counted_for_its_key_by_label_never_by_secret():
    with tempfile.TemporaryDirectory() as folder:
        scopes = ("read,run", "run", "read")
        keys = make(folder, *scopes)
        small = json.dumps({"operation": "compute", "data": {"size": 8, "iterations": 1}})
        with serving("--data", folder) as (_, port, _):
            for count, key in zip((3, 2), keys):
                for _ in range(count):
                    expect(ask(port, "POST", "/tasks", small, key)[0].status == 200, "a task")
            while True:  # the last is counted behind its answer
                text = ask(port, "GET", "/metrics", key=keys[2])[1]
                sent = dict(re.findall(r'(?m)^openruntime_task_request_bytes_total\{.*key="([^"]*)"\} (\S+)$', text))
                if sent == {"for read,run": str(3 * len(small)), "for run": str(2 * len(small))}:
                    break
                expect(sum(map(float, sent.values())) < 5 * len(small), sent)
            seconds = dict(re.findall(r'(?m)^openruntime_task_device_seconds_total\{.*key="([^"]*)"\} (\S+)$', text))
            expect(set(seconds) == set(sent) and all(float(value) > 0 for value in seconds.values()), seconds)
            expect(not any(key in text or key[4:] in text for key in keys), "a secret is in the metrics")


def keys_are_made_listed_and_revoked_at_once():
    with tempfile.TemporaryDirectory() as folder:
        with serving("--data", folder) as (process, port, _):
            schemas = ask(port, "GET", "/openapi.json")[1]["components"]["schemas"]
            expect(ask(port, "GET", "/keys")[1] == {"keys": []}, "without a key everything is allowed")
            for wrong, loc in (({"label": 1}, "label"), ({"scopes": []}, "scopes"), ({"scopes": ["rot"]}, "scopes"),
                               ({"scopes": "read"}, "scopes"), ({"label": "x" * 128}, "label"), ({"name": "x"}, "name"),
                               ({"scopes": ["read,run"]}, "scopes"), ({"scopes": [1]}, "scopes")):
                reply, text = ask(port, "POST", "/keys", wrong)
                expect(reply.status == 422 and text["detail"][0]["loc"] == ["body", loc], f"{wrong}: {text}")
            for wrong in ("", "[]", "{"):
                reply, text = ask(port, "POST", "/keys", wrong)
                expect(reply.status == 422 and not problems(schemas["Problems"], text, schemas), f"{wrong}: {text}")
            for first in ({}, {"scopes": ["read", "run", "kernels"]}):  # it would shut its owner out
                reply, text = ask(port, "POST", "/keys", first)
                expect(reply.status == 422 and text["detail"][0]["loc"] == ["body", "scopes"], text)
                expect("first key needs the scope admin" in text["detail"][0]["msg"], text)
            reply, root = ask(port, "POST", "/keys", {"label": "root ☃", "scopes": ["admin"]})
            expect(reply.status == 200 and not problems(schemas["NewKey"], root, schemas), root)
            expect(reply.getheader("Cache-Control") == "no-store", "a secret may be stored on the way")
            expect(ask(port, "GET", "/keys")[0].status == 401, "with the first key the doors are not shut")
            admin = root["secret"]
            plain = ask(port, "POST", "/keys", {}, admin)[1]
            expect(plain["scopes"] == ["read", "run"] and plain["label"] == "" and not plain["revoked"], plain)
            expect(ask(port, "GET", "/devices", key=plain["secret"])[0].status == 200, "the new key opens nothing")
            listed = ask(port, "GET", "/keys", key=admin)[1]
            expect(not problems(schemas["KeyList"], listed, schemas), listed)
            expect([key["id"] for key in listed["keys"]] == [root["id"], plain["id"]], listed)
            expect("secret" not in json.dumps(listed) and listed["keys"][0]["label"] == "root ☃", listed)
            expect(all(key["last_used_at"] for key in listed["keys"]), "no last use")
            expect(ask(port, "DELETE", "/keys/nobody", key=admin)[0].status == 404, "unknown")
            for _ in range(2):  # the second time it is as it was
                reply, gone = ask(port, "DELETE", f"/keys/{plain['id']}", key=admin)
                expect(reply.status == 200 and gone["revoked"] and gone["revoked_at"], gone)
                expect(not problems(schemas["Key"], gone, schemas), gone)
            expect(ask(port, "GET", "/devices", key=plain["secret"])[0].status == 401, "a revoked key opens a door")
            expect(ask(port, "DELETE", f"/keys/{root['id']}", key=admin)[0].status == 200, "its own")
            expect(ask(port, "GET", "/devices")[0].status == 401, "without the last key everything is open")
            expect(ask(port, "GET", "/devices", key=admin)[0].status == 401, "a revoked admin")
            process.kill()  # what the reply said is on disk
            process.wait(timeout=60)
        with serving("--data", folder) as (_, port, _):
            expect(ask(port, "GET", "/devices", key=plain["secret"])[0].status == 401, "it came back")
            expect(ask(port, "GET", "/devices")[0].status == 401, "open after a restart")


def keys_let_it_listen_beyond_loopback():
    with tempfile.TemporaryDirectory() as folder:
        result = run("server", "--port", "0", "--host", "0.0.0.0", "--data", folder)
        expect(result.code == 1 and "openruntime keys create" in result.err, result.err)
        make(folder, "read")
        with serving("--host", "0.0.0.0", "--data", folder) as (_, port, _):
            expect(ask(port, "GET", "/devices")[0].status == 401, "it is open")


def the_command_line_keeps_keys():
    with tempfile.TemporaryDirectory() as place:
        folder = os.path.join(place, "data")
        for arguments in (("keys", "list"), ("keys", "revoke", "x"), ("store", "check"), ("store", "backup", "x")):
            result = run(*arguments, "--data", folder)
            expect(result.code == 1 and "--data" in result.err and not os.path.exists(folder), result.err)
            result = run(*arguments, env={"OPENRUNTIME_URL": ""})
            expect(result.code == 2 and "--data DIR" in result.err, f"{arguments}: {result.code} {result.err}")
        result = run("keys", "create", "--label", "laptop", "--scopes", "admin", "--data", folder)
        secret = result.out.strip()
        expect(result.code == 0 and len(secret) == 68 and "not shown again" in result.err, result.err)
        expect(oct(os.stat(folder).st_mode & 0o777) == "0o700", "others may read the folder")
        listed = run("--json", "keys", env={"OPENRUNTIME_DATA": folder, "OPENRUNTIME_URL": ""}).json()["keys"]
        expect([(key["label"], key["scopes"]) for key in listed] == [("laptop", ["admin"])], listed)
        table = run("keys", "list", "--data", folder).out
        expect("laptop" in table and listed[0]["id"] in table and secret not in table, table)
        with serving("--data", folder) as (process, port, _):
            expect(ask(port, "GET", "/keys", key=secret)[0].status == 200, "the server does not know it")
            expect(secret not in run("keys", "list", "--data", folder).out, "beside a server")
            for words in (("keys", "create"), ("keys", "revoke", listed[0]["id"])):
                result = run(*words, "--data", folder)
                expect(result.code == 1 and str(process.pid) in result.err and "--url" in result.err, result.err)
            result = run("server", "--port", "0", "--data", folder)
            expect(result.code == 1 and len(result.err.strip().splitlines()) == 1, result.err)
        backup = os.path.join(place, "backup.db")
        result = run("--json", "store", "backup", backup, "--data", folder)
        expect(result.json() == {"file": backup, "bytes": os.path.getsize(backup)}, result.out)
        result = run("store", "backup", backup, "--data", folder)
        expect(result.code == 1 and "not overwritten" in result.err, result.err)
        result = run("keys", "revoke", listed[0]["id"], "--data", folder)
        expect(result.code == 0 and "revoked" in result.out, result.err)
        expect(run("--json", "keys", "--data", folder).json()["keys"][0]["revoked"], "not revoked")
        restored = os.path.join(place, "restored")
        os.mkdir(restored)
        os.rename(backup, os.path.join(restored, "openruntime.db"))
        expect(run("--json", "store", "check", "--data", restored).json() ==
               {"problems": [], "tasks": 0, "tensors": 0, "keys": 1, "damaged": 0}, "the backup is damaged")
        expect(not run("--json", "keys", "--data", restored).json()["keys"][0]["revoked"], "the backup is younger")
        for arguments in (("keys", "make"), ("keys", "revoke"), ("keys", "list", "x"), ("keys", "list", "--label", "x"),
                          ("store",), ("store", "backup"), ("store", "check", "x"), ("store", "mend"),
                          ("keys", "create", "--scopes", "reed")):
            result = run(*arguments, "--data", folder)
            expect(result.code == 2, f"{arguments}: {result.code} {result.err}")


def nobody_is_left_without_an_admin_unwarned():
    with tempfile.TemporaryDirectory() as folder:
        with serving("--data", folder) as (_, port, _):
            there = ("--url", f"http://127.0.0.1:{port}")
            result = run(*there, "keys", "create", "--label", "alice")
            expect(result.code == 2 and "first key needs the scope admin" in result.err, result.err)
            expect(run(*there, "keys").code == 0, "it was made all the same")
            root = run(*there, "--json", "keys", "create", "--scopes", "admin").json()
            path = os.path.join(folder, "key")
            with open(path, "w", encoding="ascii") as file:
                file.write(root["secret"])
            there += ("--key-file", path)
            second = run(*there, "--json", "keys", "create", "--scopes", "admin,read").json()
            result = run(*there, "keys", "revoke", second["id"])
            expect(result.code == 0 and result.err == "", result.err)
            result = run(*there, "keys", "revoke", "nobody")
            expect(result.code == 1 and "last" not in result.err, result.err)
            result = run(*there, "keys", "revoke", root["id"])
            expect(result.code == 0 and "the last key with the scope admin" in result.err, result.err)
            expect("revoked" in result.out, result.out)
        with serving("--data", folder) as (process, port, _):
            expect(ask(port, "GET", "/keys")[0].status == 401, "open without a key")
            expect("event=no_admin_key" in process.stderr.read(), "the log is silent")
        made = run("keys", "create", "--scopes", "read", "--data", folder)
        expect(made.code == 0 and "has the scope admin" in made.err, made.err)
        made = run("--json", "keys", "create", "--scopes", "admin", "--data", folder)
        expect(made.code == 0 and made.err == "", made.err)
        result = run("keys", "revoke", made.json()["id"], "--data", folder)
        expect(result.code == 0 and "has the scope admin" in result.err, result.err)


def the_command_line_asks_a_server():
    with tempfile.TemporaryDirectory() as folder:
        (admin,) = make(folder, "admin")
        with serving("--data", folder) as (_, port, _):
            def at_the_server(*arguments):
                environment = {"OPENRUNTIME_URL": f"http://127.0.0.1:{port}", "OPENRUNTIME_API_KEY": admin}
                return run(*arguments, env=environment)

            made = at_the_server("keys", "create", "--label", "far", "--scopes", "read,kernels")
            expect(made.code == 0 and "not shown again" in made.err, made.err)
            expect(ask(port, "GET", "/devices", key=made.out.strip())[0].status == 200, "it opens nothing")
            keys = at_the_server("--json", "keys").json()["keys"]
            expect((keys[1]["label"], keys[1]["scopes"]) == ("far", ["read", "kernels"]), keys)
            expect("far" in at_the_server("keys", "list").out, "no table")
            gone = at_the_server("keys", "revoke", keys[1]["id"])
            expect(gone.code == 0 and f"{keys[1]['id']} is revoked" in gone.out, gone.err)
            expect(ask(port, "GET", "/devices", key=made.out.strip())[0].status == 401, "it opens a door")
            result = at_the_server("keys", "create", "--scopes", "reed")
            expect(result.code == 2 and "did you mean" in result.err, f"{result.code} {result.err}")
            expect(at_the_server("keys", "revoke", "nobody").code == 1, "unknown")
            expect(at_the_server("keys", "list", "--data", folder).code == 2, "both")
            expect(at_the_server("store", "check", "--data", folder).code == 2, "a server's store")
        result = run("--url", f"http://127.0.0.1:{port}", "keys")
        expect(result.code == 3, f"{result.code} {result.err}")


def a_check_finds_what_is_damaged():
    with tempfile.TemporaryDirectory() as folder:
        make(folder, "read")
        database = sqlite3.connect(os.path.join(folder, "openruntime.db"))
        database.execute("UPDATE totals SET tasks = 3")
        database.commit()
        database.close()
        result = run("store", "check", "--data", folder)
        expect(result.code == 1 and "1 damaged" in result.out and "3 of 0 were counted" in result.out, result.out)
        result = run("--json", "store", "check", "--data", folder)
        expect(result.code == 1 and len(result.json()["problems"]) == 1, result.out)


def a_device_is_taken_out_and_stays_so():
    small = {"operation": "compute", "data": {"size": 8, "iterations": 1}, "device_preference": "cpu_0",
             "strict_device": True}
    with tempfile.TemporaryDirectory() as folder:
        with serving("--data", folder) as (process, port, _):
            before = ask(port, "GET", "/devices/cpu_0")[1]
            expect(before["is_available"] and before["max_concurrency"] == 4, before)
            for wrong, loc in (({"is_available": 1}, "is_available"), ({"max_concurrency": 0}, "max_concurrency"),
                               ({"max_concurrency": 65}, "max_concurrency"), ({"memory_limit": 0}, "memory_limit"),
                               ({"max_concurrency": 1.5}, "max_concurrency"), ({"memory": 1}, "memory"),
                               ({"memory_limit": None}, "memory_limit")):
                reply, text = ask(port, "PATCH", "/devices/cpu_0", {"max_concurrency": 7, **wrong})
                expect(reply.status == 422 and text["detail"][0]["loc"] == ["body", loc], f"{wrong}: {text}")
            expect(ask(port, "PATCH", "/devices/cpu_9", {"is_available": False})[0].status == 404, "cpu_9")
            unchanged = ask(port, "PATCH", "/devices/cpu_0", {})[1]
            expect(unchanged["max_concurrency"] == 4 and unchanged["is_available"], unchanged)
            reply, device = ask(port, "PATCH", "/devices/cpu_0", {"is_available": False, "max_concurrency": 2})
            expect(reply.status == 200 and device["max_concurrency"] == 2, device)
            expect(not device["is_available"] and "taken out" in device["reason"], device)
            schemas = ask(port, "GET", "/openapi.json")[1]["components"]["schemas"]
            expect(not problems(schemas["Device"], device, schemas), device)
            expect(ask(port, "POST", "/tasks", small)[0].status == 409, "it takes work")
            limit = 1 << 30
            expect(ask(port, "PATCH", "/devices/cpu_0", {"memory_limit": limit})[1]["memory_limit"] == limit, "limit")
            process.kill()  # what was answered is on disk
            process.wait(timeout=60)
        with serving("--data", folder) as (process, port, _):
            device = ask(port, "GET", "/devices")[1]["devices"][0]
            expect((device["is_available"], device["max_concurrency"], device["memory_limit"]) == (False, 2, limit),
                   device)
            expect(ask(port, "POST", "/tasks", small)[0].status == 409, "it takes work again")
            ask(port, "PATCH", "/devices/cpu_0", {"is_available": True})
            expect(ask(port, "POST", "/tasks", small)[1]["status"] == "completed", "it is not back")
            reply, text = ask(port, "POST", "/tasks", {**small, "data": {"size": 16384, "iterations": 1}})
            expect(reply.status == 507 and str(limit) in text["detail"], f"{reply.status} {text}")
            ask(port, "PATCH", "/devices/cpu_0", {"max_concurrency": 4, "memory_limit": before["memory_limit"]})
            process.send_signal(signal.SIGTERM)
            expect(process.wait(timeout=60) == 0, "drain")
        with serving("--data", folder) as (_, port, _):
            after = ask(port, "GET", "/devices/cpu_0")[1]
            expect(after["max_concurrency"] == 4 and after["is_available"], after)
        database = sqlite3.connect(os.path.join(folder, "openruntime.db"))
        expect(database.execute("SELECT count(*) FROM settings").fetchone() == (0,), "rows of what is as ever")
        database.close()


def the_log_tells_what_it_is_asked_to():
    with serving("--log-level", "warning") as (process, port, _):
        modules = ask(port, "GET", "/log")[1]["modules"]
        expect(set(modules.values()) == {"warning"} and {"server", "task", "store"} <= set(modules), modules)
        for wrong, loc in (({"level": "loud"}, "level"), ({"modules": {"srv": "info"}}, "modules.srv"),
                           ({"modules": {"server": 3}}, "modules.server"), ({"modules": []}, "modules"),
                           ({"levels": {}}, "levels"), ({"level": None}, "level")):
            reply, text = ask(port, "PATCH", "/log", {"level": "debug", **wrong})
            expect(reply.status == 422 and text["detail"][0]["loc"] == ["body", *loc.split(".")], f"{wrong}: {text}")
        expect(set(ask(port, "PATCH", "/log", {})[1]["modules"].values()) == {"warning"}, "a wrong change has changed")
        ask(port, "GET", "/devices", X_Request_Id="unseen")
        changed = ask(port, "PATCH", "/log", {"level": "error", "modules": {"server": "debug", "task": "debug"}})[1]
        expect(changed["modules"] == {**dict.fromkeys(modules, "error"), "server": "debug", "task": "debug"}, changed)
        reply, _ = ask(port, "GET", "/devices/cpu_0", X_Request_Id="seen-1")
        expect(reply.getheader("X-Request-Id") == "seen-1", "the id is not kept")
        reply, _ = ask(port, "GET", "/no/such", X_Request_Id="not an id")
        made = reply.getheader("X-Request-Id")
        expect(made and made != "not an id", made)
        task = {"task_id": "logged", "operation": "compute", "data": {"size": 8, "iterations": 1}}
        ask(port, "POST", "/tasks", task, X_Request_Id="seen-2")
        ask(port, "PATCH", "/log", {"level": "off"})
        ask(port, "GET", "/devices/cpu_0", X_Request_Id="unseen")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        lines = process.stderr.read().splitlines()
    expect(all(line.startswith("time=2") and " level=" in line and " event=" in line for line in lines), lines)

    def fields(line):
        return dict(part.split("=", 1) for part in line.split(" "))

    told = [fields(line) for line in lines]
    expect(not [line for line in told if line.get("request") == "unseen"], lines)
    seen = [line for line in told if line.get("request") == "seen-1"]
    expect([(line["method"], line["route"], line["status"], line["key"], line["level"]) for line in seen] ==
           [("GET", "/devices/{id}", "200", "-", "debug")] and float(seen[0]["ms"]) >= 0, lines)
    expect([line["status"] for line in told if line.get("request") == made] == ["404"], lines)
    life = [line for line in told if line.get("task") == "logged"]
    expect([line["event"] for line in life] == ["task_accepted", "task_started", "task_finished"], lines)
    expect({line["request"] for line in life} == {"seen-2"} and life[2]["status"] == "completed", life)
    expect(life[2]["device"] == "cpu_0" and int(life[2]["run_us"]) > 0 and life[2]["level"] == "info", life)


def a_start_that_can_not_be_is_one_line_with_the_cure():
    with tempfile.TemporaryDirectory() as place:
        def refused(folder, *words):
            result = run("server", "--port", "0", "--data", folder)
            expect(result.code == 1 and len(result.err.strip().splitlines()) == 1, f"{result.code} {result.err}")
            expect(all(word in result.err for word in words), f"{words}: {result.err}")

        blocked = os.path.join(place, "file")
        with open(blocked, "w", encoding="ascii") as file:
            file.write("no folder")
        refused(os.path.join(blocked, "data"), "make it writable or choose another with --data")
        refused(blocked, "Not a directory", "--data")
        folder = os.path.join(place, "newer")
        make(folder, "read")
        database = sqlite3.connect(os.path.join(folder, "openruntime.db"))
        database.execute("PRAGMA user_version = 99")
        database.close()
        refused(folder, "newer OpenRuntime", "99", "--data")
        folder = os.path.join(place, "corrupt")
        make(folder, "read")
        with open(os.path.join(folder, "openruntime.db"), "r+b") as file:
            file.seek(100)
            file.write(b"\xff" * 8000)
        refused(folder, "openruntime.db", "backup")
        folder = os.path.join(place, "foreign")
        os.mkdir(folder)
        database = sqlite3.connect(os.path.join(folder, "openruntime.db"))
        database.execute("CREATE TABLE theirs (x)")
        database.close()
        refused(folder, "not a database of OpenRuntime", "--data")
        with serving() as (_, port, _):
            result = run("server", "--port", port, "--data", os.path.join(place, "data"))
            expect(result.code == 1 and "another with --port" in result.err, result.err)
            expect(len(result.err.strip().splitlines()) == 1, result.err)


if __name__ == "__main__":
    main([
        every_route_wants_its_scope,
        a_browser_hands_its_key_over_as_a_subprotocol,
        kernels_of_users_want_their_own_scope,
        tasks_belong_to_their_key,
        profiles_belong_to_their_key,
        models_are_seen_by_readers_used_by_runners_and_kept_by_admins,
        work_is_counted_for_its_key_by_label_never_by_secret,
        keys_are_made_listed_and_revoked_at_once,
        keys_let_it_listen_beyond_loopback,
        the_command_line_keeps_keys,
        nobody_is_left_without_an_admin_unwarned,
        the_command_line_asks_a_server,
        a_check_finds_what_is_damaged,
        a_device_is_taken_out_and_stays_so,
        the_log_tells_what_it_is_asked_to,
        a_start_that_can_not_be_is_one_line_with_the_cure,
    ])
