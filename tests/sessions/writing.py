"""Another process that writes into a session: `python -m tests.sessions.writing KEY NAME NUMBER`.

Each save writes two keys, then its number is printed. It goes on where the session allows it, and
prints "ended" where that has ended.
"""

import sys
from importlib import import_module

import django


def main(key, name, number):
    django.setup()
    from django.conf import settings
    from django.contrib.sessions.backends.base import UpdateError

    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    print("ready", flush=True)
    sys.stdin.readline()
    for each in range(int(number)):
        store[f"{name} one {each}"] = store[f"{name} other {each}"] = each
        try:
            store.save()
        except UpdateError:
            print("ended", flush=True)
            return
        print(each, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
