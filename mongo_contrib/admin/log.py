"""`django.contrib.admin.models.LogEntry.objects` over our documents.

The stock admin imports that class inside its views; with another manager its history, its
recent actions and its logging work as they are, also in a plain `ModelAdmin`.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import models as stock

from .models import LogEntry


class DocumentLogManager(stock.LogEntryManager):
    """Yields and makes the documents of `mongo_contrib.admin.models.LogEntry`."""

    use_in_migrations = False

    def get_queryset(self) -> Any:
        return LogEntry._default_manager.db_manager(self._db, self._hints).get_queryset()

    def log_actions(self, *args: Any, **kwargs: Any) -> Any:
        return LogEntry.objects.log_actions(*args, **kwargs)

    if hasattr(stock.LogEntryManager, "log_action"):  # until Django 6.0

        def log_action(self, *args: Any, **kwargs: Any) -> Any:
            return LogEntry.objects.log_action(*args, **kwargs)
