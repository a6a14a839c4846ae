#!/usr/bin/env python3
"""Runs the Autobahn test suite against Doorbell's WebSocket code.

Installs the suite from PyPI into a virtual environment in a temporary folder (or one that is kept, with --venv), starts
the echo server `DoorbellEcho`, runs the cases, prints those that did not pass, and ends with 1 if there are any.

    swift build --product DoorbellEcho
    python3 Tests/Autobahn/run.py --echo "$(swift build --show-bin-path)/DoorbellEcho"
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import venv

# The versions that the changes in fuzzing_client.py were made for.
PACKAGES = ["autobahntestsuite==25.10.1", "autobahn[twisted]>=25.10"]
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}
COMPRESSION = ["12.*", "13.*"]
HERE = pathlib.Path(__file__).resolve().parent


def install(folder):
    """Returns the environment's Python."""
    python = folder / "bin" / "python"
    mark = folder / "packages"
    if mark.exists() and mark.read_text() == repr(PACKAGES):
        return python
    print("installing %s" % ", ".join(PACKAGES), file=sys.stderr, flush=True)
    venv.create(folder, with_pip=True, clear=folder.exists())
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"] + PACKAGES, check=True)
    mark.write_text(repr(PACKAGES))
    return python


def start(echo, arguments):
    """Returns the server and its port. It ends when its standard input is closed."""
    server = subprocess.Popen([echo] + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    if not line.strip().isdigit():
        stop(server)
        raise SystemExit("the echo server did not start")
    return server, int(line)


def stop(server):
    server.stdin.close()
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def passed(result):
    return result["behavior"] in PASSED and result["behaviorClose"] in PASSED


def report(results, expected):
    """Prints what did not pass. Returns whether everything did."""
    counts = collections.Counter(
        result["behavior"] if passed(result) else "FAILED" for result in results)
    failures = [result for result in results if not passed(result)]
    for result in sorted(failures, key=lambda result: [int(part) for part in result["case"].split(".")]):
        print("%-8s %-14s close: %-18s %s" % (
            result["case"], result["behavior"], result["behaviorClose"], result["description"][:90]))
        for name in ("result", "resultClose", "expected", "received"):
            print("           %s: %s" % (name, result[name][:160]))
    print("Autobahn: %d cases: %s" % (
        len(results), ", ".join("%d %s" % (count, name) for name, count in sorted(counts.items()))))
    repeated = [result["case"] for result in results if result["repeated"] and passed(result)]
    if repeated:
        print("Autobahn: passed only when run again: %s" % ", ".join(repeated))
    if len(results) != expected:
        print("Autobahn: %d cases were to run" % expected)
    return not failures and len(results) == expected


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--echo", required=True, help="the built DoorbellEcho")
    parser.add_argument("--cases", nargs="+", default=["*"], metavar="PATTERN", help="such as 6.* 7.1.1; default: all")
    parser.add_argument(
        "--compression", action="store_true", help="the cases for permessage-deflate too; they take minutes")
    parser.add_argument("--venv", type=pathlib.Path, help="a folder for the environment that is kept for the next run")
    parser.add_argument("--json", type=pathlib.Path, help="write every verdict to this file")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for all cases together")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="doorbell-autobahn-") as temporary:
        folder = pathlib.Path(temporary)
        python = install(arguments.venv.resolve() if arguments.venv else folder / "venv")
        server, port = start(arguments.echo, ["--deflate"] if arguments.compression else [])
        output = folder / "results.json"
        command = [
            python, HERE / "fuzzing_client.py", "ws://127.0.0.1:%d/" % port, output, "--cases", *arguments.cases,
        ]
        if not arguments.compression:
            command += ["--exclude", *COMPRESSION]
        try:
            client = subprocess.run(
                command, stderr=subprocess.PIPE, text=True, timeout=arguments.timeout,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        except subprocess.TimeoutExpired:
            raise SystemExit("Autobahn: not done within %d s" % arguments.timeout)
        finally:
            stop(server)
        if client.returncode != 0 or not output.exists():
            sys.stderr.write(client.stderr[-4000:])
            raise SystemExit("Autobahn: the fuzzing client failed")
        answer = json.loads(output.read_text())
        if arguments.json:
            arguments.json.write_text(json.dumps(answer["results"], indent=1))
        return 0 if report(answer["results"], answer["selected"]) else 1


sys.exit(main())
