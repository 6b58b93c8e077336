"""`remark.subject`: what a `GenericReferenceField` refers to, fetched when asked for."""

from __future__ import annotations

from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.functional import cached_property

from ..mapping.fitting import readable
from .prefetch import Pairs, refuse_slice
from .related import holder


class GenericReferenceDescriptor:
    """The document that a generic reference leads to."""

    def __init__(self, field: Any) -> None:
        self.field = field

    def is_cached(self, instance: Any) -> bool:
        return self.field.name in instance._state.fields_cache

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        """Return the document; `DoesNotExist`, naming the reference, if it is gone."""
        if instance is None:
            return self
        reference = getattr(instance, self.field.attname)
        if reference is None:
            return None
        name, cache = self.field.name, instance._state.fields_cache
        if name in cache and not _is_of(cache[name], reference):
            # The reference has been set by its other attribute, or a prefetch found nothing.
            del cache[name]
        if name not in cache:
            mode = getattr(instance._state, "fetch_mode", None)
            if mode is None:
                self.fetch_one(instance)
            else:
                mode.fetch(self, instance)
        found = cache[name]
        if found is None:
            model, key = reference
            raise self._error_class(model)(
                f"{holder(instance)}: {name!r} refers to {model._meta.label} {key}, which does "
                "not exist."
            )
        return found

    def __set__(self, instance: Any, value: Any) -> None:
        reference = self.field.to_python(value)
        setattr(instance, self.field.attname, reference)
        cache = instance._state.fields_cache
        cache.pop(self.field.name, None)
        if reference is not None and value is not reference and hasattr(value, "_meta"):
            cache[self.field.name] = value

    @cached_property
    def _errors(self) -> dict[Any, Any]:
        return {}

    def _error_class(self, model: Any) -> Any:
        """Return the error of a missing document: its class's, and an AttributeError."""
        if model not in self._errors:
            self._errors[model] = type(
                "RelatedObjectDoesNotExist", (model.DoesNotExist, AttributeError), {}
            )
        return self._errors[model]

    # Django 6.1 asks these of what its fetch modes fetch.

    def fetch_one(self, instance: Any) -> None:
        model, key = getattr(instance, self.field.attname)
        manager = model._base_manager.db_manager(hints={"instance": instance})
        instance._state.fields_cache[self.field.name] = manager.filter(pk=key).first()

    def fetch_many(self, instances: list[Any]) -> None:
        missing = [each for each in instances if not self.is_cached(each)]
        prefetch_related_objects(missing, self.field.name)

    def get_prefetch_querysets(self, instances: Any, querysets: Any = None) -> Any:
        """Return what `prefetch_related_objects()` asks for: one query for each class.

        `GenericPrefetch` gives query sets for some of the classes.
        """
        given = {queryset.model: queryset for queryset in querysets or ()}
        wanted: dict[Any, set[Any]] = {}
        for instance in instances:
            reference = readable(instance, self.field.attname)
            if reference is not None:
                wanted.setdefault(reference.model, set()).add(reference.pk)
        pairs = []
        for model, keys in wanted.items():
            queryset = given.get(model)
            if queryset is None:
                queryset = model._base_manager.all()
            refuse_slice(queryset)
            queryset._add_hints(instance=instances[0])
            pairs += [((model, found.pk), found) for found in queryset.filter(pk__in=keys)]
        rows = Pairs(pairs, (), lambda instance: readable(instance, self.field.attname))
        return rows.answer(self.field.name, single=True)


def _is_of(related: Any, reference: Any) -> bool:
    """Tell whether what is cached is the document referred to."""
    return isinstance(related, reference.model) and related.pk == reference.pk
