#!/usr/bin/python3
"""How many polls reach the legacy API: a thousand clients that poll every 2 s, a hundred items, one of which changes every second.

    /usr/bin/python3 examples/origin.py --doorbell PATH [--seconds 30]

Three times: without a cache, with one for each caller (`identity: credentials`), and with one for all (`identity: public`).
Standard library only; PostgreSQL and Doorbell are started and ended.
"""

import argparse
import asyncio
import json
import os
import pathlib
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True

from client import call
from demo import Demo, Failed, Signals, Stopped, port, program, tail

CLIENTS = 1000
ITEMS = 100
INTERVAL = 2  # seconds between two polls of a client
KINDS = {"no cache": "", "cache, credentials": "cache: { maxAge: 1h }", "cache, public": "cache: { maxAge: 1h, identity: public }"}
CONFIGURATION = """
database: ${DATABASE_URL}
upstream: ${UPSTREAM}
listen: ${LISTEN}
admin: ${ADMIN}
limits: { connectionsPerAddress: 2000 }
features:
  items:
    poll: GET /api/items/{id}
    interval: 2s
    tables: [{ name: public.items, channel: "items:{id}" }]
    authorize: public
    stage: observe
"""


class Origin:
    """The legacy API: counts what reaches it."""

    def __init__(self):
        self.requests = 0

    async def serve(self, reader, writer):
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                self.requests += 1
                body = json.dumps({"path": line.split()[1].decode(), "padding": "x" * 900}).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class Polling:
    """The clients, in one event loop."""

    def __init__(self, number):
        self.number = number
        self.polls = self.failures = 0
        self.tags = {}

    async def client(self, index):
        await asyncio.sleep(INTERVAL * index / CLIENTS)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.number)
        try:
            while True:
                began = time.monotonic()
                tag = self.tags.get(index)
                writer.write((
                    f"GET /api/items/{1 + index % ITEMS} HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer caller-{index}\r\n"
                    + (f"If-None-Match: {tag}\r\n" if tag else "") + "\r\n").encode())
                status = (await reader.readline()).split()[1]
                length = 0
                while line := (await reader.readline()).strip():
                    name, _, value = line.decode().partition(":")
                    if name.lower() == "content-length":
                        length = int(value)
                    elif name.lower() == "etag":
                        self.tags[index] = value.strip()
                if status == b"200":
                    await reader.readexactly(length)
                self.polls += 1
                self.failures += status not in (b"200", b"304")
                await asyncio.sleep(max(0, began + INTERVAL - time.monotonic()))
        finally:
            writer.close()


class Measurement(Demo):
    def prepare(self):
        self.start_postgres()
        self.psql(
            "create table items (id bigint primary key, value bigint not null default 0);"
            f"insert into items select g from generate_series(1, {ITEMS}) g")

    def serve(self, kind, upstream):
        number, admin = port(0), port(0)
        config = self.folder / "origin.yaml"
        config.write_text(CONFIGURATION + (f"    {KINDS[kind]}\n" if KINDS[kind] else ""))
        env = {
            "DATABASE_URL": self.database, "UPSTREAM": f"http://127.0.0.1:{upstream}",
            "LISTEN": f"127.0.0.1:{number}", "ADMIN": f"127.0.0.1:{admin}",
        }
        self.run("install", [self.doorbell, "install", "--config", config], env=env)
        process = self.spawn("serve", [self.doorbell, "serve", "--config", config], signal.SIGTERM, env=env)
        self.until("Doorbell", lambda: call(f"http://127.0.0.1:{number}/_doorbell/health/ready").status == 200)
        return number, process

    def change(self, ended):
        item = 0
        while not ended.wait(1):
            item = item % ITEMS + 1
            self.psql(f"update items set value = value + 1 where id = {item}")

    async def measure(self, kind, seconds):
        """Polls and requests to the legacy API in `seconds`."""
        origin = Origin()
        server = await asyncio.start_server(origin.serve, "127.0.0.1", 0, backlog=1024)
        number, process = await asyncio.to_thread(self.serve, kind, server.sockets[0].getsockname()[1])
        polling = Polling(number)
        clients = [asyncio.create_task(polling.client(index)) for index in range(CLIENTS)]
        ended = threading.Event()
        changing = threading.Thread(target=self.change, args=(ended,), daemon=True)
        changing.start()
        await asyncio.sleep(3 * INTERVAL)
        polls, requests = polling.polls, origin.requests
        await asyncio.sleep(seconds)
        polls, requests = polling.polls - polls, origin.requests - requests
        ended.set()
        broken = [task.exception() for task in clients if task.done()]
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait)
        self.children.pop()
        server.close()
        if broken or polling.failures:
            raise Failed(f"{kind}: {len(broken)} clients ended, {polling.failures} polls failed: {broken[:1]}")
        return polls, requests


def main():
    parser = argparse.ArgumentParser(description="How many polls reach the legacy API.")
    parser.add_argument("--doorbell", required=True, type=pathlib.Path, metavar="PATH", help="the doorbell command")
    parser.add_argument("--seconds", type=int, default=30, help="of each measurement; default 30")
    options = parser.parse_args()
    if options.seconds < 1:
        parser.error("--seconds is at least 1")
    try:
        doorbell = program(options.doorbell)
    except Failed as failure:
        print(f"origin: {failure}", file=sys.stderr)
        return 1
    signals = Signals()
    with signals.hold():
        measurement = Measurement(doorbell, signals)
    try:
        signals.deliver()
        measurement.prepare()
        print(f"{CLIENTS} clients, a poll every {INTERVAL} s each, {ITEMS} channels, one change a second\n")
        print(f"{'':20} {'polls/s':>9} {'to the legacy API/s':>21} {'fewer':>8}")
        for kind in KINDS:
            polls, requests = asyncio.run(measurement.measure(kind, options.seconds))
            fewer = f"{polls / requests:.0f}x" if requests else "all"
            print(f"{kind:20} {polls / options.seconds:9.1f} {requests / options.seconds:21.1f} {fewer:>8}", flush=True)
        return 0
    except Stopped:
        return 1
    except Failed as failure:
        print(f"origin: {failure}", file=sys.stderr)
        if failure.log:
            tail(failure.log)
        return 1
    finally:
        signals.over = True
        measurement.stop()


if __name__ == "__main__":
    sys.exit(main())
