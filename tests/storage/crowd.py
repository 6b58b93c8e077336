"""A process among many that use one bucket at once. Run by test_crowds.py as a script.

`crowd.py save ADDRESS DATABASE NUMBER`: waits for a line, saves NUMBER files of one name at once
and says {name: hash}. `crowd.py read ADDRESS DATABASE transactions|steps`: reads a file until its
input ends, and says what it saw. `crowd.py die ADDRESS DATABASE`: uploads a file in a process that
each time dies a command later; says "n died" or "n done", and goes on at each line.
"""

import hashlib
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import django
from django.conf import settings
from pymongo import MongoClient

from mongo_contrib.storage import GridFSFiles, GridFSStorage, layout

NAME = "crowd/hello.txt"
SIZE = 3000
CHUNK = 1000
THREADS = 50


def content(number):
    """What no two writers write, in three chunks; each shows in every part of it."""
    return hashlib.sha256(str(number).encode()).hexdigest().encode()[:50] * (SIZE // 50)


def save(number):
    from django.core.files.base import ContentFile
    from django.db import connections

    storage = GridFSStorage(chunk_size=CHUNK)
    threads = min(number, THREADS)
    barrier = threading.Barrier(threads)
    names = {}

    def save_some(thread):
        barrier.wait()
        for each in range(thread, number, threads):
            data = content(f"{os.getpid()} {each}")
            name = storage.save(NAME, ContentFile(data), max_length=100)
            names[name] = hashlib.sha256(data).hexdigest()
        connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        print("ready", flush=True)
        sys.stdin.readline()
        list(pool.map(save_some, range(threads)))
    print(json.dumps(names), flush=True)


def read(files):
    stopped, counts, torn, seen = threading.Event(), 0, [], set()
    threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
    print("ready", flush=True)
    while not stopped.is_set() or not counts:
        info = files.find(NAME)
        if info is None:
            torn.append("nothing")
            continue
        data = b"".join(files.read(info))
        counts += 1
        seen.add(info.sha256)
        if hashlib.sha256(data).hexdigest() != info.sha256 or len({*parts(data)}) != 1:
            torn.append(info.sha256)
    print(json.dumps({"reads": counts, "torn": torn[:5], "versions": len(seen)}), flush=True)


def parts(data):
    return (data[start : start + 50] for start in range(0, len(data), 50))


def die(address, database):
    from killed import Killer

    layout.WINDOW_BYTES = CHUNK
    for commands in range(40):
        child = os.fork()
        if not child:
            client = MongoClient(address, event_listeners=[Killer(commands)])
            files = GridFSFiles(client[database], chunk_size=CHUNK)
            files.upload([f"{commands}.txt"], [content(commands)])
            client.close()
            os._exit(0)
        died = os.waitpid(child, 0)[1] != 0
        print(commands, "died" if died else "done", flush=True)
        sys.stdin.readline()
        if not died:
            break


def main():
    what, address, database, *arguments = sys.argv[1:]
    entry = {"ENGINE": "mongo_contrib.db", "HOST": address, "NAME": database}
    settings.configure(INSTALLED_APPS=["mongo_contrib"], DATABASES={"default": entry})
    django.setup()
    if what == "save":
        save(int(arguments[0]))
    elif what == "read":
        database = MongoClient(address)[database]
        transactions = arguments == ["transactions"]
        read(GridFSFiles(database, chunk_size=CHUNK, transactions=transactions))
    else:
        die(address, database)


if __name__ == "__main__":
    main()
