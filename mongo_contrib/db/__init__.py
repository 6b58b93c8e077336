"""A DATABASES engine for MongoDB: clients, transactions, features; no SQL.

DATABASES = {"default": {"ENGINE": "mongo_contrib.db", "HOST": "mongodb://...", "NAME": ...}}
"""

from mongo_contrib.db.aliases import default_alias, get_connection, get_database, is_mongo
from mongo_contrib.db.uri import parse_uri

__all__ = ["default_alias", "get_connection", "get_database", "is_mongo", "parse_uri"]
