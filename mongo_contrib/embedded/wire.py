"""One command to a local server without a driver: what a supervisor needs, and no more.

A MongoClient would bring its monitoring threads into a process that starts others, and an
opinion about replica sets that are yet to be initiated.
"""

import socket
import struct
from collections.abc import Mapping
from typing import Any

import bson

HEADER = struct.Struct("<iiii")
OP_MSG = 2013
# The server's own limit for one message.
MAX_MESSAGE = 48_000_000


class CommandError(Exception):
    """The server answered, and refused; or what answered is no server."""

    def __init__(self, reply: Mapping[str, Any]) -> None:
        super().__init__(reply.get("errmsg") or f"not a MongoDB server's answer: {reply!r:.200}")
        self.code = reply.get("code")


def command(port: int, document: Mapping[str, Any], *, timeout: float = 5) -> dict[str, Any]:
    """The server's reply to an admin command; OSError or CommandError where there is none."""
    body = bson.encode({**document, "$db": "admin"})
    # Flags (none) and the kind of the one section that follows (a document).
    payload = struct.pack("<Ib", 0, 0) + body
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(HEADER.pack(HEADER.size + len(payload), 1, 0, OP_MSG) + payload)
        length, _, _, code = HEADER.unpack(_receive(connection, HEADER.size))
        if code != OP_MSG or not HEADER.size + 5 < length < MAX_MESSAGE:
            raise CommandError({})
        reply: dict[str, Any] = bson.decode(_receive(connection, length - HEADER.size)[5:])
    if reply.get("ok") != 1:
        raise CommandError(reply)
    return reply


def _receive(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise ConnectionError("The server closed the connection in the middle of a reply.")
        received += chunk
    return bytes(received)
