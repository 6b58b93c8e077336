"""How large a session may be, and how many a user may have at once.

Each log-in needs a slot: a number below MONGO_SESSION_MAX_PER_USER, which the unique index on
(user, slot) gives to one session only. So whatever overlaps, there are never more sessions of a
user; no counting could promise that.
"""

import random
from collections.abc import Callable
from typing import Any

from mongo_contrib.exceptions import DuplicateKeyError

from . import record
from .conf import REFUSE, conf
from .exceptions import SessionLimitReached, SessionTooLarge, asking_server
from .schema import SLOT_INDEX

__all__ = ["is_taken", "refuse_too_large", "with_slot"]

# An attempt fails only where another log-in of the same user succeeds.
ATTEMPTS = 100


def refuse_too_large(data: record.Stored) -> None:
    """Raise SessionTooLarge for data over MONGO_SESSION_MAX_SIZE."""
    limit = conf.max_size
    if not record.is_within(limit, data):
        size = record.size(data)
        largest = sorted(data, key=lambda key: len(data[key]), reverse=True)[:3]
        raise SessionTooLarge(
            f"The session has {size:,} bytes of data, and MONGO_SESSION_MAX_SIZE allows "
            f"{limit:,}; most is under {', '.join(map(repr, largest))}.",
            size=size,
            limit=limit,
        )


def with_slot(
    store: Any, user_id: str, own_ids: list[str], write: Callable[[dict[str, Any]], None]
) -> None:
    """Call `write` with the fields of a free slot, or with none where users have no limit.

    Where the user has no room left, the sessions that were used longest ago end, or
    SessionLimitReached is raised, as MONGO_SESSION_WHEN_FULL says.
    """
    limit = conf.max_per_user
    if limit is None:
        return write({})
    for _ in range(ATTEMPTS):
        kept = _make_room(store, user_id, own_ids, limit)
        taken = {document.get("slot") for document in kept}
        free = [slot for slot in range(limit) if slot not in taken]
        try:
            # Of those who look at the same moment few take the same one.
            return write({"slot": random.choice(free)})
        except DuplicateKeyError as exc:
            if not is_taken(exc):
                raise
    raise _full(user_id, limit)


def is_taken(exc: DuplicateKeyError) -> bool:
    """Whether it says that a slot is another session's, and not that a key is."""
    return exc.index == SLOT_INDEX or exc.fields == ("user", "slot")


def _make_room(store: Any, user_id: str, own_ids: list[str], limit: int) -> list[dict[str, Any]]:
    """End sessions until there is room for one more; return those that stay."""
    while True:
        now = record.utc_now()
        # One more than there should be is enough, but for expired ones and a lowered limit.
        page = limit + 100
        with asking_server:
            others = list(
                store.get_repository().find(
                    {"user": user_id, "_id": {"$nin": own_ids}},
                    {"slot": 1, "expire_date": 1},
                    sort=[("seen", -1)],
                    limit=page,
                )
            )
        kept = [each for each in others if record.from_stored(each["expire_date"]) > now]
        if len(kept) >= limit:
            if conf.when_full == REFUSE:
                raise _full(user_id, limit)
            del kept[limit - 1 :]
        stay = {each["_id"] for each in kept}
        if ending := [each["_id"] for each in others if each["_id"] not in stay]:
            store.end({"_id": {"$in": ending}, "user": user_id})
        if len(others) < page:
            return kept


def _full(user_id: str, limit: int) -> SessionLimitReached:
    return SessionLimitReached(
        f"The user {user_id!r} has {limit} sessions, as many as MONGO_SESSION_MAX_PER_USER "
        "allows; one has to be ended first.",
        user_id=user_id,
        limit=limit,
    )
