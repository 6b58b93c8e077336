"""The collections that `migrate` makes for the sessions."""

from mongo_contrib.db.schema import CollectionSpec, IndexSpec

__all__ = ["SLOT_INDEX", "collection_spec", "device_spec"]

#: The unique index by which users have no more sessions than they may.
SLOT_INDEX = "user_slot_unique"

_TTL = IndexSpec(
    keys=(("expire_date", 1),),
    name="expire_date_ttl",
    options={"expireAfterSeconds": 0},
    needs="ttl_index",
)
_OF_USER = IndexSpec(
    keys=(("user", 1), ("seen", -1)),
    name="user_seen",
    options={"partialFilterExpression": {"user": {"$exists": True}}},
)
# For the admin's list of all users' sessions: its order, with Django's last resort.
_LAST_SEEN = IndexSpec(
    keys=(("seen", -1), ("_id", -1)),
    name="seen",
    options={"partialFilterExpression": {"user": {"$exists": True}}},
)
_SLOT = IndexSpec(
    keys=(("user", 1), ("slot", 1)),
    name=SLOT_INDEX,
    options={"unique": True, "partialFilterExpression": {"slot": {"$exists": True}}},
)


def collection_spec(name: str) -> CollectionSpec:
    """The sessions' collection; its TTL index sweeps out what has expired."""
    return CollectionSpec(
        name, indexes=(_TTL, _OF_USER, _LAST_SEEN, _SLOT), source="mongo_sessions"
    )


def device_spec(name: str) -> CollectionSpec:
    """The collection of the devices that users log in from."""
    of_user = IndexSpec(keys=(("user", 1),), name="user")
    return CollectionSpec(name, indexes=(_TTL, of_user), source="mongo_sessions")
