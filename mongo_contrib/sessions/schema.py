"""The collection that `migrate` makes for the sessions."""

from mongo_contrib.db.schema import CollectionSpec, IndexSpec

__all__ = ["collection_spec"]


def collection_spec(name: str) -> CollectionSpec:
    """The sessions' collection; its TTL index sweeps out what has expired."""
    return CollectionSpec(
        name,
        indexes=(
            IndexSpec(
                keys=(("expire_date", 1),),
                name="expire_date_ttl",
                options={"expireAfterSeconds": 0},
                needs="ttl_index",
            ),
        ),
        source="mongo_sessions",
    )
