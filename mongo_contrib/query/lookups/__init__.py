"""Look-ups: from a path and a value to MQL.

Adding one is a function with the decorator `@lookup(name)`, in the module of its kind.
"""

from . import arrays, comparisons, geo, keys, text, types  # noqa: F401
from .arrays import LENGTHS
from .table import APPLIES, LOOKUPS, Lookup, applicable, applies, lookup

__all__ = ["APPLIES", "LENGTHS", "LOOKUPS", "Lookup", "applicable", "applies", "lookup"]
