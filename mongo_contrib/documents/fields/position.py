"""The primary key that Django wants of every model, for documents that have none."""

from __future__ import annotations

from typing import Any

from django.db import models


class PositionField(models.Field):
    """Where an embedded document stands in its list; never stored.

    None until somebody numbers the list (the admin's inlines do).
    """

    stored = False
    empty_strings_allowed = False

    def __init__(self, **kwargs: Any) -> None:
        kwargs.update(editable=False, blank=True, serialize=False)
        super().__init__(**kwargs)

    def get_internal_type(self) -> str:
        return "PositiveIntegerField"

    def to_python(self, value: Any) -> int | None:
        return None if value in (None, "") else int(value)
