"""Bounds on what one page can hold, whichever paginator makes it."""

from __future__ import annotations

from typing import Any

from .conf import conf


def bounded(paginator: Any) -> Any:
    """Return `paginator` with a size and a largest size where its class names none.

    Django REST framework's default for both is "no limit", which is the whole collection.
    """
    defaults = {
        "page_size": conf.page_size,
        "default_limit": conf.page_size,
        "max_page_size": conf.max_page_size,
        "max_limit": conf.max_page_size,
    }
    for name, value in defaults.items():
        if getattr(paginator, name, value) is None:
            setattr(paginator, name, value)
    return paginator
