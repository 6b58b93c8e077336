"""Every setting of the REST app, with its default. Read when used, never cached."""

from __future__ import annotations

from django.conf import settings

__all__ = ["conf"]


class RestSettings:
    """The settings of `mongo_contrib.rest`."""

    @property
    def page_size(self) -> int:
        """How many documents a page holds where `REST_FRAMEWORK["PAGE_SIZE"]` doesn't say."""
        return getattr(settings, "MONGO_REST_PAGE_SIZE", 50)

    @property
    def max_page_size(self) -> int:
        """How many documents a client can ask for at once where the paginator doesn't say."""
        return getattr(settings, "MONGO_REST_MAX_PAGE_SIZE", 1000)

    @property
    def max_time_ms(self) -> int | None:
        """How many milliseconds the server may spend on one query; None for no limit."""
        return getattr(settings, "MONGO_REST_MAX_TIME_MS", 10_000)


conf = RestSettings()
