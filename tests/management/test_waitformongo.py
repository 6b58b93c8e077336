import contextlib
import socket
import socketserver
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

NOWHERE = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=20000"


class Tunnel(socketserver.BaseRequestHandler):
    """Passes bytes on to the real server."""

    def handle(self):
        with socket.create_connection(self.server.target) as target:
            back = threading.Thread(target=self.pump, args=(target, self.request), daemon=True)
            back.start()
            self.pump(self.request, target)

    @staticmethod
    def pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


class TunnelServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@pytest.fixture
def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_server_that_answers_is_not_waited_for(connection):
    out = StringIO()
    call_command("waitformongo", stdout=out)
    assert out.getvalue().startswith(
        "Waiting for MongoDB ('default')...\nMongoDB answered after 0."
    )
    out = StringIO()
    call_command("waitformongo", "--verbosity=0", stdout=out)
    assert out.getvalue() == ""


def test_the_time_runs_out_with_the_last_error(alone):
    output = alone(MONGODB_URI=NOWHERE)("waitformongo", "--timeout", "2.5", code=1)
    first, *progress, last = output.strip().splitlines()
    assert first == "Waiting for MongoDB ('default')..."
    assert progress, output
    assert last.startswith("CommandError: MongoDB ('default') did not answer within 2.5 seconds: ")
    assert "127.0.0.1:9" in last
    assert "Traceback" not in output


def test_a_server_that_comes_later_is_waited_for(alone, connection, free_port):
    uri = f"mongodb://127.0.0.1:{free_port}/?directConnection=true"
    process = alone(MONGODB_URI=uri).start("waitformongo", "--timeout", "30")
    lines = []
    with process, contextlib.ExitStack() as stack:
        for line in process.stdout:
            lines.append(line)
            if len(lines) == 2:  # the first progress: it has tried in vain
                tunnel = stack.enter_context(TunnelServer(("127.0.0.1", free_port), Tunnel))
                tunnel.target = connection.client.address
                threading.Thread(target=tunnel.serve_forever, daemon=True).start()
                stack.callback(tunnel.shutdown)
        assert process.wait(timeout=30) == 0, lines
    assert "did not" not in lines[0]
    assert lines[-1].startswith("MongoDB answered after ")


def test_a_wrong_entry_is_not_waited_for(alone):
    output = alone(MONGODB_URI="postgres://somewhere/")("waitformongo", code=1)
    assert "CommandError: " in output
    assert "HOST" in output


def test_a_time_of_nothing_is_refused():
    with pytest.raises(CommandError, match="--timeout must be over 0 seconds, not -1"):
        call_command("waitformongo", timeout=-1)


def test_only_aliases_of_mongodb_can_be_waited_for(mixed):
    assert "invalid choice: 'default'" in mixed()("waitformongo", "--database", "default", code=2)
    assert "MongoDB answered" in mixed()("waitformongo")
