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

from harness import PROGRAM, QUICK, SOURCE, expect, main, scratch

NODES = "/usr/share/libonnx-testdata/data/node"
PATIENCE_S = 120  # no measure of ours: after it a broken test ends
# What takes longer than a test may, needs what is not everywhere, or holds a form in place of a name.
LEFT_OUT = re.compile(r"[\[\]] |HOST|^openruntime benchmark|resnet50|bert-base|-o mlx_compute|all-minilm|man -l|"
                      r"unix:/run|" + ("verify|run -t" if QUICK else NODES))
FAILS = {"openruntime kernels compile": 1}  # no device of this version can


def commands(page):
    """The lines of each section that begin with the program, without their remarks."""
    with open(os.path.join(SOURCE, page), encoding="utf-8") as file:
        for section in re.split(r"^#+ ", file.read(), flags=re.M):
            lines = re.findall(r"^ +((?:source <\()?openruntime .*?)(?: +#.*)?$", section, re.M)
            yield section.partition("\n")[0], [line for line in lines if not LEFT_OUT.search(line)]


def lay_out(folder):
    digits = os.path.join(SOURCE, "data", "digits")
    os.symlink(os.path.join(SOURCE, "data"), os.path.join(folder, "data"))
    os.makedirs(os.path.join(folder, ".zfunc"))
    for picture, sample in (("a.png", "0-1.png"), ("b.png", "0-2.png")):
        shutil.copy(os.path.join(digits, "samples", sample), os.path.join(folder, picture))
    with open(os.path.join(folder, "saxpy.cu"), "w", encoding="ascii") as file:
        file.write("__global__ void saxpy() {}\n")
    if os.path.isdir(NODES):
        shutil.copy(os.path.join(NODES, "test_relu", "model.onnx"), folder)
        numpy.save(os.path.join(folder, "x.npy"), numpy.zeros((3, 4, 5), "float32"))


class Place:
    """The folder, and the server that is started when a command asks one."""

    def __init__(self, folder):
        self.folder, self.server = folder, None
        self.data = os.path.join(folder, "var")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENRUNTIME_")}
        self.environment.update(HOME=folder, PATH=f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}")
        with socket.socket() as one:  # free now, and asked for again below
            one.bind(("127.0.0.1", 0))
            self.address = f"localhost:{one.getsockname()[1]}"

    def shell(self, line):
        return subprocess.run(["bash", "-ec", line], capture_output=True, text=True, cwd=self.folder, check=False,
                              env=self.environment, stdin=subprocess.DEVNULL, timeout=PATIENCE_S)

    def start(self):
        if self.server is None:
            port = self.address.partition(":")[2]
            command = [PROGRAM, "server", "--port", port, "--data", self.data, "--models", "data"]
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
        elif "--data" in line:
            if " store " in line:
                self.start()  # so that there is one
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


def a_backup_is_put_back_as_the_page_says():
    with open(os.path.join(SOURCE, "docs", "operations.md"), encoding="utf-8") as file:
        section = file.read().split("## Back up, restore, upgrade")[1].split("\n## ")[0]
    said = re.findall(r"`(openruntime [^`]+)`", section)
    expect(said == ["openruntime store backup FILE --data DIR", "openruntime store check --data DIR",
                    "openruntime server --check-config"], said)
    with scratch() as folder:
        lay_out(folder)
        place = Place(folder)
        try:
            place.start()
            body = '{"operation":"compute","data":{"size":8},"task_id":"kept"}'
            asked = f"curl -s {place.address}/tasks -H 'Content-Type: application/json' -d '{body}'"
            before = json.loads(place.shell(asked).stdout)
            place.stop()
            for line in said:
                done = place.shell(line.replace("FILE", "copy.db").replace("DIR", place.data))
                expect(done.returncode == 0, f"{line}: {done.stderr}")
            shutil.rmtree(place.data)
            os.mkdir(place.data, 0o700)
            os.rename(os.path.join(folder, "copy.db"), os.path.join(place.data, "openruntime.db"))
            place.start()
            after = json.loads(place.shell(f"curl -s {place.address}/tasks/kept").stdout)
            expect(after == before and after["status"] == "completed", after)
        finally:
            place.stop()


if __name__ == "__main__":
    main([the_commands_of_the_readme_run, the_commands_of_the_command_line_run, the_commands_of_operations_run,
          a_backup_is_put_back_as_the_page_says])
