"""A TCP proxy that cuts connections when told: what a failing network is to a client."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType


class Proxy:
    """Passes bytes between clients and a server until cut() or until a request is to be lost."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lose: Callable[[bytes], bool] | None = None
        self.lost = 0

    @property
    def uri(self) -> str:
        port = self._listener.getsockname()[1]
        # Direct: the server would send the client on to its own address.
        return f"mongodb://127.0.0.1:{port}/?directConnection=true"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def cut(self) -> None:
        """Cut all connections; new ones are accepted."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for side in pair:
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Cut all connections and accept none."""
        # shutdown() wakes the thread that accepts, close() alone would not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def leave(self) -> None:
        """Cut all connections and every new one, as if the server were down, until it is back."""
        self._away = True
        self.cut()

    def come_back(self) -> None:
        """Accept connections again."""
        self._away = False

    def lose(self, text: bytes, times: int = 1) -> None:
        """Cut the connection in place of passing on a request that contains this."""
        self.lost = 0

        def wanted(data: bytes) -> bool:
            if text in data and self.lost < times:
                self.lost += 1
                return True
            return False

        self._lose = wanted

    def lose_reply(self, text: bytes, times: int = 1) -> None:
        """Pass on a request that contains this, and cut the connection before its reply."""
        self.lose(text, times)
        self._only_reply = True

    _only_reply = False
    _away = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                if self._away:
                    client.close()
                    continue
                server = socket.create_connection(self.server)
            except OSError:
                return
            self._pairs.append((client, server))
            threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, requests: bool) -> None:
        # A socket that is closed under a blocked recv() is an error on some systems only.
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if requests and self._lose is not None and self._lose(data):
                    if self._only_reply:
                        # The server sees the request, and nobody its reply.
                        source.shutdown(socket.SHUT_RDWR)
                        target.sendall(data)
                    break
                target.sendall(data)
        for side in (source, target):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
