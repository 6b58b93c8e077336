"""Documents of several classes in the change list of one."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import get_content_type_for_model


class LoggedAsOwn:
    """For a `ModelAdmin`: what it does to a subclass's document is in its own history."""

    model: Any

    def log_change(self, request: Any, obj: Any, message: Any) -> Any:
        return self._own(super().log_change(request, obj, message))  # type: ignore[misc]

    def log_deletions(self, request: Any, queryset: Any) -> Any:
        return self._own(super().log_deletions(request, queryset))  # type: ignore[misc]

    def _own(self, logged: Any) -> Any:
        if not getattr(getattr(self.model, "_options", None), "allow_inheritance", False):
            return logged
        wanted = get_content_type_for_model(self.model)
        for entry in logged if isinstance(logged, list | tuple) else [logged]:
            if entry is not None and entry.content_type_id != wanted.pk:
                # Django logs under the class of the object, and its page asks for this one's.
                entry.content_type_id = wanted.pk
                entry.save(update_fields=["content_type"])
        return logged
