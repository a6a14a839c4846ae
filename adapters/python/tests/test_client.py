"""What the transcripts do not say: sharing, tokens, readers; and a real connection."""

import asyncio
import http.server
import json
import threading
import unittest

import websockets

from doorbell_client import Client, Rows, live
from doorbell_client.client import Surroundings
from doorbell_client.state import NOTHING, applied, differences, is_covered, merged

from fakes import World, settle

URL = "http://app.test/api/things"
PUSHED = {"body": {"n": 0}, "headers": {"Doorbell-Transport": "push", "Doorbell-Position": "1.1-1", "Doorbell-Feature": "f"}}


def confirm(world, number=-1, **extra):
    world.connection.say({
        "type": "subscribed", "channel": "things", "position": "1.1-1", "recovered": True, "version": 1,
        "id": world.connection.of("subscribe")[number]["id"], **extra})


def change(position, previous, number=1):
    return {"type": "thing", "channel": "things", "version": 1, "position": position, "previous": previous, "op": "insert",
            "key": {"id": number}, "data": {"id": number}, "timestamp": 1}


class Sharing(unittest.IsolatedAsyncioTestCase):
    async def test_feeds_of_a_client_share_one_connection_which_goes_with_the_last(self):
        world = World()
        world.reply = PUSHED
        client = Client(surroundings=world)
        seen = [[], []]
        feeds = [client.live(URL, on_change=seen[0].append), client.live(URL, on_change=seen[1].append), client.live("http://app.test/api/b")]
        await world.pass_(0)
        world.open()
        await settle()
        self.assertEqual([message["poll"] for message in world.connection.of("subscribe")], ["/api/things", "/api/b"])
        confirm(world, 0)
        confirm(world, 1, channel="b")
        world.connection.say(change("1.2-2", None))
        await world.pass_(2000)
        self.assertEqual([[each["position"] for each in one] for one in seen], [["1.2-2"], ["1.2-2"]])
        self.assertEqual([feed.status.transport for feed in feeds], ["push"] * 3)
        feeds[0].close()
        feeds[2].close()
        await settle()
        self.assertEqual([message["channel"] for message in world.connection.of("unsubscribe")], ["b"])
        feeds[1].close()
        await settle()
        self.assertEqual(world.connection.closed_with, 1000)
        self.assertEqual([timer for timer in world.timers if not timer.is_cancelled], [])

    async def test_a_program_of_which_a_callback_fails_goes_on(self):
        world = World()
        def fail(_):
            raise RuntimeError("mine")
        client = Client(surroundings=world)
        feed = client.live(URL, on_data=fail)
        with self.assertLogs("doorbell_client", "ERROR"):
            await world.pass_(3000)
        self.assertEqual(feed.stats["requests"], 2)
        await client.close()


class Tokens(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.number = 0

    async def token(self):
        self.number += 1
        return f"t{self.number}"

    async def test_a_token_is_carried_by_polls_and_by_the_handshake_and_replaced_before_it_expires(self):
        world = World()
        world.reply = PUSHED
        client = Client(surroundings=world, token=self.token, headers={"X-Team": "desk"})
        client.live(URL)
        await world.pass_(0)
        self.assertEqual(world.requests[0]["headers"]["Authorization"], "Bearer t1")
        self.assertEqual(world.dials[0]["headers"], {"X-Team": "desk", "Authorization": "Bearer t1"})
        world.open()
        await settle()
        confirm(world)
        world.connection.say({"type": "refreshed", "id": "token", "expires": (world.time + 90) * 1000})
        await world.pass_(59_000)
        self.assertEqual([message["token"] for message in world.connection.of("refresh")], ["t1"])
        await world.pass_(2000)
        self.assertEqual([message["token"] for message in world.connection.of("refresh")], ["t1", "t2"])
        await client.close()

    async def test_a_token_that_was_refused_is_replaced_once(self):
        world = World()
        world.reply = PUSHED
        client = Client(surroundings=world, token=self.token)
        feed = client.live(URL)
        await world.pass_(0)
        for _ in range(2):
            world.open()
            await settle()
            world.end(4500, "the token has expired")
            await world.pass_(1000)
        await world.pass_(60_000)
        self.assertEqual([dial["headers"]["Authorization"] for dial in world.dials], ["Bearer t1", "Bearer t2"])
        self.assertIn("4500", feed.status.reason)
        await client.close()

    async def test_a_handshake_that_is_refused_for_its_token_is_tried_with_another_and_one_that_is_forbidden_is_not(self):
        class Refused(OSError):  # as websockets says it
            def __init__(self, status_code):
                super().__init__(f"HTTP {status_code}")
                self.status_code = status_code

        world = World()
        world.reply = PUSHED
        client = Client(surroundings=world, token=self.token)
        feed = client.live(URL)
        await world.pass_(0)
        world.dials[-1]["future"].set_exception(Refused(401))
        await world.pass_(1000)
        self.assertEqual(world.dials[-1]["headers"]["Authorization"], "Bearer t2")
        world.dials[-1]["future"].set_exception(Refused(403))
        await world.pass_(60_000)
        self.assertEqual((len(world.dials), feed.status.transport), (2, "poll"))
        self.assertIn("HTTP 403", feed.status.reason)
        await client.close()

    async def test_a_poll_that_is_refused_for_its_token_is_sent_once_more(self):
        world = World()
        world.reply = lambda headers: {"body": 2} if headers["Authorization"] == "Bearer t2" else {"status": 401, "body": {}}
        client = Client(surroundings=world, token=self.token)
        feed = client.live(URL)
        await world.pass_(0)
        self.assertEqual((feed.state, len(world.requests)), (2, 2))
        await client.close()


class Readers(unittest.IsolatedAsyncioTestCase):
    async def test_a_feed_can_be_read_in_a_loop(self):
        world = World()
        client = Client(surroundings=world)
        feed = client.live(URL)
        read = []
        async def reading():
            async for body in feed:
                read.append(body["n"])
        task = asyncio.get_running_loop().create_task(reading())
        for number in (0, 1, 2):
            world.reply = {"body": {"n": number}}
            await world.pass_(3000 if number else 0)
        feed.close()
        await task
        self.assertEqual(read, [0, 1, 2])

    async def test_refresh_returns_when_it_has_ended_and_close_ends_it(self):
        world = World()
        client = Client(surroundings=world)
        feed = client.live(URL)
        await world.pass_(0)
        world.reply = {"status": 500}
        await feed.refresh()
        self.assertEqual(len(world.requests), 2)
        world.reply = None
        refreshing = asyncio.get_running_loop().create_task(feed.refresh())
        await settle()
        feed.close()
        await asyncio.wait_for(refreshing, 1)
        await feed.refresh()


class Edges(unittest.IsolatedAsyncioTestCase):
    """What programs and their surroundings do wrong."""

    async def live_world(self, **options):
        world = World()
        world.reply = PUSHED
        client = Client(surroundings=world)
        feed = client.live(URL, apply=lambda body, message: {**body}, **options)
        await world.pass_(0)
        world.open()
        await settle()
        confirm(world)
        await settle()
        return world, client, feed

    async def test_a_feed_that_is_closed_by_what_it_calls_calls_nothing_more(self):
        told = []
        world, _, feed = await self.live_world(
            on_change=lambda message: (told.append(message["position"]), feed.close()), on_data=lambda body: told.append("data"))
        told.clear()
        world.connection.say({"type": "batch", "messages": [change("1.2-2", None), change("1.3-3", "1.2-2")]})
        await world.pass_(10_000)
        self.assertEqual((told, len(world.requests), world.connection.closed_with), (["1.2-2"], 1, 1000))
        self.assertEqual([timer for timer in world.timers if not timer.is_cancelled], [])

    async def test_a_feed_that_is_closed_by_its_first_data_asks_for_no_connection(self):
        world = World()
        world.reply = PUSHED
        feed = Client(surroundings=world).live(URL, on_data=lambda body: feed.close())
        await world.pass_(10_000)
        self.assertEqual((len(world.dials), len(world.requests)), (0, 1))

    async def test_a_feed_closes_all_others_in_the_midst_of_a_batch(self):
        told = []
        world, client, first = await self.live_world(on_change=lambda message: (first.close(), second.close()))
        second = client.live(URL, on_change=told.append)
        await settle()
        # The patch builds on nothing, so that the connection has something to say after what it tells.
        world.connection.say({"type": "batch", "messages": [
            change("1.2-2", None),
            {"type": "answer", "channel": "things", "position": "1.3-3", "previous": "1.2-2", "status": 200, "base": "x", "patch": {}}]})
        await world.pass_(10_000)
        self.assertEqual((told, world.connection.closed_with), ([], 1000))

    async def test_a_token_that_never_comes_is_a_failed_poll_and_nothing_piles_up(self):
        world = World()
        world.reply = PUSHED
        asked = []
        async def token():
            asked.append(1)
            await asyncio.get_running_loop().create_future()
        client = Client(surroundings=world, token=token)
        feed = client.live(URL, transport="push")
        feed._core.steer("push")
        client.on("want", feed.name, 3.0, 3.0)
        await world.pass_(100_000)
        self.assertEqual(len(world.dials), 0)
        self.assertLessEqual(len(client._tasks), 4)  # three polls and one connection
        await client.close()
        self.assertEqual(len(client._tasks), 0)

    async def test_a_poll_that_is_not_answered_has_failed(self):
        class Short(World):
            async def fetch(self, url, headers, timeout):
                return await super().fetch(url, headers, 3600)
        from doorbell_client import feed as core
        before, core.POLL_TIMEOUT = core.POLL_TIMEOUT, 0.01
        try:
            world = Short()
            world.reply = None
            client = Client(surroundings=world)
            feed = client.live(URL)
            await feed.refresh()
            self.assertEqual(feed.status.reason, "poll failed: no answer")
            await client.close()
        finally:
            core.POLL_TIMEOUT = before

    async def test_a_thousand_feeds_are_one_connection(self):
        world = World()
        world.reply = PUSHED
        client = Client(surroundings=world)
        feeds = [client.live(f"{URL}/{number}") for number in range(1000)]
        await world.pass_(0)
        world.open()
        await settle()
        for number in range(1000):
            confirm(world, number, channel=f"c{number}")
        while not world.connection.incoming.empty():
            await settle()
        self.assertEqual({feed.status.transport for feed in feeds}, {"push"})
        self.assertEqual((len(world.connections), len(world.requests)), (1, 1000))
        await client.close()

    def test_a_program_that_ends_does_not_wait_for_a_poll_that_is_stuck(self):
        import socket
        import subprocess
        import sys
        with socket.create_server(("127.0.0.1", 0)) as server:
            program = f"""
import asyncio
from doorbell_client import live
async def main():
    feed = live("http://127.0.0.1:{server.getsockname()[1]}/api/things")
    await asyncio.sleep(0.2)
asyncio.run(main())
"""
            done = subprocess.run([sys.executable, "-c", program], timeout=20, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class States(unittest.TestCase):
    def test_merge_patches_are_those_of_rfc_7386(self):
        cases = [
            ({"a": "b"}, {"a": "c"}, {"a": "c"}), ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}), ({"a": "b"}, {"a": None}, {}),
            ({"a": ["b"]}, {"a": "c"}, {"a": "c"}), ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
            (["a", "b"], ["c", "d"], ["c", "d"]), ({"a": "foo"}, None, None), ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
            ([1, 2], {"a": "b", "c": None}, {"a": "b"}), ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ]
        for target, patch, expected in cases:
            self.assertEqual(merged(target, patch), expected)

    def test_positions_are_compared_within_an_epoch_only(self):
        self.assertTrue(is_covered("1.2-3", "1.2-3") and is_covered("1.9-1", "1.10-0") and is_covered("1.2-9", "1.2-10"))
        self.assertFalse(is_covered("1.2-4", "1.2-3") or is_covered("1.1-1", "2.1-1") or is_covered(None, "1.1-1") or is_covered("x", "x"))

    def test_rows_are_applied_as_the_poll_would_answer(self):
        body = {"items": [{"id": 5}, {"id": 3}], "n": 1}
        rows = Rows(order="-id", limit=2)
        def after(op, number, now=body, **more):
            return applied(now, {"op": op, "key": {"id": number}, **({"data": {"id": number, **more}} if op != "delete" else {})}, rows)
        self.assertEqual(after("insert", 4), {"items": [{"id": 5}, {"id": 4}], "n": 1})
        self.assertEqual(after("update", 3, a=1), {"items": [{"id": 5}, {"id": 3, "a": 1}], "n": 1})
        self.assertIs(after("insert", 1), body, "behind the window")
        self.assertIs(after("delete", 3), NOTHING, "another row moves in")
        self.assertIs(after("delete", 1), body)
        self.assertIs(applied({"items": 7}, {"op": "insert"}, rows), NOTHING)
        self.assertEqual(applied(body, {"op": "truncate"}, rows)["items"], [])
        for wrong in (None, "x"):
            self.assertIs(applied({"items": [{"id": 5, "at": wrong}]}, {"op": "insert", "key": {"id": 3}, "data": {"id": 3, "at": 1}}, Rows(order="at")),
                          NOTHING, "where null stands, the database decides")
        self.assertIs(applied({"items": [{"id": 5}]}, {"op": "insert", "key": {"id": 3}, "data": {"id": 3}}, Rows(order="at")), NOTHING)
        self.assertIs(applied({"items": [7]}, {"op": "insert", "key": {"id": 3}, "data": {"id": 3}}, rows), NOTHING)

    def test_a_difference_is_told_by_its_fields(self):
        body = {"at": 1, "list": {"items": [{"id": 1, "price": 1}, {"id": 2, "price": 2}]}}
        self.assertEqual(differences(body, json.loads(json.dumps(body))), set())
        self.assertEqual(
            differences(body, {"at": 2, "list": {"items": [{"id": 1, "price": "1"}, {"id": 2, "price": "2", "by": 7}]}}),
            {"at", "list.items[].price", "list.items[].by"})
        self.assertEqual(differences(body, {"at": 1, "list": {"items": []}}), {"list.items"})
        self.assertEqual(differences({"a": True}, {"a": 1}), {"a"})
        self.assertEqual(differences(None, [1]), {"body"})
        time = "2026-11-26T10:00:00.5+00:00"
        for same in ("2026-11-26T10:00:00.500000+00:00", "2026-11-26T10:00:00.5Z", "2026-11-26 10:00:00.50-00:00"):
            self.assertEqual(differences(time, same), set())
        self.assertEqual(differences("2026-11-26T10:00:00+02:00", "2026-11-26T10:00:00.000+02:00"), set())
        for other in ("2026-11-26T10:00:00.05Z", "2026-11-26T10:00:00.5+01:00", "2026-11-26T10:00:00.5", "Thu, 26 Nov 2026 10:00:00 GMT", 7):
            self.assertEqual(differences({"time": time}, {"time": other}), {"time"})


class Real(unittest.IsolatedAsyncioTestCase):
    """urllib and websockets as they are, against a server in this process."""

    async def test_a_program_polls_is_pushed_to_and_polls_again(self):
        body = {"items": []}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                content = json.dumps(body).encode()
                self.send_response(200)
                for name, value in {**PUSHED["headers"], "Content-Type": "application/json", "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        connections = []

        async def serve(connection, *_):
            connections.append(connection)
            await connection.send(json.dumps({"type": "welcome", "session": "s", "heartbeat": 25, "protocol": 1, "resumed": False}))
            while True:
                try:
                    message = json.loads(await connection.recv())
                except websockets.ConnectionClosed:
                    return
                if message["type"] == "subscribe":
                    reply = {"type": "subscribed", "channel": "c", "position": "1.1-1", "recovered": True, "version": 1, "id": message["id"]}
                    await connection.send(json.dumps(reply))
                elif message["type"] == "ping":
                    await connection.send('{"type":"pong"}')

        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        server = await websockets.serve(serve, "127.0.0.1", 0, subprotocols=["doorbell.v1"])
        port = server.sockets[0].getsockname()[1]
        statuses, changed = [], asyncio.Event()
        class Steady(Surroundings):
            def random(self):
                return 0.9  # it polls, and then it connects

        client = Client(socket_url=f"http://127.0.0.1:{port}/_doorbell/ws", surroundings=Steady())
        feed = client.live(
            f"http://127.0.0.1:{web.server_port}/api/things", interval=0.2, proof=5.0, rows=Rows(order="-id"), on_status=statuses.append,
            on_change=lambda _: changed.set())
        try:
            async def until(is_so):
                while not is_so():
                    await asyncio.sleep(0.01)
            await asyncio.wait_for(until(lambda: feed.status.live), 10)
            await connections[0].send(json.dumps({**change("1.2-2", None, 4), "channel": "c"}))
            await asyncio.wait_for(changed.wait(), 10)
            self.assertEqual(feed.state, {"items": [{"id": 4}]})
            body["items"] = [{"id": 5}]
            await connections[0].close(1012, "restart")
            await asyncio.wait_for(until(lambda: feed.state == {"items": [{"id": 5}]}), 10)
            await asyncio.wait_for(until(lambda: len(connections) == 2 and feed.status.live), 10)
            self.assertIn("closed 1012: restart", [status.reason for status in statuses])
        finally:
            await client.close()
            server.close()
            await server.wait_closed()
            web.shutdown()
            web.server_close()

    async def test_a_server_that_is_away_is_a_reason_and_no_error(self):
        feed = live("http://127.0.0.1:9/api/things", interval=0.05)
        await asyncio.sleep(0.3)
        self.assertIn("poll failed", feed.status.reason)
        await feed.client.close()


if __name__ == "__main__":
    unittest.main()
