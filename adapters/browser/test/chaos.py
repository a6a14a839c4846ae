#!/usr/bin/python3
"""The adapter in a real Chromium, a real service behind it, and between the two a proxy that misbehaves.

    make test-chaos                                                          builds what is needed, then runs this
    /usr/bin/python3 adapters/browser/test/chaos.py --doorbell PATH [NAME …]  runs it, or what has NAME in its name
    … --cut SECONDS      how long the run lasts in which the connection is cut every 2 s (default 20, or DOORBELL_CUT_SECONDS)
    … --shots FOLDER     keeps a picture of the page after each step

Whatever the proxy does, the page has to show what the database has within one polling interval and a second, and never to poll more often
than the loop did. Standard library only; prints what was tried, ends with 0 or 1.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent.parent / "examples")]
sys.dont_write_bytecode = True

from check import Wrong, expect, tried  # noqa: E402
from client import call  # noqa: E402
from demo import Demo, Failed, Signals, Stopped, port, tail  # noqa: E402
from evil import Evil  # noqa: E402
from shot import Browser  # noqa: E402
from websocket import WebSocket  # noqa: E402

INTERVAL = 3  # seconds
BOUND = INTERVAL + 1
PATHS = {
    "notifications": "/api/notifications", "chat": "/api/rooms/1/messages", "dashboard": "/api/dashboard", "rooms": "/api/rooms",
}
MORE = """
  rooms:
    poll: GET /api/rooms
    mode: answer
    tables: [{ name: public.rooms, channel: rooms }]
    authorize: public
    stage: push
"""
PAGE = """<!doctype html><meta charset="utf-8"><title>Chaos</title>
<style>body { font: 15px system-ui; margin: 2em } td { padding: .2em 1em .2em 0; vertical-align: top } pre { white-space: pre-wrap; margin: 0 }</style>
<table></table>
<script type="module">
import { live } from '/chaos/served/client.js';
const asked = JSON.parse(decodeURIComponent(location.search.slice(1)) || '{}');
Object.assign(window, { states: {}, told: [], feeds: {}, log: [] });
const rows = { dashboard: {}, rooms: {}, notifications: {}, chat: { apply(body, { op, data }) {
    if (!data) return undefined;
    const others = body.messages.filter(row => row.id !== data.id);
    return { messages: [...others, data].sort((a, b) => a.id - b.id).slice(-40) };
} } };
for (const [name, url] of Object.entries(PATHS)) {
    feeds[name] = live(url, {
        interval: INTERVAL, background: false, ...rows[name], ...asked, onData(body) { states[name] = body; draw(); },
        onStatus(status) { log.push([Math.round(performance.now()), name, status.via, status.reason]); draw(); },
        ...(name === 'chat' && { onChange: change => told.push(change) }),
    });
}
function draw() {
    document.querySelector('table').replaceChildren(...Object.entries(feeds).map(([name, feed]) => {
        const row = document.createElement('tr');
        for (const text of [name, feed.status.via, feed.status.reason, JSON.stringify(states[name])?.slice(0, 300)]) {
            row.append(Object.assign(document.createElement('td'), { textContent: text }));
        }
        return row;
    }));
}
</script>
""".replace("PATHS", json.dumps(PATHS)).replace("INTERVAL", str(INTERVAL * 1000))


LIVE = f"Object.values(window.feeds ?? {{}}).filter(feed => feed.status.via === 'websocket').length === {len(PATHS)}"


def same(one, other):
    """Whether two states are the same. PostgreSQL ends a fraction of a second where Flask goes on with zeros."""
    def plain(value):
        return json.loads(re.sub(r"(T[0-9:]+\.\d*?)0+(?=[+-])", r"\1", json.dumps(value)))
    return plain(one) == plain(other)


CLASSIC = PAGE.replace("<script type=\"module\">\nimport { live } from '/chaos/served/client.js';", """<script src="/chaos/served/client.classic.js"></script>
<script>
const { live } = Doorbell;""")
REACT = """<!doctype html><meta charset="utf-8"><title>React</title><div id="root"></div>
<script src="/chaos/react.development.js"></script><script src="/chaos/react-dom.development.js"></script>
<script type="importmap">{ "imports": { "react": "/chaos/react-module" } }</script>
<script type="module">
import { useLive } from '/chaos/integrations/react.js';
import { liveSWR } from '/chaos/integrations/swr.js';
const { createElement, useState, StrictMode } = React;
// As much of SWR as a middleware sees (swr.vercel.app/docs/middleware).
function useSWRNext(key, fetcher, config) {
    const [data, setData] = useState();
    window.refreshInterval = config.refreshInterval;
    return { data, mutate: body => setData(body) };
}
const useSWR = liveSWR()(useSWRNext);
function Bell() {
    const { data, status } = useLive('/api/notifications', { interval: 3000 });
    return createElement('p', { id: 'bell' }, data ? `${data.open} by ${status.via}` : 'nothing yet');
}
function Rooms() {
    const { data } = useSWR('/api/rooms', undefined, { refreshInterval: 3000 });
    return createElement('p', { id: 'rooms' }, data ? data.rooms[0].name : 'nothing yet');
}
function Page() {
    const [isShown, show] = useState(true);
    window.show = show;
    return isShown ? createElement('div', null, createElement(Bell), createElement(Rooms)) : null;
}
ReactDOM.createRoot(document.querySelector('#root')).render(createElement(StrictMode, null, createElement(Page)));
</script>
"""
REACT_MODULE = "export const { useCallback, useEffect, useRef, useSyncExternalStore } = window.React;"


class Chaos(Demo):
    """PostgreSQL, the desk, Doorbell, the proxy and a browser."""

    def start_doorbell(self, commentary):
        number, admin = port(0), port(0)
        self.url, self.admin = f"http://127.0.0.1:{number}", f"http://127.0.0.1:{admin}"
        self.env = {
            "DATABASE_URL": self.database, "UPSTREAM": self.upstream, "LISTEN": f"127.0.0.1:{number}", "ADMIN": f"127.0.0.1:{admin}",
        }
        self.process = None
        self.serve(25)
        self.evil = Evil(("127.0.0.1", number), {
            "page": ("text/html", PAGE), "classic": ("text/html", CLASSIC), "react": ("text/html", REACT), "react-module": ("text/javascript", REACT_MODULE)})
        self.browser = Browser()

    def serve(self, heartbeat):
        """The service anew. `heartbeat`: seconds."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.children = [child for child in self.children if child[1] is not self.process]
        config = self.folder / "doorbell.yaml"
        text = (HERE.parent.parent.parent / "examples/desk/doorbell.yaml").read_text()
        text = text.replace("{ count: 200, age: 10m }", "{ count: 20000, age: 10m }")
        # For `retired`: notifications is the first feature.
        text = text.replace("    stage: push\n", "    stage: push\n    retirement: { sunset: 2020-01-01, gone: true }\n", 1)
        config.write_text(f"limits: {{ heartbeat: {heartbeat}s }}\n{text.rstrip()}\n{MORE}")
        self.run("install", [self.doorbell, "install", "--config", config], env=self.env)
        self.process = self.spawn("serve", [self.doorbell, "serve", "--config", config], signal.SIGTERM, env=self.env)
        self.until("Doorbell", lambda: call(f"{self.url}/_doorbell/health/ready").status == 200)

    def stop(self):
        for part in ("browser", "evil"):
            if hasattr(self, part):
                getattr(self, part).close()
        return super().stop()

    # --- What the steps are made of

    def open(self, page="page", **options):
        """The page, anew; until it has shown everything."""
        self.evil.log.clear()
        self.browser.command("Page.navigate", url=f"{self.evil.url}/chaos/{page}?{json.dumps(options)}")
        self.wait("the page to show something", lambda: self.value(f"Object.keys(window.states ?? {{}}).length === {len(PATHS)}"), 20)

    def value(self, expression, browser=None):
        return (browser or self.browser).value(expression)

    def wait(self, what, is_so, seconds, browser=None):
        end = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() >= end:
                raise Wrong(f"{what}: not within {seconds} s; {self.story(browser)}")
            time.sleep(0.05)

    def story(self, browser=None):
        """What a person needs to see why the page does not show what it should."""
        states = json.loads(self.value("JSON.stringify(window.states ?? {})", browser))
        wrong = [name for name, path in PATHS.items() if not same(states.get(name), call(self.upstream + path).json)]
        since = time.monotonic() - 6
        asked = {name: [f"{at - since:.1f} {kind}" for at, kind, each in list(self.evil.log) if at >= since and each.split("?")[0] == PATHS[name]]
                 for name in wrong}
        log = self.value("JSON.stringify([Math.round(performance.now()), window.log?.slice(-12)])", browser)
        stats = self.value("JSON.stringify(Object.entries(feeds).map(([name, feed]) => [name, feed.status, feed.stats]))", browser)
        return f"wrong: {asked}; {log} {stats}"

    def via(self, kind, seconds, names=PATHS):
        for name in names:
            self.wait(f"{name} by {kind}", lambda: self.value(f"feeds.{name}.status.via") == kind, seconds)

    def change(self, number):
        """Something of everything, in the database itself."""
        self.psql(
            f"insert into notifications (body) values ('n{number}'); insert into messages (room_id, author, body) values (1, 'Chaos', 'm{number}');"
            f" insert into orders (customer, amount) values ('Ines', {number % 90 + 1}); update rooms set name = 'Counter {number}' where id = 1;"
            f" update messages set body = body || '!' where id = (select max(id) - 1 from messages where room_id = 1)")

    def shown(self, browser=None):
        """Whether the page shows what the database has."""
        states = json.loads(self.value("JSON.stringify(states)", browser))
        return all(same(states.get(name), call(self.upstream + path).json) for name, path in PATHS.items())

    def follows(self, rounds=3, pause=0.4):
        """Changes, and how long the page takes to show each; the worst in s."""
        worst = 0
        for _ in range(rounds):
            self.number = getattr(self, "number", 0) + 1
            self.change(self.number)
            began = time.monotonic()
            self.wait("the page to show the change", self.shown, BOUND)
            worst = max(worst, time.monotonic() - began)
            time.sleep(pause)
        return worst

    def stream(self, count, word):
        """20 rows a second, each in a transaction of its own."""
        self.psql(
            f"do $$ begin for i in 1..{count} loop insert into messages (room_id, author, body) values (1, 'Cut', '{word}' || i); commit;"
            f" perform pg_sleep(greatest(0, extract(epoch from ({began_at()} + i * interval '50 ms') - clock_timestamp()))); end loop; end $$",
            timeout=count / 20 + 60)

    def quiet(self, kinds=("poll", "held")):
        """Nothing changes: how often each path is asked for in two intervals."""
        time.sleep(0.6)
        since = time.monotonic()
        time.sleep(2 * INTERVAL)
        return max(self.evil.asked(path, since, kinds) for path in PATHS.values())

    def silent(self):
        polls = self.quiet()
        expect(polls == 0, f"it is pushed to, and polls: {polls} times in {2 * INTERVAL} s")

    def polls_once(self):
        polls = self.quiet()
        expect(2 <= polls <= 3, f"{polls} polls in two intervals")


# --- Each transport


def websocket(chaos):
    """websocket: the example's features, pushed; no poll beside it"""
    chaos.open()
    chaos.via("websocket", 5)
    worst = chaos.follows(5)
    chaos.silent()
    return f"shown after at most {worst * 1000:.0f} ms"


def long_poll(chaos):
    """long-poll: where a proxy answers upgrades and event streams with 502"""
    chaos.evil.refuses = {"socket", "events"}
    chaos.open()
    chaos.via("long-poll", 35, ("notifications", "chat", "dashboard"))
    worst = chaos.follows(4, pause=1.2)
    polls = chaos.quiet(("poll",))
    expect(polls <= 1, f"{polls} plain polls beside held ones")
    return f"shown after at most {worst * 1000:.0f} ms"


def poll(chaos):
    """poll: exactly the loop that it was"""
    chaos.open(transport="poll")
    worst = chaos.follows(3)
    chaos.polls_once()
    return f"shown after at most {worst:.1f} s"


def events(chaos):
    """events: where a proxy refuses upgrades (a)"""
    chaos.evil.refuses = {"socket"}
    chaos.open()
    chaos.via("events", 25)
    worst = chaos.follows(5)
    chaos.silent()
    return f"shown after at most {worst * 1000:.0f} ms"


# --- What proxies do


def refused(chaos):
    """a proxy that refuses upgrades (a): the page polls until events work"""
    chaos.evil.refuses = {"socket"}
    chaos.open()
    began = time.monotonic()
    worst = chaos.follows(3)
    while time.monotonic() - began < 9:
        time.sleep(0.1)
    expect(all(chaos.evil.asked(path, began) <= 5 for path in PATHS.values()), "it polls more often than the loop did")
    return f"shown after at most {worst:.1f} s"


def buffered(chaos):
    """a proxy that keeps event streams back (b) and refuses upgrades"""
    chaos.evil.refuses, chaos.evil.buffers_events = {"socket"}, True
    chaos.open()
    chaos.wait("an event stream", lambda: any(kind == "events" for _, kind, _ in chaos.evil.log), 20)
    worst = chaos.follows(3)
    chaos.via("long-poll", 30, ("notifications", "chat", "dashboard"))
    worst = max(worst, chaos.follows(3, pause=1.2))
    return f"shown after at most {worst:.1f} s"


def dropped(chaos):
    """a proxy that cuts connections after 2 s (c)"""
    chaos.evil.cut_after = 2
    chaos.open()
    began = time.monotonic()
    worst = chaos.follows(12, pause=0.7)
    took = time.monotonic() - began
    polls = max(chaos.evil.asked(PATHS[name], began) for name in ("rooms", "notifications"))
    chaos.evil.calm()
    time.sleep(2.2)  # the last of those that are cut
    chaos.via("websocket", 40)
    chaos.silent()
    return f"shown after at most {worst:.1f} s; {polls} polls in {took:.0f} s"


def stalled(chaos):
    """a proxy on whose connections nothing passes any more (d)"""
    chaos.open()
    chaos.via("websocket", 5)
    worst = 0
    for _ in range(3):
        time.sleep(1.3)
        chaos.evil.stall()
        worst = max(worst, chaos.follows(1))
        chaos.polls_once()
        for name in PATHS:
            expect(chaos.value(f"feeds.{name}.status.via") == "poll", f"{name} is said to be pushed")
        chaos.open()
        chaos.via("websocket", 5)
    return f"shown after at most {worst:.1f} s, with heartbeats of 25 s"


def stalled_events(chaos):
    """the same with event streams, which beat once a second here"""
    chaos.evil.refuses = {"socket"}
    chaos.open()
    chaos.via("events", 25)
    chaos.evil.stall()
    worst = chaos.follows(1)
    chaos.via("events", 20)
    worst = max(worst, chaos.follows(2))
    chaos.silent()
    return f"shown after at most {worst:.1f} s"


def gateway(chaos):
    """a proxy that answers 502 to everything (e)"""
    chaos.open()
    chaos.via("websocket", 5)
    chaos.evil.bad_gateway = True
    for each in list(chaos.evil.connections):
        chaos.evil.loop.call_soon_threadsafe(each.abort)
    since = time.monotonic()
    chaos.change(1000)
    time.sleep(2 * INTERVAL + 1)
    asked = max(chaos.evil.asked(path, since) for path in PATHS.values())
    expect(asked <= 3, f"{asked} polls in {2 * INTERVAL + 1} s")
    chaos.evil.calm()
    began = time.monotonic()
    chaos.wait("the page to recover", chaos.shown, BOUND)
    took = time.monotonic() - began
    chaos.via("websocket", 30)
    chaos.silent()
    return f"right again {took:.1f} s after the proxy was"


def restarted(chaos):
    """the service is restarted: nothing is missed, and the page comes back"""
    chaos.open()
    chaos.via("websocket", 5)
    told = chaos.value("told.length")
    chaos.serve(25)
    worst = chaos.follows(2)
    chaos.via("websocket", 40)
    chaos.wait("what was missed", lambda: chaos.value("told.length") >= told + 4, 5)
    positions = json.loads(chaos.value("JSON.stringify(told.map(change => change.position))"))
    expect(len(set(positions)) == len(positions), "a change was told twice")
    return f"shown after at most {worst:.1f} s"


def moved(chaos):
    """the rollout moves the page to polling and back, and it obeys at once"""
    chaos.open()
    chaos.via("websocket", 5)
    def stage(name):
        chaos.run("stage", [chaos.doorbell, "stage", "chat", name, "--config", chaos.folder / "doorbell.yaml"], env=chaos.env)
    stage("observe")
    chaos.via("poll", 3, ("chat",))
    chaos.via("websocket", 1, ("notifications",))
    worst = chaos.follows(2)
    stage("push")
    chaos.via("websocket", BOUND, ("chat",))
    chaos.follows(2)
    positions = json.loads(chaos.value("JSON.stringify(told.map(change => change.position))"))
    expect(len(set(positions)) == len(positions) and len(positions) >= 8, f"{len(positions)} changes were told, {len(set(positions))} of them new")
    return f"shown after at most {worst:.1f} s; {len(positions)} changes told, each once"


def retired(chaos):
    """polls of a feature are refused for good: the page goes on by push, also one that begins then"""
    def stage(name):
        command = [chaos.doorbell, "stage", "notifications", name, "--why", "chaos", "--config", chaos.folder / "doorbell.yaml"]
        chaos.run("stage", command, env=chaos.env)
    chaos.open()
    chaos.via("websocket", 5)
    stage("retired")
    try:
        chaos.wait("polls to be refused", lambda: call(chaos.url + PATHS["notifications"]).status == 410, 5)
        worst = chaos.follows(3)
        chaos.open()
        chaos.via("websocket", BOUND)
        worst = max(worst, chaos.follows(3))
    finally:
        stage("push")
    return f"shown after at most {worst:.1f} s"


def tabs(chaos):
    """three tabs, one connection; when the one that has it is closed, another one connects"""
    chaos.open(tabs="ada")
    chaos.via("websocket", 8)
    others = [Tab(chaos, tabs="ada"), Tab(chaos, tabs="ada")]
    everything = [chaos.browser, *others]
    try:
        for browser in others:
            chaos.wait("the other tab by websocket", lambda: browser.value(LIVE), 10, browser)
        sockets = sum(kind == "socket" for _, kind, _ in chaos.evil.log)
        expect(sockets == 1, f"{sockets} WebSockets for three tabs")
        chaos.number = getattr(chaos, "number", 0) + 1
        chaos.change(chaos.number)
        for browser in everything:
            chaos.wait("each tab to show the change", lambda: chaos.shown(browser), BOUND, browser)
        chaos.browser.command("Page.navigate", url="about:blank")  # the tab that connects is gone
        # Until they are told, the others believe what they had.
        chaos.wait("another tab to connect", lambda: sum(kind == "socket" for _, kind, _ in chaos.evil.log) > 1, 10)
        for browser in others:
            chaos.wait("the other tabs by websocket", lambda: browser.value("feeds.chat.status.via") == "websocket", 10, browser)
        sockets = sum(kind == "socket" for _, kind, _ in chaos.evil.log)
        expect(sockets == 2, f"{sockets} WebSockets after the first tab was closed")
        chaos.change(chaos.number + 1)
        for browser in others:
            chaos.wait("the other tabs to show the change", lambda: chaos.shown(browser), BOUND, browser)
        told = [browser.value("JSON.stringify(told.map(change => change.position))") for browser in others]
        expect(told[0] == told[1] and len(set(json.loads(told[0]))) == len(json.loads(told[0])), f"{told}")
        errors = [error for browser in everything for error in browser.errors]
        expect(not errors, f"{errors}")
        return f"{sockets} WebSockets in all"
    finally:
        for browser in others:
            browser.close()


def classic(chaos):
    """the classic script, which finds what it loads when it is needed"""
    chaos.open("classic", tabs="classic")
    chaos.via("websocket", 8)
    asked = [path for _, _, path in chaos.evil.log if path.endswith(".js")]
    expect(asked == ["/chaos/served/client.classic.js", "/chaos/served/more.js"], f"{asked}")
    return f"shown after at most {chaos.follows(1) * 1000:.0f} ms"


def react(chaos):
    """the hooks for React and SWR, with the real React: components show what is pushed, and leave nothing behind"""
    if not os.path.exists("/usr/share/nodejs/react/umd/react.development.js"):
        return "skipped: React is not installed"
    def text(name):
        return chaos.value(f"document.querySelector('#{name}')?.textContent")
    def opened():
        return sum(kind == "socket" for _, kind, _ in chaos.evil.log), len([each for each in chaos.evil.connections if each.kind == "socket"])
    chaos.evil.log.clear()
    chaos.browser.command("Page.navigate", url=f"{chaos.evil.url}/chaos/react")
    def count():
        return call(f"{chaos.upstream}/api/notifications").json["open"]
    chaos.wait("the component to be pushed", lambda: text("bell") == f"{count()} by websocket", 10)
    chaos.change(2000)
    chaos.wait("the component to show a change", lambda: text("bell") == f"{count()} by websocket", BOUND)
    chaos.wait("SWR to show a change", lambda: text("rooms") == "Counter 2000", BOUND)
    expect(chaos.value("refreshInterval") == 0, "SWR polls too")
    chaos.value("show(false)")
    chaos.wait("the connection to end with the components", lambda: opened()[1] == 0, 5)
    since = time.monotonic()
    time.sleep(INTERVAL + 1)
    expect(chaos.evil.asked("/api/rooms", since) + chaos.evil.asked("/api/notifications", since) == 0, "it polls after it is gone")
    chaos.value("show(true)")
    chaos.wait("the components to come back", lambda: text("bell") == f"{count()} by websocket", 10)
    return f"{opened()[0]} connections in all"


def cut(chaos):
    """20 messages a second, the connection cut every 2 s: each arrives, once, in order"""
    chaos.evil.cut_after = 2
    chaos.open()
    chaos.via("websocket", 10)
    # Minutes of what passes over the network, told by the browser and read by nobody until the end, would be in the way then.
    chaos.browser.command("Network.disable")
    first = int(chaos.psql("select coalesce(max(id), 0) from messages")) + 1
    count = int(chaos.seconds * 20)
    began = time.monotonic()
    chaos.stream(count, "m")
    took = time.monotonic() - began
    def arrived():
        return chaos.value(f"told.filter(change => change.op === 'insert' && change.data.id >= {first}).length")
    chaos.wait(f"{count} messages", lambda: arrived() >= count, 60)
    came = json.loads(chaos.value(
        f"JSON.stringify(told.filter(change => change.op === 'insert' && change.data.id >= {first}).map(each => [each.data.id, each.position]))"))
    ids = [each for each, _ in came]
    breaks = [came[index - 2:index + 3] for index in range(1, len(came)) if ids[index] != ids[index - 1] + 1]
    expect(len(set(ids)) == len(ids) == count, f"{len(ids)} came of {count}, {len(set(ids))} of them new")
    expect(ids[0] == first and not breaks, f"not in order: {ids[0]}, {first}, {breaks[:3]}")
    chaos.wait("the page to show the end", chaos.shown, BOUND)
    chaos.browser.command("Network.enable")
    sockets = sum(kind == "socket" for _, kind, _ in chaos.evil.log)
    return f"{count} of {count} in {took:.0f} s, over {sockets} connections"


NODE = """
import { live } from 'ADAPTER/doorbell.js';
const feed = live(process.argv[1] + '/api/rooms/1/messages', {
    interval: 3000, onStatus: ({ via }) => console.log('via', via),
    onChange({ op, data }) { console.log(op, data.body); feed.close(); },
});
""".replace("ADAPTER", HERE.parent.as_uri())


def node(chaos):
    """Node: the same module, without a WebSocket there by event streams; it leaves nothing behind that keeps the program running"""
    process = subprocess.Popen(["node", "--input-type=module", "-e", NODE, chaos.url], stdout=subprocess.PIPE, text=True)
    try:
        lines = []
        while "via events" not in lines and "via websocket" not in lines:
            lines.append(process.stdout.readline().strip())
            expect(lines[-1], f"it ended: {lines}")
        chaos.psql("insert into messages (room_id, author, body) values (1, 'Chaos', 'for Node')")
        rest = process.communicate(timeout=10)[0].split("\n")
        expect("insert for Node" in rest and process.returncode == 0, f"{lines} {rest} {process.returncode}")
        return lines[-1]
    finally:
        process.kill()


PYTHON = """
import asyncio, sys
from doorbell_client import live, Rows
async def main(url, count):
    done, rows = asyncio.Event(), []
    def changed(change):
        if change["op"] == "insert":
            rows.append(change["data"]["body"])
        if len(rows) == count:
            done.set()
    feed = live(url + "/api/rooms/1/messages", interval=3.0, on_change=changed, on_status=lambda status: print(status.transport, flush=True))
    await asyncio.wait_for(done.wait(), count / 20 + 60)
    await asyncio.sleep(0.5)
    print("|".join(rows))
    await feed.client.close()
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def python(chaos):
    """the Python client, its connection cut every 2 s: each of 20 messages a second arrives, once, in order"""
    chaos.evil.cut_after = 2
    count = 200
    process = subprocess.Popen(
        ["/usr/bin/python3", "-c", PYTHON, chaos.evil.url, str(count)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent.parent / "python"), "PYTHONDONTWRITEBYTECODE": "1"})
    try:
        while (line := process.stdout.readline().strip()) != "push":
            expect(line, "it ended")
        chaos.stream(count, "p")
        out = process.communicate(timeout=90)[0].strip().split("\n")
        expect(process.returncode == 0, f"it failed: {out[-3:]}")
        came = next((line.split("|") for line in out if "|" in line), [])
        expect(came == [f"p{number}" for number in range(1, count + 1)], f"{len(came)} came, {len(set(came))} of them new")
        return f"{count} of {count}, {out.count('push') + 1} times pushed"
    finally:
        process.kill()


def began_at():
    return f"timestamptz 'epoch' + interval '{time.time()} s'"


class Tab(Browser):
    """One more tab of the same Chromium."""

    def __init__(self, chaos, **options):
        first = chaos.browser
        self.process, self.last, self.requests, self.errors = first.process, 0, [], []
        number = (first.profile / "DevToolsActivePort").read_text().split("\n")[0]
        page = f"{chaos.evil.url}/chaos/page?{json.dumps(options)}"
        self.target = first.command("Target.createTarget", url=page)["targetId"]
        self.first = first
        self.socket = WebSocket(f"ws://127.0.0.1:{number}/devtools/page/{self.target}")
        for domain in ("Page", "Runtime"):
            self.command(f"{domain}.enable")

    def close(self):
        self.socket.close()
        self.first.command("Target.closeTarget", targetId=self.target)


# Those after `None` with a heartbeat of 1 s.
STEPS = [websocket, poll, long_poll, refused, dropped, stalled, gateway, moved, retired, restarted, tabs, classic, react, cut, node, python, None, events, buffered, stalled_events]


def check(chaos, names, shots):
    failures = 0
    for step in STEPS:
        if step is None:
            chaos.serve(1)
            continue
        if names and not any(name in step.__name__ for name in names):
            continue
        chaos.evil.calm()
        failures += not tried(step.__doc__, lambda: step(chaos))
        if chaos.browser.errors:
            print(f"FAIL  the page has failed: {chaos.browser.errors.pop()}")
            failures += 1
        if shots:
            shots.mkdir(parents=True, exist_ok=True)
            chaos.browser.screenshot(shots / f"{step.__name__}.png")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description="The browser adapter behind a proxy that misbehaves.")
    parser.add_argument("--doorbell", required=True, type=pathlib.Path, metavar="PATH", help="the doorbell command")
    parser.add_argument("--cut", type=float, metavar="SECONDS", default=float(os.environ.get("DOORBELL_CUT_SECONDS", "20")))
    parser.add_argument("--shots", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a part of a step's name")
    options = parser.parse_args()
    signals = Signals()
    status = 1
    with signals.hold():
        chaos = Chaos(options.doorbell.resolve(), signals)
        chaos.seconds = options.cut
        try:
            signals.held = False
            signals.deliver()
            chaos.start(lambda _: None)
            status = check(chaos, options.names, options.shots)
        except Stopped:
            print("chaos: stopped")
        except (Failed, Wrong, RuntimeError) as failure:
            print(f"chaos: {failure}", file=sys.stderr)
            if getattr(failure, "log", None):
                tail(failure.log)
        finally:
            signals.over = True
            chaos.stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
