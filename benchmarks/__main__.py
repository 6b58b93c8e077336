"""Run the benchmarks: `python -m benchmarks [--no-peers] [--only NAME] [--rounds N]`."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def main() -> int:
    arguments = _arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    import django

    django.setup()
    from benchmarks import odm, sessions, storage
    from benchmarks.documents import tasks
    from benchmarks.measure import measure, progress_bar, table
    from mongo_contrib.db import get_connection
    from mongo_contrib.test import describe_server

    connection = get_connection()
    server = describe_server(connection)
    if "(Python)" in server:
        print(
            f"The server is {server}: it is written in Python, and so slow that it would be all "
            "that is measured. Use a mongod, or `make server` for the Rust one.",
            file=sys.stderr,
        )
        return 2
    print(f"server: {server}")
    figures: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "server": server,
        "processors": os.cpu_count(),
    }
    host, port = connection.client.address
    uri = os.environ.get("MONGODB_URI") or f"mongodb://{host}:{port}/"
    options = {
        "rounds": arguments.rounds,
        "only": arguments.only,
        "progress": progress_bar,
    }
    if any(arguments.only in task.name for task in odm.TASKS):
        figures["odm"] = odm.run(
            uri, f"{connection.database.name}_odm", peers=arguments.peers, **options
        )
        progress_bar("", None)
        print(odm.table(figures["odm"]))
    if any(arguments.only in task.name for task in sessions.TASKS):
        figures["sessions"] = sessions.run(uri, f"{connection.database.name}_sessions", **options)
        progress_bar("", None)
        print(f"\n{odm.table(figures['sessions'])}")
    if any(arguments.only in name for name in (*(t.name for t in storage.TASKS), "file_large")):
        figures["storage"] = storage.run(uri, f"{connection.database.name}_storage", **options)
        progress_bar("", None)
        print(f"\n{storage.table(figures['storage'])}")
    if not arguments.only:
        try:
            results = [measure(task, lambda text: progress_bar(text, None)) for task in tasks()]
        finally:
            connection.client.drop_database(connection.database.name)
        progress_bar("", None)
        print(f"\n{table(results)}")
        figures["hydration"] = [each.figures() for each in results]
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"\nwritten to {arguments.json}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--json", type=Path, default=RESULTS / "latest.json", help="where the figures go"
    )
    parser.add_argument("--only", default="", help="only tasks whose name contains this")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each task (5)")
    parser.add_argument(
        "--no-peers",
        dest="peers",
        action="store_false",
        help="leave out MongoEngine, Beanie and django-mongodb-backend",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
