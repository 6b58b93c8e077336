"""A server that answers nothing but a handshake and pings, as old or new as one likes."""

import contextlib
import socket
import struct
import threading
from types import TracebackType

import bson

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013


class OldServer:
    """Speaks as much of the wire protocol as a driver needs to learn the server's age."""

    def __init__(self, wire_version: int) -> None:
        self.wire_version = wire_version
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self) -> "OldServer":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        body = bson.encode(
            {
                "ismaster": True,
                "maxBsonObjectSize": 16777216,
                "maxMessageSizeBytes": 48000000,
                "maxWriteBatchSize": 100000,
                "minWireVersion": 0,
                "maxWireVersion": self.wire_version,
                "ok": 1,
            }
        )
        with contextlib.suppress(OSError), client, client.makefile("rb") as stream:
            while header := stream.read(16):
                length, request, _, kind = struct.unpack("<iiii", header)
                stream.read(length - 16)
                if kind == OP_QUERY:
                    reply = struct.pack("<iqii", 0, 0, 0, 1) + body
                else:
                    reply = struct.pack("<iB", 0, 0) + body
                answer = OP_REPLY if kind == OP_QUERY else OP_MSG
                client.sendall(struct.pack("<iiii", 16 + len(reply), 0, request, answer) + reply)
