"""Times on the command line."""

from argparse import ArgumentTypeError
from datetime import timedelta

__all__ = ["hours"]


def hours(text: str) -> timedelta:
    """A number of hours; half of one is ``0.5``."""
    try:
        return _limited(float(text))
    except ValueError:
        raise ArgumentTypeError(f"a number of hours from 0 on, not {text!r}") from None


def _limited(number: float) -> timedelta:
    if not 0 <= number <= 24 * 365 * 100:
        raise ValueError(number)
    return timedelta(hours=number)
