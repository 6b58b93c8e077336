"""Run all benchmarks: `python -m benchmarks [--json FILE]`."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    import django

    django.setup()
    from benchmarks.documents import tasks
    from benchmarks.measure import measure, progress_line, table
    from mongo_contrib.db import get_connection
    from mongo_contrib.test import describe_server

    connection = get_connection()
    print(f"server: {describe_server(connection)}")
    try:
        results = [measure(task, progress_line) for task in tasks()]
    finally:
        connection.client.drop_database(connection.database.name)
    progress_line("")
    print(table(results))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(
            json.dumps(
                {
                    "date": datetime.datetime.now(datetime.UTC).isoformat(),
                    "python": sys.version.split()[0],
                    "django": django.get_version(),
                    "server": describe_server(connection),
                    "results": [
                        {
                            "task": each.task.name,
                            "raw_us": round(each.raw, 2),
                            "ours_us": round(each.ours, 2),
                            "ratio": round(each.ratio, 3),
                            "goal": each.task.goal,
                        }
                        for each in results
                    ],
                },
                indent=2,
            )
            + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
