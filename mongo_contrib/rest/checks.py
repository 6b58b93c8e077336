"""System checks of the REST app's settings."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning

from .conf import conf


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Find numbers that are none, and a REST framework whose templates can't be found."""
    messages: list[CheckMessage] = []
    for name, value, may_be_none in (
        ("MONGO_REST_PAGE_SIZE", conf.page_size, False),
        ("MONGO_REST_MAX_PAGE_SIZE", conf.max_page_size, False),
        ("MONGO_REST_MAX_TIME_MS", conf.max_time_ms, True),
    ):
        if may_be_none and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            allowed = "a positive integer or None" if may_be_none else "a positive integer"
            messages.append(
                Error(f"{name} is {value!r}; it must be {allowed}.", id="mongo_rest.E001")
            )
    if not apps.is_installed("rest_framework"):
        messages.append(
            Warning(
                "'rest_framework' is not in INSTALLED_APPS, so its templates can't be found.",
                hint="Add 'rest_framework' (and 'django_filters', if you filter) to "
                "INSTALLED_APPS.",
                id="mongo_rest.W001",
            )
        )
    return messages
