"""What the end-to-end tests share: running the program, reading its files, a list of checks that prints and counts."""

import base64
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("OPENRUNTIME_SOURCE") or os.path.dirname(os.path.dirname(HERE))
PROGRAM = os.environ.get("OPENRUNTIME") or os.path.join(SOURCE, "build", "dev", "openruntime")
QUICK = os.environ.get("OPENRUNTIME_QUICK") == "1"
# The processor alone, and nothing that an earlier run left: results do not depend on the machine's other devices. A
# test that is about those says surroundings(**EVERY_DEVICE), with a cache of its own.
CPU_ALONE = {"OPENRUNTIME_BACKENDS": "cpu", "OPENRUNTIME_CACHE": "off"}
EVERY_DEVICE = {"OPENRUNTIME_BACKENDS": ""}
os.environ.update(CPU_ALONE)
HANDSHAKE = ("GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n\r\n").encode()


class Result:
    def __init__(self, completed):
        self.code, self.out, self.err = completed.returncode, completed.stdout, completed.stderr

    def json(self):
        return json.loads(self.out)


def surroundings(*without, **more):
    """What a program is started with: of ours nothing that the user of this machine has set; nor what begins with one
    of the other words."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENRUNTIME_", *without))}
    return {**kept, **CPU_ALONE, **more}


def run(*arguments, env=None, stdin=None):
    """Runs the program from the source folder; text in and out."""
    environment = dict(os.environ, **(env or {}))
    environment.pop("OPENRUNTIME_URL", None) if env is None else None
    completed = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=SOURCE,
        env=environment,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        timeout=600,
        check=False,
    )
    return Result(completed)


def run_on_a_terminal(*arguments, columns=60, env=None):
    """What the program prints on a terminal of so many columns, stdout and stderr together."""
    import fcntl
    import pty
    import termios

    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "OPENRUNTIME_URL")}
    environment.update({"TERM": "xterm"}, **(env or {}))
    with subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal,
                          cwd=SOURCE, env=environment) as process:
        os.close(terminal)
        printed = b""
        try:
            while piece := os.read(controller, 65536):
                printed += piece
        except OSError:  # Linux: the last writer has closed the terminal
            pass
        process.wait(timeout=600)
    os.close(controller)
    return printed.decode()


def catches(process, number):
    """Returns once the process has a handler for the signal, and no longer the system's default."""
    while True:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            caught = int(next(line for line in file if line.startswith("SigCgt:")).split()[1], 16)
        if caught >> (number - 1) & 1:
            return
        expect(process.poll() is None, "it ended by itself")


def deaf(port):
    """A reader that never reads: with as little room as the system gives."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", port))
    client.sendall(HANDSHAKE)
    return client


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def need_server():
    """Ends the process, with a word, where the program was built without one."""
    if "+server" not in run("--json", "version").json()["details"].split():
        print("this build has no server")
        sys.exit(0)


def main(tests):
    """Runs every function of the list; prints a line for each failure and a closing line; the exit code."""
    failed = 0
    for test in tests:
        try:
            test()
            print(f"ok   {test.__name__}")
        except Exception:  # a test that breaks in any way has failed, and the others still run
            failed += 1
            print(f"FAIL {test.__name__}")
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
    print(f"{len(tests) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def scratch():
    return tempfile.TemporaryDirectory(prefix="openruntime-e2e-")


# TensorProto (onnx.proto), read without the onnx package so that the check is independent of any reader of ours.
NUMPY_OF = {
    1: "<f4",
    2: "u1",
    3: "i1",
    4: "<u2",
    5: "<i2",
    6: "<i4",
    7: "<i8",
    9: "?",
    10: "<f2",
    11: "<f8",
    12: "<u4",
    13: "<u8",
    14: "<c8",
    15: "<c16",
    16: "<u2",
}


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields_of(data):
    """The fields of a message: number, wire type, value."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 1:
            value, at = data[at : at + 8], at + 8
        elif wire == 2:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        elif wire == 5:
            value, at = data[at : at + 4], at + 4
        else:
            raise ValueError(f"wire type {wire}")
        yield number, wire, value


def _signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def read_tensor(path):
    """(dtype number, numpy array) of a TensorProto file; bfloat16 as uint16 bits."""
    with open(path, "rb") as file:
        return tensor_of(file.read())


def tensor_of(data):
    """The same of its bytes."""
    import numpy

    dims, dtype, raw, floats, ints, doubles = [], 0, None, [], [], []
    for number, wire, value in fields_of(data):
        if number == 1:
            dims += [value] if wire == 0 else _packed(value)
        elif number == 2:
            dtype = value
        elif number == 9:
            raw = value
        elif number == 4:
            floats += list(struct.unpack(f"<{len(value) // 4}f", value))
        elif number in (5, 7, 11):
            ints += [_signed(value)] if wire == 0 else [_signed(v) for v in _packed(value)]
        elif number == 10:
            doubles += list(struct.unpack(f"<{len(value) // 8}d", value))
    kind = numpy.dtype(NUMPY_OF[dtype])
    if raw is not None:
        array = numpy.frombuffer(raw, dtype=kind)
    elif dtype in (10, 16):
        array = numpy.array([v & 0xFFFF for v in ints], dtype="<u2").view(kind)
    elif kind.kind == "c":
        array = numpy.array(floats or doubles, dtype="<f4" if floats else "<f8").view(kind)
    else:
        array = numpy.array(floats or doubles or ints).astype(kind)
    return dtype, array.reshape(dims)


def _packed(value):
    at, values = 0, []
    while at < len(value):
        item, at = _varint(value, at)
        values.append(item)
    return values
