"""Django's database functions; each module registers its compilers in the table of expressions."""

from . import comparison, dates, math, text

__all__ = ["comparison", "dates", "math", "text"]
