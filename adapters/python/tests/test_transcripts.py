"""The transcripts and golden messages that all clients are held to: Tests/Fixtures."""

import asyncio
import json
import pathlib
import unittest

from doorbell_client import Client, Rows

from fakes import World, settle

FIXTURES = pathlib.Path(__file__).resolve().parents[3] / "Tests/Fixtures"
URL = "http://app.test/api/things?limit=5"
CLIENT_TYPES = {"subscribe", "unsubscribe", "ack", "auth", "refresh", "request", "publish", "drift", "ping"}


async def play(transcript):
    world = World()
    told = {"changes": [], "messages": [], "states": [], "fields": [], "joined": []}
    options = dict(transcript["options"])
    if "rows" in options:
        options["rows"] = Rows(**options["rows"])
    if options.pop("events", False):
        options["on_change"] = lambda message: told["changes"].append(message["position"])
        options["on_message"] = lambda message: told["messages"].append(message["position"])
    client = Client(surroundings=world)
    feed = None

    def sent():
        return [{name: value for name, value in message.items() if name not in ("id", "digest")}
                for message in world.connection.sent if message["type"] != "ping"]

    seen = {
        "requests": lambda: [request["at"] for request in world.requests],
        "open-requests": lambda: sum(request["isOpen"] for request in world.requests),
        "if-none-match": lambda: [request["headers"].get("If-None-Match") for request in world.requests],
        "connections": lambda: len(world.connections), "closed": lambda: [each.closed_with for each in world.connections],
        "sent": sent, "sent-types": lambda: [message["type"] for message in sent()],
        "states": lambda: told["states"], "state": lambda: told["states"][-1], "changes": lambda: told["changes"],
        "messages": lambda: told["messages"], "drifts": lambda: feed.stats["drifts"], "fields": lambda: list(dict.fromkeys(told["fields"])),
        "joined": lambda: [told["joined"][-1].transport, told["joined"][-1].reason],
        "status": lambda: [feed.status.transport, feed.status.reason],
    }
    for number, step in enumerate(transcript["steps"], 1):
        (action, value), = step.items()
        if action == "poll":
            world.reply = value
        elif action == "answer":
            await world.answer(value)
        elif action == "pass":
            await world.pass_(value)
        elif action == "open":
            world.open()
        elif action == "subscribed":
            world.connection.say({
                "type": "subscribed", "channel": "things", "position": "1.1-1", "recovered": True, "version": 1,
                "id": world.connection.of("subscribe")[-1]["id"], **value})
        elif action == "say":
            world.connection.say(value)
        elif action == "close":
            world.end(*value)
        elif action == "join":
            client.live(URL, on_status=told["joined"].append, **options)
        elif action == "stall":
            world.connection.stalls = value
        else:
            assert action == "expect", action
            for what, expected in value.items():
                assert seen[what]() == expected, f"{what} in step {number}: {seen[what]()}, not {expected}"
        feed = feed or client.live(
            URL, on_data=told["states"].append, on_drift=lambda was, now, fields: told["fields"].extend(fields), **options)
        await settle()
    await client.close()
    await settle()
    left = [timer for timer in world.timers if not timer.is_cancelled]
    assert not left, f"{len(left)} timers are left"


class Transcripts(unittest.TestCase):
    def test_transcripts(self):
        files = sorted((FIXTURES / "client").glob("*.json"))
        self.assertGreater(len(files), 10)
        for file in files:
            with self.subTest(file.name):
                asyncio.run(play(json.loads(file.read_text())))


class Golden(unittest.TestCase):
    """Each golden message is understood or ignored."""

    def test_golden(self):
        files = sorted((FIXTURES / "wire/v1").glob("*.json"))
        self.assertGreater(len(files), 5)
        for file in files:
            with self.subTest(file.name):
                asyncio.run(self.hear(file.read_text().strip()))

    async def hear(self, text):
        message = json.loads(text)
        self.assertIsInstance(message["type"], str)
        if message["type"] in CLIENT_TYPES:
            return
        world = World()
        world.reply = {"body": {"n": 0}, "headers": {
            "Doorbell-Transport": "push", "Doorbell-Position": "1.1-1", "Doorbell-Feature": message.get("feature", "f")}}
        seen, said = [], []
        client = Client(surroundings=world)
        feed = client.live(URL, on_change=seen.append, on_message=said.append)
        await world.pass_(0)
        world.open()
        await world.pass_(0)
        world.connection.say({
            "type": "subscribed", "channel": message.get("channel", "c"), "position": "1.1-1", "recovered": True, "version": 1,
            "id": world.connection.of("subscribe")[0]["id"]})
        await world.pass_(5000)
        self.assertEqual(feed.status.transport, "push")
        world.connection.say(text)
        await world.pass_(1000)
        self.assertIn(feed.status.transport, ("push", "poll"))
        if "op" in message:
            self.assertEqual(seen, [message])
        if message["type"] == "message":
            self.assertEqual(said, [message])
        if message["type"] in ("signal", "reset"):
            self.assertEqual(len(world.requests), 2)
        await client.close()


if __name__ == "__main__":
    unittest.main()
