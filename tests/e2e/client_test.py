"""The command line against a server: each command by --url beside the same in process, and what can go wrong."""

import contextlib
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

from harness import PROGRAM, SOURCE, expect, main, run, scratch
from server_test import certificate, serving

SEVEN = "data/digits/samples/7-1.png"


def keys(value):
    """The names of a document's fields, all the way down; a list is as its first item. A sample has what could be
    measured since the one before, and a server's device the limits that it was given."""
    if isinstance(value, dict):
        return {name: keys(item) for name, item in value.items()
                if name not in ("current_metrics", "max_concurrency", "memory_limit")}
    return [keys(value[0])] if isinstance(value, list) and value else None


def at(port, *arguments, env=None):
    return run("--url", f"http://127.0.0.1:{port}", *arguments, env=env)


def both(port, *arguments, local=()):
    """The JSON of a command in process and by --url."""
    here, there = run("--json", *arguments, *local), at(port, "--json", *arguments)
    expect(here.code == 0, f"{arguments}: {here.err}")
    expect(there.code == 0, f"{arguments} --url: {there.err}")
    return here.json(), there.json()


def the_same_command_gives_the_same_document():
    with serving("--models", "data") as (_, port, _):
        for arguments, local in (
            (("devices",), ()),
            (("devices", "cpu_0"), ()),
            (("run", "-s", "64", "--iterations", "3"), ()),
            (("run", "-o", "inference", "-m", "digits"), ("--models", "data")),
            (("run", "-o", "mlx_compute", "-t", "neural_network", "--iterations", "2"), ()),
            (("infer", "digits", "--image", SEVEN), ("--models", "data")),
            (("benchmark", "-t", "compute", "--sizes", "64", "--dtypes", "float32", "--duration", "0.2"), ()),
        ):
            here, there = both(port, *arguments, local=local)
            expect(keys(here) == keys(there), f"{arguments}: {keys(here)} is not {keys(there)}")
        here, there = both(port, "status")
        expect(set(here) == set(there) and here["server"] is None, str(here))
        expect(here["details"] == there["details"] and keys(here["backends"]) == keys(there["backends"]), str(there))
        expect(there["server"]["status"] == "running" and there["server"]["uptime_seconds"] > 0, str(there["server"]))


def the_same_command_prints_the_same_table():
    def without_numbers(text):
        """A decimal figure is of the moment: its digits, unit and padding go, and a share of the
        peak, which only one of both measures."""
        text = re.sub(r", [\d.]+ % of the peak measured here and now", "", text)
        return re.sub(r" +", " ", re.sub(r"[\d.]+( [kMGT]?[a-zA-Z%/]+)?", "#", text))

    with serving("--models", "data") as (_, port, _):
        for arguments, local in (
            (("devices",), ()),
            (("run", "-s", "64", "--iterations", "3"), ()),
            (("infer", "digits", "--image", SEVEN), ("--models", "data")),
        ):
            here, there = run(*arguments, *local), at(port, *arguments)
            expect(without_numbers(here.out) == without_numbers(there.out), f"{here.out!r} is not {there.out!r}")
        infos = at(port, "status").out
        expect(f"server http://127.0.0.1:{port}: running for " in infos and "device cpu_0" in infos, infos)


def tensors_go_there_and_come_back():
    import numpy

    with scratch() as folder, serving("--models", "data") as (_, port, _):
        pixels = numpy.random.default_rng(7).random((2, 1, 28, 28), dtype=numpy.float32)
        numpy.save(f"{folder}/x.npy", pixels)
        here = run("infer", "digits", "--models", "data", "-i", f"image={folder}/x.npy", "--output", f"{folder}/here")
        there = at(port, "infer", "digits", "-i", f"image={folder}/x.npy", "--output", f"{folder}/there")
        expect(here.code == 0 and there.code == 0, here.err + there.err)
        expect(here.out == there.out, f"{here.out} is not {there.out}")
        wanted, given = (numpy.load(f"{folder}/{name}/probabilities.npy") for name in ("here", "there"))
        expect(given.shape == (2, 10) and numpy.array_equal(wanted, given), f"{wanted} is not {given}")
        none = at(port, "infer", "digits", "--output", f"{folder}/none")
        expect(none.code == 1 and "give --input, --image or --text" in none.err, none.err)


def a_task_goes_on_alone_is_listed_looked_at_and_cancelled():
    with serving() as (_, port, _):
        empty = at(port, "tasks")
        expect(empty.code == 0 and "no tasks" in empty.err and not empty.out, empty.out)
        made = at(port, "run", "-s", "256", "--iterations", "1000000", "--async")
        task_id = made.out.strip()
        expect(made.code == 0 and task_id and f"openruntime tasks {task_id}" in made.err, made.err)
        expect(at(port, "--json", "tasks").json()["active_tasks"][0]["task_id"] == task_id, "it is not listed")
        expect(task_id in at(port, "tasks").out, "it is not in the table")
        expect(at(port, "--json", "tasks", task_id).json()["status"] in ("pending", "running"), "it has no state")
        expect(at(port, "tasks", "--cancel", task_id).out.strip() == f"{task_id}: cancelling", "not cancelled")
        while (state := at(port, "--json", "tasks", task_id).json()["status"]) != "cancelled":
            expect(state in ("pending", "running"), state)
        expect("status       cancelled" in at(port, "tasks", task_id).out, "the end is not shown")
        expect(at(port, "tasks", "--cancel", task_id).out.strip() == f"{task_id}: removed", "not removed")
        gone = at(port, "tasks", task_id)
        expect(gone.code == 1 and f'no task "{task_id}"' in gone.err, gone.err)
        made = at(port, "--json", "run", "-s", "16", "--iterations", "1", "--async").json()
        expect({"task_id", "status"} <= set(made), str(made))


def interrupted_it_cancels_the_task_and_exits_with_130():
    with serving() as (_, port, _):
        command = [PROGRAM, "--url", f"127.0.0.1:{port}", "run", "-s", "256", "--iterations", "1000000"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=SOURCE)
        while not (active := at(port, "--json", "tasks").json()["active_tasks"]):
            expect(process.poll() is None, "it ended by itself")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        expect(process.returncode == 130 and "cancelled" in err, f"{process.returncode}: {err}")
        while (state := at(port, "--json", "tasks", active[0]["task_id"]).json()["status"]) != "cancelled":
            expect(state in ("pending", "running"), state)


def what_is_wrong_has_its_exit_code():
    with socket.socket() as unused:  # bound and not listening: nobody is there
        unused.bind(("127.0.0.1", 0))
        nowhere = run("--url", f"127.0.0.1:{unused.getsockname()[1]}", "devices")
        expect(nowhere.code == 3 and "openruntime server" in nowhere.err and not nowhere.out, nowhere.err)
        nowhere = run("--json", "--url", f"127.0.0.1:{unused.getsockname()[1]}", "run", "-s", "8")
        expect(nowhere.code == 3 and nowhere.json()["error_code"] == "unavailable", nowhere.out)
    with serving("--models", "data") as (_, port, _):
        for code, words, arguments in (
            (2, "works in process only", ("verify", "digits")),
            (2, "is for work in process", ("run", "--verify")),
            (2, "is for work in process", ("--threads", "1", "devices")),
            (2, "is for work in process", ("infer", "digits", "--models", "data")),
            (2, "data.size: ", ("run", "-s", "-1")),
            (2, "priority: ", ("run", "--priority", "11")),
            (2, "not both", ("tasks", "a", "--cancel", "b")),
            (2, "leave out the ID", ("tasks", "a", "--status", "running")),
            (2, "no server does it", ("models", "export", "digits", "x.onnx")),
            (1, 'no device "cpu_9"', ("devices", "cpu_9")),
            (1, 'no model "absent"', ("run", "-o", "inference", "-m", "absent")),
            (1, "strict_device", ("--strict", "-d", "cuda", "run", "-s", "8")),
            (1, "deadline", ("run", "-s", "256", "--iterations", "1000000", "--timeout", "1")),
        ):
            result = at(port, *arguments)
            expect(result.code == code and words in result.err, f"{arguments}: {result.code}, {result.err}")
        wrong = at(port, "--json", "run", "-s", "-1", "--priority", "11")
        expect(wrong.code == 2 and len(wrong.json()["detail"]) == 2, wrong.out)
        late = at(port, "--json", "run", "-s", "256", "--iterations", "1000000", "--timeout", "1").json()
        expect(late["status"] == "timeout" and late["error_code"] == "deadline_exceeded", str(late))
        for url in ("ftp://x", "http://x:0", "http://u@x", "unix:"):
            result = run("--url", url, "devices")
            expect(result.code == 2 and "--url" in result.err, f"{url}: {result.err}")
    for arguments in (("tasks",), ("run", "--async"), ("models", "load", "x")):
        result = run(*arguments)
        expect(result.code == 2 and "--url" in result.err, f"{arguments}: {result.code}, {result.err}")


def asks_over_a_unix_socket_and_by_the_environment():
    with scratch() as folder, serving("--unix", f"{folder}/socket") as (_, port, _):
        for url in (f"unix:{folder}/socket", f"http+unix://{folder.replace('/', '%2F')}%2Fsocket"):
            devices = run("--url", url, "--json", "devices")
            expect(devices.code == 0 and devices.json()["devices"][0]["id"] == "cpu_0", devices.err)
        page = run("--url", f"unix:{folder}/socket", "docs")
        expect(page.code == 1 and f"curl --unix-socket {folder}/socket" in page.err, page.err)
        result = run("docs", env={"OPENRUNTIME_URL": f"localhost:{port}"})
        expect(result.out.strip() == f"http://localhost:{port}/docs", result.out + result.err)
    expect(os.path.exists(os.path.join(run("docs").out.strip(), "cli.md")), "the documentation is not there")
    expect(run("--json", "docs").json()["kind"] == "folder", "docs --json")


def trusts_an_authority_that_it_is_given():
    with scratch() as folder:
        certificate(folder, "localhost")
        with serving("--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem") as (_, port, _):
            url = ("--url", f"https://localhost:{port}")
            result = run(*url, "devices")
            expect(result.code == 3 and "not trusted" in result.err and "--ca FILE" in result.err, result.err)
            result = run(*url, "--ca", f"{folder}/absent.pem", "devices")
            expect(result.code == 2 and "absent.pem" in result.err, f"{result.code}: {result.err}")
            expect(run(*url, "--ca", f"{folder}/cert.pem", "devices").code == 0, "--ca")
            names = ("OPENRUNTIME_CA", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
            for name in names:
                result = run(*url, "devices", env={**dict.fromkeys(names, ""), name: f"{folder}/cert.pem"})
                expect(result.code == 0, f"{name}: {result.err}")


@contextlib.contextmanager
def answering(status, body, headers=()):
    """A server that answers everything alike, and what it was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            asked.append((self.command, self.path, dict(self.headers)))
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sends_a_key_that_no_list_of_processes_shows():
    with scratch() as folder, answering(200, b'{"devices":[]}') as (port, asked):
        with open(f"{folder}/key", "w", encoding="ascii") as file:
            file.write("from-a-file\nanother line\n")
        with open(f"{folder}/empty", "w", encoding="ascii"):
            pass
        expect(at(port, "devices").code == 0 and "Authorization" not in asked[-1][2], asked[-1])
        at(port, "devices", env={"OPENRUNTIME_API_KEY": "from-the-environment"})
        expect(asked[-1][2]["Authorization"] == "Bearer from-the-environment", asked[-1])
        at(port, "--key-file", f"{folder}/key", "devices", env={"OPENRUNTIME_API_KEY": "x"})
        expect(asked[-1][2]["Authorization"] == "Bearer from-a-file", asked[-1])
        for path, code, words in ((f"{folder}/empty", 2, "first line is empty"), (f"{folder}/absent", 1, "absent")):
            result = at(port, "--key-file", path, "devices")
            expect(result.code == code and words in result.err, f"{result.code}: {result.err}")
        result = at(port, "devices", env={"OPENRUNTIME_API_KEY": "two words"})
        expect(result.code == 2 and "API key" in result.err, result.err)


def says_what_the_server_says_and_what_helps():
    for status, body, headers, code, words in (
        (401, b'{"detail":"a key is needed","error_code":"unauthenticated"}', (), 1, "OPENRUNTIME_API_KEY or "),
        (503, b'{"detail":"full","error_code":"unavailable"}', (("Retry-After", "7"),), 1, "full (try again in 7 s)"),
        (429, b'{"detail":"enough","error_code":"resource_exhausted"}', (), 1, "enough"),
        (302, b"", (("Location", "https://elsewhere/"),), 1, "go to https://elsewhere/"),
        (500, b"<html>", (), 1, "the server answered HTTP 500"),
        (200, b"<html>", (), 1, "is that an OpenRuntime server?"),
        (422, b'{"detail":[{"loc":["query","limit"],"msg":"too large","type":"t"}]}', (), 2, "limit: too large"),
    ):
        with answering(status, body, headers) as (port, _):
            result = at(port, "devices")
            expect(result.code == code and words in result.err, f"{status}: {result.code}, {result.err}")
            document = at(port, "--json", "devices").json()
            expect("detail" in document, str(document))


def the_readme_leads_to_a_first_task():
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        section = file.read().split("## A first task over HTTP")[1].split("\n## ")[0]
    blocks = re.findall(r"```(sh|python)\n(.*?)```", section, re.DOTALL)
    expect([kind for kind, _ in blocks] == ["sh", "sh", "python"], str(blocks))
    with serving() as (_, port, _):
        environment = dict(os.environ, PATH=f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}")
        for kind, text in blocks:
            expect(len(text.strip().splitlines()) <= 3, text)
            text = text.replace("openruntime server &\n", "").replace("localhost:8000", f"127.0.0.1:{port}")
            program = ["bash", "-ec", text] if kind == "sh" else [sys.executable, "-c", text]
            done = subprocess.run(program, capture_output=True, text=True, env=environment, cwd=SOURCE, check=False)
            expect(done.returncode == 0 and "gflops" in done.stdout.lower().replace("gflop/s", "gflops"),
                   f"{text}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    main([
        the_same_command_gives_the_same_document,
        the_same_command_prints_the_same_table,
        tensors_go_there_and_come_back,
        a_task_goes_on_alone_is_listed_looked_at_and_cancelled,
        interrupted_it_cancels_the_task_and_exits_with_130,
        what_is_wrong_has_its_exit_code,
        asks_over_a_unix_socket_and_by_the_environment,
        trusts_an_authority_that_it_is_given,
        sends_a_key_that_no_list_of_processes_shows,
        says_what_the_server_says_and_what_helps,
        the_readme_leads_to_a_first_task,
    ])
