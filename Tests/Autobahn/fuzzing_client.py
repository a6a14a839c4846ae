"""The fuzzing client: runs the cases of the Autobahn test suite against a server, and writes the verdicts as JSON.

The suite on PyPI is written for Python 2; its own driver does not even compile today. Its cases are what matters: what
to send, what to expect, how to judge. They are loaded here from the installed package with the few changes that Python 3
asks for, and are driven by the current `autobahn` library, the successor of the one that the suite was written for.

A byte string of the cases is a Python 3 `str` with one character a byte; it becomes `bytes` where it is sent or
compared.

Run by run.py, with the Python of its virtual environment.
"""

import argparse
import binascii
import importlib.util
import json
import pathlib
import re
import sys
import time
import types

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol, connectWS
from autobahn.websocket.protocol import WebSocketProtocol
from autobahn.websocket.utf8validator import Utf8Validator
from twisted.internet import reactor


def to_bytes(value):
    return value.encode("latin-1") if isinstance(value, str) else value


def comparable(value):
    """Events of a case, with every string as bytes."""
    if isinstance(value, str):
        return to_bytes(value)
    return tuple(comparable(item) for item in value) if isinstance(value, (list, tuple)) else value


class Hex(types.ModuleType):
    """`binascii` as the cases expect it."""

    @staticmethod
    def b2a_hex(value):
        return binascii.b2a_hex(to_bytes(value)).decode()

    hexlify = b2a_hex


class Validator(Utf8Validator):
    def validate(self, value):
        return super().validate(to_bytes(value))


class Suite:
    """The cases of the installed package."""

    # What Python 3 does not take, and what it understands in another way.
    CHANGES = [
        (r"(?m)^(\s*)print\b.*$", r"\1pass"),
        (r"\bxrange\b", "range"),
        # Ours are there already; these would come later, and win.
        (r"(?m)^(import .*?)\bbinascii$", r"\1sys"),
        (r"(?m)^from autobahn.websocket.utf8validator .*$", ""),
        (r"unichr\((\w+)\)\.encode\(\"utf-8\"\)", r"utf8(\1)"),
        (r"\(object, Case, ?\)", "(Case,)"),
        # Names that `autobahn` has changed.
        (r"\brequestNoContextTakeover\b", "request_no_context_takeover"),
        (r"\brequestMaxWindowBits\b", "request_max_window_bits"),
        (r"len\(self\.payload\) / ", "len(self.payload) // "),
    ]

    def __init__(self):
        self.folder = pathlib.Path(importlib.util.find_spec("autobahntestsuite").submodule_search_locations[0])
        # The package itself imports modules that are gone.
        resources = types.ModuleType("pkg_resources")
        resources.resource_filename = lambda package, name: str(self.folder / name)
        sys.modules["pkg_resources"] = resources
        # Not in the suite's own list either: endless sending, with interfaces that are gone.
        sys.modules["case9_9_1"] = types.ModuleType("case9_9_1")
        sys.meta_path.insert(0, self)
        cases = self.load("doorbell_autobahn_cases", self.folder / "case" / "__init__.py")
        case = sys.modules["case"].Case
        case.compare = lambda self, one, other: comparable(one) == comparable(other)
        self.by_id = {cls.__name__[len("Case"):].replace("_", "."): cls for cls in cases.Cases}

    def find_spec(self, name, path=None, target=None):
        """Finds what the cases import from beside themselves."""
        file = self.folder / "case" / (name + ".py")
        if re.fullmatch(r"case[\w]*", name) and file.exists():
            return importlib.util.spec_from_loader(name, self)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        self.run(module, self.folder / "case" / (module.__name__ + ".py"))

    def load(self, name, file):
        module = types.ModuleType(name)
        self.run(module, file)
        return module

    def run(self, module, file):
        # One character a byte, in literals too.
        text = file.read_text(encoding="latin-1")
        for pattern, replacement in self.CHANGES:
            text = re.sub(pattern, replacement, text)
        module.__dict__["binascii"] = Hex("binascii")
        module.__dict__["utf8"] = lambda code: chr(code).encode("utf-8", "surrogatepass").decode("latin-1")
        module.__dict__["Utf8Validator"] = Validator
        exec(compile(text, str(file), "exec"), module.__dict__)

    def select(self, patterns, excluded):
        def matches(name, pattern):
            return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None

        chosen = [
            name for name in self.by_id
            if any(matches(name, pattern) for pattern in patterns)
            and not any(matches(name, pattern) for pattern in excluded)
        ]
        return sorted(chosen, key=lambda name: [int(part) for part in name.split(".")])


class FuzzingProtocol(WebSocketClientProtocol):
    """What cases call `self.p`: sends what it is told to, and reports what comes back."""

    run_case = None

    def connectionMade(self):
        self.connectionWasOpen = False
        self.createWirelog = True
        self.txFrameStats = {}
        self.run_case = self.factory.case(self)
        self.started = time.monotonic()
        super().connectionMade()

    def connectionLost(self, reason):
        super().connectionLost(reason)
        try:
            self.run_case.onConnectionLost(self.failedByMe)
        except Exception as error:  # A case that trips over what it received has failed.
            self.run_case.behavior = "FAILED"
            self.run_case.result = "the case raised %r" % error
        self.factory.ended(self)

    def onOpen(self):
        self.connectionWasOpen = True
        self.run_case.onOpen()

    def onMessage(self, payload, isBinary):
        self.run_case.onMessage(payload, isBinary)

    def onPong(self, payload):
        self.run_case.onPong(payload)

    def onClose(self, wasClean, code, reason):
        self.run_case.onClose(wasClean, code, reason)

    # What cases call: strings become bytes.

    def sendFrame(self, opcode, payload=b"", *arguments, **options):
        super().sendFrame(opcode, to_bytes(payload), *arguments, **options)

    def sendMessage(self, payload, *arguments, **options):
        super().sendMessage(to_bytes(payload), *arguments, **options)

    def sendMessageFrameData(self, payload, *arguments, **options):
        return super().sendMessageFrameData(to_bytes(payload), *arguments, **options)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        super().sendCloseFrame(code, to_bytes(reasonUtf8), isReply)

    def logTxFrame(self, frameHeader, payload, repeatLength, chopsize, sync):
        self.txFrameStats[frameHeader.opcode] = self.txFrameStats.get(frameHeader.opcode, 0) + 1

    def logRxFrame(self, frameHeader, payload):
        pass

    def logRxOctets(self, data):
        pass

    def logTxOctets(self, data, sync):
        pass

    def enableWirelog(self, enable):
        self.createWirelog = enable

    def continueLater(self, delay, function, tag=None):
        self.later(delay, function)

    def killAfter(self, delay):
        self.later(delay, self._fail_connection)

    def closeAfter(self, delay):
        self.later(delay, self.sendClose)

    def later(self, delay, function):
        def run():
            if self.state != WebSocketProtocol.STATE_CLOSED:
                function()

        reactor.callLater(delay, run)


class FuzzingFactory(WebSocketClientFactory):
    """One connection for one case."""

    protocol = FuzzingProtocol

    def __init__(self, url, name, case, done):
        super().__init__(url)
        self.name, self.case, self.done = name, case, done
        self.logFrames = True
        # As the RFC has it, and as the suite has always set it.
        self.setProtocolOptions(failByDrop=False)

    def ended(self, protocol):
        case = protocol.run_case
        self.done({
            "case": self.name,
            "behavior": case.behavior,
            "behaviorClose": case.behaviorClose,
            "result": case.result,
            "resultClose": case.resultClose,
            "description": " ".join(case.DESCRIPTION.split("<")[0].split()),
            "expected": repr(comparable(list(case.expected.values())))[:400],
            "received": repr(comparable(case.received))[:400],
            "closeCode": protocol.remoteCloseCode,
            "closeReason": protocol.remoteCloseReason,
            "seconds": round(time.monotonic() - protocol.started, 3),
        })

    def clientConnectionFailed(self, connector, reason):
        self.done({
            "case": self.name, "behavior": "FAILED", "behaviorClose": "FAILED",
            "result": "no connection: " + reason.getErrorMessage(), "resultClose": "", "description": "",
            "expected": "", "received": "", "closeCode": None, "closeReason": None, "seconds": 0,
        })


class Runner:
    """Runs cases that mostly wait side by side, those that measure one after the other, and those that failed once more.

    Many cases are judged by time (a second for the server to close), which a busy machine may not have.
    """

    PARALLEL = 16
    PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}

    def __init__(self, suite, url, names):
        self.suite, self.url = suite, url
        heavy = [name for name in names if int(name.split(".")[0]) in (9, 12, 13)]
        self.phases = [([name for name in names if name not in heavy], self.PARALLEL), (heavy, 1)]
        self.results = {}
        self.running = 0
        self.has_repeated = False
        self.has_ended = False

    def start(self):
        while self.phases:
            names, width = self.phases[0]
            while names and self.running < width:
                self.running += 1
                name = names.pop(0)
                connectWS(FuzzingFactory(self.url, name, self.suite.by_id[name], self.done))
            if names or self.running:
                return
            self.phases.pop(0)
            if not self.phases and not self.has_repeated:
                self.has_repeated = True
                self.phases.append(([name for name in self.results if not self.has_passed(name)], 1))
        if not self.has_ended:
            self.has_ended = True
            reactor.stop()

    def has_passed(self, name):
        result = self.results[name]
        return result["behavior"] in self.PASSED and result["behaviorClose"] in self.PASSED

    def done(self, result):
        self.running -= 1
        result["repeated"] = self.has_repeated
        self.results[result["case"]] = result
        print("%s %s" % (result["case"], result["behavior"]), file=sys.stderr, flush=True)
        reactor.callLater(0, self.start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("output")
    parser.add_argument("--cases", nargs="+", default=["*"])
    parser.add_argument("--exclude", nargs="*", default=[])
    arguments = parser.parse_args()
    suite = Suite()
    names = suite.select(arguments.cases, arguments.exclude)
    runner = Runner(suite, arguments.url, names)
    reactor.callWhenRunning(runner.start)
    reactor.run()
    pathlib.Path(arguments.output).write_text(json.dumps({"selected": len(names), "results": list(runner.results.values())}))


main()
