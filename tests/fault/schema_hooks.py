"""What Schemathesis can't know of our routes: which names there are, and what work is small. Loaded by schema.py through
SCHEMATHESIS_HOOKS. Most requests stay as they were made up."""

import copy
import json
import random

import schemathesis

# Names of things that are there, by parameter; schema.py begins the run with these.
NAMES = {
    "id": ["cpu_0"],
    "task_id": ["sample-done", "sample-long"],
    "device_id": ["cpu_0"],
    "name": ["digits", "mobilenet-v2"],
    "profile_id": ["sample"],
}
TASKS = [
    {"operation": "compute", "data": {"size": 8, "iterations": 1}},
    {"operation": "compute", "data": {"type": "fft", "size": 64, "iterations": 1}},
    {"operation": "inference", "data": {"model": "digits", "batch_size": 1, "iterations": 1}},
    {"operation": "compute", "data": {"a": {"shape": [1, 1], "dtype": "float32", "data": [2]},
                                      "b": {"shape": [1, 1], "dtype": "float32", "data": [3]}, "iterations": 1}},
]
LONGEST_S = 1


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Two of three requests ask for what is there."""
    for name in path_parameters or {}:
        known = NAMES.get(name)
        if known and context.operation.method.upper() != "DELETE" and random.random() < 0.67:
            path_parameters[name] = random.choice(known)
    return path_parameters


@schemathesis.hook
def map_query(context, query):
    """A benchmark of half a minute is no better a test than one of a second."""
    if query and "duration" in query and random.random() < 0.9:
        query["duration"] = LONGEST_S
    return query


@schemathesis.hook
def map_body(context, body):
    """Work that is accepted ends soon; and one request in three is a task that can be carried out."""
    if not isinstance(body, dict) or context.operation.path != "/tasks":
        return body
    if random.random() < 0.33:
        return copy.deepcopy(random.choice(TASKS))
    if isinstance(body.get("timeout", LONGEST_S), (int, float)):
        body["timeout"] = LONGEST_S
    return json.loads(json.dumps(body)) if body.get("operation") else body
