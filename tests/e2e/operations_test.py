"""What an operator does to a server's data: a backup and a check while it works, put back; stores of other versions."""

import base64
import itertools
import json
import os
import sqlite3
import tempfile
import threading

from harness import QUICK, SOURCE, expect, main, need_server, run
from server_test import JSON, get, serving
from tasks_test import wait_for

LARGE = 160  # a side: its float32 matrix is more than what a row holds
STORES = os.path.join(SOURCE, "tests", "data", "stores")
ROUNDS = 2 if QUICK else 5


def restored(place, backup):
    """A data folder made of the backup as docs/operations.md says."""
    folder = os.path.join(place, "restored " + os.path.basename(backup))
    os.mkdir(folder, 0o700)
    os.rename(backup, os.path.join(folder, "openruntime.db"))
    return folder


class Load:
    """Threads that submit recorded tasks, every third with operands that are files, until they are told to stop."""

    def __init__(self, port):
        self.port, self.lock, self.accepted, self.wrong = port, threading.Lock(), [], []
        self.stop = threading.Event()
        matrix = base64.b64encode(bytes(4 * LARGE * LARGE)).decode()
        tensor = {"shape": [LARGE, LARGE], "dtype": "float32", "data_base64": matrix}
        self.bodies = itertools.cycle(json.dumps({"operation": "compute", "data": data}) for data in (
            {"size": 8, "iterations": 1}, {"a": tensor, "b": tensor}, {"type": "softmax", "size": 64, "iterations": 1}))
        self.threads = [threading.Thread(target=self.submit) for _ in range(3)]

    def submit(self):
        while not self.stop.is_set():
            with self.lock:
                body = next(self.bodies)
            reply, text = get(self.port, "/tasks", {**JSON, "Prefer": "respond-async"}, "POST", body)
            with self.lock:
                if reply.status == 202:
                    self.accepted.append(json.loads(text)["task_id"])
                elif reply.status not in (429, 503):
                    self.wrong.append(f"{reply.status} {text}")

    def seen(self, count):
        """All that was answered with 202, once there are that many more."""
        wanted = len(self.accepted) + count
        while len(self.accepted) < wanted and not self.wrong:
            get(self.port, "/health/live")
        with self.lock:
            return list(self.accepted)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *unused):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def a_backup_of_a_server_at_work_holds_all_that_it_had_accepted():
    with tempfile.TemporaryDirectory() as place:
        data = os.path.join(place, "data")
        with serving("--data", data) as (_, port, _), Load(port) as load:
            made = []
            for turn in range(ROUNDS):
                before = load.seen(30)
                backup = os.path.join(place, f"{turn}.db")
                result = run("--json", "store", "backup", backup, "--data", data)
                expect(result.code == 0 and result.json()["bytes"] == os.path.getsize(backup), result.err)
                expect(oct(os.stat(backup).st_mode & 0o777) == "0o600", "others may read it")
                made.append((backup, before))
                result = run("--json", "store", "check", "--data", data)
                expect(result.code == 0 and result.json()["problems"] == [], result.out + result.err)
                expect(result.json()["tasks"] >= len(before), result.out)
            load.seen(1)  # the server goes on
            expect(not load.wrong, load.wrong[:3])
        for backup, before in made:
            folder = restored(place, backup)
            database = sqlite3.connect(os.path.join(folder, "openruntime.db"))
            held = {task for task, in database.execute("SELECT task_id FROM tasks")}
            files = database.execute("SELECT count(*) FROM blobs WHERE file IS NOT NULL").fetchone()
            database.close()
            expect(set(before) <= held and files == (0,), f"{len(set(before) - held)} of {len(before)} are missing")
            result = run("--json", "store", "check", "--data", folder)
            expect(result.code == 0 and result.json()["damaged"] == 0, result.out)
        with serving("--data", folder) as (_, port, _):  # the last one
            for task in before:
                wait_for(port, task, "completed")


def old_store(folder, version):
    os.mkdir(folder, 0o700)
    database = sqlite3.connect(os.path.join(folder, "openruntime.db"))
    with open(os.path.join(STORES, version), encoding="utf-8") as file:
        database.executescript(file.read())
    database.close()


def version_of(folder):
    database = sqlite3.connect(os.path.join(folder, "openruntime.db"))
    (version,) = database.execute("PRAGMA user_version").fetchone()
    database.close()
    return version


def a_store_of_each_version_so_far_is_taken_up():
    with tempfile.TemporaryDirectory() as place:
        fresh = os.path.join(place, "fresh")
        expect(run("-q", "keys", "create", "--scopes", "admin", "--data", fresh).code == 0, "a fresh one")
        there = sorted(os.listdir(STORES))
        expect(there == [f"version-{number + 1}.sql" for number in range(version_of(fresh))], f"{there} of versions")
        for name in there:
            folder = os.path.join(place, name)
            old_store(folder, name)
            with serving("--data", folder) as (_, port, _):
                expect(get(port, "/devices")[0].status == 401, "its key does not count")
                def ask(path):
                    return json.loads(get(port, path, {"X-API-Key": "ork_" + "0" * 64})[1])
                expect(ask("/tasks/done")["result"] == {"kept": [1, 2, 3]}, name)
                while ask("/tasks/waiting")["status"] in ("pending", "running"):
                    pass
                expect(ask("/tasks/waiting")["result"]["outputs"]["result"]["data"] == [7, 10, 15, 22], name)
                expect(ask("/devices/cpu_0")["max_concurrency"] == 3, name)
                expect([key["label"] for key in ask("/keys")["keys"]] == ["root"], name)
            result = run("--json", "store", "check", "--data", folder)
            expect(result.code == 0 and result.json()["tasks"] == 2, result.out)
            expect(version_of(folder) == version_of(fresh), name)


def a_store_of_a_newer_version_is_left_alone():
    with tempfile.TemporaryDirectory() as place:
        folder = os.path.join(place, "data")
        expect(run("-q", "keys", "create", "--scopes", "admin", "--data", folder).code == 0, "a store")
        database = sqlite3.connect(os.path.join(folder, "openruntime.db"))
        database.execute("PRAGMA user_version = 99")
        database.close()
        for words in (("server", "--port", "0"), ("store", "check"), ("store", "backup", os.path.join(place, "b.db")),
                      ("keys", "list"), ("keys", "create")):
            result = run(*words, "--data", folder)
            expect(result.code == 1 and result.out == "", f"{words}: {result.code} {result.out}")
            expect(len(result.err.splitlines()) == 1 and "made by a newer OpenRuntime" in result.err, result.err)
        expect(version_of(folder) == 99 and not os.path.exists(os.path.join(place, "b.db")), "it was touched")


if __name__ == "__main__":
    need_server()
    main([a_store_of_each_version_so_far_is_taken_up, a_store_of_a_newer_version_is_left_alone,
          a_backup_of_a_server_at_work_holds_all_that_it_had_accepted])
