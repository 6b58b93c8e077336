"""Values that are made when they are first touched.

An embedded document, a list or another nested value of a loaded document is decoded when
somebody asks for it; until then it is not in the instance's `__dict__` but *pending*: it lies in
`_state.source`, the document as it was read. So is a value that can't be decoded, because it is
of a wrong type for its field: touching it raises `UnreadableValue`, all else can be used.

What is not pending and not in `__dict__` is deferred, in Django's sense.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute

from ..exceptions.classes import UnreadableValue

_ABSENT = object()


class LazyAttribute(DeferredAttribute):
    """The attribute of a field; asked only while the instance's `__dict__` lacks the value."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        attname = self.field.attname
        values = instance.__dict__
        if attname in values:
            return values[attname]
        stored = pending(instance, self.field)
        if stored is _ABSENT:
            stored = _unread(instance, self.field)
            return super().__get__(instance, cls) if stored is _ABSENT else stored
        state = values["_state"]
        try:
            value = values[attname] = read(instance, attname, stored)
        except UnreadableValue:
            if getattr(state, "lenient", False):
                # It stays pending, so that a save leaves it alone unless it is set.
                return stored
            raise
        state.made = state.made | {attname}
        return value

    def fetch_many(self, instances: list[Any]) -> None:
        """See `DeferredAttribute`: Django 6.1 fetches for all peers together.

        What came is what the next save compares with.
        """
        attname = self.field.attname
        missing = [each for each in instances if attname not in each.__dict__]
        super().fetch_many(instances)
        for each in missing:
            loaded = each._loaded_from(each._state.db) if attname in each.__dict__ else None
            if loaded is not None:
                from .plan import plan_of

                field = plan_of(type(each)).by_attname[attname]
                document = plan_of(type(each)).encode(each, add=False, raw=True, fields=[field])
                each._remember(each._state.db, loaded, [field], document)


class LazyKeyAttribute(LazyAttribute, ForeignKeyDeferredAttribute):
    """The attribute of a reference's key."""


#: The descriptors of Django that are replaced by ours.
LAZY: dict[type, type] = {
    DeferredAttribute: LazyAttribute,
    ForeignKeyDeferredAttribute: LazyKeyAttribute,
}


def pending(instance: Any, field: Any) -> Any:
    """Return the stored value of which the attribute has still to be made, `_ABSENT` if none."""
    state = instance.__dict__.get("_state")
    source = getattr(state, "source", None)
    if source is None or field.attname in getattr(state, "made", ()):
        return _ABSENT
    return source.get(field.column, _ABSENT)


@contextmanager
def filling(model: Any, document: dict[str, Any]) -> Iterator[None]:
    """Let constructors and signals that ask for what can't be read have it as it is stored.

    The instance does not know yet what it is made of: to fetch it would be to make another one.
    """
    token = _FILLING.set((model, document))
    try:
        yield
    finally:
        _FILLING.reset(token)


_FILLING: ContextVar[Any] = ContextVar("FILLING", default=(None, None))


def _unread(instance: Any, field: Any) -> Any:
    """Return the stored value of an instance that is being filled, `_ABSENT` if it has none."""
    model, document = _FILLING.get()
    if type(instance) is not model or hasattr(instance._state, "source"):
        return _ABSENT
    return document.get(field.column, _ABSENT)


def is_pending(instance: Any, field: Any) -> bool:
    """Tell whether the field has been read and its attribute not been made yet."""
    return field.attname not in instance.__dict__ and pending(instance, field) is not _ABSENT


def read(instance: Any, attname: str, stored: Any) -> Any:
    """Return the Python value of a stored one; UnreadableValue if it is none of its field."""
    from .plan import plan_of

    if stored is None:
        return None
    plan = plan_of(type(instance)).by_attname[attname]
    try:
        value = plan.read(stored)
    except Exception as error:
        raise unreadable(instance, plan, stored, error) from error
    if hasattr(plan.field, "document"):
        _own(value, instance._state, *_place(instance, plan))
    return value


def broken(instance: Any) -> dict[str, UnreadableValue]:
    """Return the errors of the fields whose stored values can't be read, by attribute name.

    All that can be read is made.
    """
    errors = {}
    for field in instance._meta.concrete_fields:
        if is_pending(instance, field):
            try:
                getattr(instance, field.attname)
                if is_pending(instance, field):
                    # It was given as it is stored, see `show_stored()`.
                    read(instance, field.attname, pending(instance, field))
            except UnreadableValue as error:
                errors[field.attname] = error
    return errors


def show_stored(instance: Any) -> None:
    """Let attributes whose stored values can't be read give these instead of an error.

    For forms and lists that are there to look at documents and to repair them.
    """
    instance._state.lenient = True


def unreadable(
    instance: Any, plan: Any, stored: Any, error: Exception | None = None
) -> UnreadableValue:
    """Return the error of a stored value, naming the document that it lies in."""
    label, key, path = _place(instance, plan)
    return unreadable_at(label, key, path, plan.field, stored, error)


def unreadable_at(
    label: str, key: Any, path: str, field: Any, stored: Any, error: Exception | None
) -> UnreadableValue:
    messages = getattr(error, "messages", None)
    reason = "; ".join(map(str, messages)) if messages else str(error or "")
    text = repr(stored)
    if len(text) > 200:
        text = f"{text[:200]}..."
    return UnreadableValue(
        f"{label} {'(embedded)' if key is None else key}: the stored value of {path!r} is {text} "
        f"({type(stored).__name__}), which is no value of {type(field).__name__}"
        f"{f' ({reason})' if reason else ''}.",
        document=label,
        key=key,
        field=path,
        value=stored,
    )


def _place(instance: Any, plan: Any) -> tuple[str, Any, str]:
    """Return the class and the key of the document, and the field's path in it."""
    owner = getattr(instance._state, "owner", None)
    if owner is not None:
        label, key, prefix = owner
        return label, key, f"{prefix}.{plan.attname}"
    meta = instance._meta
    key = None if getattr(instance, "_is_embedded", False) else instance.pk
    return meta.label, key, plan.attname


def _own(value: Any, holder: Any, label: str, key: Any, path: str) -> None:
    """Tell embedded documents where they were found, and so where they look for others."""
    items: Iterator[Any] | list[Any]
    if type(value) is list:
        items = value
        paths = [f"{path}.{position}" for position in range(len(value))]
    else:
        items, paths = [value], [path]
    for item, place in zip(items, paths, strict=True):
        state = getattr(item, "_state", None)
        if state is not None:
            state.owner = (label, key, place)
            if getattr(holder, "lenient", False):
                state.lenient = True
            state.db = holder.db
            # Django 6.1's modes; of peers, embedded documents know none.
            mode = getattr(holder, "fetch_mode", None)
            if mode is not state.fetch_mode and not getattr(mode, "track_peers", False):
                state.fetch_mode = mode
