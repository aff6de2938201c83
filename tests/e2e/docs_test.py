"""The commands that the pages show, run as they stand there: in a folder that has the files they name, with a free port
and a data folder of one's own in the place of 8000 and /var/lib/openruntime."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess

import numpy

from harness import EVERY_DEVICE, PROGRAM, QUICK, SOURCE, expect, main, run, scratch, surroundings

BUILD = os.environ.get("OPENRUNTIME_BUILD") or os.path.join(SOURCE, "build", "dev")
NODES = "/usr/share/libonnx-testdata/data/node"
PATIENCE_S = 600  # no measure of ours: after it a broken test ends; instrumented builds take long over measured limits
# What takes longer than a test may, needs what is not everywhere, or holds a form in place of a name.
LEFT_OUT = re.compile(r"[\[\]] |HOST|^openruntime benchmark|resnet50|bert-base|-o mlx_compute|all-minilm|man -l|"
                      r"unix:/run|" + ("verify|run -t" if QUICK else NODES))
# What needs a device that compiles kernels, where there is none.
FAILS = {} if run("devices", "opencl_0", env=surroundings(**EVERY_DEVICE)).code == 0 else {
    "openruntime kernels compile": 1, "openruntime kernels run": 1}


def commands(page):
    """The lines of each section that begin with the program, without their remarks."""
    with open(os.path.join(SOURCE, page), encoding="utf-8") as file:
        for section in re.split(r"^#+ ", file.read(), flags=re.M):
            lines = re.findall(r"^ +((?:source <\()?openruntime .*?)(?: +#.*)?$", section, re.M)
            yield section.partition("\n")[0], [line for line in lines if not LEFT_OUT.search(line)]


def lay_out(folder):
    digits = os.path.join(SOURCE, "data", "digits")
    for name in ("data", "examples"):
        os.symlink(os.path.join(SOURCE, name), os.path.join(folder, name))
    os.makedirs(os.path.join(folder, ".zfunc"))
    for picture, sample in (("a.png", "0-1.png"), ("b.png", "0-2.png")):
        shutil.copy(os.path.join(digits, "samples", sample), os.path.join(folder, picture))
    if os.path.isdir(NODES):
        shutil.copy(os.path.join(NODES, "test_relu", "model.onnx"), folder)
        numpy.save(os.path.join(folder, "x.npy"), numpy.zeros((3, 4, 5), "float32"))


class Place:
    """The folder, and the server that is started when a command asks one."""

    def __init__(self, folder):
        self.folder, self.server = folder, None
        self.data = os.path.join(folder, "var")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENRUNTIME_")}
        self.environment.update(HOME=folder, OPENRUNTIME_KERNELS="on",  # the server of those who ask for kernels
                                PATH=f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}")
        with socket.socket() as one:  # free now, and asked for again below
            one.bind(("127.0.0.1", 0))
            self.address = f"localhost:{one.getsockname()[1]}"

    def shell(self, line):
        return subprocess.run(["bash", "-ec", line], capture_output=True, text=True, cwd=self.folder, check=False,
                              env=self.environment, stdin=subprocess.DEVNULL, timeout=PATIENCE_S)

    def start(self, *arguments):
        if self.server is None:
            port = self.address.partition(":")[2]
            command = [PROGRAM, "server",
                       *(arguments or ("--port", port, "--data", self.data, "--models", "data"))]
            self.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                           cwd=self.folder, env=self.environment)
            expect("listens" in self.server.stdout.readline(), "no server")

    def stop(self):
        if self.server is not None:
            self.server.terminate()
            self.server.communicate(timeout=PATIENCE_S)
            self.server = None

    def run(self, line):
        asks = "--url" in line
        line = line.replace("https://gpu1.example:8000", self.address).replace("localhost:8000", self.address)
        line = line.replace("/var/lib/openruntime", self.data)
        if asks:
            self.start()
        elif " store " in line:
            self.start()  # beside it
        elif "--data" in line:
            self.stop()
        if "nightly" in line:
            self.shell(f"curl -s {self.address}/tasks -H 'Content-Type: application/json' "
                       """-d '{"operation":"compute","data":{"size":8},"task_id":"nightly"}'""")
        if line.startswith(("openruntime server", "openruntime serve")):
            line = re.sub(r" --tls-\w+ \S+", "", line) + " --check-config"
        if " monitor" in line and "head" not in line:
            line += " | head -2"
        return self.shell(line)


def sections_of(page):
    for name, lines in commands(page):
        if lines:
            with scratch() as folder:
                lay_out(folder)
                place = Place(folder)
                with contextlib.ExitStack() as stack:
                    stack.callback(place.stop)
                    for line in lines:
                        if "model.onnx" in line and not os.path.isdir(NODES):
                            continue
                        done = place.run(line)
                        wanted = next((code for start, code in FAILS.items() if line.startswith(start)), 0)
                        expect(done.returncode == wanted, f"{page}, {name}: {line}: {done.returncode} {done.stderr}")
                    yield name, place


def the_commands_of_the_command_line_run():
    names = [name for name, _ in sections_of("docs/cli.md")]
    expect({"run", "infer", "explain", "tasks", "keys", "store", "monitor"} <= set(names), names)


def the_commands_of_operations_run():
    names = [name for name, _ in sections_of("docs/operations.md")]
    expect({"Start, watch, end", "Secure", "As a service of systemd"} <= set(names), names)


def the_commands_of_the_readme_run():
    names = [name for name, _ in sections_of("README.md")]  # those of a first task: client_test.py
    expect(names == ["Two commands"], names)


def section_of(page, title):
    with open(os.path.join(SOURCE, page), encoding="utf-8") as file:
        section = file.read().split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [line.strip().partition("  #")[0].rstrip() for line in re.findall(r"^ {4,}(\S.*)$", section, re.M)]


def operate(place, line):
    """A line of an operator's: systemd's part is played here, and where the server's folder is, is ours."""
    words = line.split()
    if words[0] == "systemctl":
        expect(words[1] in ("start", "stop", "restart") and words[2] == "openruntime", line)
        if words[1] != "start":
            place.stop()
        if words[1] != "stop":
            place.start()
        return
    line = line.replace("localhost:8000", place.address).replace("/var/lib/openruntime", place.data)
    if words[0] == "cmake":
        line = f"cmake --install {BUILD} --prefix {place.folder}/new >/dev/null"
    done = place.shell(line)
    expect(done.returncode == 0, f"{line}: {done.returncode} {done.stderr}")


def the_data_is_backed_up_restored_and_upgraded_as_the_page_says():
    lines = section_of("docs/operations.md", "Back up, restore, upgrade")
    first, second = (next(i for i, line in enumerate(lines) if line.startswith(start)) for start in
                     ("systemctl stop", "openruntime store backup before.db"))
    with scratch() as folder:
        lay_out(folder)
        place = Place(folder)

        def ask(path, body=None):
            form = f"-H 'Content-Type: application/json' -d '{body}'" if body else ""
            return json.loads(place.shell(f"curl -s {place.address}{path} {form}").stdout)

        try:
            place.start()
            tasks = {name: ask("/tasks", f'{{"operation":"compute","data":{{"size":8}},"task_id":"{name}"}}')
                     for name in ("one", "two")}
            for _ in range(1000):  # these were waited for, which the disk was not
                if json.loads(place.shell(f"openruntime --json store check --data {place.data}").stdout)["tasks"] == 2:
                    break
            for line in lines[:first]:
                operate(place, line)  # beside the server
            lost = ask("/tasks", '{"operation":"compute","data":{"size":8},"task_id":"lost"}')
            expect(lost["status"] == "completed", lost)
            for line in lines[first:second]:
                operate(place, line)
            expect({name: ask(f"/tasks/{name}") for name in tasks} == tasks, "what was in the backup")
            expect(ask("/tasks/lost")["error_code"] == "not_found", "the backup is younger than it was")
            for line in lines[second:]:
                operate(place, line)
            expect({name: ask(f"/tasks/{name}") for name in tasks} == tasks, "after the upgrade")
            expect(os.access(os.path.join(folder, "new", "bin", "openruntime"), os.X_OK), "nothing was installed")
        finally:
            place.stop()


def a_server_is_opened_to_a_network_as_the_page_says():
    made, opened, asked = section_of("docs/operations.md", "Secure")
    with scratch() as folder:
        lay_out(folder)
        place = Place(folder)
        done = place.shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                           "-keyout key.pem -out cert.pem -subj /CN=gpu1.example "
                           "-addext subjectAltName=DNS:localhost,DNS:gpu1.example")
        expect(done.returncode == 0, done.stderr)
        operate(place, made)
        expect(len(place.shell("cat admin.key").stdout.strip()) == 68, "the key's file")
        port = place.address.partition(":")[2]
        try:
            place.start(*opened.replace("/var/lib/openruntime", place.data).split()[2:], "--port", port)
            done = place.shell("OPENRUNTIME_CA=cert.pem " + asked.replace("https://gpu1.example:8000",
                                                                          "https://" + place.address))
            expect(done.returncode == 0, done.stderr)
            ask = (f"curl -s -o /dev/null -w '%{{http_code}}' --cacert cert.pem --connect-to ::localhost:{port} "
                   "https://gpu1.example/")
            for path, key, wanted in (("devices", "", "401"), ("devices", done.stdout.strip(), "200"),
                                      ("keys", done.stdout.strip(), "403")):
                header = f" -H 'Authorization: Bearer {key}'" if key else ""
                expect(place.shell(ask + path + header).stdout == wanted, f"{path} {wanted}")
            other = place.shell(ask.replace("https://gpu1", "https://gpu2") + "devices -k")
            expect(other.stdout == "421", "a name that is not listed")
        finally:
            place.stop()


if __name__ == "__main__":
    main([the_commands_of_the_readme_run, the_commands_of_the_command_line_run, the_commands_of_operations_run,
          the_data_is_backed_up_restored_and_upgraded_as_the_page_says,
          a_server_is_opened_to_a_network_as_the_page_says])
