"""Every command by --url on a real server: what client_test.py leaves out; waiting, interrupting, progress, keys."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys

import harness
from client_test import SEVEN, at
from harness import PROGRAM, SOURCE, catches, expect, main, need_server, run, scratch
from server_test import certificate, serving

LONG = ("run", "-s", "256", "--iterations", "1000000")
# Takes all the time that it is given: the most runs that are measured would take minutes.
SMALL_BENCHMARK = ("benchmark", "-t", "compute", "--sizes", "1024", "--dtypes", "float32", "--duration")


def good(result):
    expect(result.code == 0, f"exit {result.code}: {result.err}")
    return result


def started(port, *arguments):
    return subprocess.Popen([PROGRAM, "--url", f"127.0.0.1:{port}", *arguments], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, cwd=SOURCE)


def active(port, count=1):
    """The active tasks, once there are so many."""
    while len(tasks := at(port, "--json", "tasks").json()["active_tasks"]) != count:
        pass
    return tasks


def models_are_listed_loaded_explained_unloaded_and_removed():
    with scratch() as folder:
        shutil.copytree(os.path.join(SOURCE, "data", "digits"), f"{folder}/mine")
        with serving("--models", folder) as (_, port, _):
            listed = good(at(port, "models")).out
            expect("mine" in listed and "available" in listed and "resnet50" in listed, listed)
            loaded = good(at(port, "models", "load", "mine", "--keep-alive", "60")).out
            expect("state    ready" in loaded and "device   cpu_0" in loaded and "image: float32" in loaded, loaded)
            shown = at(port, "--json", "models", "show", "mine").json()
            expect(shown["state"] == "ready" and shown["bytes"]["weights"] > 0, str(shown))
            expect(good(at(port, "models", "show", "mine")).out.startswith("name     mine"), "show")
            report = at(port, "--json", "explain", "mine").json()
            here = run("--json", "explain", "data/digits").json()
            expect([node["op"] for node in report["nodes"]] == [node["op"] for node in here["nodes"]], str(report))
            expect("Conv+BatchNormalization" in good(at(port, "explain", "mine", "--no-profile")).out, "explain")
            trace = f"{folder}/trace.json"
            good(at(port, "explain", "mine", "-b", "2", "--trace", trace))
            with open(trace, encoding="utf-8") as file:
                expect(json.load(file)["traceEvents"], "no events")
            expect("available" in good(at(port, "models", "unload", "mine")).out, "unload")
            expect(good(at(port, "models", "remove", "mine")).out == "mine: removed\n", "remove")
            expect(not os.path.exists(f"{folder}/mine"), "its files are still there")
            gone = at(port, "models", "show", "mine")
            expect(gone.code == 1 and 'no model "mine"' in gone.err, gone.err)


def devices_metrics_and_kernels_are_a_servers():
    with scratch() as folder, serving("--kernels") as (_, port, _):
        by_type, by_id = good(at(port, "devices", "cpu")).out, good(at(port, "devices", "cpu_0")).out
        expect("id                   cpu_0" in by_type and by_type.split("\n")[0] == by_id.split("\n")[0], by_type)
        expect(good(at(port, "metrics")).out.startswith("DEVICE  UTILISATION"), "metrics")
        expect("cpu_0" in at(port, "--json", "metrics").json()["summary"], "metrics --json")
        expect("# TYPE openruntime_" in good(at(port, "metrics", "--prometheus")).out, "--prometheus")
        expect(good(at(port, "kernels")).out == run("kernels").out == "NAME\n", "kernels")
        expect(at(port, "--json", "kernels").json() == run("--json", "kernels").json() == {"kernels": []}, "kernels")
        with open(f"{folder}/saxpy.cl", "w", encoding="utf-8") as file:
            file.write("kernel void saxpy() {}\n")
        for words, arguments in ((("no device that compiles kernels",), ("compile", f"{folder}/saxpy.cl")),
                                 (('no kernel "f"',), ("remove", "f")),
                                 (('no kernel "f"',), ("run", "f", "--grid", "1"))):
            for result in (at(port, "kernels", *arguments), run("kernels", *arguments)):
                expect(result.code == 1 and all(word in result.err for word in words), f"{arguments}: {result.err}")


def outputs_of_many_bytes_are_the_same_as_here():
    import numpy

    with scratch() as folder, serving("--models", "data") as (_, port, _):
        numpy.save(f"{folder}/x.npy", numpy.random.default_rng(3).random((500, 1, 28, 28), dtype=numpy.float32))
        arguments = ("infer", "digits", "-i", f"image={folder}/x.npy", "--output")
        here = good(run(*arguments, f"{folder}/here", "--models", "data"))
        there = good(at(port, *arguments, f"{folder}/there"))
        expect(here.out == there.out, "other predictions")
        wanted, given = (numpy.load(f"{folder}/{name}/probabilities.npy") for name in ("here", "there"))
        expect(given.shape == (500, 10) and numpy.array_equal(wanted, given), "other bytes")
        document = at(port, "--json", *arguments[:-1]).json()  # JSON has them as numbers
        data = document["result"]["outputs"]["probabilities"]["data"]
        expect(numpy.array_equal(numpy.array(data, dtype=numpy.float32).reshape(500, 10), wanted), "other numbers")


def a_list_of_tasks_is_filtered_and_turned_over():
    with scratch() as folder, serving("--data", folder, "--models", "data") as (_, port, _):
        for _ in range(3):
            good(at(port, "run", "-s", "8", "--iterations", "1"))
        good(at(port, "infer", "digits", "--image", SEVEN))
        good(at(port, *SMALL_BENCHMARK, "0.1"))
        page = good(at(port, "tasks", "--limit", "2"))
        cursor = page.err.split("--after ")[1].strip()
        rest = good(at(port, "tasks", "--after", cursor))
        ids = [line.split()[0] for text in (page.out, rest.out) for line in text.splitlines()[1:]]
        expect(len(ids) == len(set(ids)) == 5 and "--after" not in rest.err, page.out + rest.out)
        for operation, count in (("compute", 3), ("inference", 1), ("benchmark", 1), ("kernel", 0)):
            rows = good(at(port, "tasks", "-o", operation)).out.splitlines()[1:]
            expect(len(rows) == count and all(operation in row for row in rows), f"{operation}: {rows}")
        expect(len(good(at(port, "tasks", "-d", "cpu_0", "--status", "completed")).out.splitlines()) == 6, "device")
        expect("no tasks" in good(at(port, "tasks", "--status", "failed")).err, "failed")
        ended = good(at(port, "tasks", ids[0])).out
        expect("status       completed" in ended and "finished" in ended, ended)


def a_task_is_waited_for_and_its_end_is_the_exit_code():
    with serving() as (_, port, _):
        short = good(at(port, "-q", "run", "-s", "64", "--iterations", "3", "--async")).out.strip()
        ended = good(at(port, "--json", "tasks", short, "--wait")).json()
        expect(ended["status"] == "completed" and ended["result"]["iterations"] == 3, str(ended))
        long = good(at(port, "-q", *LONG, "--async")).out.strip()
        active(port)
        waiting = started(port, "tasks", long, "--wait")
        good(at(port, "tasks", "--cancel", long))
        out, _ = waiting.communicate(timeout=60)
        expect(waiting.returncode == 1 and "status       cancelled" in out, f"{waiting.returncode} {out}")
        long = good(at(port, "-q", *LONG, "--async")).out.strip()
        waiting = started(port, "tasks", long, "--wait")
        catches(waiting, signal.SIGINT)
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=60)
        expect(waiting.returncode == 130, waiting.returncode)
        expect(at(port, "--json", "tasks", long).json()["status"] == "running", "an end of waiting ended the task")
        late = at(port, "tasks", long, "--priority", "9")
        expect(late.code == 1 and "does not wait any more" in late.err, late.err)
        good(at(port, "tasks", "--cancel", long))


def interrupted_work_is_cancelled_on_the_server():
    with serving("--models", "data") as (_, port, _):
        for arguments in (LONG, (*SMALL_BENCHMARK, "100"),
                          ("run", "-o", "inference", "-m", "digits", "-b", "64", "--iterations", "1000000")):
            process = started(port, *arguments)
            task = active(port)[0]["task_id"]
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            expect(process.returncode == 130 and not out, f"{arguments}: {process.returncode} {out} {err}")
            expect(len(err.strip().splitlines()) == 1, err)
            while (state := at(port, "--json", "tasks", task).json()["status"]) != "cancelled":
                expect(state in ("pending", "running"), state)


def long_work_shows_progress_on_a_terminal_alone():
    with serving() as (_, port, _):
        url = ("--url", f"127.0.0.1:{port}")
        shown = harness.run_on_a_terminal(*url, *SMALL_BENCHMARK, "3")
        expect("\033[K[" in shown and " %  " in shown, shown)
        expect("GFLOP/S" in shown.split("\033[K")[-1], "the table is not behind the progress")
        expect("\033[K" not in harness.run_on_a_terminal(*url, "-q", *SMALL_BENCHMARK, "1.5"), "progress with -q")
        piped = good(at(port, *SMALL_BENCHMARK, "1.5"))
        expect("\033" not in piped.out + piped.err and "%  " not in piped.err, piped.err)
        for command in ("devices", "tasks", "status", "models", "metrics"):
            expect("\033" not in at(port, command).out, f"{command}: escape codes in a pipe")


def keys_open_what_their_scopes_say():
    with scratch() as folder:
        secret = good(run("-q", "keys", "create", "--data", folder, "--label", "root", "--scopes", "admin")).out
        with open(f"{folder}/key", "w", encoding="ascii") as file:
            file.write(secret)
        with serving("--data", folder) as (_, port, _):
            none = at(port, "devices")
            expect(none.code == 1 and "OPENRUNTIME_API_KEY or --key-file FILE" in none.err, none.err)
            wrong = at(port, "devices", env={"OPENRUNTIME_API_KEY": "nonsense"})
            expect(wrong.code == 1 and len(wrong.err.splitlines()) == 1 and "key" in wrong.err, wrong.err)
            admin = ("--key-file", f"{folder}/key")
            good(at(port, *admin, "devices"))
            reader = good(at(port, *admin, "-q", "keys", "create", "--label", "eyes", "--scopes", "read")).out.strip()
            good(at(port, "devices", env={"OPENRUNTIME_API_KEY": reader}))
            refused = at(port, "run", "-s", "8", env={"OPENRUNTIME_API_KEY": reader})
            expect(refused.code == 1 and "scope" in refused.err and "run" in refused.err, refused.err)
            watched = at(port, "monitor")
            expect(watched.code == 1 and "--key-file" in watched.err, f"{watched.code} {watched.err}")
            listed = at(port, *admin, "--json", "keys").json()["keys"]
            expect([key["label"] for key in listed] == ["root", "eyes"] and reader not in str(listed), str(listed))
            good(at(port, *admin, "keys", "revoke", listed[1]["id"]))
            expect(at(port, "devices", env={"OPENRUNTIME_API_KEY": reader}).code == 1, "a revoked key opens")


def every_flag_stands_in_help_completion_and_man_page():
    pages = {kind: run("completion", kind).out.replace("\\-", "-") for kind in ("bash", "zsh", "man")}
    document = run("--json", "help").json()
    for command in document["commands"]:
        text = run("help", command["name"]).out
        for flag in command["flags"]:
            name = flag["name"]
            expect(name in text, f"{command['name']} {name}: not in its help")
            for kind, page in pages.items():
                expect(name in page, f"{command['name']} {name}: not in {kind}")


@contextlib.contextmanager
def everywhere():
    """One server by TCP, by TLS and by a socket: flags that name it."""
    with scratch() as folder:
        certificate(folder, "localhost")
        secured = ("--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem", "--unix", f"{folder}/socket")
        with serving(*secured, "--kernels") as (_, port, _):
            yield (("--url", f"https://localhost:{port}", "--ca", f"{folder}/cert.pem"),
                   ("--url", f"unix:{folder}/socket"))


def tls_and_sockets_carry_everything():
    with everywhere() as ways:
        for way in ways:
            for arguments in (("status",), ("run", "-s", "8"), ("tasks",), ("models",), ("kernels",), ("metrics",)):
                good(run(*way, *arguments))
            with subprocess.Popen([PROGRAM, *way, "monitor", "--interval", "0.1"], stdout=subprocess.PIPE, text=True,
                                  cwd=SOURCE) as watch:
                expect("active_tasks=0" in watch.stdout.readline(), "no sample")
                watch.send_signal(signal.SIGINT)
                watch.communicate(timeout=60)
                expect(watch.returncode == 130, watch.returncode)


if __name__ == "__main__":
    need_server()
    if not shutil.which("openssl"):
        sys.exit("not installed: openssl; tools/setup.sh test")
    tests = [
        models_are_listed_loaded_explained_unloaded_and_removed,
        devices_metrics_and_kernels_are_a_servers,
        outputs_of_many_bytes_are_the_same_as_here,
        a_list_of_tasks_is_filtered_and_turned_over,
        a_task_is_waited_for_and_its_end_is_the_exit_code,
        interrupted_work_is_cancelled_on_the_server,
        long_work_shows_progress_on_a_terminal_alone,
        keys_open_what_their_scopes_say,
        every_flag_stands_in_help_completion_and_man_page,
        tls_and_sockets_carry_everything,
    ]
    main([test for test in tests if not sys.argv[1:] or test.__name__ in sys.argv[1:]])
