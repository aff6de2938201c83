"""The server under wrk: many connections that ask without a pause; none is refused, reset or answered wrongly."""

import json
import os
import re
import shutil
import subprocess
import sys

from harness import expect, main, scratch
from server_test import get, serving

TASK = '{"operation":"compute","data":{"size":8,"iterations":1}}'
POST = f"""wrk.method = "POST"
wrk.body = '{TASK}'
wrk.headers["Content-Type"] = "application/json"
"""
# Several requests in one packet: the answers come in order, or wrk counts errors.
PIPELINED = """init = function(args)
  local all = {}
  for i = 1, 8 do all[i] = wrk.format("GET", "/health") end
  together = table.concat(all)
end
request = function() return together end
"""


def wrk(port, path, script=None, connections=32):
    """How many requests were answered, all of them well."""
    with scratch() as folder:
        arguments = ["-t", "2", "-c", str(connections), "-d", "1s", "--timeout", "60s"]
        if script:
            name = os.path.join(folder, "script.lua")
            with open(name, "w", encoding="ascii") as file:
                file.write(script)
            arguments += ["-s", name]
        done = subprocess.run(["wrk", *arguments, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                              check=False)
    expect(done.returncode == 0, done)
    expect("Socket errors" not in done.stdout and "Non-2xx" not in done.stdout, done.stdout)
    return int(re.search(r"(\d+) requests in", done.stdout).group(1))


def counted(port, route, method):
    text = get(port, "/metrics")[1]
    wanted = f'openruntime_http_requests_total{{route="{route}",method="{method}",status="2xx"}} '
    return sum(int(line[len(wanted):]) for line in text.splitlines() if line.startswith(wanted))


def answers_all_that_come():
    for loops in ("1", "2"):
        with serving("--loops", loops) as (_, port, _):
            for path, method, script in (("/health", "GET", None), ("/health", "GET", PIPELINED),
                                         ("/devices", "GET", None), ("/tasks", "POST", POST)):
                before = counted(port, path, method)
                answered = wrk(port, path, script)
                seen = counted(port, path, method) - before
                # What is under way when wrk ends is counted here, not there.
                expect(0 < answered <= seen <= answered + 32 * 8, f"{path}: {answered} at wrk, {seen} in /metrics")
            while json.loads(get(port, "/tasks")[1])["active_tasks"]:
                pass  # tasks of clients that have gone end by themselves


if __name__ == "__main__":
    if not shutil.which("wrk"):
        print("skipped: wrk is not installed")
        sys.exit(0)
    main([answers_all_that_come])
