#!/usr/bin/python3
"""An admin port that is none: the dashboard's own files, and figures of 100 features and a week, made up by arithmetic.

    /usr/bin/python3 Tests/Dashboard/fixture.py [PORT]      to look at the pages without a service

What the pages do with many features and much data is tested with it, and how they behave when the service goes away and comes back.
"""

import http.server
import json
import math
import pathlib
import sys
import threading
import time
import urllib.parse

FILES = pathlib.Path(__file__).resolve().parents[2] / "Sources/DoorbellDashboard/Files"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
TOKEN = "fixture-token-0123456789"
STAGES = ["observe", "shadow", "canary", "push", "retired"]
POINTS = 300
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "OrdersApp/4.1 (iPhone; iOS 19.1)", "curl/8.5.0"]
BUCKETS = [0.002, 0.005, 0.01, 0.05, 0.25, 0.5, 1, 2, 3, 4, 6]
SPREAD = {"push": [40, 300, 500, 120, 20, 4, 1, 0, 0, 0, 0], "poll": [0, 0, 2, 20, 90, 120, 240, 300, 280, 40, 3],
          "conditional": [0, 1, 4, 40, 100, 150, 220, 280, 250, 30, 2], "held": [2, 30, 200, 180, 40, 10, 4, 1, 0, 0, 0]}


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06d}Z"


class Figures:
    """All that the pages ask for."""

    def __init__(self, count=100):
        self.started = time.time() - 3 * 86_400
        self.features = [self.feature(number) for number in range(count)]
        self.audit = [
            {"revision": number + 1, "at": rfc3339(self.started + number * 2000), "feature": f"feature-{number % count:03d}", "to": "canary",
             "percent": 5 + number % 90, "from": "shadow", "by": "gate" if number % 3 else "Ann (dashboard)", "login": "doorbell",
             "why": "all checks passed" if number % 3 else "first clients <b>&amp;</b>",
             **({"evidence": {"verdict": "successful", "checks": 6}} if number % 3 else {})} for number in range(240)]

    def feature(self, number):
        stage = STAGES[min(4, number * 5 // 100)] if number else "canary"
        percent = {"canary": float(5 * (number % 20) or 5), "push": 100.0, "retired": 100.0}.get(stage, 0.0)
        return {"name": f"feature-{number:03d}", "stage": stage, "percent": percent, "mode": ("rows", "signal", "answer")[number % 3],
                "poll": f"GET /api/v1/teams/{{team_id}}/boards/{number}", "hasGate": number % 2 == 0, "revision": number,
                **({"since": rfc3339(self.started + number * 500), "by": "gate" if number % 2 == 0 else "Ann (dashboard)", "why": "all checks passed"} if number % 4 else {})}

    def status(self):
        now = time.time()
        return {"now": rfc3339(now), "started": rfc3339(self.started), "position": "1.4711-99123", "capture": "live, leading", "isLive": True,
                "captureLag": 0.0031, "heldBack": 0, "messagesSent": round(now * 420 + 60 * math.sin(now / 20) * 20), "polls": round(now * 130),
                "sentBytes": round(now * 260_000), "connections": 8421, "channels": 5230, "subscriptions": 12_880, "deadLetters": 3,
                "features": self.features}

    def parity(self, name=None):
        return self.parity_of(name, True) if name else {"features": [self.parity_of(each["name"], False) for each in self.features]}

    def parity_of(self, name, with_samples):
        number = int(name[-3:])
        missed = 3 if number % 33 == 0 else 0
        before = {"items": [{"id": 7, "author": "Ann", "text": "Tea?"}, {"id": 6, "author": "Bert", "text": "Back in five."}], "calls": 12}
        after = {"items": [{"id": 7, "author": "Anne", "text": "Tea?"}, {"id": 6, "author": "Bert", "text": "Back in five."}], "calls": 13}
        return {"feature": name, "isCompared": number >= 20 or not number, "assessment": "misses" if missed else "needless" if number == 41 else "match" if number >= 20 else "not compared",
                "toldShare": 0.97 if missed else 1.0, "callers": 12, "doubts": {"too few quiet polls": 2} if missed else {}, "ignored": ["$.calls", "$.serverTime"],
                "counts": {"told": 97, "missed": missed, "spurious": 20 if number == 41 else 1, "quiet": 4179, "inconclusive": 2, "distinct": 80},
                "samples": [{"verdict": "missed", "reason": "the answer changed and there was no message", "at": int(time.time() * 1000) - 60_000,
                             "target": "/api/v1/teams/7/boards/0", "channels": ["team:7:board:0"], "after": "1.80-100", "asked": "1.84-107", "messages": ["1.82-104 insert {\"id\":7}"],
                             "differences": [{"path": "$.items[id=7].author", "before": "\"Ann\"", "after": "\"Anne\"", "isNoise": False},
                                             {"path": "$.calls", "before": "12", "after": "13", "isNoise": True}],
                             "before": json.dumps(before), "body": json.dumps(after)}] * (2 if missed and with_samples else 0)}

    def gates(self, name=None):
        chosen = [each for each in self.features if each["hasGate"] and (name is None or each["name"] == name)]
        return {"gates": [self.gate_of(each) for each in chosen]}

    def gate_of(self, feature):
        number = int(feature["name"][-3:])
        verdict, action = ("failed", "rollback") if number == 66 else ("inconclusive", "hold") if number % 8 == 0 else ("successful", "promote")
        checks = [("parity", "passed", "97 of 100 changes were told"), ("missed", "failed" if verdict == "failed" else "passed", "3 of 100 changes were missed (at most 0 %)"),
                  ("errors", "passed", "0 of 4210 polls failed (at most 1 %)"), ("staleness", "open" if verdict == "inconclusive" else "passed", "push p99 10 ms (at most as polls wait, 3.00 s)")]
        decision = {"feature": feature["name"], "verdict": verdict, "action": action, "from": feature["stage"], "reason": {"failed": "push missed changes", "inconclusive": "there is not enough to decide by", "successful": "all checks passed"}[verdict],
                    "failures": int(verdict == "failed"), "checks": [{"name": a, "result": b, "text": c} for a, b, c in checks],
                    "evidence": {"seconds": 41.0}, **({"to": "canary 20 %"} if action != "hold" else {})}
        return {"feature": feature["name"], "stage": feature["stage"], "isDeciding": True, "nextCheck": 23.4, "threshold": 3, "last": decision, "now": decision}

    def comparison(self, query):
        seconds = {"1h": 3600, "24h": 86_400, "7d": 604_800}.get(query.get("since"), 86_400)
        step = next(each for each in (10, 60, 600, 3600) if seconds / each < POINTS)
        until = time.time()
        begin = (until - seconds) // step * step
        names = [each["name"] for each in self.features if query.get("feature") in (None, each["name"])]
        size = len(names)

        def tally(path, scale, at=None):
            wave = 1 if at is None else 1.2 + math.sin(at / 86_400 * 2 * math.pi) + 0.15 * math.sin(at / 977)
            share = 1 if at is None else max(0.05, min(1, (until - at) / seconds))
            part = {"poll": share, "conditional": 0.2 * share, "held": 0.1, "push": 1.05 - share}[path]
            requests = round(scale * wave * part)
            return {"requests": requests, "unchanged": 0 if path == "push" else round(requests * 0.93), "errors": 0, "bytesUp": requests * (2 if path == "push" else 480),
                    "bytesDown": requests * {"poll": 1900, "conditional": 210, "held": 400, "push": 330}[path], "bytesTagsWouldSave": 0,
                    "originRequests": 0 if path == "push" else round(requests * 0.3), "connectionSeconds": 0, "reconnects": 0,
                    "cpuSeconds": requests * (0.00003 if path == "push" else 0.00009), "told": requests // 10}

        def points(path):
            return [{"at": begin + index * step, "total": tally(path, 40 * size * step / 60, begin + index * step)} for index in range(int(seconds / step))]

        paths = ("poll", "conditional", "held", "push")
        report = {"from": begin, "until": until, "step": step, "features": [], "radio": [],
                  "processes": [{"name": name, "cpuSeconds": part * seconds, "memory": size, "points": [{"at": begin + index * step, "cpuSeconds": part * step * (1 + 0.5 * math.sin(index / 9))} for index in range(int(seconds / step))]}
                                for name, part, size in (("doorbell", 0.08, 190_000_000), ("legacy API", 0.9, 1_400_000_000))],
                  "lines": [{"feature": name, "cohort": "push" if path == "push" else "poll", "path": path, "total": tally(path, 40 * seconds / 60), "points": [],
                             "staleness": [{"upTo": a, "count": b} for a, b in zip(BUCKETS, SPREAD[path]) if b]} for name in names for path in paths],
                  "paths": [] if query.get("points") == "none" else [{"path": path, "points": points(path)} for path in paths]}
        return report

    def connections(self, limit):
        return {"open": 8421, "pushed": 8000, "connections": [
            {"session": f"s-{number:06x}", "transport": ("websocket", "sse")[number % 5 == 0], "address": f"203.0.113.{number % 250}", "user": f"user-{number}" if number % 3 else None,
             "userAgent": AGENTS[number % 3], "seconds": 60.5 * number, "subscriptions": 1 + number % 4, "behind": int(number < 2), "bufferedBytes": max(0, 900_000 - number * 40_000),
             "timesBehind": int(number < 5), "resets": 0, "conflated": 0} for number in range(min(limit, 200))]}

    def pollers(self, query):
        lines = [{"feature": query.get("feature", ""), "client": f"{number * 7919:016x}", "userAgent": AGENTS[number % 3], "seconds": 3.1 + number, "polls": 5000 - 60 * number, "doublePolls": 30 * (number % 2),
                  "isPushed": number % 2 == 1, "first": rfc3339(self.started), "last": rfc3339(time.time()), "silentFor": 1.5 * number} for number in range(24)]
        return {"pollers": 24, "polledTwice": 12, "lines": lines}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.server.sizes.append((self.path, len(data)))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", "default-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'")
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, code, message):
        self.answer(status, {"error": {"code": code, "message": message, "hint": "This is the fixture."}})

    @property
    def has_token(self):
        return self.headers["Authorization"] == f"Bearer {TOKEN}"

    def do_GET(self):
        path, _, rest = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(rest))
        figures = self.server.figures
        if path.startswith("/dashboard/"):
            file = FILES / (path.removeprefix("/dashboard/") or "index.html")
            return self.answer(200, file.read_bytes(), TYPES[file.suffix]) if file.exists() else self.refuse(404, "not_found", "nothing here")
        if self.headers["Authorization"] and not self.has_token:
            return self.refuse(401, "wrong_token", "this is not the admin token")
        if self.server.is_locked and not self.has_token:
            return self.refuse(401, "token_missing", "this needs the admin token")
        _, head, *tail = path.split("/")
        if head in self.server.broken:
            return self.refuse(503, "database", "the database cannot be reached")
        name = urllib.parse.unquote(tail[0]) if tail else None
        limit = int(query.get("limit", 50))
        if path == "/tail":
            return self.tail()
        made = {
            "status": figures.status, "parity": lambda: figures.parity(name), "gates": lambda: figures.gates(name),
            "comparison": lambda: figures.comparison(query), "connections": lambda: figures.connections(limit), "pollers": lambda: figures.pollers(query),
            "stages": lambda: {"audit": [each for each in reversed(figures.audit) if query.get("feature") in (None, each["feature"])][:limit]},
            "dead-letters": lambda: [{"feature": f"feature-00{number}", "table": "public.cards", "position": f"1.{number}-9", "reason": "the column 'text' is missing"} for number in range(3)],
            "access": lambda: {"canAct": self.has_token, "isTokenConfigured": not self.server.is_read_only},
        }.get(head)
        return self.answer(200, made()) if made else self.refuse(404, "not_found", "there is nothing here")

    def tail(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        number = 0
        try:
            while not self.server.stopped.wait(0.2):
                number += 1
                line = {"kind": "change", "at": int(time.time() * 1000), "feature": f"feature-{number % 100:03d}", "channel": f"team:{number % 7}:board", "position": f"1.{number}-{number}",
                        "type": "card", "operation": "update", "bytes": 240 + number % 90, "lag": 0.004, **({"content": '{"id":1,"text":"Tea?"}'} if self.has_token else {})}
                told = {**line, "kind": "told", "clients": 12, "lag": 0.0051}
                told.pop("content", None)
                text = f"event: change\ndata: {json.dumps(line)}\n\nevent: told\ndata: {json.dumps(told)}\n\n"
                self.wfile.write(text.encode())
        except OSError:
            pass
        self.close_connection = True

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.has_token:
            return self.refuse(401, "token_missing", "this needs the admin token")
        name = urllib.parse.unquote(self.path.split("/")[2])
        feature = next(each for each in self.server.figures.features if each["name"] == name)
        feature.update(stage=body["stage"], percent=body.get("percent", 0.0), revision=len(self.server.figures.audit) + 1, by=body["by"], why=body["why"], since=rfc3339(time.time()))
        return self.answer(200, feature)


class Fixture:
    """The server on a thread of its own; `port` 0: any."""

    def __init__(self, port=0, count=100):
        http.server.ThreadingHTTPServer.daemon_threads = True
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.figures, self.server.stopped, self.server.sizes = Figures(count), threading.Event(), []
        # There is no token; reading needs it; paths that cannot be answered.
        self.server.is_read_only, self.server.is_locked, self.server.broken = False, False, set()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.stopped.set()
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    fixture = Fixture(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"{fixture.url}/dashboard/   token {TOKEN}")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        fixture.stop()
