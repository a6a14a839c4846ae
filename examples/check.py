"""`demo.py --check`: everything that the demo shows, tried once."""

import shutil
import statistics
import sys
import time

from client import call
from websocket import Closed, WebSocket

LATENCY_ROUNDS = 20


class Wrong(Exception):
    """What was expected, and what came instead."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def check(demo, commentary, shots):
    """Runs every step; 0 when all went well. `commentary`: the lines that `serve` has printed so far."""
    steps = [page, poll, tutorial, resume, direct_message, signal_feature, credentials, metrics]
    failures = 0
    for step in steps:
        failures += not tried(step.__doc__, lambda: step(demo))
    failures += not tried(told.__doc__, lambda: told(commentary))
    if shutil.which("chromium") or shutil.which("google-chrome"):
        failures += not tried(browser.__doc__, lambda: browser(demo, shots))
    else:
        print("skip  the page in Chromium: it is not installed")
    return 1 if failures else 0


def tried(name, step):
    began = time.monotonic()
    try:
        note = step()
    except (Wrong, Closed, OSError, KeyError, ValueError, RuntimeError) as error:
        print(f"FAIL  {name}: {type(error).__name__}: {error}", flush=True)
        return False
    print(f"ok    {name} ({note or f'{(time.monotonic() - began) * 1000:.0f} ms'})", flush=True)
    return True


def page(demo):
    """the page and what it loads come through Doorbell"""
    for path in ("/", "/static/desk.js", "/static/desk.css", "/adapter/client.js", "/adapter/more.js"):
        through, direct = call(demo.url + path), call(demo.upstream + path)
        expect(through.status == 200, f"{path} answers {through.status}")
        expect(through.body == direct.body, f"{path} is not what the application answers")


def poll(demo):
    """a poll is answered as before, with Doorbell's headers"""
    through, direct = call(f"{demo.url}/api/notifications"), call(f"{demo.upstream}/api/notifications")
    expect(through.status == 200 and through.body == direct.body, f"{through.status} {through.body[:200]!r}")
    for name, value in {"Doorbell-Feature": "notifications", "Doorbell-Transport": "push"}.items():
        expect(through.headers[name] == value, f"{name}: {through.headers[name]}")
    expect(through.headers["Doorbell-Position"], "no Doorbell-Position")
    other = call(f"{demo.url}/api/rooms")
    expect(other.headers["Doorbell-Feature"] is None, "a path that is no feature has Doorbell-Feature")


def open_socket(demo, headers=None):
    socket = WebSocket(demo.url + "/_doorbell/ws", headers=headers, protocols=["doorbell.v1"])
    welcome = socket.receive()
    expect(welcome["type"] == "welcome" and welcome["protocol"] == 1, f"not a welcome: {welcome}")
    return socket


def next_of(socket, *types):
    message = socket.receive()
    expect(message["type"] in types, f"expected {' or '.join(types)}: {message}")
    return message


def tutorial(demo):
    """a row written by psql reaches a WebSocket client"""
    socket = open_socket(demo)
    try:
        socket.send({"type": "subscribe", "channel": "notifications"})
        next_of(socket, "subscribed")
        demo.psql("insert into notifications (kind, body) values ('urgent', 'Grüße: \"quoted\" \\ and ☕')")
        message = next_of(socket, "notification")
        expect(message["op"] == "insert" and message["data"]["body"] == 'Grüße: "quoted" \\ and ☕', f"{message}")
        expect(message["data"]["kind"] == "urgent" and message["data"]["done"] is False, f"{message}")
        demo.psql(f"update notifications set done = true where id = {message['data']['id']}")
        update = next_of(socket, "notification")
        expect(update["op"] == "update" and update["changed"] == ["done"], f"{update}")
        expect(update["previous"] == message["position"], f"the chain is broken: {update}")
        demo.psql(f"delete from notifications where id = {message['data']['id']}")
        delete = next_of(socket, "notification")
        expect(delete["op"] == "delete" and delete["key"] == {"id": message["data"]["id"]}, f"{delete}")
        expect("data" not in delete, f"{delete}")
        times = []
        for number in range(LATENCY_ROUNDS):
            answer = call(f"{demo.upstream}/api/notifications", {"body": f"round {number}"})
            answered = time.monotonic()
            message = next_of(socket, "notification")
            times.append((time.monotonic() - answered) * 1000)
            expect(message["data"]["id"] == answer.json["id"], f"{message}")
        demo.psql("delete from notifications where body like 'round %'")
        return f"told {statistics.median(times):.1f} ms after the write was answered, at most {max(times):.1f}"
    finally:
        socket.close()


def resume(demo):
    """a client that was away gets what it missed, from the position of its poll"""
    position = call(f"{demo.url}/api/rooms/1/messages").headers["Doorbell-Position"]
    for number in range(3):
        call(f"{demo.upstream}/api/rooms/1/messages", {"author": "Check", "body": f"missed {number}"})
    socket = open_socket(demo)
    try:
        socket.send({"type": "subscribe", "poll": "/api/rooms/1/messages", "since": position, "id": "r"})
        subscribed = next_of(socket, "subscribed")
        expect(subscribed["recovered"] and subscribed["id"] == "r", f"{subscribed}")
        bodies = [next_of(socket, "post")["data"]["body"] for _ in range(3)]
        expect(bodies == ["missed 0", "missed 1", "missed 2"], f"{bodies}")
    finally:
        socket.close()


def direct_message(demo):
    """what a client or the application says reaches the others in the room"""
    path = "/api/rooms/1/messages"
    speaker, listener = open_socket(demo), open_socket(demo)
    try:
        for socket in (speaker, listener):
            socket.send({"type": "subscribe", "poll": path})
            channel = next_of(socket, "subscribed")["channel"]
        speaker.send({"type": "publish", "channel": channel, "data": {"typing": "Ada"}, "id": 1})
        heard = next_of(listener, "message")
        expect(heard["data"] == {"typing": "Ada"} and heard["id"] == 1, f"{heard}")
        answers = {next_of(speaker, "message", "published")["type"] for _ in range(2)}
        expect(answers == {"message", "published"}, f"{answers}")
        demo.psql(f"select doorbell.publish('{channel}', '\"closing\"', 'desk')")
        said = next_of(listener, "message")
        expect(said["data"] == "closing" and said["from"] == "desk", f"{said}")
        expect(said["previous"] == heard["position"], f"the chain is broken: {said}")
    finally:
        speaker.close()
        listener.close()


def signal_feature(demo):
    """a computed endpoint is signalled"""
    socket = open_socket(demo)
    try:
        socket.send({"type": "subscribe", "poll": "/api/dashboard"})
        next_of(socket, "subscribed")
        call(f"{demo.upstream}/api/orders", {"customer": "Check", "amount": 12.5})
        message = next_of(socket, "signal")
        expect(message["channel"] == "dashboard", f"{message}")
    finally:
        socket.close()


def credentials(demo):
    """whoever may poll a URL may subscribe to it, and nobody else"""
    path = "/api/users/1/notifications"
    expect(call(demo.url + path).status == 401, "the inbox is open to anybody")
    stranger = open_socket(demo)
    try:
        stranger.send({"type": "subscribe", "poll": path})
        error = next_of(stranger, "error")
        expect(error["code"] == "not_allowed", f"{error}")
    finally:
        stranger.close()
    login = call(f"{demo.url}/api/login", {"name": "Ada"})
    cookie = {"Cookie": login.headers["Set-Cookie"].split(";")[0]}
    expect(call(demo.url + path, headers=cookie).status == 200, "Ada may not see her own inbox")
    expect(call(demo.url + "/api/users/2/notifications", headers=cookie).status == 403, "Ada sees Bert's inbox")
    ada = open_socket(demo, cookie)
    try:
        ada.send({"type": "subscribe", "poll": path, "version": 2})
        next_of(ada, "subscribed")
        ada.send({"type": "subscribe", "poll": "/api/users/1/unread"})
        next_of(ada, "subscribed")
        demo.psql("insert into user_notifications (user_id, body) values (2, 'for Bert'), (1, 'for Ada')")
        messages = [next_of(ada, "notification", "signal") for _ in range(2)]
        data = [message["data"] for message in messages if message["type"] == "notification"]
        expect(len(data) == 1 and data[0]["text"] == "for Ada" and data[0]["isRead"] is False, f"{messages}")
    finally:
        ada.close()


def metrics(demo):
    """metrics are on the admin port, and only there"""
    answer = call(f"{demo.admin}/metrics")
    expect(answer.status == 200 and b"doorbell_" in answer.body, f"{answer.status} {answer.body[:200]!r}")
    expect(b"doorbell_" not in call(f"{demo.url}/metrics").body, "metrics are on the public port too")


def told(commentary):
    """the running commentary tells of changes"""
    text = "\n".join(commentary)
    expect("notifications" in text and "told" in text, f"it says: {text[-500:] or 'nothing'}")
    return f"{len(commentary)} lines"


def browser(demo, folder):
    """the page in Chromium: the bell changes by push, without a poll"""
    from shot import shoot

    def change():
        demo.psql("insert into notifications (kind, body) values ('urgent', 'Look up!')")
    return shoot(demo.url, folder, change)


if __name__ == "__main__":
    sys.exit("run it as: demo.py --check --doorbell PATH")
