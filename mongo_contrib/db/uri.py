"""From a DATABASES entry to the arguments of MongoClient, and from a URI to such an entry."""

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pymongo import MongoClient, uri_parser
from pymongo.errors import ConfigurationError, InvalidURI

ENGINE = "mongo_contrib.db"
EMBEDDED = "embedded:"
SCHEMES = ("mongodb://", "mongodb+srv://")

# The driver's own default is 30 seconds: too long for a person who waits for a page.
SERVER_SELECTION_MS = 5000

__all__ = ["parse_uri"]


def parse_uri(uri: str, **overrides: Any) -> dict[str, Any]:
    """Return a DATABASES entry for a MongoDB URI (or "embedded:DIR?name=NAME") and overrides.

    The database in the URI's path becomes NAME; its options stay in the URI, where the driver
    reads them. `overrides` are further keys of the entry, and win: `parse_uri(uri, NAME="x")`.
    """
    entry: dict[str, Any] = {"ENGINE": ENGINE, "HOST": uri, "NAME": "", "OPTIONS": {}}
    if uri.startswith(EMBEDDED):
        host, _, query = uri.partition("?")
        entry["HOST"] = host
        entry["NAME"] = dict(parse_qsl(query)).get("name", "")
    elif uri.startswith(SCHEMES):
        _validate(uri, "parse_uri(uri)")
        entry["NAME"] = name_in(uri)
    else:
        raise ImproperlyConfigured(
            f"parse_uri() got {redacted(uri)!r}: a URI begins with 'mongodb://', "
            f"'mongodb+srv://' or 'embedded:'."
        )
    return {**entry, **overrides}


def name_in(uri: str) -> str:
    """Return the database named in the path of a URI, or an empty string."""
    return unquote_plus(urlsplit(uri).path.lstrip("/")) if "://" in uri else ""


def redacted(uri: object) -> str:
    """Return the URI without passwords and tokens, for messages."""
    text = re.sub(r"(://[^:/@?]*):[^?]*@", r"\1:***@", str(uri))
    return re.sub(r"(?i)([?&][^=&]*(?:password|properties)=)[^&]*", r"\1***", text)


def setting(alias: str, key: str) -> str:
    """Return how a message names one key of a DATABASES entry."""
    return f"DATABASES[{alias!r}][{key!r}]"


def database_name(alias: str, settings_dict: Mapping[str, Any]) -> str:
    """Return the database's name: NAME, or the one in the URI's path."""
    name = settings_dict["NAME"] or name_in(str(settings_dict["HOST"] or ""))
    if not name:
        raise ImproperlyConfigured(
            f"{setting(alias, 'NAME')} is missing: name the database there, or in the path of "
            f"the URI in HOST."
        )
    # The server's own rules; Windows forbids more, but no production server runs there.
    if not isinstance(name, str) or re.search(r'[/\\. "$\x00]', name) or len(name) > 63:
        raise ImproperlyConfigured(
            f"{setting(alias, 'NAME')} is {name!r}: the name of a database has at most 63 "
            f'characters, none of them a space or one of / \\ . " $.'
        )
    return name


def embedded_directory(host: str) -> str | None:
    """Return the absolute directory of an "embedded:DIR" host, or None for any other host."""
    if not host.startswith(EMBEDDED):
        return None
    directory = host.removeprefix(EMBEDDED).removeprefix("//") or "var/mongodb"
    return os.path.join(getattr(settings, "BASE_DIR", ""), os.path.expanduser(directory))


def client_arguments(alias: str, settings_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of MongoClient for a DATABASES entry, all validated.

    An "embedded:" host is left to the caller, who starts the server: `host` is missing then.
    """
    host = str(settings_dict["HOST"] or "localhost")
    options = settings_dict["OPTIONS"] or {}
    arguments: dict[str, Any] = {"connect": False}
    timeout = "serverselectiontimeoutms"
    if timeout not in host.lower() and timeout not in map(str.lower, options):
        arguments["serverSelectionTimeoutMS"] = SERVER_SELECTION_MS
    if not host.startswith(EMBEDDED):
        if "://" in host and not host.startswith(SCHEMES):
            raise ImproperlyConfigured(
                f"{setting(alias, 'HOST')} is {redacted(host)!r}: it is a URI that begins with "
                f"'mongodb://', 'mongodb+srv://' or 'embedded:', or the name of a host."
            )
        if host.startswith(SCHEMES):
            _validate(host, setting(alias, "HOST"))
        arguments["host"] = host
        if settings_dict["PORT"]:
            arguments["port"] = _port(alias, settings_dict["PORT"])
    if settings_dict["USER"]:
        arguments["username"] = settings_dict["USER"]
        arguments["password"] = settings_dict["PASSWORD"]
    elif settings_dict["PASSWORD"]:
        raise ImproperlyConfigured(
            f"{setting(alias, 'PASSWORD')} is set without a USER: set both, or put both into "
            f"the URI in HOST."
        )
    if not isinstance(options, Mapping):
        raise ImproperlyConfigured(
            f"{setting(alias, 'OPTIONS')} is {type(options).__name__}: it is a dict of options "
            f"of pymongo's MongoClient."
        )
    if options:
        _validate_options(alias, arguments, options)
    return {**arguments, **options}


def _validate_options(
    alias: str, arguments: Mapping[str, Any], options: Mapping[str, Any]
) -> None:
    if unwanted := {"host", "port"} & options.keys():
        name = unwanted.pop()
        raise ImproperlyConfigured(
            f"{setting(alias, 'OPTIONS')} has {name!r}: that is {setting(alias, name.upper())}."
        )
    try:
        # Only the driver knows all its options. This client sends nothing and is not kept.
        MongoClient(**{"host": "localhost", **arguments, **options, "connect": False})
    except (ConfigurationError, InvalidURI, KeyError, OSError, TypeError, ValueError) as exc:
        raise ImproperlyConfigured(
            f"{setting(alias, 'OPTIONS')} is not what pymongo's MongoClient takes: {exc}"
        ) from exc


def _port(alias: str, value: object) -> int:
    try:
        port = int(str(value))
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        raise ImproperlyConfigured(
            f"{setting(alias, 'PORT')} is {value!r}: it is a number from 1 to 65535, 27017 if "
            f"left out."
        )
    return port


def _validate(uri: str, name: str) -> None:
    """Raise for a malformed URI or an option the driver does not know, without a DNS look-up."""
    # The driver would resolve the name of a +srv URI here; options of that scheme are its own.
    plain = re.sub(r"[?&](srvServiceName|srvMaxHosts)=[^&]*", "", uri, flags=re.IGNORECASE)
    try:
        uri_parser.parse_uri("mongodb://" + plain.partition("://")[2].replace("/&", "/?"))
    except (ConfigurationError, InvalidURI, ValueError) as exc:
        raise ImproperlyConfigured(f"{name} is {redacted(uri)!r}: {exc}") from exc
