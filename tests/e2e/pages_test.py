"""The pages for browsers in headless Chromium, driven by the DevTools protocol over pipes: they work, ask this server
alone, and leave nothing in the console."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

from harness import expect, main
from server_test import serving

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WATCHED = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled", "Network.requestWillBeSent")


class Page:
    """One tab. Requests to other hosts than loopback reach nothing: their names don't resolve."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="openruntime-pages-", ignore_cleanup_errors=True)
        to_browser, self.to = os.pipe()
        self.back, from_browser = os.pipe()

        def as_three_and_four():
            # Both may be 3 or 4 already: moved out of the way first.
            low, high = os.dup(to_browser), os.dup(from_browser)
            spare_low, spare_high = os.dup(low), os.dup(high)
            os.dup2(spare_low, 3)
            os.dup2(spare_high, 4)

        command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--remote-debugging-pipe", "--no-first-run", "--disable-background-networking",
                   "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-component-update",
                   f"--user-data-dir={self.profile.name}", "about:blank"]
        with open(os.path.join(self.profile.name, "log"), "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            preexec_fn=as_three_and_four, close_fds=False)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.count, self.session, self.events = b"", 0, None, []
        targets = self.ask("Target.getTargets")["targetInfos"]
        tab = next(one["targetId"] for one in targets if one["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.ask(f"{domain}.enable")

    def hear(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.back, 1 << 16)
            if not piece:
                log = open(os.path.join(self.profile.name, "log"), encoding="utf-8", errors="replace").read()
                raise AssertionError(f"the browser ended: {log[-2000:]}")
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(line)

    def ask(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            heard = self.hear()
            if heard.get("id") == self.count:
                expect("error" not in heard, f"{method}: {heard}")
                return heard["result"]
            if heard.get("method") in WATCHED:
                self.events.append(heard)

    def evaluate(self, script):
        done = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        expect("exceptionDetails" not in done, f"{script}: {done}")
        return done["result"].get("value")

    def until(self, condition):
        """The value of a script once it is truthy: looked at in each frame of the page, for a minute at most."""
        return self.evaluate(f"""new Promise((resolve, reject) => {{ const end = performance.now() + 60000;
            const look = () => {{ const value = {condition};
              if (value) resolve(value);
              else if (performance.now() > end) reject(new Error('not seen: ' + document.body.innerText));
              else setTimeout(look, 20) }}; look() }})""")

    def open(self, url):
        self.ask("Page.navigate", url=url)
        self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def complaints(self):
        """What the console got, and requests that left the server."""
        found = []
        for event in self.events:
            about = event["params"]
            if event["method"] == "Network.requestWillBeSent":
                url = about["request"]["url"]
                if not url.startswith(("http://127.0.0.1:", "data:", "about:")):
                    found.append(url)
            elif event["method"] == "Log.entryAdded" and about["entry"]["level"] != "error":
                continue
            else:
                found.append(about)
        return found

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        os.close(self.to)
        os.close(self.back)
        self.profile.cleanup()


def the_state_of_the_server_is_shown():
    page = Page()
    try:
        with serving() as (_, port, _):
            page.open(f"http://127.0.0.1:{port}/")
            page.until("document.getElementById('state').textContent === 'running'")
            page.until("document.querySelector('#devices td').textContent === 'cpu_0'")
            shown = page.evaluate("getComputedStyle(document.getElementById('ask')).display")
            expect(shown == "none", "it asks for a key, though there are none")
            expect(not page.complaints(), page.complaints())
        page.until("document.getElementById('state').textContent === 'no answer'")
    finally:
        page.close()


def a_route_is_tried_from_the_documentation():
    page = Page()
    try:
        with serving() as (_, port, _):
            page.open(f"http://127.0.0.1:{port}/docs#post_tasks")
            page.until("document.querySelector('#post_tasks button')")
            text = page.evaluate("document.querySelector('#post_tasks textarea').value")
            expect(json.loads(text)["operation"] == "compute", text)
            page.evaluate("""document.querySelector('#post_tasks textarea').value =
                JSON.stringify({operation: 'compute', data: {size: 8, iterations: 1}});
                document.querySelector('#post_tasks button').click()""")
            answer = page.until("""(text => / ms, /.test(text) && text)
                (document.querySelector('#post_tasks pre').textContent)""")
            expect("200 OK" in answer and '"status": "completed"' in answer, answer)
            expect(answer.startswith("$ curl"), answer)
            page.evaluate("const find = document.getElementById('find'); find.value = 'priority'; find.oninput()")
            shown = page.evaluate("""[...document.querySelectorAll('#routes details:not([hidden])')]
                .map(one => one.id)""")
            expect(shown == ["patch_tasks_task_id"], shown)
            expect(page.evaluate("document.querySelectorAll('#schemas details').length") > 5, "no documents")
            expect(not page.complaints(), page.complaints())
    finally:
        page.close()


if __name__ == "__main__":
    if not BROWSER:
        print("skipped: chromium is not installed")
        sys.exit(0)
    main([the_state_of_the_server_is_shown, a_route_is_tried_from_the_documentation])
