"""The first contact with a server: is it there, may we in, and is it recent enough?"""

from typing import Any

from django.db import Error
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure, PyMongoError

from mongo_contrib.db.uri import setting
from mongo_contrib.exceptions import AccessDenied, ServerTooOld, ServerUnavailable, translate

# The wire version of MongoDB 7.0; compatible services that are recent enough announce it too.
LEAST_WIRE_VERSION = 21


def can_read(client: Any) -> bool:
    """Return whether the driver knows of a server to read from, without asking one."""
    return bool(client.topology_description.has_readable_server(client.read_preference))


def refuse_old(alias: str, client: Any) -> None:
    """Raise ServerTooOld for a known server before MongoDB 7.0; sends nothing."""
    for server in client.topology_description.server_descriptions().values():
        if server.is_server_type_known and server.max_wire_version < LEAST_WIRE_VERSION:
            host, port = server.address
            raise ServerTooOld(
                f"DATABASES[{alias!r}]: the server at {host}:{port} is too old; MongoDB 7.0 or "
                f"later is needed (it speaks wire version {server.max_wire_version}, 7.0 speaks "
                f"{LEAST_WIRE_VERSION})."
            )


def explain(alias: str, exc: PyMongoError) -> Error:
    """Return Django's error for a first contact that failed, naming the setting to look at."""
    error = translate(exc)
    if isinstance(exc, ConnectionFailure):
        return ServerUnavailable(
            f"{setting(alias, 'HOST')}: {error}. Is the server running, and is this its address?"
        )
    if isinstance(exc, ConfigurationError):
        # The driver itself refuses servers that are older still.
        if "wire version" in str(exc):
            return ServerTooOld(f"DATABASES[{alias!r}]: {exc}")
        # The names in a "mongodb+srv" URI are looked up only now.
        return ServerUnavailable(f"{setting(alias, 'HOST')}: {exc}")
    if isinstance(exc, OperationFailure) and isinstance(error, AccessDenied):
        return AccessDenied(
            f"DATABASES[{alias!r}]: the server refused the user or the password ({error}); look "
            f"at USER and PASSWORD, or at those in the URI in HOST, and at authSource there."
        )
    return error


def ping(alias: str, client: Any) -> None:
    """Reach the server, within the time limit of server selection."""
    try:
        client.admin.command("ping")
    except PyMongoError as exc:
        raise explain(alias, exc) from exc


__all__ = ["can_read", "explain", "ping", "refuse_old"]
