#!/usr/bin/python3
"""The whole of Doorbell on one machine: a private PostgreSQL, the desk (examples/desk) and Doorbell in front of it.

    make demo                                          builds what is needed, then runs this
    /usr/bin/python3 examples/demo.py --doorbell PATH  runs it
    … --quiet                                          nobody writes but you
    … --check                                          tries everything once, prints timings, ends with 0 or 1

Standard library only. Ctrl-C ends everything and removes what was made.
"""

import argparse
import contextlib
import glob
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from client import call  # noqa: E402

DEADLINE = 60  # seconds that anything may take to start


class Failed(Exception):
    """What a person should know, and the log whose end tells more."""

    def __init__(self, message, log=None):
        super().__init__(message)
        self.log = log


class Stopped(Exception):
    """Ctrl-C, or a signal that means the same."""


class Signals:
    """Turns the first signal to end into Stopped, but never between starting a process and noting it."""

    ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self):
        self.held = self.pending = self.over = False
        for number in self.ALL:
            signal.signal(number, self.arrived)

    def arrived(self, _number, _frame):
        if self.over:
            return
        self.pending = True
        self.deliver()

    def deliver(self):
        if self.pending and not self.held:
            self.over, self.pending = True, False
            raise Stopped

    @contextlib.contextmanager
    def hold(self):
        self.held = True
        try:
            yield
        finally:
            self.held = False
        self.deliver()


def port(preferred):
    """A free port on 127.0.0.1, `preferred` (0: any) if that is free."""
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
                return probe.getsockname()[1]
            except OSError:
                pass
    raise Failed("no free port on 127.0.0.1")


def postgres_tools():
    """The folder of initdb and postgres: the newest server that is installed."""
    def version(path):
        name = pathlib.Path(path).parent.parent.name.split("@")[-1]
        return int(name) if name.isdigit() else 0
    places = ("/usr/lib/postgresql/*/bin/initdb", "/opt/homebrew/opt/postgresql@*/bin/initdb")
    found = sorted((path for place in places for path in glob.glob(place)), key=version)
    tool = found[-1] if found else shutil.which("initdb")
    if not tool:
        raise Failed("no PostgreSQL server is installed; 'make setup' installs one")
    return pathlib.Path(tool).parent


class Demo:
    def __init__(self, doorbell, signals):
        self.doorbell = doorbell
        self.signals = signals
        self.children = []  # (name, process, log, signal that ends it), in the order they were started
        self.output = None
        self.writing = threading.Event()
        self.writer = None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="doorbell-demo-"))
        self.folder.chmod(0o755)  # PostgreSQL's user has to get through

    # --- Starting

    def start(self, commentary=print):
        self.start_postgres()
        self.start_desk()
        self.start_doorbell(commentary)

    def start_postgres(self):
        tools = postgres_tools()
        as_user = {}
        data = self.folder / "postgres"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:  # the server refuses to run as root
            try:
                user = pwd.getpwnam("postgres")
            except KeyError:
                raise Failed("PostgreSQL does not run as root, and there is no user 'postgres' to run it as")
            os.chown(data, user.pw_uid, user.pw_gid)
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.run(
            "initdb",
            [tools / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            cwd=data, **as_user)
        number = port(0)
        self.database = f"postgresql://postgres@127.0.0.1:{number}/desk"
        self.spawn(
            "postgres",
            [tools / "postgres", "-D", data, "-p", number, "-c", "listen_addresses=127.0.0.1",
             "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=60"],
            signal.SIGINT, cwd=data, **as_user)
        maintenance = self.database.replace("/desk", "/postgres")
        self.until(
            "PostgreSQL", lambda: subprocess.run(
                [tools / "pg_isready", "-q", "-d", maintenance], capture_output=True).returncode == 0)
        self.psql_tool = tools / "psql"
        self.run("createdb", [self.psql_tool, "-X", "-q", "-d", maintenance, "-c", "create database desk"])
        self.run(
            "schema",
            [self.psql_tool, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.database, "-f", HERE / "desk/schema.sql"])

    def start_desk(self):
        number = port(3000)
        self.upstream = f"http://127.0.0.1:{number}"
        self.spawn(
            "desk", [sys.executable, HERE / "desk/app.py"], signal.SIGTERM,
            env={"DATABASE_URL": self.database, "PORT": str(number), "PYTHONDONTWRITEBYTECODE": "1"})
        self.until("the desk", lambda: call(f"{self.upstream}/healthz").status == 200)

    def start_doorbell(self, commentary):
        config = HERE / "desk/doorbell.yaml"
        number = port(8080)
        admin = port(8081)
        self.url = f"http://127.0.0.1:{number}"
        self.admin = f"http://127.0.0.1:{admin}"
        self.environment = {
            "DATABASE_URL": self.database, "UPSTREAM": self.upstream,
            "LISTEN": f"127.0.0.1:{number}", "ADMIN": f"127.0.0.1:{admin}",
        }
        self.run("install", [self.doorbell, "install", "--config", config], env=self.environment)
        self.serve(commentary)

    def serve(self, commentary):
        process = self.spawn(
            "serve", [self.doorbell, "serve", "--config", HERE / "desk/doorbell.yaml", "--commentary"], signal.SIGTERM,
            env=self.environment, stdout=subprocess.PIPE)
        self.output = threading.Thread(target=self.pass_on, args=(process.stdout, commentary), daemon=True)
        self.output.start()
        self.until("Doorbell", lambda: call(f"{self.url}/_doorbell/health/ready").status == 200)

    @staticmethod
    def pass_on(stream, commentary):
        for line in stream:
            commentary(line.decode(errors="replace").rstrip("\n"))

    def run(self, name, command, env=None, **options):
        """A step that ends by itself."""
        process, log = self.launch(name, command, signal.SIGKILL, env, **options)
        try:
            code = process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failed(f"'{name}' has not ended within {DEADLINE} s", log)
        self.children.pop()
        if code != 0:
            raise Failed(f"'{name}' has failed with {code}", log)

    def spawn(self, name, command, ends_by, env=None, **options):
        """A process that stays."""
        process, _ = self.launch(name, command, ends_by, env, **options)
        return process

    def launch(self, name, command, ends_by, env, stdout=None, **options):
        log = self.folder / f"{name}.log"
        with self.signals.hold(), open(log, "wb") as output:
            # In a session of its own, so that Ctrl-C reaches it through us, in order.
            process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=stdout or output, stderr=output,
                env={**os.environ, **(env or {})}, start_new_session=True, **options)
            self.children.append((name, process, log, ends_by))
        return process, log

    def until(self, what, is_ready):
        end = time.monotonic() + DEADLINE
        while True:
            self.watch()
            try:
                if is_ready():
                    return
            except (OSError, urllib.error.URLError):
                pass
            if time.monotonic() > end:
                raise Failed(f"{what} is not ready after {DEADLINE} s", self.children[-1][2])
            time.sleep(0.05)

    def watch(self):
        """Raises Failed when something that should stay has ended."""
        for name, process, log, _ in self.children:
            if process.poll() is not None:
                raise Failed(f"'{name}' has ended with {process.returncode}", log)

    # --- Running

    def psql(self, statement, timeout=DEADLINE):
        """Runs it; what it prints, without decoration."""
        return subprocess.run(
            [str(self.psql_tool), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.database, "-c", statement],
            check=True, capture_output=True, text=True, timeout=timeout).stdout.strip()

    def keep_busy(self):
        """A change about every two seconds, made through the application, which knows nothing of Doorbell."""
        self.writer = threading.Thread(target=self.write, daemon=True)
        self.writer.start()

    def write(self):
        notes = ["Parcel for bay 3", "Coffee machine is on strike", "Customer asks for Ada", "Till 2 needs change",
                 "Delivery at the back door", "Sample prints are in", "Somebody left an umbrella"]
        talk = ["Coming!", "Who takes the next one?", "Bay 4 is full.", "Back in five.", "Found it, thanks."]
        names = ["Ada", "Bert", "Chidi"]
        customers = ["Ines", "Jonas", "Kemal", "Lotte", "Mara"]
        while not self.writing.wait(random.uniform(1.5, 2.5)):
            try:
                kind = random.random()
                if kind < 0.35:
                    amount = round(random.uniform(8, 160), 2)
                    call(f"{self.upstream}/api/orders", {"customer": random.choice(customers), "amount": amount})
                elif kind < 0.5:
                    orders = call(f"{self.upstream}/api/dashboard").json["last"]
                    open_orders = [order["id"] for order in orders if order["status"] == "open"]
                    if open_orders:
                        call(f"{self.upstream}/api/orders/{open_orders[0]}/ship", {})
                elif kind < 0.75:
                    body = {"body": random.choice(talk), "author": random.choice(names)}
                    call(f"{self.upstream}/api/rooms/{random.choice((1, 1, 2))}/messages", body)
                else:
                    listed = call(f"{self.upstream}/api/notifications").json
                    if listed["open"] > 6:
                        oldest = [item["id"] for item in listed["items"] if not item["done"]][-1:]
                        for number in oldest:
                            call(f"{self.upstream}/api/notifications/{number}/done", {})
                    else:
                        kinds = ("info", "info", "warning", "urgent")
                        body = {"body": random.choice(notes), "kind": random.choice(kinds)}
                        call(f"{self.upstream}/api/notifications", body)
            except (OSError, urllib.error.URLError):
                pass  # somebody has stopped a part to see what happens; the next change may get through

    # --- Ending

    def stop(self):
        """Ends everything in the reverse order and removes the folder. Returns the exit code of each child by name."""
        self.writing.set()
        codes = {}
        for name, process, _, ends_by in reversed(self.children):
            if process.poll() is None:
                process.send_signal(ends_by)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    # PostgreSQL's children follow its SIGQUIT; SIGKILL would leave them to notice by themselves.
                    process.send_signal(signal.SIGQUIT if name == "postgres" else signal.SIGKILL)
                    process.wait(20)
            codes[name] = process.returncode
            if name == "serve" and self.output:
                self.output.join(5)
        if self.writer:
            self.writer.join(15)
        shutil.rmtree(self.folder, ignore_errors=True)
        return codes


def banner(demo, busy):
    print(f"""
  The page      {demo.url}/
  The old API   {demo.upstream}/   (behind Doorbell; the same paths are at {demo.url})
  WebSocket     {demo.url.replace('http', 'ws', 1)}/_doorbell/ws
  Dashboard     {demo.admin}/
  Metrics       {demo.admin}/metrics

  Change a row  {demo.psql_tool} {demo.database} -c "insert into notifications (body) values ('Hello')"
  Watch it      {demo.doorbell} tail {demo.url}/api/notifications

  {'Somebody makes a change every two seconds (--quiet: nobody).' if busy else 'Nobody writes but you.'} \
Ctrl-C ends everything.
""", flush=True)


def tail(log, count=20):
    try:
        lines = log.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return
    for line in lines:
        print(f"  | {line}", file=sys.stderr)


def program(path):
    """The doorbell command at `path`. Raises Failed when there is none."""
    path = path.resolve()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise Failed(f"{path} is no program; 'make release' builds it")
    return path


def main():
    parser = argparse.ArgumentParser(description="Doorbell in front of a small application, with all that it needs.")
    parser.add_argument("--doorbell", required=True, type=pathlib.Path, metavar="PATH", help="the doorbell command")
    parser.add_argument("--busy", action=argparse.BooleanOptionalAction, default=True, help="make changes all the time")
    parser.add_argument("--quiet", dest="busy", action="store_false", help="the same as --no-busy")
    parser.add_argument("--check", action="store_true", help="try everything once and end")
    parser.add_argument("--shots", type=pathlib.Path, metavar="FOLDER", help="with --check: keep the screenshots there")
    options = parser.parse_args()
    try:
        doorbell = program(options.doorbell)
    except Failed as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1

    signals = Signals()
    with signals.hold():
        demo = Demo(doorbell, signals)
        return run(demo, signals, options)


def run(demo, signals, options):
    """Starts, shows or checks, and ends everything whatever happens; the exit code."""
    status = 0
    try:
        signals.held = False
        signals.deliver()
        if options.check:
            from check import check
            lines = []
            began = time.monotonic()
            demo.start(lines.append)
            print(f"ok    everything is up after {time.monotonic() - began:.1f} s", flush=True)
            status = check(demo, lines, options.shots)
        else:
            print("demo: starting PostgreSQL, the desk and Doorbell …", flush=True)
            demo.start(lambda line: print(line, flush=True))
            banner(demo, options.busy)
            if options.busy:
                demo.keep_busy()
            while True:
                time.sleep(0.5)
                demo.watch()
    except Stopped:
        print("\ndemo: stopping …", flush=True)
        status = 1 if options.check else 0
    except Failed as failure:
        print(f"demo: {failure}", file=sys.stderr)
        if failure.log:
            tail(failure.log)
        status = 1
    except Exception as error:  # whatever it is: it is told, and everything is ended all the same
        print(f"demo: {type(error).__name__}: {error}", file=sys.stderr)
        status = 1
    finally:
        signals.over = True
        codes = demo.stop()
    if options.check and status == 0 and codes.get("serve") != 0:
        print(f"FAIL  Doorbell ended with {codes.get('serve')} after SIGTERM")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
