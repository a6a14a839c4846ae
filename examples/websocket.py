"""A WebSocket client (RFC 6455) in the standard library alone: text messages, one thread, deadlines."""

import base64
import hashlib
import json
import os
import socket
import struct
import time
import urllib.parse

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_MESSAGE = 64 * 1024 * 1024  # bytes


class Closed(Exception):
    """The other end has closed, or speaks something else. `code`: its close code, 1006 without one."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed {code} {reason}".strip())
        self.code = code


class WebSocket:
    def __init__(self, url, headers=None, protocols=(), timeout=10):
        """Connects and shakes hands. Raises OSError, or Closed when the answer is no 101."""
        parts = urllib.parse.urlsplit(url)
        self.deadline = time.monotonic() + timeout
        self.socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [
            f"GET {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
            *([f"Sec-WebSocket-Protocol: {', '.join(protocols)}"] if protocols else []),
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        try:
            self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
            head = self._until(b"\r\n\r\n").decode("latin-1")
            accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
            if not head.startswith("HTTP/1.1 101") or accept not in head:
                raise Closed(1006, "instead of 101: " + head.split("\r\n")[0])
        except BaseException:
            self.socket.close()
            raise

    def send(self, message):
        """Sends a value as one JSON text message."""
        self._frame(0x1, json.dumps(message).encode())

    def receive(self, timeout=10):
        """The next text message, read as JSON. Raises TimeoutError after `timeout` seconds without one."""
        self.deadline = time.monotonic() + timeout
        parts = b""
        while True:
            first, second = self._exactly(2)
            length = second & 0x7F
            if length == 126:
                length, = struct.unpack("!H", self._exactly(2))
            elif length == 127:
                length, = struct.unpack("!Q", self._exactly(8))
            if length + len(parts) > MAX_MESSAGE:
                raise Closed(1009, "message too big")
            payload = self._exactly(length)
            opcode = first & 0x0F
            if opcode == 0x8:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                raise Closed(code, payload[2:].decode(errors="replace"))
            if opcode == 0x9:
                self._frame(0xA, payload)
            elif opcode in (0x0, 0x1):
                parts += payload
                if first & 0x80:
                    return json.loads(parts)

    def close(self):
        try:
            self._frame(0x8, struct.pack("!H", 1000))
        except OSError:
            pass
        self.socket.close()

    def _frame(self, opcode, payload):
        size = len(payload)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 65536:
            length = bytes([0x80 | 126]) + struct.pack("!H", size)
        else:
            length = bytes([0x80 | 127]) + struct.pack("!Q", size)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def _fill(self):
        # Pings alone are no message.
        self.socket.settimeout(max(0.001, self.deadline - time.monotonic()))
        data = self.socket.recv(65536)
        if not data:
            raise Closed(1006, "the connection ended")
        self.buffer += data

    def _exactly(self, count):
        while len(self.buffer) < count:
            self._fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _until(self, mark):
        while mark not in self.buffer:
            self._fill()
        taken, self.buffer = self.buffer.split(mark, 1)
        return taken
