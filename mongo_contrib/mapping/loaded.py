"""What an instance knows of its stored document: the next save compares with it.

`_state.loaded` is the document as it was last read or written here, by stored names. What was
read or written in a transaction is true only if that is committed: `_state.within` keeps the
transaction, so that nothing is taken for stored that was rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models.base import ModelState

#: Stands in `loaded` for a value that only the server knows. It survives pickling and copying,
#: and equals nothing that can be stored.
UNKNOWN: Any = ...


class LoadedState(ModelState):
    """The `_state` of a loaded document."""

    adding = False
    #: Django 6.1 has fetch modes, Django 5.2 none.
    fetch_mode = getattr(ModelState, "fetch_mode", None)
    loaded: dict[str, Any] | None
    #: A transaction, and the columns that were written in it; None for the whole document.
    within: tuple[Any, frozenset[str] | None] | None = None


def recall(state: Any, transaction: Any) -> dict[str, Any] | None:
    """Return what is known of the stored document, None if nothing is.

    `transaction` is the one that is running, if any.
    """
    loaded: dict[str, Any] | None = getattr(state, "loaded", None)
    within = getattr(state, "within", None)
    if within is None or within[0] is transaction:
        return loaded
    earlier, columns = within
    if not earlier.committed and loaded is not None:
        loaded = None if columns is None else {**loaded, **unknown(columns)}
    state.loaded, state.within = loaded, None
    return loaded


def remember(
    state: Any, loaded: dict[str, Any] | None, transaction: Any, columns: Iterable[str] | None
) -> None:
    """Keep what is known from now on; `columns` were read or written just now, None means all.

    Unless they are all, `recall()` has been asked before what else is known.
    """
    state.loaded = loaded
    if transaction is None:
        state.within = None
        return
    chosen = None if columns is None else frozenset(columns)
    within = getattr(state, "within", None)
    if within is not None and within[0] is transaction and chosen is not None:
        chosen = None if within[1] is None else chosen | within[1]
    state.within = (transaction, chosen)


def unknown(columns: Iterable[str]) -> dict[str, Any]:
    return dict.fromkeys(columns, UNKNOWN)
