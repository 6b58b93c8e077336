"""Does one thing to a file again and again, in a process of its own that dies a command later.

Run by test_replacing.py and test_contents.py as a script: the address of the server, the database,
whether to use transactions, what to do and whether equal content is stored once. It says
"session <id>" and "n died", or "n done", and goes on at each line it gets.
"""

import os
import signal
import sys

import django
from django.conf import settings
from pymongo import MongoClient, monitoring

from mongo_contrib.storage import GridFSFiles


class Killer(monitoring.CommandListener):
    """Ends the process when it is about to send its n-th command."""

    def __init__(self, left):
        self.left = left

    def started(self, event):
        self.left -= 1
        if self.left < 0:
            session = event.command["lsid"]["id"].hex()
            os.write(1, f"session {session}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


def act(address, database, transactions, deed, deduplicate, commands):
    client = MongoClient(address, event_listeners=[Killer(commands)])
    files = GridFSFiles(
        client[database], chunk_size=4, transactions=transactions, deduplicate=deduplicate
    )
    name = f"{commands}.txt"
    if deed == "delete":
        files.delete(name)
    else:
        files.upload([name], [b"the new content"], replace=deed == "replace")
    client.close()


def main():
    address, database, transactions, deed, deduplicate = sys.argv[1:]
    settings.configure()
    django.setup()
    for commands in range(40):
        child = os.fork()
        if not child:
            act(address, database, transactions == "True", deed, deduplicate == "True", commands)
            os._exit(0)
        died = os.waitpid(child, 0)[1] != 0
        print(commands, "died" if died else "done", flush=True)
        sys.stdin.readline()
        if not died:
            break


if __name__ == "__main__":
    main()
