"""Goes on with uploads, in a process of its own that each time dies some commands later.

Run by test_resumable.py as a script: the address of the server, the database, whether all of an
append counts or nothing, and how many commands later. For each line with the id of an upload it
says "died", or "done".
"""

import os
import signal
import sys

import django
from bson import ObjectId
from django.conf import settings
from pymongo import MongoClient, monitoring

from mongo_contrib.storage import GridFSFiles, layout
from mongo_contrib.storage.resumable import ResumableUploads

CONTENT = bytes(range(256)) * 40


class Killer(monitoring.CommandListener):
    """Ends the process when it is about to send its n-th command."""

    def __init__(self, left):
        self.left = left

    def started(self, event):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


def go_on(address, database, whole, id, commands):
    layout.WINDOW_BYTES = 5000
    client = MongoClient(address, event_listeners=[Killer(commands)])
    files = GridFSFiles(client[database], chunk_size=1000)
    uploads = ResumableUploads(files)
    upload = uploads.get(id)
    rest = CONTENT[upload.offset :]
    size = None if whole else len(rest)
    upload = uploads.append(upload, upload.offset, [rest[:5000], rest[5000:]], size=size)
    upload = uploads.complete(upload)
    uploads.publish(upload, [upload.name])
    client.close()


def main():
    address, database, whole, step = sys.argv[1:]
    settings.configure()
    django.setup()
    for number, line in enumerate(sys.stdin):
        commands = number * int(step)
        child = os.fork()
        if not child:
            go_on(address, database, whole == "True", ObjectId(line.strip()), commands)
            os._exit(0)
        died = os.waitpid(child, 0)[1] != 0
        print("died" if died else "done", flush=True)


if __name__ == "__main__":
    main()
