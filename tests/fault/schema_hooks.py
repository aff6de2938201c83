"""What Schemathesis can't know of our routes: which names there are, what work is small, what must be there before it
can be changed. Loaded by schema.py through SCHEMATHESIS_HOOKS; SCHEMA_URL is the server, SCHEMA_KEY what it lets in,
SCHEMA_KEY_ID the id of that, SCHEMA_PROFILE one that is recorded, and SCHEMA_MODELS the folder of models. Most requests
stay as they are."""

import collections
import copy
import itertools
import json
import os
import random
import shutil
import urllib.request

import schemathesis

# Names of things that are there, by parameter.
NAMES = {
    "id": ["cpu_0"],
    "task_id": ["sample"],
    "device_id": ["cpu_0"],
    "name": ["digits"],
}
TASKS = [
    {"operation": "compute", "data": {"size": 8, "iterations": 1}},
    {"operation": "compute", "data": {"type": "fft", "size": 64, "iterations": 1}},
    {"operation": "compute", "data": {"a": {"shape": [1, 1], "dtype": "float32", "data": [2]},
                                      "b": {"shape": [1, 1], "dtype": "float32", "data": [3]}, "iterations": 1}},
]
RUN_AT_ONCE = 4
LONGEST_S = 1

counter = itertools.count()
calls = collections.Counter()


def now_and_then(route, every):
    """True for each n-th request of a route: its turn comes however few there are."""
    calls[route] += 1
    return calls[route] % every == 0


def post(path, body, method="POST", **headers):
    request = urllib.request.Request(os.environ["SCHEMA_URL"] + path, json.dumps(body).encode(),
                                     {"Content-Type": "application/json", "Authorization": os.environ["SCHEMA_KEY"],
                                      **headers}, method=method)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.loads(reply.read())


def restore_device():
    """As it was, after it has been taken out or bounded."""
    settings = {"is_available": True, "max_concurrency": RUN_AT_ONCE, "memory_limit": 1 << 32}
    post("/devices/cpu_0", settings, method="PATCH")


def spare_model():
    """A model that may go."""
    folder = os.environ["SCHEMA_MODELS"]
    name = f"spare-{next(counter)}"
    shutil.copytree(os.path.join(folder, "digits"), os.path.join(folder, name))
    return name


def waiting_task():
    """A task that waits behind others, all of which are over after a second."""
    for _ in range(RUN_AT_ONCE + 1):
        body = {"task_id": f"made-{next(counter)}", "operation": "compute", "timeout": LONGEST_S,
                "data": {"size": 256, "iterations": 1000000}}
        task = post("/tasks", body, Prefer="respond-async")
    return task["task_id"]


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Two of three requests ask for what is there."""
    for name in path_parameters or {}:
        known = NAMES.get(name)
        if known and context.operation.method.upper() != "DELETE" and random.random() < 0.67:
            path_parameters[name] = random.choice(known)
    return path_parameters


@schemathesis.hook
def map_body(context, body):
    """Work that is accepted ends soon."""
    is_task = isinstance(body, dict) and context.operation.path == "/tasks"
    task = body.get("request", body) if is_task else None  # of a body of parts
    if isinstance(task, dict) and isinstance(task.get("timeout", 0), (int, float)):
        task["timeout"] = LONGEST_S
    return body


@schemathesis.hook
def after_call(context, case, response):
    if case.operation.method.upper() == "PATCH" and case.operation.path.startswith("/devices/"):
        restore_device()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Now and then a request that is known to be good."""
    route = (case.operation.method.upper(), case.operation.path)
    if route == ("POST", "/tasks") and now_and_then(route, 3):
        case.body = copy.deepcopy(random.choice(TASKS))
        case.media_type = "application/json"
    if route == ("POST", "/benchmark") and (case.query or {}).get("duration", LONGEST_S + 1) != "":
        case.query = {**(case.query or {}), "duration": LONGEST_S}  # the default is ten seconds
    if route == ("GET", "/profile/{id}") and now_and_then(route, 2):
        case.path_parameters = {"id": os.environ["SCHEMA_PROFILE"]}
    if route[0] == "DELETE" and route[1].startswith("/keys/"):  # never the run's own, whose id it may have read
        name, key_id = next(iter(case.path_parameters.items()))
        if key_id == os.environ["SCHEMA_KEY_ID"] or now_and_then(route, 3):
            case.path_parameters = {name: post("/keys", {"label": "spare"})["id"]}
    if route == ("DELETE", "/models/{name}"):  # never the one that others ask for
        if case.path_parameters["name"] == "digits" or now_and_then(route, 3):
            case.path_parameters = {"name": spare_model()}
    if route in (("PATCH", "/tasks/{task_id}"), ("DELETE", "/tasks/{task_id}")) and now_and_then(route, 8):
        case.path_parameters = {"task_id": waiting_task()}
        if route[0] == "PATCH":
            case.body = {"priority": random.randint(1, 10)}
            case.media_type = "application/json"
