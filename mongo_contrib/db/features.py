"""What the server can do: Django's flags, static, and ours, asked of the server once."""

from typing import Any

from django.db.backends.base.features import BaseDatabaseFeatures
from pymongo.errors import OperationFailure, PyMongoError

from mongo_contrib.exceptions import translate


class DatabaseFeatures(BaseDatabaseFeatures):
    """Django's flags for this engine, and `supports_<name>` for each capability of a server."""

    uses_savepoints = False

    @property
    def supports_transactions(self) -> bool:  # type: ignore[override]
        known = self.connection.server.features
        if "transactions" not in known:
            client = self.connection.client
            try:
                with client.start_session() as session, session.start_transaction():
                    self.connection.database["mongo_contrib.probe"].find_one({}, session=session)
                known["transactions"] = True
            except OperationFailure:
                known["transactions"] = False
            except PyMongoError as exc:
                raise translate(exc) from exc
        return known["transactions"]

    def has(self, name: str) -> bool:
        return bool(getattr(self, f"supports_{name}"))
