"""The one table of look-ups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..nodes import Node
from ..paths import Path

Lookup = Callable[[Path, Any], Node]
#: A decorated function keeps its own type.
Function = TypeVar("Function", bound=Lookup)
Applies = Callable[[Path], bool]

LOOKUPS: dict[str, Lookup] = {}
#: By the name of a look-up, where it has a meaning; those that are missing have one anywhere.
APPLIES: dict[str, Applies] = {}


def lookup(*names: str, of: Applies | None = None) -> Callable[[Function], Function]:
    """Register a look-up under its names; `of` tells at which paths it has a meaning.

    The function gets the resolved path and the value, casts the value by the path's field
    (`casting.cast()`), and returns a condition.
    """

    def register(function: Function) -> Function:
        LOOKUPS.update(dict.fromkeys(names, function))
        if of is not None:
            APPLIES.update(dict.fromkeys(names, of))
        return function

    return register


def applies(name: str, path: Path) -> bool:
    """Tell whether a look-up has a meaning at `path`, where it else would find nothing."""
    return name not in APPLIES or APPLIES[name](path)


def applicable(path: Path) -> list[str]:
    """Return the names of the look-ups that have a meaning at `path`."""
    return sorted(name for name in LOOKUPS if applies(name, path))
