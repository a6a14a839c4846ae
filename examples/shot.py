#!/usr/bin/python3
"""The desk in headless Chromium: a screenshot, a change, a screenshot; the bell has to change without another poll.

    /usr/bin/python3 examples/shot.py http://127.0.0.1:8080 [--folder DIR] [--transport auto|push|poll] [--dark]

Speaks the DevTools protocol by the standard library alone.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from client import call
from websocket import WebSocket

DEADLINE = 30  # seconds for each thing that is waited for
SIZE = {"width": 1240, "height": 940}
PANEL = "document.querySelector('#notifications > footer').dataset"


class Browser:
    """One tab of a Chromium of its own, with a profile of its own."""

    def __init__(self):
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if program is None:
            raise RuntimeError("Chromium is not installed")
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="doorbell-shot-"))
        self.socket = None
        self.process = None
        self.last = 0
        self.requests = []  # URLs that the page has asked for
        self.errors = []  # uncaught exceptions of the page
        try:
            self._open(program)
        except BaseException:
            self.close()
            raise

    def _open(self, program):
        self.process = subprocess.Popen(
            [program, "--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-dev-shm-usage",
             *(["--no-sandbox"] if os.geteuid() == 0 else []), "--remote-debugging-port=0",
             f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        where = self.profile / "DevToolsActivePort"
        self.wait("Chromium", lambda: where.exists() and where.read_text().count("\n") >= 1)
        port = where.read_text().split("\n")[0]
        def pages():
            return [each for each in call(f"http://127.0.0.1:{port}/json/list").json if each["type"] == "page"]
        self.wait("its first tab", pages)
        self.socket = WebSocket(pages()[0]["webSocketDebuggerUrl"])
        for domain in ("Page", "Runtime", "Network"):
            self.command(f"{domain}.enable")

    def command(self, method, **params):
        self.last += 1
        self.socket.send({"id": self.last, "method": method, "params": params})
        end = time.monotonic() + DEADLINE
        while True:
            message = self.socket.receive(max(0.01, end - time.monotonic()))
            if message.get("id") == self.last:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(message["params"]["exceptionDetails"])[:500])

    def value(self, expression):
        return self.command("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait(self, what, is_so):
        end = time.monotonic() + DEADLINE
        while not is_so():
            if self.process.poll() is not None:
                raise RuntimeError(f"Chromium has ended with {self.process.returncode}")
            if time.monotonic() > end:
                raise RuntimeError(f"{what}: not within {DEADLINE} s")
            time.sleep(0.05)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        if self.socket:
            self.socket.close()
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


def shoot(url, folder, change, transport="auto", dark=False):
    """Opens the page, changes a row by `change()`, and sees the bell change. Returns a note; raises RuntimeError."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    browser = Browser()
    try:
        browser.command("Emulation.setDeviceMetricsOverride", **SIZE, deviceScaleFactor=1, mobile=False)
        if dark:
            browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        browser.command("Page.navigate", url=f"{url}/?transport={transport}")
        wanted = "poll" if transport == "poll" else "push"
        browser.wait(f"the page to go over to {wanted}", lambda: browser.value(
            f"document.querySelector('#badge')?.textContent !== '–' && {PANEL}.transport") == wanted)
        def badge():
            return browser.value("document.querySelector('#badge').textContent")
        def polls():
            return sum(each.split("?")[0].endswith("/api/notifications") for each in browser.requests)
        time.sleep(0.7)  # for the picture only: the status lines are drawn twice a second
        before, polled = badge(), polls()
        if folder:
            browser.screenshot(folder / "before.png")
        began = time.monotonic()
        change()
        browser.wait("the bell to change", lambda: badge() != before)
        took = time.monotonic() - began
        after = badge()
        if wanted == "push" and polls() != polled:
            raise RuntimeError(f"the page has polled {polls() - polled} times to learn of the change")
        time.sleep(0.7)
        if folder:
            browser.screenshot(folder / "after.png")
        if browser.errors:
            raise RuntimeError(f"the page has failed: {browser.errors[0]}")
        return f"{before} → {after} after {took * 1000:.0f} ms, {polls() - polled} polls"
    finally:
        browser.close()


def main():
    parser = argparse.ArgumentParser(description="Screenshots of the desk before and after a change.")
    parser.add_argument("url", help="where the page is, such as http://127.0.0.1:8080")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("."), help="where the pictures go")
    parser.add_argument("--transport", choices=("auto", "push", "poll"), default="auto")
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    url = options.url.rstrip("/")
    def change():
        call(f"{url}/api/notifications", {"kind": "urgent", "body": "Look up!"})
    try:
        print(shoot(url, options.folder, change, options.transport, options.dark))
    except (OSError, RuntimeError) as error:
        print(f"shot: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
