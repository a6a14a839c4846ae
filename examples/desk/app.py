"""The desk: a page that shows notifications, orders and a chat, polled every three seconds.

An ordinary small application, as a team has it before Doorbell: Flask, PostgreSQL, JSON endpoints. Its one concession
is that the page takes the browser adapter in the place of its polling loop.

    DATABASE_URL=postgresql://… PORT=3000 /usr/bin/python3 app.py
"""

import os
import pathlib
import queue
import secrets

import psycopg
from flask import Flask, jsonify, request, send_from_directory, session
from flask.json.provider import DefaultJSONProvider
from werkzeug.serving import WSGIRequestHandler

from database import Pool

HERE = pathlib.Path(__file__).resolve().parent
ADAPTER = HERE.parent.parent / "adapters" / "browser" / "served"


class JSON(DefaultJSONProvider):
    """Timestamps as RFC 3339, in place of Flask's HTTP dates."""

    sort_keys = False

    @staticmethod
    def default(value):
        return value.isoformat() if hasattr(value, "isoformat") else DefaultJSONProvider.default(value)


app = Flask(__name__, static_folder=str(HERE / "static"))
app.json = JSON(app)
app.secret_key = os.environ.get("SECRET_KEY") or secrets.token_hex(32)
app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax", MAX_CONTENT_LENGTH=64 * 1024)
database = Pool(os.environ.get("DATABASE_URL", ""))


def problem(status, text):
    return jsonify(error=text), status


def text_of(field, limit):
    """A text field of the request's JSON, without surrounding white space; None when missing, empty or too long."""
    body = request.get_json(silent=True)
    value = body.get(field) if isinstance(body, dict) else None
    value = value.strip() if isinstance(value, str) else ""
    return value if 0 < len(value) <= limit and "\0" not in value else None


def refusal(user_id):
    """Why the caller may not see what belongs to `user_id`; None when they may."""
    if "user_id" not in session:
        return problem(401, "sign in first")
    if session["user_id"] != user_id:
        return problem(403, "this belongs to somebody else")
    return None


@app.errorhandler(psycopg.OperationalError)
@app.errorhandler(queue.Empty)
def database_away(_error):
    return problem(503, "the database cannot be reached")


# --- The page


@app.get("/")
def page():
    return send_from_directory(app.static_folder, "index.html")


@app.get("/adapter/<any('client.js', 'more.js'):name>")
def adapter(name):
    return send_from_directory(ADAPTER, name)


@app.get("/healthz")
def healthz():
    database.row("select 1")
    return jsonify(ok=True)


# --- Who is there


@app.get("/api/users")
def users():
    return jsonify(users=database.rows("select id, name from users order by name"))


@app.get("/api/me")
def me():
    return jsonify(id=session.get("user_id"), name=session.get("name"))


@app.post("/api/login")
def login():
    # A desk in a shop: whoever stands there picks a name. Signed into the cookie all the same.
    user = database.row("select id, name from users where name = %s", text_of("name", 60))
    if user is None:
        return problem(404, "nobody has this name")
    session.update(user_id=user["id"], name=user["name"])
    return jsonify(user)


@app.post("/api/logout")
def logout():
    session.clear()
    return "", 204


# --- Notifications for everybody


@app.get("/api/notifications")
def notifications():
    items = database.rows("select id, kind, body, done, created_at from notifications order by id desc limit 20")
    count = database.row("select count(*) as open from notifications where not done")
    return jsonify(open=count["open"], items=items)


@app.post("/api/notifications")
def notify():
    body = text_of("body", 500)
    kind = text_of("kind", 20) or "info"
    if body is None or kind not in ("info", "warning", "urgent"):
        return problem(400, "needs a body of at most 500 characters, and a kind of info, warning or urgent")
    row = database.write("insert into notifications (kind, body) values (%s, %s) returning id", kind, body)
    return jsonify(row), 201


@app.post("/api/notifications/<int:notification_id>/done")
def notification_done(notification_id):
    with database.connection() as connection:
        connection.execute("update notifications set done = true where id = %s and not done", (notification_id,))
        if "user_id" in session:
            connection.execute(
                "insert into notification_reads (notification_id, user_id) select id, %s from notifications"
                " where id = %s on conflict do nothing", (session["user_id"], notification_id))
    return "", 204


# --- One person's


@app.get("/api/users/<int:user_id>/notifications")
def inbox(user_id):
    refused = refusal(user_id)
    if refused:
        return refused
    return jsonify(items=database.rows(
        "select id, body, read, created_at from user_notifications where user_id = %s order by id desc limit 20",
        user_id))


@app.post("/api/users/<int:user_id>/notifications")
def mention(user_id):
    if "user_id" not in session:
        return problem(401, "sign in first")
    body = text_of("body", 500)
    if body is None:
        return problem(400, "needs a body of at most 500 characters")
    row = database.write(
        "insert into user_notifications (user_id, body) select id, %s from users where id = %s returning id",
        body, user_id)
    return (jsonify(row), 201) if row else problem(404, "nobody has this number")


@app.post("/api/users/<int:user_id>/notifications/read")
def inbox_read(user_id):
    refused = refusal(user_id)
    if refused:
        return refused
    with database.connection() as connection:
        connection.execute("update user_notifications set read = true where user_id = %s and not read", (user_id,))
        connection.execute(
            "insert into notification_reads (notification_id, user_id) select id, %s from notifications"
            " on conflict do nothing", (user_id,))
    return "", 204


@app.get("/api/users/<int:user_id>/unread")
def unread(user_id):
    refused = refusal(user_id)
    if refused:
        return refused
    return jsonify(database.row(
        "select (select count(*) from user_notifications where user_id = %s and not read)"
        " + (select count(*) from notifications n where not done and not exists"
        "    (select from notification_reads r where r.notification_id = n.id and r.user_id = %s)) as unread",
        user_id, user_id))


# --- The dashboard: computed, so that no single row says what changed


@app.get("/api/dashboard")
def dashboard():
    totals = database.row(
        "select count(*) as orders, coalesce(sum(amount), 0)::float8 as revenue,"
        " count(*) filter (where status = 'open') as open, count(*) filter (where status = 'shipped') as shipped,"
        " count(*) filter (where status = 'returned') as returned from orders")
    last = database.rows("select id, customer, amount::float8 as amount, status from orders order by id desc limit 32")
    return jsonify(**totals, last=last[::-1])


@app.post("/api/orders")
def order():
    body = request.get_json(silent=True)
    amount = body.get("amount") if isinstance(body, dict) else None
    customer = text_of("customer", 60)
    if customer is None or isinstance(amount, bool) or not isinstance(amount, (int, float)) or not 0.01 <= amount < 1e7:
        return problem(400, "needs a customer, and an amount from 0.01 up to 10 million")
    return jsonify(database.write(
        "insert into orders (customer, amount) values (%s, %s) returning id", customer, round(amount, 2))), 201


@app.post("/api/orders/<int:order_id>/ship")
def ship(order_id):
    row = database.write(
        "update orders set status = 'shipped' where id = %s and status = 'open' returning id", order_id)
    return ("", 204) if row else problem(409, "this order is not open")


# --- Chat


@app.get("/api/rooms")
def rooms():
    return jsonify(rooms=database.rows("select id, name from rooms order by id"))


@app.get("/api/rooms/<int:room_id>/messages")
def messages(room_id):
    if database.row("select 1 from rooms where id = %s", room_id) is None:
        return problem(404, "there is no such room")
    rows = database.rows(
        "select id, author, body, created_at from messages where room_id = %s order by id desc limit 40", room_id)
    return jsonify(messages=rows[::-1])


@app.post("/api/rooms/<int:room_id>/messages")
def say(room_id):
    body = text_of("body", 500)
    author = session.get("name") or text_of("author", 60) or "Guest"
    if body is None:
        return problem(400, "needs a body of at most 500 characters")
    row = database.write(
        "insert into messages (room_id, author, body) select id, %s, %s from rooms where id = %s returning id",
        author, body, room_id)
    return (jsonify(row), 201) if row else problem(404, "there is no such room")


def main():
    if not database.url:
        raise SystemExit("DATABASE_URL is not set, e.g. postgresql://localhost/desk")
    WSGIRequestHandler.protocol_version = "HTTP/1.1"  # keeps connections open between polls
    app.run(host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ.get("PORT", "3000")), threaded=True)


if __name__ == "__main__":
    main()
