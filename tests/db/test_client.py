"""`dbshell`, with a program in the place of mongosh that tells how it was called."""

import json
import os
import stat
import sys

import pytest
from django.core.management import CommandError, call_command

from mongo_contrib.db.client import DatabaseClient


@pytest.fixture
def mongosh(tmp_path, monkeypatch):
    """A program of that name, first on PATH; calling the fixture gives what it was called with."""
    told = tmp_path / "told.json"
    program = tmp_path / "mongosh"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        "script = [a for a in sys.argv if a.endswith('connect.js')][0]\n"
        f"json.dump({{'argv': sys.argv[1:], 'uri': os.environ['MONGO_CONTRIB_URI'],\n"
        f"           'script': open(script).read()}}, open({str(told)!r}, 'w'))\n"
        "sys.exit('--fail' in sys.argv)\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    return lambda: json.loads(told.read_text())


def uri(connect, **entry):
    return connect(**entry).shell.uri()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"HOST": "mongodb://h:1/", "NAME": "atlas"}, "mongodb://h:1/atlas"),
        ({"HOST": "mongodb://h/other?w=1", "NAME": "atlas"}, "mongodb://h/atlas?w=1"),
        ({"HOST": "h", "PORT": "27018", "NAME": "atlas"}, "mongodb://h:27018/atlas"),
        ({"HOST": "", "NAME": "atlas"}, "mongodb://localhost/atlas"),
        (
            {"HOST": "mongodb://h/", "NAME": "atlas", "USER": "me", "PASSWORD": "p@/"},
            "mongodb://me:p%40%2F@h/atlas?authSource=admin",
        ),
        (
            {"HOST": "mongodb://me:pw@h/?authSource=x", "NAME": "atlas"},
            "mongodb://me:pw@h/atlas?authSource=x",
        ),
        # Users are looked up where the URI pointed to, not in the database that we name.
        (
            {"HOST": "mongodb://me:pw@h/", "NAME": "atlas"},
            "mongodb://me:pw@h/atlas?authSource=admin",
        ),
        (
            {"HOST": "mongodb://me:pw@h/users", "NAME": "atlas"},
            "mongodb://me:pw@h/atlas?authSource=users",
        ),
        (
            {
                "HOST": "mongodb://h/",
                "NAME": "atlas",
                "OPTIONS": {"retryWrites": False, "replicaSet": "rs0", "tz_aware": True},
            },
            "mongodb://h/atlas?retryWrites=false&replicaSet=rs0",
        ),
        ({"HOST": "mongodb+srv://h.x/", "NAME": "atlas"}, "mongodb+srv://h.x/atlas"),
    ],
)
def test_the_uri_leads_to_the_database_of_the_alias(connect, entry, expected):
    assert uri(connect, **entry) == expected


def test_the_shell_gets_the_uri_where_nobody_else_sees_it(connection, mongosh):
    call_command("dbshell")
    told = mongosh()
    assert told["uri"].partition("?")[0].endswith(f"/{connection.settings_dict['NAME']}")
    assert told["argv"][:2] == ["--nodb", "--shell"]
    assert not any("mongodb://" in argument for argument in told["argv"])
    assert "connect(process.env.MONGO_CONTRIB_URI)" in told["script"]


def test_further_parameters_are_passed_on(connection, mongosh):
    call_command("dbshell", "--", "--quiet")
    assert mongosh()["argv"][-1] == "--quiet"


def test_a_shell_that_fails_is_told(connection, mongosh):
    with pytest.raises(CommandError, match="non-zero exit status 1"):
        call_command("dbshell", "--", "--fail")


def test_a_missing_shell_is_told(connection, monkeypatch):
    monkeypatch.setattr(DatabaseClient, "executable_name", "no-such-shell")
    with pytest.raises(CommandError, match="'no-such-shell' is not on PATH: install"):
        call_command("dbshell")
