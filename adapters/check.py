#!/usr/bin/python3
"""The configurations in nginx, haproxy and caddy, tried with the real programs in front of a real Doorbell and a legacy API.

    make test-adapters                                          builds what is needed, then runs this
    /usr/bin/python3 adapters/check.py --doorbell PATH [NAME …]  runs it, for all or for those named

Prints what was tried, ends with 0 or 1. Everything is on loopback, on free ports, in a temporary folder that is removed. The programs
are run by their own files, so services that the system has started from its packages do not matter. Standard library only.
"""

import argparse
import base64
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "examples"))
sys.dont_write_bytecode = True

from check import Wrong, expect, tried  # noqa: E402
from client import call  # noqa: E402
from demo import Demo, Failed, Signals, Stopped, port, tail  # noqa: E402
from websocket import GUID, WebSocket  # noqa: E402

POLLED = "/api/notifications"
CLIENT = "127.0.0.9"  # where clients connect from, to be told from the proxies
SILENCE = 90  # seconds that a proxy's configuration allows; three here
FEATURES = """
accessLog: access.log
limits: { heartbeat: 1s }
features:
  notifications:
    poll: GET /api/notifications
    tables: [{ name: public.notifications, channel: notifications }]
    message: notification
    stage: push
"""


class Legacy(http.server.ThreadingHTTPServer):
    """A legacy API that notes what it is asked. It has a WebSocket of its own at /chat, and breaks off at /broken."""

    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.server.requests.append((self.command, self.path, self.headers, body))
            if self.path == "/chat":
                return self.chat()
            if self.path == "/broken":
                self.close_connection = True
                return
            content = json.dumps({"path": self.path, "content": self.server.content}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

        def chat(self):
            """101, then every byte back."""
            key = self.headers.get("Sec-WebSocket-Key", "")
            accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
            self.wfile.write(
                ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
            self.close_connection = True
            while part := self.connection.recv(4096):
                self.connection.sendall(part)

        def log_message(self, *_):
            pass

    def __init__(self):
        self.requests = []
        self.content = None
        super().__init__(("127.0.0.1", 0), Legacy.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """A client that is gone is none."""

    @property
    def last(self):
        """The headers of the last request."""
        return self.requests[-1][2]


class Side(Demo):
    """PostgreSQL, the legacy API, Doorbell, and one proxy in front of both at a time."""

    def start_desk(self):
        self.legacy = Legacy()
        self.upstream = f"http://127.0.0.1:{self.legacy.server_port}"

    def start_doorbell(self, commentary):
        number, admin = port(0), port(0)
        self.address, self.admin = f"127.0.0.1:{number}", f"http://127.0.0.1:{admin}"
        self.config = self.folder / "doorbell.yaml"
        self.config.write_text(
            f"database: {self.database}\nlisten: {self.address}\nadmin: 127.0.0.1:{admin}\nupstream: {self.upstream}\n"
            + FEATURES)
        self.run("install", [self.doorbell, "install", "--config", self.config])
        self.serve()

    def serve(self):
        self.process = self.spawn("serve", [self.doorbell, "serve", "--config", self.config], signal.SIGTERM)
        self.until(
            "Doorbell", lambda: call(f"http://{self.address}/_doorbell/health/ready").status == 200)

    def crash(self):
        self.process.kill()
        self.process.wait()
        self.children = [child for child in self.children if child[1] is not self.process]

    @contextlib.contextmanager
    def behind(self, proxy, changes=None):
        """`proxy` runs with the file as it is, but for `changes`, for addresses and for the silence that it allows."""
        number = port(0)
        self.public = f"127.0.0.1:{number}"
        folder = self.folder / f"{proxy.name}-{number}"
        folder.mkdir()
        text = (HERE / proxy.file).read_text()
        for old, new in (changes or {}).items():
            expect(old in text, f"{proxy.file} has no '{old}'")
            text = text.replace(old, new)
        for old, new in {
            "127.0.0.1:8080": self.address, "127.0.0.1:3000": self.upstream.removeprefix("http://"),
            f"{SILENCE}s": "3s", **{given: made.format(public=self.public, port=number) for given, made in proxy.listens.items()},
        }.items():
            expect(old in text or (old == f"{SILENCE}s" and not proxy.has_silence), f"{proxy.file} has no '{old}'")
            text = text.replace(old, new)
        process = self.spawn(proxy.name, proxy.prepare(folder, text), signal.SIGTERM)
        try:
            self.until(proxy.name, lambda: call(f"http://{self.public}/up").status == 200)
            yield
        finally:
            self.children = [child for child in self.children if child[1] is not process]
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    # --- Asking through the proxy

    def ask(self, path, method="GET", headers=None, body=None, timeout=10):
        """One request on a connection of its own. Returns the answer and the seconds that it took."""
        began = time.monotonic()
        connection = http.client.HTTPConnection(self.public, timeout=timeout, source_address=(CLIENT, 0))
        try:
            connection.request(method, path, body, {"Host": "shop.test", **(headers or {})})
            answer = connection.getresponse()
            answer.content = answer.read()
            return answer, time.monotonic() - began
        finally:
            connection.close()

    def connections(self, transport):
        text = call(f"{self.admin}/metrics").body.decode()
        found = re.search(rf'^doorbell_connections{{transport="{transport}"}} (\S+)', text, re.M)
        return float(found[1]) if found else 0


# --- The programs

class Proxy:
    """A program and its file. `listens`: where it listens in the file, and here. `cached`: what the file says to change with a cache."""

    def __init__(self, name, file, listens, prepare, cached, has_silence=True):
        self.name, self.file, self.listens, self.prepare, self.cached = name, file, listens, prepare, cached
        self.has_silence = has_silence


def nginx(folder, text):
    (folder / "site.conf").write_text(text)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log stderr warn;\nworker_processes 1;\n"
        + ("user root;\n" if os.geteuid() == 0 else "") + "events { }\n"
        f"http {{\naccess_log off;\n{temporary}include {folder}/site.conf;\n}}\n")
    return ["/usr/sbin/nginx", "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]


def haproxy(folder, text):
    (folder / "haproxy.cfg").write_text(text)
    return ["/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"]


def caddy(folder, text):
    (folder / "Caddyfile").write_text(
        f"{{\n\tadmin off\n\n\tauto_https off\n\tgrace_period 1s\n"
        f"\tstorage file_system {folder}\n}}\n{text}")
    return ["/usr/bin/caddy", "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]


PROXIES = [
    Proxy(
        "nginx", "nginx/doorbell.conf", {"listen 80;": "listen {public};"}, nginx,
        {"proxy_pass http://legacy;": "proxy_pass http://doorbell_or_legacy;"}),
    # Two descriptors a connection, and who runs a test may not have so many.
    Proxy(
        "haproxy", "haproxy/haproxy.cfg", {"bind :80": "bind {public}", "maxconn 20000": "maxconn 500"}, haproxy,
        {"default_backend legacy": "default_backend doorbell_or_legacy_once"}),
    # Caddy ends no connection for its silence.
    Proxy(
        "caddy", "caddy/Caddyfile", {":80 {": "http://:{port} {{\n\tbind 127.0.0.1"}, caddy,
        {"\thandle {\n\t\treverse_proxy 127.0.0.1:3000\n": "\thandle {\n\t\treverse_proxy 127.0.0.1:8080 127.0.0.1:3000 {\n"
         "\t\t\tlb_policy first\n\t\t\tlb_try_duration 2s\n\t\t\tlb_try_interval 10ms\n\t\t\tfail_duration 1s\n\t\t}\n"},
        has_silence=False),
]


# --- What is tried

def polled_path(side, proxy):
    """a polled path goes through Doorbell, everything else past it"""
    poll, _ = side.ask(POLLED)
    expect(poll.status == 200 and poll.headers["Doorbell-Feature"] == "notifications", f"{poll.status} {poll.headers}")
    expect(poll.headers["Doorbell-Transport"] == "push", "it is not told to use push")
    expect("Doorbell" not in str(side.legacy.last) and side.legacy.last["Forwarded"], "it did not pass Doorbell")
    for path in ("/", "/api/other?x=%20", POLLED + "/7", "/_doorbells"):
        other, _ = side.ask(path)
        expect(other.status == 200 and json.loads(other.content)["path"] == path, f"{path}: {other.content}")
        expect(other.headers["Doorbell-Feature"] is None, f"{path} has Doorbell-Feature")
        expect(side.legacy.last["Forwarded"] is None, f"{path} passed Doorbell")
    head, _ = side.ask(POLLED, "HEAD")
    expect(head.headers["Doorbell-Feature"] == "notifications", "HEAD does not pass Doorbell")


def own_paths(side, proxy):
    """/_doorbell/* goes to Doorbell only"""
    seen = len(side.legacy.requests)
    live, _ = side.ask("/_doorbell/health/live")
    none, _ = side.ask("/_doorbell/none")
    expect(live.status == 200 and none.status == 404, f"{live.status} {none.status}")
    expect(none.headers["Content-Type"] == "application/problem+json", "404 is not Doorbell's")
    expect(len(side.legacy.requests) == seen, "the legacy API was asked")


def writes(side, proxy):
    """a write is sent once, past Doorbell, also when the legacy API breaks off"""
    for method in ("POST", "PUT", "DELETE"):
        answer, _ = side.ask(POLLED, method, body=b"written")
        expect(answer.status == 200 and side.legacy.requests[-1][3] == b"written", f"{method}: {answer.status}")
        expect(side.legacy.last["Forwarded"] is None, f"{method} passed Doorbell")
        seen = len(side.legacy.requests)
        broken, _ = side.ask("/broken", method, body=b"once")
        expect(broken.status == 502, f"{method}: {broken.status}")
        expect(len(side.legacy.requests) == seen + 1, f"{method} was sent {len(side.legacy.requests) - seen} times")


def addresses(side, proxy):
    """the client's address is passed on, and what a client says about itself is not"""
    lies = {
        "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "gopher", "X-Forwarded-Host": "evil.test",
        "Forwarded": "for=6.6.6.6",
    }
    side.ask(POLLED, headers=lies)
    through = side.legacy.last
    expect(through["X-Forwarded-For"].split(", ") == [CLIENT, "127.0.0.1"], through["X-Forwarded-For"])
    expect(through["Forwarded"] == "for=127.0.0.1;host=shop.test;proto=http", through["Forwarded"])
    log = side.folder / "access.log"
    line = re.compile(rf'^{CLIENT} - - \[[^]]+\] "GET {POLLED} HTTP/1.[01]" 200 \d+ "-" "-"$', re.M)
    side.until("a line in the access log", lambda: log.exists() and line.search(log.read_text()))
    side.ask("/other", headers=lies)
    past = side.legacy.last
    expect(past["X-Forwarded-For"] == CLIENT and past["Forwarded"] is None, f"{past}")
    for headers in (through, past):
        expect(headers["Host"] == "shop.test" and headers["X-Forwarded-Proto"] == "http", f"{headers}")
        expect(headers["X-Forwarded-Host"] == "shop.test", f"{headers['X-Forwarded-Host']}")


def sockets(side, proxy):
    """a WebSocket stays open past the silence that the proxy allows, because Doorbell's heartbeat is more frequent"""
    for path in ("/_doorbell/ws", POLLED):
        socket = WebSocket(f"http://{side.public}{path}", protocols=["doorbell.v1"])
        try:
            expect(socket.receive()["type"] == "welcome", "no welcome")
            if path != POLLED:
                socket.send({"type": "subscribe", "channel": "notifications"})
            expect(socket.receive()["type"] == "subscribed", "not subscribed")
            # Meanwhile receive() answers pings.
            later = threading.Timer(5, side.psql, ["insert into notifications (body) values ('still there')"])
            later.start()
            began = time.monotonic()
            message = socket.receive()
            took = time.monotonic() - began
            expect(message["data"]["body"] == "still there" and took > 4.5, f"{message} after {took:.1f} s")
            later.join()
        finally:
            socket.close()


def silence(side, proxy):
    """the silence that it allows is the one in the file, and that is longer than heartbeat, held poll and legacy API need"""
    if not proxy.has_silence:
        return "none: it ends no connection for that"
    expect(SILENCE > 60 and SILENCE > 2 * 25, "it is too short")
    with contextlib.closing(raw(side, "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")) as chat:
        expect(chat.recv(4096).startswith(b"HTTP/1.1 101"), "no 101")
        chat.sendall(b"echo")
        expect(chat.recv(4096) == b"echo", "the legacy API's own WebSocket has no echo")
        began = time.monotonic()
        expect(chat.recv(4096) == b"", "more bytes")
        took = time.monotonic() - began
        expect(2 < took < 7, f"closed after {took:.1f} s")
    return f"closed after {took:.1f} s for 3"


def raw(side, text):
    connection = socket.create_connection(tuple(side.public.split(":")), timeout=10)
    connection.sendall(text.encode())
    return connection


def events(side, proxy):
    """server-sent events are not held back, and a client that is gone is gone for Doorbell"""
    waits = []
    for path in (POLLED, "/_doorbell/sse?channel=notifications"):
        stream = raw(side, f"GET {path} HTTP/1.1\r\nHost: {side.public}\r\nAccept: text/event-stream\r\n\r\n")
        try:
            received = b""
            while b"event: subscribed" not in received and b'"subscribed"' not in received:
                part = stream.recv(4096)
                expect(part, f"it ended: {received[-300:]!r}")
                received += part
            for number in range(3):
                side.psql(f"insert into notifications (body) values ('event {number}')")
                committed = time.monotonic()
                while f"event {number}".encode() not in received:
                    part = stream.recv(4096)
                    expect(part, "it ended")
                    received += part
                waits.append(time.monotonic() - committed)
        finally:
            stream.close()
    expect(max(waits) < 1, f"an event took {max(waits):.1f} s")
    side.until("the end of the streams", lambda: side.connections("sse") == 0)
    return f"at most {max(waits) * 1000:.0f} ms after the commit was known"


def held(side, proxy):
    """a held poll is answered as soon as something changes"""
    poll, _ = side.ask(POLLED)
    def change():
        side.legacy.content = "changed"
        side.psql("insert into notifications (body) values ('changed')")
    threading.Timer(1, change).start()
    headers = {"If-None-Match": poll.headers["ETag"], "Prefer": "wait=10"}
    changed, took = side.ask(POLLED, headers=headers)
    side.legacy.content = None
    expect(changed.status == 200 and 0.9 < took < 3, f"{changed.status} after {took:.1f} s")
    expect(json.loads(changed.content)["content"] == "changed", f"{changed.content}")


def fallback(side, proxy):
    """when Doorbell is killed, polls are answered by the legacy API at once, and by Doorbell when it is there again"""
    poll, _ = side.ask(POLLED)
    waiting = []

    def wait():
        headers = {"If-None-Match": poll.headers["ETag"], "Prefer": "wait=20"}
        waiting.append(side.ask(POLLED, headers=headers, timeout=30))
    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    time.sleep(0.5)
    side.crash()
    killed = time.monotonic()
    longest = 0
    for _ in range(40):
        answer, took = side.ask(POLLED)
        longest = max(longest, took)
        expect(answer.status == 200 and answer.headers["Doorbell-Feature"] is None, f"{answer.status}")
        time.sleep(0.05)
    expect(longest < 0.5, f"a poll took {longest:.2f} s")
    waiter.join(5)
    expect(waiting and waiting[0][0].status == 200, f"the held poll: {waiting and waiting[0][0].status or 'nothing'}")
    seen = len(side.legacy.requests)
    own, _ = side.ask("/_doorbell/ws")
    expect(own.status in (502, 503), f"/_doorbell/ws: {own.status}")
    expect(len(side.legacy.requests) == seen, "/_doorbell/ws went to the legacy API")
    written, _ = side.ask(POLLED, "POST", body=b"meanwhile")
    expect(written.status == 200 and len(side.legacy.requests) == seen + 1, f"{written.status}")
    side.serve()
    again = time.monotonic()
    while side.ask(POLLED)[0].headers["Doorbell-Feature"] is None:
        expect(time.monotonic() - again < 5, "polls do not come back")
        time.sleep(0.05)
    return f"longest poll {longest * 1000:.0f} ms, back {(time.monotonic() - again) * 1000:.0f} ms after Doorbell"


def written_through(side, proxy):
    """as its file says for a cache: writes pass Doorbell, once, and go past it while polls find it gone"""
    for path in (POLLED, "/api/other"):
        for method in ("POST", "PUT", "DELETE"):
            answer, _ = side.ask(path, method, body=b"written")
            expect(answer.status == 200 and side.legacy.requests[-1][3] == b"written", f"{method}: {answer.status}")
            expect(side.legacy.last["Forwarded"], f"{method} {path} passed Doorbell by")
    seen = len(side.legacy.requests)
    broken, _ = side.ask("/broken", "PUT", body=b"once")
    expect(broken.status == 502 and len(side.legacy.requests) == seen + 1, f"sent {len(side.legacy.requests) - seen} times")
    side.crash()
    expect(side.ask(POLLED)[0].status == 200, "the poll")
    for number in range(20):
        seen = len(side.legacy.requests)
        answer, took = side.ask(POLLED if number % 2 else "/api/other", "POST", body=b"meanwhile")
        expect(answer.status == 200 and took < 0.5, f"write {number}: {answer.status} after {took:.1f} s")
        expect(len(side.legacy.requests) == seen + 1, "it was sent more than once")
    side.serve()


STEPS = [polled_path, own_paths, writes, addresses, sockets, silence, events, held, fallback]


def check(side, proxies):
    failures = 0
    for proxy in proxies:
        try:
            with side.behind(proxy):
                for step in STEPS:
                    failures += not tried(f"{proxy.name}: {step.__doc__}", lambda: step(side, proxy))
            with side.behind(proxy, proxy.cached):
                name = f"{proxy.name}: {written_through.__doc__}"
                failures += not tried(name, lambda: written_through(side, proxy))
        except Wrong as wrong:
            print(f"FAIL  {proxy.name}: {wrong}")
            failures += 1
        if failures:
            tail(side.folder / f"{proxy.name}.log")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description="Doorbell behind nginx, HAProxy and Caddy.")
    parser.add_argument("--doorbell", required=True, type=pathlib.Path, metavar="PATH", help="the doorbell command")
    parser.add_argument("names", nargs="*", metavar="NAME", help="nginx, haproxy or caddy")
    options = parser.parse_args()
    proxies = [proxy for proxy in PROXIES if proxy.name in options.names or not options.names]
    signals = Signals()
    status = 1
    with signals.hold():
        side = Side(options.doorbell.resolve(), signals)
        try:
            signals.held = False
            signals.deliver()
            side.start(lambda _: None)
            status = check(side, proxies)
        except Stopped:
            print("check: stopped")
        except Failed as failure:
            print(f"check: {failure}", file=sys.stderr)
            if failure.log:
                tail(failure.log)
        finally:
            signals.over = True
            side.stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
