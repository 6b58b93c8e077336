"""What the server refuses to store is an error of the form, as what the form refuses is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import DataError, connections, router
from django.http import HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from mongo_contrib.exceptions import DocumentInvalid, DuplicateKeyError

#: What the server says of a document, and not of itself.
REFUSALS = (DataError, DuplicateKeyError)


def answered(view: Callable[[], Any], model_admin: Any, request: Any) -> Any:
    """Return what the view returns; asked again with the refusal, if its save was refused.

    Nothing of it was kept, where the server has transactions. The forms of the second time find
    `request.refusal`, and are invalid.
    """
    try:
        return view()
    except REFUSALS as error:
        if not can_go_on(model_admin, request):
            raise
        for upload in request.FILES.values():
            upload.seek(0)
        request.refusal = error
    return view()


def told(view: Callable[[], Any], model_admin: Any, request: Any, url: str) -> Any:
    """Return what the view returns; a message and the way to `url` if the server refused."""
    try:
        return view()
    except REFUSALS as error:
        if not can_go_on(model_admin, request):
            raise
        messages.error(request, str(error))
        return HttpResponseRedirect(url)


def can_go_on(model_admin: Any, request: Any) -> bool:
    """Tell whether a request that was refused something may ask for more.

    A transaction around it can't go on after an error.
    """
    connection = connections[router.db_for_write(model_admin.model)]
    return request.method == "POST" and not connection.in_atomic_block


def tell(form: Any, refusal: Exception) -> None:
    """Add to a form why the server refused what it said, where it has the field to the field."""
    instance = form.instance
    mine = getattr(refusal, "collection", None) == instance._meta.db_table
    if mine and isinstance(refusal, DocumentInvalid) and refusal.reasons:
        columns = {field.column: field.name for field in instance._meta.concrete_fields}
        for path, reason in refusal.reasons.items():
            name = columns.get(path.partition(".")[0])
            message = _("The database refuses %(path)s (%(rule)s): %(reason)s")
            params = {"path": path, "rule": refusal.rules.get(path, ""), "reason": reason}
            error = ValidationError(message, code="refused", params=params)
            form.add_error(name if name in form.fields else None, error)
    elif mine and isinstance(refusal, DuplicateKeyError) and (names := _unique(refusal, instance)):
        name = names[0] if len(names) == 1 and names[0] in form.fields else None
        form.add_error(name, instance.unique_error_message(type(instance), names))
    else:
        form.add_error(None, ValidationError(str(refusal), code="refused"))


def _unique(refusal: DuplicateKeyError, instance: Any) -> tuple[str, ...]:
    """Return the fields that are unique together; none where one lies inside of another."""
    columns = {field.column: field.name for field in instance._meta.concrete_fields}
    if not all(path in columns for path in refusal.fields):
        return ()
    return tuple(columns[path] for path in refusal.fields)
