"""One command without a driver, to what is a server and to what is none."""

import socket
import threading

import pytest

from mongo_contrib.embedded import acquire
from mongo_contrib.embedded.wire import CommandError, command


@pytest.fixture
def answering():
    """A port where somebody answers everything with these bytes."""
    threads = []

    def serve(answer):
        listener = socket.create_server(("127.0.0.1", 0))

        def once():
            with listener, listener.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(answer)

        threads.append(threading.Thread(target=once))
        threads[-1].start()
        return listener.getsockname()[1]

    yield serve
    for thread in threads:
        thread.join()


def test_a_server_answers_or_refuses(any_kind, home):
    port = int(acquire(home).split(":")[2].split("/")[0])
    assert command(port, {"hello": 1})["isWritablePrimary"]
    with pytest.raises(CommandError, match="no such command") as caught:
        command(port, {"noSuchThing": 1})
    assert caught.value.code == 59


def test_nobody_is_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionError):
        command(port, {"hello": 1})


@pytest.mark.parametrize("answer", [b"", b"HTTP", b"\x20\0\0\0" + b"\0" * 8 + b"\xdd\x07\0\0"])
def test_an_answer_that_breaks_off(answering, answer):
    with pytest.raises(ConnectionError):
        command(answering(answer), {"hello": 1})


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n", b"\0" * 100, b"\xff" * 99])
def test_an_answer_of_something_else(answering, answer):
    with pytest.raises(CommandError, match="not a MongoDB server's answer"):
        command(answering(answer), {"hello": 1})


def test_no_answer_in_time():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(TimeoutError),
    ):
        command(silent.getsockname()[1], {"hello": 1}, timeout=0.05)
