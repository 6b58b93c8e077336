"""`python -m mongo_contrib.embedded DIR` keeps the server of DIR up until Ctrl-C."""

import argparse
import signal

from . import acquire, describe

ENDS = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mongo_contrib.embedded", description=__doc__)
    parser.add_argument("directory")
    directory = parser.parse_args().directory
    uri = acquire(directory)
    # Blocked, so that they wait for sigwait(), and only now, so that Ctrl-C ends a slow start.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    print(describe(directory) or uri, flush=True)
    signal.sigwait(ENDS)


if __name__ == "__main__":
    main()
