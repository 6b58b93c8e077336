"""The smallest Django project that the benchmarks need."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET_KEY = "only for benchmarks"
USE_TZ = True
INSTALLED_APPS = ["mongo_contrib", "benchmarks"]
DATABASE_ROUTERS = ["mongo_contrib.routers.DocumentRouter"]
DATABASES = {
    "default": {
        "ENGINE": "mongo_contrib.db",
        "HOST": os.environ.get("MONGODB_URI") or f"embedded:{ROOT / 'var' / 'bench-mongodb'}",
        "NAME": "mongo_contrib_bench",
    }
}
