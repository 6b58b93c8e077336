"""Names that MongoDB takes."""

from typing import Any

__all__ = ["is_collection_name"]


def is_collection_name(value: Any) -> bool:
    """Whether a collection that is not the server's own can have this name."""
    return (
        isinstance(value, str)
        and bool(value)
        and not value.startswith(("system.", "."))
        and not value.endswith(".")
        and ".." not in value
        and set(value).isdisjoint("$\0")
    )
