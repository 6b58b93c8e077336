"""`manage.py dbshell`: mongosh on the database of an alias."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

from django.db.backends.base.client import BaseDatabaseClient


class DatabaseClient(BaseDatabaseClient):
    """Opens mongosh; the password travels in the environment, not in the list of processes."""

    executable_name = "mongosh"

    def runshell(self, parameters: Sequence[str]) -> None:
        raise FileNotFoundError


class ShellMixin:
    """Lets a client stand where Django's dbshell expects the wrapper's `client`.

    The command asks `connection.client` for `runshell` and `executable_name`; ours is a
    MongoClient, which would take both for names of databases.
    """

    executable_name = DatabaseClient.executable_name
    shell: DatabaseClient

    def runshell(self, parameters: Sequence[str]) -> None:
        self.shell.runshell(parameters)
