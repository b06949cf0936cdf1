"""Drives the server's WebSocket endpoint with hostile and unusual bytes, after the list of cases of the Autobahn test suite.

The endpoint speaks the Anser protocol and echoes nothing, so the WebSocket layer alone is judged: what is taken, what is
closed with which code, whether pings come back. Bytes to the server are made here; bytes from it are read by wsproto.
Arguments: host:port, and a Hello frame in hexadecimal. Prints a table; the exit status is 1 if a case fails.
"""

import os
import socket
import struct
import sys

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection, BytesMessage, CloseConnection, Ping, Pong, RejectConnection, Request, TextMessage,
)
from wsproto.extensions import PerMessageDeflate

HOST, PORT = sys.argv[1].rsplit(":", 1)
HELLO = bytes.fromhex(sys.argv[2])
# Only a failing case waits so long.
PATIENCE_S = 20
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FRAME_MAX = 256 * 1024


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def anser_ping(padding):
    """A frame of the protocol that is answered; a field that nobody knows makes it larger."""
    body = varint(1000 << 3 | 2) + varint(padding) + bytes(padding) if padding else b""
    frame = b"\x1a" + varint(len(body)) + body
    return varint(len(frame)) + frame


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, declared=None):
    """One frame. `declared` tells another length than the payload's, in its eight-byte form."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit, length = (0x80 if masked else 0), len(payload)
    if declared is not None:
        head += bytes([bit | 127]) + struct.pack("!Q", declared)
    elif length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", length)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", length)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = mask * (length // 4 + 1)
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(key[:length], "big")
    return head + mask + mixed.to_bytes(length, "big")


def fragments(payload, size, opcode=BINARY):
    parts = [payload[at:at + size] for at in range(0, len(payload), size)]
    return [
        frame(CONTINUATION if number else opcode, part, fin=number == len(parts) - 1)
        for number, part in enumerate(parts)
    ]


def frames_in(message):
    """What the frames of the protocol in a message are, by their tags."""
    at, found = 0, []
    while at < len(message):
        length = shift = 0
        while True:
            byte, at = message[at], at + 1
            length, shift = length | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                break
        found.append({0x22: "answer", 0x3A: "welcome", 0x42: "refusal"}.get(message[at], "frame"))
        at += length
    return found


def closing(code=None, reason=b""):
    return frame(CLOSE, (struct.pack("!H", code) if code is not None else b"") + reason)


class Connection:
    def __init__(self, signed_in, extensions=()):
        self.socket = socket.create_connection((HOST, int(PORT)), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire = WSConnection(ConnectionType.CLIENT)
        request = Request(host=f"{HOST}:{PORT}", target="/v1/ws", extensions=list(extensions))
        self.socket.sendall(self.wire.send(request))
        self.events = []
        self.accepted = self.next()
        if signed_in:
            self.say(frame(BINARY, HELLO))
            assert "welcome" in self.seen(until="welcome"), "no Welcome"

    def say(self, data, chop=None):
        try:
            for at in range(0, len(data), chop or len(data) or 1):
                self.socket.sendall(data[at:at + (chop or len(data))])
        except OSError:
            pass  # The server has closed; what it said is read.

    def next(self):
        """The next event; None at the end of the stream."""
        while not self.events:
            try:
                data = self.socket.recv(65536)
            except OSError:
                return None
            if not data:
                return None
            self.wire.receive_data(data)
            self.events = list(self.wire.events())
        return self.events.pop(0)

    def seen(self, until=None):
        """Everything up to this, to the end of the WebSocket, or to a pong that we asked for last."""
        heard = []
        while True:
            event = self.next()
            if event is None:
                return heard + ["end"]
            if isinstance(event, CloseConnection):
                return heard + [f"close {event.code}"]
            if isinstance(event, Pong):
                if bytes(event.payload) == b"still there?":
                    return heard
                heard.append(f"pong {len(event.payload)}")
            elif isinstance(event, BytesMessage):
                heard.extend(frames_in(bytes(event.data)))
                if until in heard:
                    return heard
            elif isinstance(event, (TextMessage, Ping)):
                heard.append(type(event).__name__)


ROWS = []


def judge(number, what, expected, data, signed_in=True, chop=None, ask=True):
    """Sends `data` (and a ping, to see whether all goes on) and compares what is seen with one of the expected."""
    connection = Connection(signed_in)
    connection.say(data, chop)
    expected = [expected] if isinstance(expected, str) else expected
    last = expected[0].split()[-1]
    # An answer may come after the pong to a later ping.
    heard = connection.seen(until=last) if last in ("answer", "welcome") else []
    if ask:
        connection.say(frame(PING, b"still there?"))
    if heard[-1:] != ["end"] and not (heard and heard[-1].startswith("close")):
        heard += connection.seen()
    seen = " ".join(heard) or "goes on"
    connection.socket.close()
    ROWS.append((number, what, seen, seen in expected, " or ".join(expected)))


def failed(code):
    """Closed with this code; before it, the protocol may tell its own reason."""
    return [f"refusal close {code}", f"close {code}"]


def messages():
    for number, size in enumerate((0, 125, 126, 127, 128, 65530, 65536, FRAME_MAX - 64), 1):
        data = frame(BINARY, anser_ping(size))
        judge(f"1.2.{number}", f"binary message, frame padded by {size}", "answer", data)
    data = frame(BINARY, anser_ping(65536))
    judge("1.2.9", "binary message in pieces of 997 bytes", "answer", data, chop=997)
    judge("1.2.10", "binary message byte by byte", "answer", frame(BINARY, anser_ping(300)), chop=1)
    judge("1.2.11", "Hello byte by byte", "welcome", frame(BINARY, HELLO), signed_in=False, chop=1)
    judge("1.2.12", "empty binary message", "goes on", frame(BINARY))
    judge("1.1.1", "text message is not spoken", failed(1003), frame(TEXT, b"hello"))
    judge("1.1.2", "empty text message", failed(1003), frame(TEXT))


def pings():
    for number, size in enumerate((0, 5, 125), 1):
        judge(f"2.{number}", f"ping of {size} bytes", f"pong {size}", frame(PING, b"\xfe" * size))
    judge("2.5", "ping of 126 bytes", failed(1002), frame(PING, bytes(126)))
    judge("2.6", "ping byte by byte", "pong 125", frame(PING, bytes(125)), chop=1)
    judge("2.7", "pong that nobody asked for", "goes on", frame(PONG, b"unasked"))
    judge("2.9", "pong, then ping", "pong 4", frame(PONG, b"x") + frame(PING, b"ping"))
    ten = b"".join(frame(PING, bytes(size)) for size in range(10))
    # RFC 6455, section 5.5.3: only the last of several pings must be answered.
    judge("2.10", "ten pings at once", [" ".join(f"pong {n}" for n in range(10)), "goes on"], ten)
    judge("2.12", "ping before Hello", "pong 3", frame(PING, b"abc"), signed_in=False)


def reserved():
    for rsv in range(1, 8):
        data = frame(BINARY, anser_ping(0), rsv=rsv)
        judge(f"3.{rsv}", f"reserved bits {rsv:03b}", failed(1002), data)
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        judge(f"4.{opcode}", f"reserved opcode {opcode}", failed(1002), frame(opcode, b"x"))


def fragmented():
    whole, ping = anser_ping(2000), frame(PING, b"between")
    judge("5.1", "ping in two fragments", failed(1002), frame(PING, b"a", fin=False))
    judge("5.2", "pong in two fragments", failed(1002), frame(PONG, b"a", fin=False))
    judge("5.3", "message in two fragments", "answer", b"".join(fragments(whole, 1200)))
    judge("5.4", "message in fragments of 1 byte", "answer", b"".join(fragments(anser_ping(40), 1)))
    first, second = fragments(whole, 1200)
    judge("5.6", "ping between fragments", "pong 7 answer", first + ping + second)
    judge("5.7", "the same byte by byte", "pong 7 answer", first + ping + second, chop=1)
    judge("5.8", "pong between fragments", "answer", first + frame(PONG, b"x") + second)
    empty = frame(BINARY, fin=False) + frame(CONTINUATION, fin=False) + frame(CONTINUATION, whole)
    judge("5.9", "empty fragments first", "answer", empty)
    judge("5.10", "continuation of nothing", failed(1002), frame(CONTINUATION, b"x"))
    judge("5.11", "first fragment of nothing", failed(1002), frame(CONTINUATION, b"x", fin=False))
    judge("5.12", "another message between fragments", failed(1002), first + frame(BINARY, whole))
    judge("5.13", "continuation after the end", ["answer refusal close 1002", "refusal close 1002"],
          first + second + frame(CONTINUATION, b"x"))
    many = b"".join(fragments(anser_ping(65536), 64))
    judge("5.14", "message in 1025 fragments", "answer", many)


def texts():
    judge("6.1", "text in fragments", failed(1003), b"".join(fragments(b"hello", 3, TEXT)))
    for number, wrong in enumerate((b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"), 2):
        what = f"text that is no UTF-8 ({wrong.hex()})"
        judge(f"6.{number}", what, failed(1007) + failed(1003), frame(TEXT, wrong))


def closings():
    judge("7.1", "close", "close 1000", closing(1000), ask=False)
    judge("7.2", "close twice", "close 1000", closing(1000) * 2, ask=False)
    judge("7.3", "ping after close", "close 1000", closing(1000) + frame(PING, b"late"), ask=False)
    judge("7.4", "message after close", "close 1000", closing(1000) + frame(BINARY, HELLO), ask=False)
    first = fragments(anser_ping(2000), 1200)[0]
    judge("7.5", "close between fragments", "close 1000", first + closing(1000), ask=False)
    judge("7.6", "close without a code", ["close 1005", "close 1000"], closing(), ask=False)
    judge("7.7", "close of one byte", failed(1002), frame(CLOSE, b"x"), ask=False)
    judge("7.8", "close with a reason", "close 1000", closing(1000, b"bye"), ask=False)
    judge("7.9", "close with 123 bytes of reason", "close 1000", closing(1000, b"x" * 123), ask=False)
    judge("7.10", "close with 124 bytes of reason", failed(1002), closing(1000, b"x" * 124), ask=False)
    judge("7.11", "close with a reason that is no UTF-8", failed(1007) + failed(1002),
          closing(1000, b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80"), ask=False)
    judge("7.12", "close in two fragments", failed(1002), frame(CLOSE, fin=False), ask=False)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        judge(f"7.13.{code}", f"close with {code}", f"close {code}", closing(code), ask=False)
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        judge(f"7.14.{code}", f"close with {code}, which is no code", failed(1002), closing(code), ask=False)


def limits():
    judge("9.1", "message larger than a Hello, before it", failed(1009), frame(BINARY, bytes(5000)), signed_in=False)
    judge("9.2", "the same in fragments", failed(1009), b"".join(fragments(bytes(5000), 500)), signed_in=False)
    judge("9.3", "16 MiB announced before Hello", failed(1009), frame(BINARY, declared=2**24), signed_in=False)
    judge("9.4", "message larger than a frame may be", failed(1009), frame(BINARY, bytes(FRAME_MAX + 8192)))
    judge("9.5", "the same in fragments", failed(1009), b"".join(fragments(bytes(FRAME_MAX + 8192), 16384)))
    judge("9.6", "2^62 bytes announced", failed(1009), frame(BINARY, declared=2**62))
    judge("9.7", "length with its highest bit", failed(1009) + failed(1002), frame(BINARY, declared=2**63))
    judge("9.8", "frame that is not masked", failed(1002), frame(BINARY, anser_ping(0), masked=False))
    judge("9.9", "ping that is not masked", failed(1002), frame(PING, b"x", masked=False))


def handshakes():
    offered = Connection(False, [PerMessageDeflate()])
    declined = isinstance(offered.accepted, AcceptConnection) and not offered.accepted.extensions
    offered.say(frame(BINARY, b"x", rsv=4))
    seen = ("declined, " if declined else "taken, ") + " ".join(offered.seen())
    expected = [f"declined, {ending}" for ending in failed(1002)]
    ROWS.append(("12.1", "compression offered, then used", seen, seen in expected, expected[0]))
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    upgrade, thirteen = "Connection: Upgrade\r\nUpgrade: websocket\r\n", "Sec-WebSocket-Version: 13\r\n"
    for number, what, method, headers, statuses in (
        (1, "handshake in order", "GET", upgrade + thirteen + key, (101,)),
        (2, "names and values in other case", "GET",
         "connection: keep-alive, UPGRADE\r\nupgrade: WebSocket\r\n" + thirteen + key, (101,)),
        (3, "no key", "GET", upgrade + thirteen, (400,)),
        (4, "another version", "GET", upgrade + key + "Sec-WebSocket-Version: 8\r\n", (400, 426)),
        (5, "no version", "GET", upgrade + key, (400, 426)),
        (6, "no upgrade", "GET", "Connection: keep-alive\r\n" + thirteen + key, (400, 426)),
        (7, "another upgrade", "GET", "Connection: Upgrade\r\nUpgrade: h2c\r\n" + thirteen + key, (400, 426)),
        (8, "POST", "POST", upgrade + thirteen + key, (400, 405)),
        (9, "page of somebody else", "GET", upgrade + thirteen + key + "Origin: https://evil.example\r\n", (403,)),
        (10, "page of this server", "GET", upgrade + thirteen + key + f"Origin: http://{HOST}:{PORT}\r\n", (101,)),
    ):
        with socket.create_connection((HOST, int(PORT)), timeout=PATIENCE_S) as raw:
            raw.sendall(f"{method} /v1/ws HTTP/1.1\r\nHost: {HOST}:{PORT}\r\n{headers}\r\n".encode())
            head = raw.recv(4096)
        status = int(head.split(b" ")[1])
        right = status in statuses
        if status == 101:
            right = right and b"s3pplmbitxaq9kygzzhzrbk+xoo=" in head.lower()
        ROWS.append((f"H.{number}", what, f"status {status}", right, f"status {statuses}"))


for group in (messages, pings, reserved, fragmented, texts, closings, limits, handshakes):
    group()
for number, what, seen, right, expected in ROWS:
    verdict = "ok" if right else f"FAILED, expected: {expected}"
    print(f"{number:10} {what:45} {seen:30} {verdict}")
wrong = sum(not right for _, _, _, right, _ in ROWS)
print(f"websocket: {len(ROWS)} cases, {wrong} failed")
sys.exit(1 if wrong else 0)
