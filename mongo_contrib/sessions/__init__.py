"""Sessions in MongoDB: ``SESSION_ENGINE = "mongo_contrib.sessions.backends.mongo"``."""
