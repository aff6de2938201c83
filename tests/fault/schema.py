"""Schemathesis over the server's own description: no 500, no status, content type, header or body that is not declared,
and a request that each route carries out. Needs tools/setup_schemathesis.sh.
   python3 tests/fault/schema.py [--examples 25] [--seed 1]"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from faults import HERE, SOURCE, Client, Server, compute, expect

CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance,missing_required_header,unsupported_method,allow_header_conformance,"
          "use_after_free,ensure_resource_availability")
# What can't be done until a device compiles kernels: its refusal is declared.
NEVER_DONE = {"POST /kernels/compile", "GET /kernels/{name}", "DELETE /kernels/{name}"}
# It answers 101 to a handshake, which Schemathesis does not make: tests/e2e/ws_test.py does.
UPGRADED = {"GET /ws"}


def recorded_profile(client):
    """The id of a profile that is there to be read."""
    status, started = client.ask("POST", "/profile/start?duration=1")
    expect(status == 200, f"{status} {started}")
    deadline = time.monotonic() + 60
    while client.ask("GET", f"/profile/{started['profile_id']}")[0] == 409:
        expect(time.monotonic() < deadline, "a profile of a second is not over after a minute")
        time.sleep(0.1)
    return started["profile_id"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--examples", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    program = os.path.join(SOURCE, "build", "schemathesis", "bin", "schemathesis")
    with tempfile.TemporaryDirectory(prefix="openruntime-schema-") as folder:
        report = os.path.join(folder, "report.json")
        models = os.path.join(folder, "models")  # a copy: the run removes what it can
        shutil.copytree(os.path.join(SOURCE, "data", "digits"), os.path.join(models, "digits"))
        with Server("--data", os.path.join(folder, "data"), "--models", models) as server:
            url = f"http://127.0.0.1:{server.port}"
            status, reply = Client(server.port).ask("POST", "/tasks", compute(task_id="sample"))
            expect(status == 200, f"{status} {reply}")
            profile = recorded_profile(Client(server.port))
            # The run makes keys, and from the first one on nobody is let in without.
            status, key = Client(server.port).ask("POST", "/keys", {"label": "schema", "scopes": ["admin"]})
            expect(status in (200, 201), f"{status} {key}")
            environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": HERE, "SCHEMA_URL": url,
                           "SCHEMA_KEY": f"Bearer {key['secret']}", "SCHEMA_KEY_ID": key["id"],
                           "SCHEMA_PROFILE": profile, "SCHEMA_MODELS": models}
            done = subprocess.run([program, "--config-file", os.path.join(HERE, "schemathesis.toml"), "--no-color",
                                   "run", f"{url}/openapi.json", "--checks", CHECKS, "--phases",
                                   "coverage,fuzzing", "--header", f"Authorization:{environment['SCHEMA_KEY']}",
                                   "--max-examples", str(options.examples), "--seed", str(options.seed),
                                   "--continue-on-failure", "--generation-database", "none", "--warnings", "off",
                                   "--request-timeout", "60", "--report", "json", "--report-json-path", report],
                                  cwd=folder, env=environment, check=False)
            code, said = server.stop()
        expect(code == 0, f"the server ended with {code}: {said}")
        with open(report, encoding="utf-8") as file:
            rates = json.load(file)["valid_rates"]
    never = sorted(route for route, phases in rates.items()
                   if not any(phase["accepted"] for phase in phases.values()) and route not in NEVER_DONE | UPGRADED)
    if never:
        print(f"never answered with 2xx: {', '.join(never)}")
    sys.exit(1 if done.returncode != 0 or never else 0)


if __name__ == "__main__":
    main()
