"""The upgrade of docs/operations.md, step by step: fault_server with one more step of the schema is the program of a
later version. What was queued, finished and set is there after it; the program of before refuses the folder in a line,
and the backup is the way back. A step that fails leaves the folder as it was."""

import os
import shutil
import sqlite3
import subprocess
import tempfile

from faults import FAULT_SERVER, PROGRAM, SOURCE, Client, Server, compute, expect, main

LONG = {"operation": "compute", "data": {"size": 256, "iterations": 1000000}}
STEP = "ALTER TABLE tasks ADD COLUMN note TEXT NOT NULL DEFAULT 'upgraded'"
BROKEN = STEP + "; INSERT INTO no_such_table VALUES (1)"


def command(*words, program=PROGRAM, **environment):
    """A command that ends by itself."""
    return subprocess.run([program, *words], capture_output=True, text=True, cwd=SOURCE, check=False, timeout=120,
                          env={**os.environ, **environment})


def used(data):
    """A store with a task that has ended, one that runs, one that waits, and a setting; its server is gone."""
    with Server("--data", data) as server:
        client = Client(server.port)
        status, _ = client.ask("PATCH", "/devices/cpu_0", {"max_concurrency": 1})
        expect(status == 200, status)
        status, done = client.ask("POST", "/tasks", compute(task_id="done"))
        expect(status == 200 and done["status"] == "completed", done)
        for name, task in (("long", LONG), ("queued", compute())):
            expect(client.submit({**task, "task_id": name})[0] == 202, name)
        server.kill()
    return done


def is_all_there(server, done):
    client = Client(server.port)
    expect(client.ask("GET", "/tasks/done") == (200, done), "what had ended")
    expect(client.ask("GET", "/devices/cpu_0")[1]["max_concurrency"] == 1, "what was set")
    expect(client.ask("DELETE", "/tasks/long")[0] == 200, "what ran")
    client.wait_for("queued", "completed")
    code, said = server.stop()
    expect(code == 0, said)


def columns(data):
    database = sqlite3.connect(os.path.join(data, "openruntime.db"))
    found = [row[1] for row in database.execute("PRAGMA table_info(tasks)")]
    database.close()
    return found


def is_refused(data, *words):
    result = command(*words, "--data", data)
    expect(result.returncode == 1 and len(result.stderr.splitlines()) == 1, f"{words}: {result.stderr}")
    expect("made by a newer OpenRuntime" in result.stderr, f"{words}: {result.stderr}")


def an_upgrade_goes_as_the_page_says_and_so_does_the_way_back():
    with tempfile.TemporaryDirectory(prefix="openruntime-fault-") as place:
        data, backup = os.path.join(place, "data"), os.path.join(place, "backup.db")
        done = used(data)
        result = command("store", "backup", backup, "--data", data)
        expect(result.returncode == 0, result.stderr)
        result = command("server", "--check-config", "--data", data, program=FAULT_SERVER, FAULT_MIGRATION=STEP)
        expect(result.returncode == 0 and "note" not in columns(data), f"checking settings migrates: {result.stderr}")
        with Server("--data", data, program=FAULT_SERVER,
                    env={"FAULT_MIGRATION": STEP, "FAULT_THROUGH": "100"}) as server:
            is_all_there(server, done)
        expect("note" in columns(data), "not migrated")
        for words in (("server", "--port", "0"), ("store", "check"), ("keys", "list")):
            is_refused(data, *words)
        shutil.rmtree(data)
        os.mkdir(data, 0o700)
        os.rename(backup, os.path.join(data, "openruntime.db"))
        with Server("--data", data) as server:
            is_all_there(server, done)


def a_step_that_fails_leaves_the_folder_to_the_program_of_before():
    with tempfile.TemporaryDirectory(prefix="openruntime-fault-") as place:
        data = os.path.join(place, "data")
        done = used(data)
        result = command("server", "--port", "0", "--data", data, program=FAULT_SERVER, FAULT_MIGRATION=BROKEN)
        expect(result.returncode == 1 and len(result.stderr.splitlines()) == 1, result.stderr)
        expect("brought to version 2" in result.stderr and "note" not in columns(data), result.stderr)
        with Server("--data", data) as server:
            is_all_there(server, done)


if __name__ == "__main__":
    main([an_upgrade_goes_as_the_page_says_and_so_does_the_way_back,
          a_step_that_fails_leaves_the_folder_to_the_program_of_before])
