"""`python -m mongo_contrib.embedded DIR` keeps the server of DIR up until Ctrl-C."""

import argparse
import signal

from . import acquire, describe


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mongo_contrib.embedded", description=__doc__)
    parser.add_argument("directory")
    directory = parser.parse_args().directory
    uri = acquire(directory)
    print(describe(directory) or uri, flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
