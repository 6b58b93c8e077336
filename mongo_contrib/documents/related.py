"""References from a document to a document: Django's accessors with a filter that MQL has.

Django prefetches the forward side with a comparison of tuples of SQL columns; one `$in` on
the referenced field does the same. No database here keeps references from dangling, so that an
error says which one does.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import QuerySet
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ForwardOneToOneDescriptor,
)

from ..exceptions import UnreadableValue
from ..mapping.fitting import is_key, misfit, readable
from ..mapping.lazy import unreadable
from ..mapping.plan import plan_of
from ..query.crossing import refuse_embedded
from .prefetch import given_queryset


class _DocumentReference:
    field: Any
    get_queryset: Any
    RelatedObjectDoesNotExist: Any

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        """Return what is referred to; `DoesNotExist`, naming the reference, if it is gone.

        That is an AttributeError too, as Django's is for a reference that must not be empty.
        """
        if instance is None:
            return self
        try:
            related = super().__get__(instance, cls)  # type: ignore[misc]
        except ObjectDoesNotExist as error:
            raise self._dangling(instance) or error from None
        except (TypeError, ValueError, ValidationError, UnreadableValue) as error:
            raise self._unreadable(instance) or error from error
        if related is None and (dangling := self._dangling(instance)):
            # So it is found by a prefetch.
            raise dangling
        return related

    def _dangling(self, instance: Any) -> Exception | None:
        """Return the error for a key to which there is nothing; None without a key."""
        field = self.field
        if (unreadable := self._unreadable(instance)) is not None:
            return unreadable
        key = getattr(instance, field.attname)
        if key is None:
            return None
        target = field.remote_field.model._meta
        error: Exception = self.RelatedObjectDoesNotExist(
            f"{holder(instance)}: {field.name!r} refers to {target.label} {key}, which does not "
            "exist."
        )
        return error

    def _unreadable(self, instance: Any) -> Exception | None:
        """Return the error for what is stored and no key; None if there is one, or nothing.

        It is the one of a reference that dangles, too.
        """
        field = self.field
        plan = plan_of(type(instance)).by_attname[field.attname]
        try:
            key = getattr(instance, field.attname)
        except UnreadableValue as error:
            found = error
        else:
            if key is None or is_key(field.target_field, key):
                return None
            found = unreadable(instance, plan, key, misfit(field, key))
        kind = type("UnreadableReference", (UnreadableValue, self.RelatedObjectDoesNotExist), {})
        return kind(str(found), **vars(found))

    def _key(self, instance: Any) -> Any:
        """Return the key that an instance holds; None without one that can be asked for."""
        key = readable(instance, self.field.attname)
        return key if key is not None and is_key(self.field.target_field, key) else None

    def get_prefetch_querysets(
        self, instances: list[Any], querysets: list[QuerySet] | None = None
    ) -> Any:
        """Return what `prefetch_related_objects()` asks of a descriptor: one query set and how
        its objects and the instances match."""
        queryset = given_queryset(querysets)
        if queryset is None:
            queryset = self.get_queryset(instance=instances[0]).all()
        queryset._add_hints(instance=instances[0])
        # References lie on documents as keys: nothing else is needed to match the two sides.
        target = self.field.target_field.attname
        held = {id(instance): self._key(instance) for instance in instances}
        keys = set(held.values()) - {None}
        queryset = queryset.filter(**{f"{self.field.target_field.name}__in": keys})
        queryset.query.clear_ordering()
        remote = self.field.remote_field
        if not remote.multiple:
            by_key = {held[id(instance)]: instance for instance in instances}
            for related in queryset:
                remote.set_cached_value(related, by_key[getattr(related, target)])
        return (
            queryset,
            lambda related: getattr(related, target),
            lambda instance: held[id(instance)],
            True,
            self.field.cache_name,
            False,
        )


def holder(instance: Any) -> str:
    """Return the words for a document, or for the place of an embedded one."""
    owner = getattr(instance._state, "owner", None)
    if owner is not None:
        label, key, path = owner
        return f"{label} {key}, in {path}"
    if getattr(instance, "_is_embedded", False):
        return f"{instance._meta.label} (embedded)"
    return f"{instance._meta.label} {instance.pk}"


class EmbeddedReverseDescriptor:
    """`product.line_set`, where lines are embedded: no collection has them."""

    def __init__(self, rel: Any) -> None:
        self.rel = rel

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        """Raise `NotSupportedError`, saying how the documents that hold them are asked."""
        if instance is not None:
            refuse_embedded(self.rel)
        return self


class DocumentForeignKeyDescriptor(_DocumentReference, ForwardManyToOneDescriptor):
    """`city.country`."""


class DocumentOneToOneDescriptor(_DocumentReference, ForwardOneToOneDescriptor):
    """`profile.user`."""
