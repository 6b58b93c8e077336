"""Django apps for people whose data lives in MongoDB, over raw pymongo."""

__version__ = "0.1.0"
