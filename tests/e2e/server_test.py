"""`openruntime server` as its users meet it: curl, Python's own HTTP client, signals, settings."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from harness import PROGRAM, QUICK, SOURCE, expect, main, need_server, run, scratch, surroundings


@contextlib.contextmanager
def serving(*arguments, env=None, before=()):
    """A server on a free port: its process, its port and the line that it said."""
    log = tempfile.NamedTemporaryFile("r")  # a pipe that nobody reads would fill, and stop the server
    with open(log.name, "w") as written:
        process = subprocess.Popen([*before, PROGRAM, "server", "--port", "0", *arguments],
                                   stdout=subprocess.PIPE, stderr=written, text=True, cwd=SOURCE,
                                   env=surroundings(**(env or {})))
    process.stderr = log
    try:
        line = process.stdout.readline()
        match = re.search(r"https?://[^ ]*:(\d+)", line)
        expect(match, f"no address in {line!r}, {process.stderr.read() if not line else ''}")
        yield process, int(match.group(1)), line
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
        log.close()


def curl(*arguments):
    command = ["curl", "-sS", "-m", "20", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"curl {arguments}: {done.stderr}")
    return done.stdout


def get(port, path, headers=None, method="GET", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)  # no measure of ours: it ends a broken test
    connection.request(method, path, body=body, headers=headers or {})
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply, text


JSON = {"Content-Type": "application/json"}


def problems(schema, value, schemas, where="$"):
    """What in `value` is not as the OpenAPI schema says; the part of JSON Schema that we use."""
    if "$ref" in schema:
        return problems(schemas[schema["$ref"].rsplit("/", 1)[1]], value, schemas, where)
    if "anyOf" in schema:
        found = [problems(one, value, schemas, where) for one in schema["anyOf"]]
        return [] if [] in found else found[0]
    if "type" not in schema:
        return []  # anything goes
    kinds = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict,
             "null": type(None)}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, kinds[one]) and (one == "boolean" or not isinstance(value, bool)) for one in types):
        return [f"{where}: {value!r} is not {types}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is not one of {schema['enum']}"]
    if isinstance(value, list):
        return [one for item in value for one in problems(schema["items"], item, schemas, f"{where}[]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    found = [f"{where}.{name} is missing" for name in schema["required"] if name not in value]
    found += [f"{where}.{name} is not declared" for name in value if name not in schema["properties"]]
    for name, item in value.items():
        if name in schema["properties"]:
            found += problems(schema["properties"][name], item, schemas, f"{where}.{name}")
    return found


def every_route_answers_as_its_description_says():
    with serving("--kernels") as (_, port, line):
        said = r"openruntime \S+ listens at http://127\.0\.0\.1:\d+; devices: .*cpu_0.*; data: .*\n"
        expect(re.fullmatch(said, line), line)
        description = json.loads(get(port, "/openapi.json")[1])
        expect(description["openapi"].startswith("3.1"), "not OpenAPI 3.1")
        schemas = description["components"]["schemas"]
        task = {"task_id": "sample", "operation": "compute", "data": {"size": 8, "iterations": 1}}
        bodies = {("post", "/tasks"): json.dumps(task), ("post", "/keys"): json.dumps({"scopes": ["admin"]}),
                  ("post", "/benchmark"): '{"type": "compute", "sizes": [16], "duration": 0.1}',
                  ("post", "/models/{name}/load"): "{}", ("post", "/models/{name}/unload"): "{}",
                  ("post", "/profile/start"): ""}
        examples = {"{id}": "cpu_0", "{task_id}": "sample", "{name}": "mobilenet-v2"}
        key = {}  # once there is one, every request needs it
        for path, operations in description["paths"].items():
            if path == "/ws":
                continue  # a WebSocket: ws_test.py
            for method, operation in operations.items():
                if method in ("patch", "delete"):
                    continue  # of tasks, models: tasks_test.py, models_test.py; of keys, devices, log: keys_test.py
                if "/kernels/" in path or path == "/profile/{id}":
                    continue  # kernels_test.py; profile_test.py
                body = bodies.get((method, path))
                expect(method == "get" or body is not None, f"{method} {path}: this test knows no such body yet")
                target = path
                for parameter, example in examples.items():
                    target = target.replace(parameter, example)
                reply, text = get(port, target, {**(JSON if body else {}), **key}, method.upper(), body)
                expect(reply.status == 200, f"{path}: {reply.status} {text}")
                content = operation["responses"]["200"]["content"]
                kind = reply.getheader("Content-Type").split(";")[0]
                expect(kind in content, f"{path}: {kind} is not declared")
                if kind == "application/json":
                    found = problems(content[kind]["schema"], json.loads(text), schemas)
                    expect(not found, f"{path}: {found}")
                if (method, path) == ("post", "/keys"):
                    key = {"X-API-Key": json.loads(text)["secret"]}
                for wrong in {"put", "delete"} - set(operations):
                    reply, text = get(port, target, key, method=wrong.upper())
                    allowed = reply.getheader("Allow", "")
                    expect(reply.status == 405 and all(one.upper() in allowed for one in operations),
                           f"{wrong} {path}: {reply.status} {allowed}")
                    expect(not problems(schemas["Error"], json.loads(text), schemas), text)
        reply, text = get(port, "/devices/no_such", key)
        expect(reply.status == 404 and json.loads(text)["error_code"] == "not_found", text)


def the_pages_need_no_network():
    with serving() as (_, port, _):
        for path in ("/", "/docs"):
            reply, text = get(port, path, {"Accept": "text/html"})
            expect(reply.getheader("Content-Type").startswith("text/html"), path)
            expect("default-src 'none'" in reply.getheader("Content-Security-Policy"), "no policy")
            expect(not re.search(r"(src|href)=\"?(https?:)?//|@import|url\(", text), f"{path} asks elsewhere")
        expect(json.loads(get(port, "/")[1])["name"] == "OpenRuntime", "no JSON without Accept")


def curl_speaks_to_tcp_and_to_a_unix_socket():
    with scratch() as folder:
        path = os.path.join(folder, "socket")
        with serving("--unix", path) as (process, port, line):
            expect(f"unix:{path}" in line, line)
            expect(json.loads(curl("--unix-socket", path, "http://any.name/health"))["status"] == "healthy", "unix")
            head = curl("-I", f"http://localhost:{port}/health")
            expect(head.startswith("HTTP/1.1 200 OK"), head)
            url = f"http://127.0.0.1:{port}/health"
            expect("421" in curl("-i", "-H", "Host: evil.example", url), "Host")
            expect("403" in curl("-i", "-H", "Origin: http://evil.example", url), "Origin")
            text = curl("-i", "-X", "POST", "-H", "Transfer-Encoding: chunked", "-d", "x" * 1000, url)
            expect("405 Method Not Allowed" in text, text)
            process.kill()  # leaves its socket behind
            process.wait()
            with serving("--unix", path):
                expect(json.loads(curl("--unix-socket", path, "http://x/health"))["status"] == "healthy", "unix again")
            expect(not os.path.exists(path), "the socket is still there")


def exchange(port, head, body=""):
    """What comes back for those bytes until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall((head.replace("\n", "\r\n") + "\r\n" + body).encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer.decode()


def old_clients_and_packed_bodies_are_answered_as_they_expect():
    with serving("--set", "idle_timeout=1") as (_, port, _):
        answer = exchange(port, "GET /health/live HTTP/1.0\nConnection: keep-alive\n")
        expect("Connection: keep-alive\r\n" in answer, answer)  # ab -k waits for the end without it
        expect("Connection: close\r\n" in exchange(port, "GET /health/live HTTP/1.0\n"), "1.0 closes")
        task = json.dumps({"operation": "compute", "data": {"size": 8, "iterations": 1}})
        for encoding, status in (("gzip", 415), ("identity", 200)):
            reply, text = get(port, "/tasks", {**JSON, "Content-Encoding": encoding}, "POST", task)
            expect(reply.status == status, f"{encoding}: {reply.status} {text}")
            expect(status == 200 or reply.getheader("Accept-Encoding") == "identity", "what may come instead")


def the_description_says_what_may_be_sent_and_what_comes_back():
    with serving() as (_, port, _):
        paths = json.loads(get(port, "/openapi.json")[1])["paths"]
        create = paths["/tasks"]["post"]
        expect(set(create["requestBody"]["content"]) == {"application/json", "multipart/form-data"}, create)
        accepted = create["responses"]["202"]
        expect("Location" in accepted["headers"] and "ActiveTask" in str(accepted["content"]), accepted)
        places = {one["name"]: one["in"] for one in create["parameters"]}
        expect(places == {"wait": "query", "Prefer": "header"}, places)
        result = paths["/tasks/{task_id}/result"]["get"]["responses"]["200"]["content"]
        expect(set(result) == {"application/json", "application/octet-stream"}, result)
        expect(set(paths["/"]["get"]["responses"]["200"]["content"]) == {"application/json", "text/html"}, "/")
        benchmark = paths["/benchmark"]["post"]
        expect(benchmark["requestBody"]["required"] is False, benchmark)
        kinds = next(one["schema"] for one in benchmark["parameters"] if one["name"] == "benchmark_type")
        expect(kinds == {"type": "string", "enum": ["comprehensive", "compute", "memory", "ml"]}, kinds)


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)


def tls_is_served_and_its_files_are_read_again():
    with scratch() as folder:
        certificate(folder, "first")
        files = ("--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem")
        with serving(*files) as (process, port, line):
            expect("https://" in line, line)
            url = f"https://localhost:{port}/health"

            def is_healthy():
                return json.loads(curl("--cacert", f"{folder}/cert.pem", url))["status"] == "healthy"

            expect(is_healthy(), "tls")
            certificate(folder, "second")
            process.send_signal(signal.SIGHUP)
            expect("read again" in process.stdout.readline(), "it does not say so")
            expect(is_healthy(), "the second certificate")
            with open(f"{folder}/key.pem", "w", encoding="ascii") as key:
                key.write("no key")
            process.send_signal(signal.SIGHUP)
            expect("former certificate stays" in process.stdout.readline(), "it does not say so")
            expect(is_healthy(), "the former certificate")
        result = run("server", "--port", "0", *files)
        expect(result.code == 1 and "key.pem" in result.err and len(result.err.strip().splitlines()) == 1, result.err)


def a_signal_drains_and_ends_it():
    for number in (signal.SIGTERM, signal.SIGINT):
        with serving() as (process, port, _):
            with socket.create_connection(("127.0.0.1", port)) as idle:
                process.send_signal(number)
                expect(process.wait(timeout=60) == 0, f"exit {process.returncode}")
                expect(idle.recv(1) == b"", "the idle connection stays")


def what_can_not_be_is_one_line_with_the_cure():
    with serving() as (_, port, _):
        for arguments, word in (
            (["--port", port], "another with --port"),
            (["--host", "0.0.0.0"], "--insecure"),
            (["--host", "no.such.host.invalid", "--insecure"], "no.such.host.invalid"),
            (["--tls-cert", "/no/such"], "--tls-key"),
            (["--host", ""], "nowhere to listen"),
        ):
            result = run("server", "--port", "0", *arguments)
            expect(result.code in (1, 2), f"{arguments}: exit {result.code}")
            expect(word in result.err and len(result.err.strip().splitlines()) == 1, f"{arguments}: {result.err}")


def settings_come_from_flags_environment_and_file():
    with scratch() as folder:
        path = os.path.join(folder, "openruntime.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("prot = 1\nmax_connections = 1\nidle_timeout = x\n")
        result = run("server", "--config", path, "--check-config")
        expect(result.code == 1 and f"{path}:1: prot: no such setting; did you mean port?" in result.err, result.err)
        expect(f"{path}:3: idle_timeout:" in result.err, result.err)
        template = run("server", "--print-config").out
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(?m)^#(\w+ =)", r"\1", template) + "max_target_size = 256\nhosts = \"file.example\"\n")
        result = run("server", "--config", path, "--check-config")
        expect(result.code == 0, result.err)
        environment = {"OPENRUNTIME_HOSTS": "env.example"}
        with serving("--config", path, "--set", "max_headers=8", env=environment) as (_, port, _):
            expect(get(port, "/" + "a" * 300)[0].status == 414, "the file's limit")
            expect(get(port, "/health", {f"X-{i}": "1" for i in range(9)})[0].status == 431, "the flag's limit")
            expect(get(port, "/health", {"Host": "env.example"})[0].status == 200, "the environment's name")
            expect(get(port, "/health", {"Host": "file.example"})[0].status == 421, "the file's name")


def a_signal_before_it_listens_is_not_lost():
    process = subprocess.Popen([PROGRAM, "server", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True, cwd=SOURCE)
    term = 1 << (signal.SIGTERM - 1)
    while process.poll() is None:  # the first handler there is stands long before the server's own
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            caught = re.search(r"SigCgt:\s*(\w+)", status.read())
        if caught and int(caught.group(1), 16) & term:
            break
    process.terminate()
    try:
        process.communicate(timeout=60)  # no measure of ours: after it a broken test ends
    finally:
        process.kill()
    expect(process.returncode == 0, process.returncode)


def a_hangup_ends_nothing_also_before_it_listens():
    process = subprocess.Popen([PROGRAM, "server", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True, cwd=SOURCE)
    hangup = 1 << (signal.SIGHUP - 1)
    heeded = 0
    while not heeded & hangup and process.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            masks = re.findall(r"Sig(?:Cgt|Ign):\s*(\w+)", status.read())
        heeded = sum(int(mask, 16) for mask in masks)
    for _ in range(100):
        process.send_signal(signal.SIGHUP)
    expect("listens at" in process.stdout.readline(), process.poll())
    process.terminate()
    process.communicate(timeout=60)
    expect(process.returncode == 0, process.returncode)


def without_standard_streams_nothing_of_its_own_takes_their_place():
    with scratch() as folder:
        path = os.path.join(folder, "socket")
        process = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", PROGRAM, "server", "--port", "0",
                                    "--unix", path, "--data", os.path.join(folder, "data")], cwd=SOURCE)
        while process.poll() is None and not os.path.exists(path):
            pass
        try:
            expect(json.loads(curl("--unix-socket", path, "http://any.name/health/live"))["status"] == "live", "live")
            for number in range(3):
                leads_to = os.readlink(f"/proc/{process.pid}/fd/{number}")
                expect(leads_to == "/dev/null", f"{number} is {leads_to}")
        finally:
            process.terminate()
            expect(process.wait(timeout=60) == 0, process.returncode)


def files_that_may_not_grow_cost_requests_not_the_server():
    with scratch() as folder:
        limited = ["sh", "-c", 'ulimit -f 1024; exec "$@"', "sh"]  # of 512 bytes
        matrix = {"shape": [64, 64], "data": [1] * 4096}
        body = {"operation": "compute", "data": {"iterations": 1, "a": matrix, "b": matrix}}
        with serving("--data", folder, before=limited) as (process, port, _):
            statuses = []
            while len(statuses) < 1000 and statuses[-1:] in ([], [202]):
                statuses.append(get(port, "/tasks?wait=false", JSON, "POST", json.dumps(body))[0].status)
            expect(statuses[0] == 202 and statuses[-1] == 507, statuses)
            expect(get(port, "/tasks", JSON, "POST", json.dumps(body))[0].status == 200, "waited for")
            expect(get(port, "/tasks")[0].status == 200, "read")
        expect(process.returncode == 0, process.returncode)


def memory_that_may_not_grow_costs_requests_not_the_server():
    bodies = ({"operation": "compute", "data": {"size": 256, "iterations": 1}},
              {"operation": "compute", "data": {"size": 4096, "iterations": 1}},
              {"operation": "inference", "data": {"model": "mobilenet-v2"}})
    for kibibytes in range(300_000, 900_000, 60_000):
        limited = ["sh", "-c", f'ulimit -v {kibibytes}; exec "$@"', "sh"]
        with contextlib.ExitStack() as stack:
            try:
                process, port, _ = stack.enter_context(serving(before=limited))
            except AssertionError as refusal:
                expect("openruntime: " in str(refusal), f"it starts with no word about what it lacks: {refusal}")
                continue
            for body in bodies:
                reply, text = get(port, "/tasks", JSON, "POST", json.dumps(body))
                expect(reply.status in (200, 503, 507), f"{kibibytes}: {reply.status} {text}")
            expect(process.poll() is None, f"{kibibytes}: {process.returncode}")


if __name__ == "__main__":
    missing = [tool for tool in ("curl", "openssl") if not shutil.which(tool)]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}; tools/setup.sh test")
    need_server()
    main([
        every_route_answers_as_its_description_says,
        the_pages_need_no_network,
        curl_speaks_to_tcp_and_to_a_unix_socket,
        old_clients_and_packed_bodies_are_answered_as_they_expect,
        the_description_says_what_may_be_sent_and_what_comes_back,
        tls_is_served_and_its_files_are_read_again,
        a_signal_drains_and_ends_it,
        *([a_signal_before_it_listens_is_not_lost] if sys.platform == "linux" else []),
        *([a_hangup_ends_nothing_also_before_it_listens] if sys.platform == "linux" else []),
        *([without_standard_streams_nothing_of_its_own_takes_their_place] if sys.platform == "linux" else []),
        files_that_may_not_grow_cost_requests_not_the_server,
        *([memory_that_may_not_grow_costs_requests_not_the_server] if sys.platform == "linux" and not QUICK else []),
        what_can_not_be_is_one_line_with_the_cure,
        settings_come_from_flags_environment_and_file,
    ])
