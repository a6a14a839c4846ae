#!/usr/bin/python3
"""The desk, moved from polling to push feature by feature, by itself.

    make migrate-demo                                     builds what is needed, then runs this
    /usr/bin/python3 examples/migrate.py --doorbell PATH  runs it; --shots FOLDER keeps screenshots of the page

Twenty-two clients and a page in Chromium follow the desk while somebody works at it. The badge goes over by `signal`, the dashboard by
`answer`, the chat by `rows`, each from shadow over canary to push by its gate. Two features are wrong on purpose: one tells its changes on
the wrong channel, which parity finds in shadow; one holds its messages back, which its gate finds in canary. Whenever the desk rests, what every
client and the page show is compared with what the application answers.

Standard library only. Exit code 0: everything went as it should.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error

sys.dont_write_bytecode = True

from check import Wrong, expect
from client import call
from demo import DEADLINE, HERE, Demo, Failed, Signals, Stopped, port, program, tail
from websocket import Closed, WebSocket

INTERVAL = 0.5  # seconds between two polls of a client
MIGRATION = 150  # seconds that the gates may take
GATE = "{{ interval: 2s, threshold: 2, reconnects: 100000, {more} }}"

STEPS = "step: 50, max: 50, minimum: 4"

# What is changed in the desk's configuration: name -> lines of the feature.
FEATURES = {
    "unread": ["gate: " + GATE.format(more=STEPS)],
    "dashboard": ["mode: answer", "slow: reset", "gate: " + GATE.format(more=STEPS)],
    "chat": ["gate: " + GATE.format(more=STEPS), "parity: { items: { path: $.messages, key: id } }"],
    # Wrong on purpose: messages wait for two seconds, which nobody notices before somebody is told.
    "notifications": ["batch: 2s", "gate: " + GATE.format(more="step: 50, max: 100, minimum: 4, staleness: 900ms, spurious: 100")],
    # Wrong on purpose: see `misdirected`.
    "inbox": ["gate: " + GATE.format(more="step: 50, max: 50, minimum: 20")],
}
GOOD = ("unread", "dashboard", "chat")


def configuration(text):
    """The desk's own doorbell.yaml with every feature in observe, cohorts by address, gates, and the two mistakes."""
    for name, lines in FEATURES.items():
        head, feature, rest = re.split(rf"(?m)^  {name}:\n((?:    .*\n|\n(?=    ))+)", text)
        for key in [line.split(":")[0] for line in lines] + ["stage", "cohort"]:
            feature = re.sub(rf"(?m)^    {key}:.*\n", "", feature)
        lines = lines + ["stage: observe", "cohort: { by: address }"]
        text = head + f"  {name}:\n" + feature + "".join(f"    {line}\n" for line in lines) + rest
    return text


class Client(threading.Thread):
    """Polls one URL until it is told to use push, and polls again when it is told to; knows what it would show."""

    def __init__(self, url, target, number, cookie=None):
        super().__init__(daemon=True)
        self.url, self.target = url, target
        self.headers = {"X-Forwarded-For": f"10.1.0.{number}", **({"Cookie": cookie} if cookie else {})}
        self.shown = None
        self.uses = "poll"
        self.told = threading.Event()
        self.ended = threading.Event()
        self.polls = self.messages = 0
        self.error = None

    def run(self):
        while not self.ended.is_set():
            try:
                self.poll()
                if self.uses == "push":
                    self.follow()
            except (OSError, urllib.error.URLError, Closed, ValueError) as error:
                self.error = error
            self.ended.wait(INTERVAL * random.uniform(0.8, 1.2))

    def poll(self):
        answer = call(self.url + self.target, headers=self.headers)
        self.polls += 1
        if answer.status != 200:
            raise OSError(f"{self.target} answers {answer.status}")
        self.shown, self.position = answer.json, answer.headers["Doorbell-Position"]
        self.uses = answer.headers["Doorbell-Transport"]

    def follow(self):
        socket = WebSocket(self.url + "/_doorbell/ws", headers=self.headers, protocols=["doorbell.v1"])
        try:
            socket.send({"type": "subscribe", "poll": self.target, "since": self.position, "patch": True})
            while not self.ended.is_set():
                try:
                    message = socket.receive(0.5)
                except TimeoutError:
                    continue
                self.take(message)
                if self.uses == "poll":
                    return  # the next poll comes before the subscription ends: nothing is missed
        finally:
            socket.close()

    def take(self, message):
        kind = message["type"]
        if kind == "transport":
            self.uses = message["use"]
            if self.uses == "poll":
                self.poll()
                self.uses = "poll"
        elif kind == "snapshot" or (kind == "subscribed" and message.get("snapshot")):
            self.shown = message.get("snapshot", message).get("body", self.shown)
        elif kind in ("signal", "reset"):
            self.messages += 1
            self.poll()
            self.uses = "push"
        elif kind == "answer":
            self.messages += 1
            if "body" in message:
                self.shown = message["body"]
            else:
                self.shown = merged(self.shown, message["patch"])
        elif kind in ("post", "notification"):
            self.messages += 1
            rows = "messages" if kind == "post" else "items"
            if kind == "post" and message["op"] == "insert":
                known = {row["id"]: row for row in self.shown[rows]}
                known[message["data"]["id"]] = message["data"]
                self.shown = {rows: [known[key] for key in sorted(known)][-40:]}
            else:
                self.poll()
                self.uses = "push"
        elif kind == "batch":
            for each in message["messages"]:
                self.take(each)
        elif kind == "error":
            raise OSError(f"{self.target}: {message['message']}")

    def close(self):
        self.ended.set()
        self.join(5)


def meant(value):
    """JSON with its times as times: PostgreSQL and the application write the fractions of a second differently."""
    if isinstance(value, dict):
        return {name: timestamp(each) if name == "created_at" else meant(each) for name, each in value.items()}
    return [meant(each) for each in value] if isinstance(value, list) else value


def timestamp(text):
    return datetime.datetime.fromisoformat(text)


def merged(target, patch):
    """A JSON merge patch applied (RFC 7386, section 2)."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = merged(target.get(name), value)
    return target


class Migration(Demo):
    """The demo, with a configuration of its own, clients, and somebody who works at the desk."""

    def __init__(self, doorbell, signals):
        super().__init__(doorbell, signals)
        self.clients = []
        self.browser = None
        self.resting = threading.Event()
        self.rested = threading.Event()

    def start_doorbell(self, commentary):
        self.config = self.folder / "doorbell.yaml"
        self.config.write_text(misdirected(configuration((HERE / "desk/doorbell.yaml").read_text())))
        number, admin = port(8080), port(8081)
        self.url, self.admin = f"http://127.0.0.1:{number}", f"http://127.0.0.1:{admin}"
        self.env = {
            "DATABASE_URL": self.database, "UPSTREAM": self.upstream,
            "LISTEN": f"127.0.0.1:{number}", "ADMIN": f"127.0.0.1:{admin}",
        }
        self.run("install", [self.doorbell, "install", "--config", self.config], env=self.env)
        self.spawn("serve", [self.doorbell, "serve", "--config", self.config], signal.SIGTERM, env=self.env)
        self.until("Doorbell", lambda: call(f"{self.url}/_doorbell/health/ready").status == 200)

    def command(self, *arguments):
        """A doorbell command that should do what it says; its standard output."""
        done = subprocess.run(
            [str(self.doorbell), *arguments, "--config", str(self.config)], env={**os.environ, **self.env},
            capture_output=True, text=True, timeout=DEADLINE)
        expect(done.returncode == 0, f"doorbell {' '.join(arguments)}: {done.returncode} {done.stderr.strip()}")
        return done.stdout

    def stages(self):
        """Feature -> (stage, percent)."""
        listed = json.loads(self.command("stage", "--json"))
        return {each["feature"]: (each["stage"], each.get("percent")) for each in listed}

    def open_clients(self):
        login = call(f"{self.url}/api/login", {"name": "Ada"})
        self.ada, self.cookie = login.json["id"], login.headers["Set-Cookie"].split(";")[0]
        targets = {
            "unread": f"/api/users/{self.ada}/unread", "dashboard": "/api/dashboard", "chat": "/api/rooms/1/messages",
            "notifications": "/api/notifications", "inbox": f"/api/users/{self.ada}/notifications",
        }
        personal = ("unread", "inbox")
        number = 0
        for name, target in targets.items():
            for _ in range(6 if name == "notifications" else 4):
                number += 1
                client = Client(self.url, target, number, self.cookie if name in personal else None)
                client.feature = name
                self.clients.append(client)
                client.start()

    # --- Somebody works at the desk

    def write(self):
        while not self.writing.is_set():
            if self.resting.is_set():
                self.rested.set()
                self.writing.wait(0.05)
                continue
            self.rested.clear()
            try:
                self.work()
            except (OSError, urllib.error.URLError):
                pass
            self.writing.wait(random.uniform(0.15, 0.35))

    def work(self):
        kind = random.choice(("order", "ship", "chat", "note", "done", "mention"))
        mine = {"Cookie": self.cookie}
        if kind == "order":
            call(f"{self.upstream}/api/orders", {"customer": "Ines", "amount": round(random.uniform(8, 160), 2)})
        elif kind == "ship":
            orders = call(f"{self.upstream}/api/dashboard").json["last"]
            opened = [order["id"] for order in orders if order["status"] == "open"]
            if opened:
                call(f"{self.upstream}/api/orders/{opened[0]}/ship", {})
        elif kind == "chat":
            call(f"{self.upstream}/api/rooms/1/messages", {"body": f"said at {time.time():.3f}", "author": "Bert"})
        elif kind == "note":
            call(f"{self.upstream}/api/notifications", {"body": f"noted at {time.time():.3f}"})
        elif kind == "done":
            items = call(f"{self.upstream}/api/notifications").json["items"]
            opened = [item["id"] for item in items if not item["done"]]
            if opened:
                call(f"{self.upstream}/api/notifications/{opened[-1]}/done", {}, mine)
        else:
            path = f"{self.upstream}/api/users/{self.ada}/notifications"
            call(f"{path}/read", {}, mine) if random.random() < 0.5 else call(path, {"body": "See me"}, mine)

    def compare(self, features=GOOD, patience=6):
        """The desk rests: what clients show has to become what the application answers. Returns how many were compared."""
        self.resting.set()
        try:
            expect(self.rested.wait(15), "nobody stops working")
            end = time.monotonic() + patience
            while True:
                different = self.different(features)
                if not different:
                    return len([client for client in self.clients if client.feature in features])
                expect(time.monotonic() < end, "shown is not what the application answers: " + "; ".join(different))
                time.sleep(0.1)
        finally:
            self.resting.clear()

    def different(self, features):
        different = []
        for client in self.clients:
            if client.feature not in features:
                continue
            truth = call(self.upstream + client.target, headers=client.headers).json
            if meant(client.shown) != meant(truth):
                shown, truth = json.dumps(client.shown)[:160], json.dumps(truth)[:160]
                different.append(f"{client.feature} ({client.uses}) {shown} instead of {truth} {client.error or ''}")
        if self.browser and not different:
            different += self.browser.different(self.upstream)
        return different

    def stop(self):
        self.resting.clear()
        if self.browser:
            self.browser.close()
        for client in self.clients:
            client.ended.set()
        return super().stop()


def misdirected(text):
    """The inbox on the channel of whoever has the number of the message: people would be told what is others'."""
    wrong = text.replace(
        "    tables:\n      - name: public.user_notifications\n        channel: user:{user_id}:inbox\n",
        "    channel: user:{user_id}:inbox\n"
        "    tables:\n      - name: public.user_notifications\n        channel: user:{id}:inbox\n")
    if wrong == text:
        raise Failed("examples/desk/doorbell.yaml has changed: the inbox's table is not found")
    return wrong


class Page:
    """The desk's page in Chromium."""

    def __init__(self, url):
        from shot import SIZE, Browser
        self.browser = Browser()
        self.browser.command("Emulation.setDeviceMetricsOverride", **SIZE, deviceScaleFactor=1, mobile=False)
        self.browser.command("Page.navigate", url=url)
        self.browser.wait("the page", lambda: self.value("#notifications .list li span"))

    def value(self, selector):
        return self.browser.value(f"document.querySelector({json.dumps(selector)})?.textContent")

    def different(self, upstream):
        different = []
        orders = call(f"{upstream}/api/dashboard").json["orders"]
        said = call(f"{upstream}/api/rooms/1/messages").json["messages"][-1]["body"]
        shown = self.value("[data-figure=orders]") or ""
        if shown.replace(",", "") != str(orders):
            different.append(f"the page shows {shown} of {orders} orders")
        chat = self.browser.value("document.querySelector('#chat')?.textContent") or ""
        if said not in chat:
            different.append(f"the page does not show what was said last: {said}")
        if self.browser.errors:
            different.append(f"the page threw {self.browser.errors[0]}")
        return different

    def transports(self):
        return self.browser.value(
            "Object.fromEntries([...document.querySelectorAll('[id] > footer')]"
            ".map(foot => [foot.parentNode.id, foot.dataset.transport]))")

    def shoot(self, folder, name):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            self.browser.screenshot(folder / f"{name}.png")

    def close(self):
        self.browser.close()


def say(text):
    print(text, flush=True)


def migrate(demo, shots):
    began = time.monotonic()

    def done(text, note=""):
        say(f"{time.monotonic() - began:5.1f} s  {text}" + (f" ({note})" if note else ""))

    demo.start(lambda line: None)
    demo.open_clients()
    if any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        demo.browser = Page(demo.url)
    else:
        say("        the page is left out: Chromium is not installed")
    demo.keep_busy()
    done("everything is up: everybody polls", f"{len(demo.clients)} clients")
    time.sleep(2)
    done("observe: what is shown is what the application answers", f"{demo.compare()} clients")

    for name in FEATURES:
        demo.command("stage", name, "shadow", "--why", "the migration begins")
    done("shadow: changes are captured and compared; nobody is told")

    before = {}
    slow = missed = None
    end = time.monotonic() + MIGRATION
    while time.monotonic() < end:
        stages = demo.stages()
        for name, stage in stages.items():
            if before.get(name) != stage and name in FEATURES and stage[0] != "shadow":
                done(f"{name}: {stage[0]}" + (f" {stage[1]} %" if stage[0] == "canary" else ""))
                if stage[0] == "canary":
                    done("  what is shown is what the application answers", f"{demo.compare((name,))} clients")
            if before.get(name, ("",))[0] in ("canary", "push") and stage[0] == "shadow":
                done(f"{name}: rolled back to shadow")
                slow = slow or name
        before = stages
        if not missed:
            missed = missed_of(json.loads(demo.command("parity", "inbox", "--json")))
            if missed:
                done("inbox: parity has found what push would have missed", f"{missed} changes")
        expect(before["inbox"][0] == "shadow", f"the inbox is wrong and was moved to {before['inbox'][0]}")
        if all(before[name][0] == "push" for name in GOOD) and slow and missed:
            break
        time.sleep(0.3)
    for name in [name for name in GOOD if before[name][0] != "push"]:
        say(demo.command("gate", name, "--dry-run"))
        raise Wrong(f"{name} has not come further than {before[name]}")
    expect(missed, "parity did not find the wrong channel")
    expect(slow == "notifications", f"the slow feature was not rolled back: {before}")
    for line in demo.command("parity", "inbox").splitlines()[4:12]:
        say(f"         | {line}")
    for line in demo.command("stage", "notifications").splitlines()[:6]:
        say(f"         | {line}")

    done("push: what is shown is what the application answers", f"{demo.compare()} clients")
    polls = {client: client.polls for client in demo.clients if client.feature in GOOD and client.feature != "unread"}
    time.sleep(3)
    quiet = [client for client, count in polls.items() if client.polls == count]
    expect(len(quiet) == len(polls), f"{len(polls) - len(quiet)} of {len(polls)} clients still poll")
    done("push: nobody polls the dashboard and the chat any more")
    if demo.browser:
        done("push: the page", ", ".join(f"{name} {how}" for name, how in sorted(demo.browser.transports().items()) if how))
        demo.browser.shoot(shots, "push")

    for name in GOOD:
        demo.command("stage", name, "retired", "--why", "everybody uses push")
    time.sleep(1)
    answer = call(f"{demo.url}/api/dashboard", headers={"X-Forwarded-For": "10.9.9.9"})
    expect(answer.status == 200, f"a retired poll answers {answer.status}")
    done("retired: the polled URLs still answer", "; ".join(
        f"{name}: {answer.headers[name]}" for name in ("Deprecation", "Sunset") if answer.headers[name]))
    done("retired: what is shown is what the application answers", f"{demo.compare()} clients")

    demo.command("stage", "chat", "observe", "--why", "and back, at once")
    time.sleep(1.5)
    back = [client for client in demo.clients if client.feature == "chat"]
    expect(all(client.uses == "poll" for client in back), "a client of the chat still uses push")
    done("chat: back to observe, everybody polls within a second")
    done("what is shown is what the application answers", f"{demo.compare()} clients")
    say("ok")
    return 0


def missed_of(parity):
    """`missed` of the report's feature, wherever it stands in it."""
    if isinstance(parity, dict):
        if isinstance(parity.get("missed"), int):
            return parity["missed"]
        return next((count for value in parity.values() if (count := missed_of(value))), 0)
    if isinstance(parity, list):
        return next((count for value in parity if (count := missed_of(value))), 0)
    return 0


def main():
    parser = argparse.ArgumentParser(description="The desk, moved from polling to push feature by feature.")
    parser.add_argument("--doorbell", required=True, type=pathlib.Path, metavar="PATH", help="the doorbell command")
    parser.add_argument("--shots", type=pathlib.Path, metavar="FOLDER", help="keep screenshots of the page there")
    options = parser.parse_args()
    try:
        doorbell = program(options.doorbell)
    except Failed as failure:
        print(f"migrate: {failure}", file=sys.stderr)
        return 1
    signals = Signals()
    with signals.hold():
        demo = Migration(doorbell, signals)
    status = 1
    try:
        signals.deliver()
        status = migrate(demo, options.shots)
    except Stopped:
        print("\nmigrate: stopping …", flush=True)
    except Failed as failure:
        print(f"migrate: {failure}", file=sys.stderr)
        if failure.log:
            tail(failure.log)
    except (Wrong, Closed, OSError, KeyError, ValueError, RuntimeError) as error:
        print(f"FAIL  {type(error).__name__}: {error}", file=sys.stderr)
        tail(demo.folder / "serve.log")
    finally:
        signals.over = True
        demo.stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
