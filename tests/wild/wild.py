"""A model asked as a user would: by HTTP of a server, or by the command line; and ONNX Runtime beside it."""

import contextlib
import http.client
import json
import os
import uuid

import numpy
import onnxruntime

from harness import SOURCE, expect, run, scratch
from server_test import serving

MODELS = os.path.join(SOURCE, "build", "wild", "models")
TOLERANCE = 1e-3  # of every output, absolute


class Model:
    """One of the models on a server, with ONNX Runtime's session of the same file; each run is compared."""

    def __init__(self, server, name):
        self.server, self.name, self.runs, self.error = server, name, 0, 0.0
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.path = os.path.join(MODELS, name + ".onnx")
        self.peer = onnxruntime.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])

    def __call__(self, **inputs):
        """The outputs in the model's order, by our program."""
        outputs = self.server.infer(self.name, inputs)
        names = [output.name for output in self.peer.get_outputs()]
        expect(sorted(outputs) == sorted(names), f"{self.name}: outputs {sorted(outputs)}")
        for name, wanted in zip(names, self.peer.run(None, inputs)):
            self.error = max(self.error, compare(f"{self.name}: {name}", outputs[name], wanted))
        self.runs += 1
        return [outputs[name] for name in names]

    def told(self):
        return f"     {self.name}: {self.runs} runs, at most {self.error:.1e} from ONNX Runtime"


def compare(what, mine, wanted):
    """The largest difference; an error where it is beyond the tolerance."""
    expect(mine.dtype == wanted.dtype and mine.shape == wanted.shape,
           f"{what}: {mine.dtype}{mine.shape}, ONNX Runtime has {wanted.dtype}{wanted.shape}")
    error = float(numpy.abs(mine.astype("f8") - wanted).max()) if wanted.size else 0.0
    expect(error <= TOLERANCE, f"{what} {wanted.shape}: {error:g} from ONNX Runtime")
    return error


class Server:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def infer(self, model, inputs):
        """One task whose tensors go and come as the bytes that they are."""
        tensors = {name: {"shape": list(value.shape), "dtype": str(value.dtype), "part": name}
                   for name, value in inputs.items()}
        request = {"operation": "inference", "data": {"model": model, "inputs": tensors}}
        parts = {"request": json.dumps(request).encode(), **{name: value.tobytes() for name, value in inputs.items()}}
        boundary = uuid.uuid4().hex
        body = b"".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + data +
                        b"\r\n" for name, data in parts.items()) + f"--{boundary}--\r\n".encode()
        self.connection.request("POST", "/tasks", body, {
            "Content-Type": f"multipart/form-data; boundary={boundary}", "Accept": "multipart/form-data"})
        reply = self.connection.getresponse()
        answer, kind = reply.read(), reply.getheader("Content-Type")
        expect(reply.status == 200 and kind.startswith("multipart/form-data"), f"{reply.status} {answer[:500]!r}")
        parts = parts_of(answer, kind.split("boundary=")[1].strip('"'))
        response = json.loads(parts["response"])
        expect(response["status"] == "completed", response["error"])
        return {name: numpy.frombuffer(parts[tensor["part"]], tensor["dtype"]).reshape(tensor["shape"])
                for name, tensor in response["result"]["outputs"].items()}


def parts_of(body, boundary):
    parts = {}
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, data = piece.partition(b"\r\n\r\n")
        parts[head.decode().split('name="')[1].split('"')[0]] = data
    return parts


@contextlib.contextmanager
def server():
    with serving("--models", MODELS, "--data", ":memory:") as (_, port, _):
        yield Server(port)


def by_command_line(model, **inputs):
    """The outputs of `openruntime infer`, by name."""
    with scratch() as folder:
        words = ["infer", os.path.join(MODELS, model + ".onnx"), "--output", os.path.join(folder, "out")]
        for name, value in inputs.items():
            numpy.save(os.path.join(folder, name + ".npy"), value)
            words += ["--input", f"{name}={folder}/{name}.npy"]
        done = run(*words)
        expect(done.code == 0, done.err)
        return {name[:-4]: numpy.load(os.path.join(folder, "out", name))
                for name in os.listdir(os.path.join(folder, "out"))}
