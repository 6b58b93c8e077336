"""Query sets of users: one notion of which names are the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from mongo_contrib.documents import DocumentQuerySet

from .fields import FoldedField, folded_fields


class UserQuerySet(DocumentQuerySet):
    """A query set in which a user name equals another if the unique index says so.

    `filter(username=...)`, `__in` and `__iexact` are asked of the folded field and use its
    index, as do `email__iexact` and all that is built on them: `get_or_create()`, Django's
    forms and commands, `RemoteUserBackend`. What writes a name writes its folded form.
    """

    def _filter_or_exclude(self, negate: bool, args: Any, kwargs: Any) -> Any:
        fields = folded_fields(self.model)
        args = tuple(_redirected(fields, arg) if isinstance(arg, Q) else arg for arg in args)
        kwargs = dict(_redirect(fields, name, value) for name, value in kwargs.items())
        return super()._filter_or_exclude(negate, args, kwargs)

    def update(self, **kwargs: Any) -> int:
        """See `DocumentQuerySet.update()`."""
        for field in folded_fields(self.model):
            source = field.source_field
            if source.name in kwargs:
                kwargs[field.name] = field.fold(kwargs[source.name])
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(
        self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """See `DocumentQuerySet.bulk_update()`."""
        objs, fields = tuple(objs), list(fields)
        for field in folded_fields(self.model):
            if field.source_field.name in fields:
                fields.append(field.name)
                for obj in objs:
                    field.refresh(obj)
        return super().bulk_update(objs, fields, batch_size)

    bulk_update.alters_data = True  # type: ignore[attr-defined]


def _redirect(fields: list[FoldedField], name: str, value: Any) -> tuple[str, Any]:
    """Return the look-up to ask instead of `name`, or the same one."""
    first, _, lookup = name.partition("__")
    lookup = lookup or "exact"
    for field in fields:
        if first != field.source_field.name or not field.answers(lookup):
            continue
        # Anything but text stays, for the source itself to cast or to refuse.
        if lookup == "in":
            if isinstance(value, list | tuple | set | frozenset) and all(
                isinstance(item, str) for item in value
            ):
                return f"{field.name}__in", [field.fold(item) for item in value]
        elif isinstance(value, str):
            return field.name, field.fold(value)
    return name, value


def _redirected(fields: list[FoldedField], q: Q) -> Q:
    children = [
        _redirected(fields, child)
        if isinstance(child, Q)
        else _redirect(fields, *child)
        if isinstance(child, tuple)
        else child
        for child in q.children
    ]
    return Q.create(children, connector=q.connector, negated=q.negated)
