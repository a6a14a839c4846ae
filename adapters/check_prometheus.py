#!/usr/bin/python3
"""The metrics, the alerts and the Grafana dashboard, tried with a real Prometheus that scrapes a real Doorbell.

    make test-prometheus                                          builds what is needed, then runs this
    /usr/bin/python3 adapters/check_prometheus.py --doorbell PATH  runs it

Prints what was tried, ends with 0 or 1. Everything is on loopback, on free ports, in a temporary folder that is removed. Needs
prometheus and promtool (Debian: prometheus). Standard library only.
"""

import argparse
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "examples"))
sys.dont_write_bytecode = True

from check import expect, tried  # noqa: E402
from client import call  # noqa: E402
from demo import Demo, Failed, Signals, Stopped, port, program, tail  # noqa: E402
from websocket import WebSocket  # noqa: E402

ALERTS = HERE / "prometheus/alerts.yml"
CASES = HERE / "prometheus/alerts.test.yml"
DASHBOARD = HERE / "grafana/dashboard.json"
NAME = re.compile(r"\b(?:doorbell|process)_[a-z_]+\b")
ENDINGS = re.compile(r"_(?:bucket|sum|count)$")
# Nothing of it happens in a demo that is well.
QUIET = {"Waiting in send buffers", "How long connections live", "Cache"}


class Watched(Demo):
    """The demo, and a Prometheus that scrapes it every second."""

    def start_prometheus(self):
        self.prometheus = f"http://127.0.0.1:{port(0)}"
        config = self.folder / "prometheus.yml"
        config.write_text(
            f"global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{ALERTS}]\nscrape_configs:\n"
            f"  - job_name: doorbell\n    static_configs: [{{ targets: ['{self.admin.removeprefix('http://')}'] }}]\n")
        self.spawn(
            "prometheus",
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'tsdb'}",
             f"--web.listen-address={self.prometheus.removeprefix('http://')}"], signal.SIGTERM)
        self.until("Prometheus", lambda: call(f"{self.prometheus}/-/ready").status == 200)
        self.until("the first scrapes", lambda: float((self.query("count_over_time(up[1m])") or [0])[0]) >= 3)

    def query(self, expression):
        """The values of an instant query."""
        answer = call(f"{self.prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}").json
        expect(answer["status"] == "success", f"{expression}: {answer.get('error')}")
        return [result["value"][1] for result in answer["data"]["result"]]

    def live(self):
        """A client that is pushed, polls, and changes."""
        client = WebSocket(f"{self.url.replace('http', 'ws', 1)}/_doorbell/ws")
        client.send({"type": "subscribe", "channel": "notifications"})
        client.receive()
        for number in range(20):
            call(f"{self.url}/api/notifications")
            self.psql(f"insert into notifications (body) values ('number {number}')")
            time.sleep(0.1)
        return client


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60)
    expect(done.returncode == 0, (done.stdout + done.stderr).strip()[-1500:])
    return done.stdout


def panels():
    """(title, expression) of everything that the dashboard asks."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["name"], annotation["expr"]


def documented():
    readme = (HERE.parent / "README.md").read_text()
    return set(re.findall(r"`((?:doorbell|process)_[a-z_]+)`", readme))


def rules(_):
    """promtool takes the alerts, and each fires for its own cause only"""
    promtool("check", "rules", ALERTS)
    promtool("test", "rules", CASES)
    alerts = re.findall(r"alert: (\w+)", ALERTS.read_text())
    missing = [name for name in alerts if f'alertname="{name}"' not in CASES.read_text()]
    expect(not missing, f"no case for {missing}")
    return f"{len(alerts)} alerts"


def names(_):
    """the alerts and the dashboard name metrics that there are"""
    known = documented()
    used = set(NAME.findall(ALERTS.read_text())) | {name for _, text in panels() for name in NAME.findall(text)}
    unknown = {name for name in used if name not in known and ENDINGS.sub("", name) not in known}
    expect(not unknown, f"not in the README: {sorted(unknown)}")
    return f"{len(used)} names"


def exposition(demo):
    """/metrics passes `promtool check metrics`, and every name in it is documented"""
    text = call(f"{demo.admin}/metrics").body.decode()
    promtool("check", "metrics", text=text)
    found = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    expect(len(found) > 30, f"only {sorted(found)}")
    expect(not found - documented(), f"not in the README: {sorted(found - documented())}")
    return f"{len(found)} metrics, {len(text.splitlines())} lines"


def dashboard(demo):
    """every query of the dashboard is answered, and those that a demo can fill have values"""
    asked = 0
    for title, expression in panels():
        for name in ("job", "instance", "feature"):
            expression = expression.replace(f"${name}", ".*")
        values = demo.query(expression.replace("$__rate_interval", "10s"))
        expect(values or title in QUIET or "policy" in expression or title == "Stage changes", f"{title}: nothing for {expression}")
        asked += 1
    return f"{asked} queries"


def calm(demo):
    """nothing fires or waits to fire in a demo that is well"""
    answer = call(f"{demo.prometheus}/api/v1/alerts").json
    expect(answer["data"]["alerts"] == [], f"{[alert['labels'] for alert in answer['data']['alerts']]}")
    groups = call(f"{demo.prometheus}/api/v1/rules").json["data"]["groups"]
    unwell = [rule["name"] for group in groups for rule in group["rules"] if rule["health"] != "ok"]
    expect(not unwell, f"not evaluated: {unwell}")


def down(demo):
    """when the service is gone, the alert begins to wait"""
    name, process, _, _ = next(child for child in demo.children if child[0] == "serve")
    demo.children = [child for child in demo.children if child[0] != name]
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    demo.until("the alert", lambda: demo.query('ALERTS{alertname="DoorbellDown"}'))


def main():
    parser = argparse.ArgumentParser(description="Doorbell's metrics, alerts and dashboard, with a real Prometheus.")
    parser.add_argument("--doorbell", required=True, type=pathlib.Path, metavar="PATH", help="the doorbell command")
    options = parser.parse_args()
    missing = [name for name in ("prometheus", "promtool") if not shutil.which(name)]
    if missing:
        print(f"check_prometheus: {' and '.join(missing)} not found; 'make setup' installs them", file=sys.stderr)
        return 1
    signals = Signals()
    demo, failures = None, 0
    try:
        demo = Watched(program(options.doorbell), signals)
        for step in (rules, names):
            failures += not tried(step.__doc__, lambda: step(demo))
        demo.start(lambda _: None)
        demo.start_prometheus()
        client = demo.live()
        demo.until("scrapes of what happened", lambda: float((demo.query("sum(doorbell_messages_sent_total)") or [0])[0]) >= 20)
        for step in (exposition, dashboard, calm, down):
            failures += not tried(step.__doc__, lambda: step(demo))
        client.close()
    except Stopped:
        failures += 1
    except Failed as failure:
        print(f"check_prometheus: {failure}", file=sys.stderr)
        if failure.log:
            tail(failure.log)
        failures += 1
    finally:
        signals.over = True
        if demo:
            demo.stop()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
