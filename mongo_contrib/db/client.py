"""`manage.py dbshell`: mongosh on the database of an alias."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from urllib.parse import quote_plus, urlencode

from django.core.management.base import CommandError
from django.db import connections
from django.db.backends.base.client import BaseDatabaseClient

from mongo_contrib.db.uri import SCHEMES, database_name

# mongosh reads a URI only from its command line, where every user of the machine can see it. It
# runs this file first, which connects by what only the owner's processes can read.
CONNECT = """\
db = connect(process.env.MONGO_CONTRIB_URI);
delete process.env.MONGO_CONTRIB_URI;
"""


class DatabaseClient(BaseDatabaseClient):
    """Opens mongosh; the password travels in the environment, not in the list of processes."""

    executable_name = "mongosh"

    def runshell(self, parameters: Sequence[str]) -> None:
        """Run mongosh until its user leaves it."""
        executable = shutil.which(self.executable_name)
        if executable is None:
            raise CommandError(
                f"{self.executable_name!r} is not on PATH: install MongoDB Shell "
                f"(https://www.mongodb.com/docs/mongodb-shell/install/) and run dbshell again."
            )
        with tempfile.TemporaryDirectory() as directory:
            script = os.path.join(directory, "connect.js")
            with open(script, "w", encoding="utf-8") as file:
                file.write(CONNECT)
            subprocess.run(
                [executable, "--nodb", "--shell", script, *parameters],
                env={**os.environ, "MONGO_CONTRIB_URI": self.uri()},
                check=True,
            )

    def uri(self) -> str:
        """Return a URI that leads to the alias's database, with its user and password."""
        connection = self.connection
        arguments = connection.server.client_arguments()
        host = str(arguments["host"])
        if not host.startswith(SCHEMES):
            host = f"mongodb://{host}"
        scheme, _, rest = host.partition("://")
        authority, _, path = rest.partition("/")
        name, _, query = path.partition("?")
        user, password = arguments.get("username"), arguments.get("password")
        if user:
            authority = authority.rpartition("@")[2]
            authority = f"{quote_plus(user)}:{quote_plus(password or '')}@{authority}"
        if "port" in arguments and ":" not in authority.rpartition("@")[2]:
            authority = f"{authority}:{arguments['port']}"
        if "@" in authority and "authsource" not in query.lower():
            # Users are looked up in the database that the URI names, or in "admin"; naming ours
            # there must not change that.
            query = "&".join(filter(None, [query, urlencode({"authSource": name or "admin"})]))
        # Such as tls and replicaSet; those with an underscore are of Python's driver alone.
        options = connection.settings_dict["OPTIONS"] or {}
        further = {
            key: str(value).lower() if isinstance(value, bool) else value
            for key, value in options.items()
            if isinstance(value, (str, int)) and "_" not in key
        }
        query = "&".join(filter(None, [query, urlencode(further)]))
        database = database_name(connection.alias, connection.settings_dict)
        return f"{scheme}://{authority}/{database}" + (f"?{query}" if query else "")


class ShellMixin:
    """Lets a client stand where Django's dbshell expects the wrapper's `client`.

    The command asks `connection.client` for `runshell` and `executable_name`; ours is a
    MongoClient, which would take both for names of databases.
    """

    executable_name = DatabaseClient.executable_name
    alias: str

    def runshell(self, parameters: Sequence[str]) -> None:
        """See DatabaseClient.runshell()."""
        connections[self.alias].shell.runshell(parameters)
