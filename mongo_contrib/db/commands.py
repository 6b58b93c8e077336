"""The commands that the driver sends: the logger "mongo_contrib.commands", and callbacks.

The logger is the counterpart of Django's "django.db.backends": at DEBUG it tells each command with
its duration. With DEBUG = True, or inside CaptureQueriesContext, commands are also noted in
`connection.queries`, so that assertNumQueries() and the debug toolbar count them. A logger that
is to tell them in production has its level before the first command is sent.
"""

import logging
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.db import connections
from pymongo import monitoring

from mongo_contrib.conf import conf

if TYPE_CHECKING:
    from mongo_contrib.db.base import DatabaseWrapper

__all__ = ["CommandEvent", "register", "unregister"]

logger = logging.getLogger("mongo_contrib.commands")

# What the driver adds to each command for the server's sake, of no interest to a reader.
PLUMBING = frozenset(
    {"$clusterTime", "$db", "autocommit", "lsid", "startTransaction", "txnNumber"}
)
# Where a command keeps the collection if its first value is not the name.
ELSEWHERE = {"getMore": "collection"}


@dataclass(frozen=True, slots=True)
class CommandEvent:
    """One command at one of its two moments: it started, and it succeeded or failed.

    `command` is the whole command as sent (empty for what the driver hides: passwords and
    keys). `duration` is in seconds, None while it runs. `failure` is the server's or the
    driver's error document.
    """

    phase: Literal["started", "succeeded", "failed"]
    alias: str
    name: str
    database: str
    collection: str | None
    command: Mapping[str, Any]
    request_id: int
    duration: float | None = None
    failure: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        """The command as one would type it: cities.find({'filter': ...})."""
        shown = {
            key: value
            for key, value in self.command.items()
            if key not in PLUMBING and key != self.name
        }
        subject = f"{self.collection}." if self.collection else ""
        text = f"{subject}{self.name}({shown or ''})"
        limit = conf.command_log_length
        return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


Callback = Callable[[CommandEvent], None]

# A tuple, replaced and never changed, so that reading it needs no lock.
_callbacks: tuple[Callback, ...] = ()
# Connections inside CaptureQueriesContext.
_forced: "weakref.WeakSet[DatabaseWrapper]" = weakref.WeakSet()

# To be told costs the driver an eighth of a command's time, listener or not; so clients get one
# only if somebody could hear it. From the first time on, all do.
_awake = False
_on_waking: list[Callable[[], None]] = []


def awake() -> bool:
    """Tell whether a client that is made now has to tell its commands."""
    return _awake or _heard()


def wake() -> None:
    """Let clients tell their commands from now on, those that did not so far included."""
    global _awake
    if not _awake:
        _awake = True
        for function in _on_waking:
            function()


def on_waking(function: Callable[[], None]) -> None:
    """Call `function` when clients have to tell their commands that did not so far."""
    _on_waking.append(function)


def _heard() -> bool:
    return bool(_callbacks or _forced or settings.DEBUG or logger.isEnabledFor(logging.DEBUG))


def register(callback: Callback) -> None:
    """Call back with every CommandEvent of every alias, in the thread that sends it."""
    global _callbacks
    _callbacks = (*_callbacks, callback)
    wake()


def force(connection: "DatabaseWrapper", wanted: bool) -> None:
    """Note the commands of a connection in its `queries`, whatever DEBUG says, or no more."""
    if wanted:
        _forced.add(connection)
        wake()
    else:
        _forced.discard(connection)


def unregister(callback: Callback) -> None:
    """Undo register()."""
    global _callbacks
    _callbacks = tuple(known for known in _callbacks if known is not callback)


class CommandLog(monitoring.CommandListener):
    """The driver's listener of one client; does next to nothing while nobody listens."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._running: dict[int, CommandEvent] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if not _heard():
            return
        name = event.command_name
        subject = event.command.get(ELSEWHERE.get(name, name))
        noted = CommandEvent(
            "started",
            self.alias,
            name,
            event.database_name,
            subject if isinstance(subject, str) else None,
            event.command,
            event.request_id,
        )
        self._running[event.request_id] = noted
        for callback in _callbacks:
            callback(noted)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if self._running:
            self._ended(event.request_id, "succeeded", event.duration_micros / 1e6, None)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        if self._running:
            self._ended(event.request_id, "failed", event.duration_micros / 1e6, event.failure)

    def _ended(
        self,
        request_id: int,
        phase: Literal["succeeded", "failed"],
        duration: float,
        failure: Mapping[str, Any] | None,
    ) -> None:
        start = self._running.pop(request_id, None)
        if start is None:
            return
        event = CommandEvent(
            phase,
            start.alias,
            start.name,
            start.database,
            start.collection,
            start.command,
            request_id,
            duration,
            failure,
        )
        for callback in _callbacks:
            callback(event)
        if settings.DEBUG or _forced:
            self._note(event)
        if logger.isEnabledFor(logging.DEBUG):
            log(event)

    def _note(self, event: CommandEvent) -> None:
        """Keep a command in `connection.queries` of the thread that sent it."""
        # Only connections that are there: the driver also sends from threads of its own.
        for connection in connections.all(initialized_only=True):
            if connection.alias == self.alias and connection.queries_logged:
                connection.queries_log.append({"sql": str(event), "time": f"{event.duration:.3f}"})


def log(event: CommandEvent) -> None:
    """Write the log's line for a command that has ended."""
    logger.debug(
        "(%.3f) %s%s; alias=%s",
        event.duration,
        event,
        f" failed: {event.failure.get('errmsg', event.failure)}" if event.failure else "",
        event.alias,
        extra={
            "alias": event.alias,
            "collection": event.collection,
            "command": event.name,
            "database": event.database,
            "duration": event.duration,
            "request_id": event.request_id,
        },
    )
