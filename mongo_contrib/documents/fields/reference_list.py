"""References to any number of documents, kept as a list of keys in the document itself."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from bson import ObjectId
from django.core import checks, exceptions
from django.db import models, router
from django.db.models.fields.related import RelatedField
from django.db.models.query_utils import PathInfo
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from ...mapping.encoding import decoder_of, encode_value
from ...mapping.lazy import is_pending
from ..deletion import CASCADE_HOLDERS, PULL
from ..reference_lists import ReferenceListDescriptor, ReferringDescriptor
from .nested import NestedField


class ReferenceListRel(models.ManyToManyRel):
    """The way back: from a document to those whose lists hold its key."""

    # Django's deletion looks at relations with this flag.
    one_to_many = True
    many_to_one = False
    many_to_many = False
    one_to_one = False
    on_delete: Any

    def get_related_field(self) -> models.Field:
        return self.model._meta.pk


class ReferenceKey(models.Field):
    """One element of a `ReferenceListField`: what its values are cast and stored by."""

    def __init__(self, owner: ReferenceListField) -> None:
        super().__init__(verbose_name=owner.verbose_name)
        self.remote_field = owner.remote_field
        self.is_relation = True

    def get_internal_type(self) -> str:
        return "ForeignKey"

    @property
    def target_field(self) -> models.Field:
        return self.remote_field.model._meta.pk

    def to_python(self, value: Any) -> Any:
        return self.target_field.to_python(value)


class ReferenceListField(NestedField, models.ManyToManyField):
    """References to documents of one class, in an order: an array of their keys.

    It stands in for Django's ManyToManyField, without a table between: `book.authors` is a
    manager with `all()`, `add()`, `remove()`, `set()`, `clear()` and `create()`, which write at
    once. `book.authors_id` is the list of keys, in the stored order. As any field of a document
    it can be given to the constructor and assigned, and is written by `save()` with the rest.
    A key stands in it once.
    """

    description = _("List of references")
    default_error_messages = {
        "not_a_list": _("“%(value)s” is not a list of %(objects)s."),
        "item": _("Item %(position)s: %(message)s"),
        "missing": _("There is no %(object)s with the key %(keys)s."),
    }

    # To Django's options it is a field of the document, and not one of a table between two.
    many_to_many = False
    many_to_one = False

    def __init__(
        self,
        to: Any,
        on_delete: Any = PULL,
        *,
        related_name: str | None = None,
        related_query_name: str | None = None,
        limit_choices_to: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(to, str) and not hasattr(to, "_meta"):
            raise TypeError(
                f"{type(self).__name__}({to!r}) is invalid: its first argument is a document "
                "class, its name, or 'self'."
            )
        if not callable(on_delete):
            raise TypeError("on_delete must be callable, as PULL and models.CASCADE are.")
        rel = ReferenceListRel(
            self,
            to,
            related_name=related_name,
            related_query_name=related_query_name,
            limit_choices_to=limit_choices_to,
            symmetrical=False,
        )
        self._on_delete = on_delete
        rel.on_delete = CASCADE_HOLDERS if on_delete is models.CASCADE else on_delete
        kwargs.setdefault("default", list)
        kwargs.setdefault("db_index", True)
        self.db_table = None
        # Not the parent's, which makes the table between.
        super(models.ManyToManyField, self).__init__(
            related_name=related_name,
            related_query_name=related_query_name,
            limit_choices_to=limit_choices_to,
            rel=rel,
            **kwargs,
        )
        self.base_field = ReferenceKey(self)

    # The class

    def contribute_to_class(self, cls: Any, name: str, **kwargs: Any) -> None:
        super(models.ManyToManyField, self).contribute_to_class(cls, name, **kwargs)
        self.base_field = ReferenceKey(self)
        self.base_field.set_attributes_from_name(name)
        self.base_field.model = cls
        # `Book.authors.through` is what `m2m_changed` names as its sender, and no class of
        # anything stored.
        self.remote_field.through = type(
            f"{cls.__name__}_{name}",
            (),
            {"__module__": cls.__module__, "_meta": SimpleNamespace(auto_created=cls)},
        )
        setattr(cls, name, ReferenceListDescriptor(self))

    def contribute_to_related_class(self, cls: Any, related: Any) -> None:
        if not related.hidden and not related.related_model._meta.swapped:
            setattr(cls, related.get_accessor_name(), ReferringDescriptor(self))

    def get_internal_type(self) -> str:
        return "ReferenceListField"

    def get_attname(self) -> str:
        return f"{self.name}_id"

    def get_attname_column(self) -> tuple[str, str]:
        attname = self.get_attname()
        return attname, self.db_column or attname

    def deconstruct(self) -> Any:
        # Nor the parent's, which describes the table between.
        name, path, args, kwargs = RelatedField.deconstruct(self)
        to = self.remote_field.model
        kwargs["to"] = to if isinstance(to, str) else to._meta.label_lower
        kwargs["on_delete"] = self._on_delete
        return name, path, args, kwargs

    @property
    def target_field(self) -> models.Field:
        """The field whose values are stored: the key of the class referred to."""
        return self.remote_field.model._meta.pk

    @property
    def foreign_related_fields(self) -> tuple[models.Field, ...]:
        return (self.target_field,)

    @cached_property
    def path_infos(self) -> list[PathInfo]:
        """The step to the other class, which Django's admin walks; no document repeats by it."""
        return [self._step(self.model._meta, self.remote_field.model._meta, direct=True)]

    @cached_property
    def reverse_path_infos(self) -> list[PathInfo]:
        return [self._step(self.remote_field.model._meta, self.model._meta, direct=False)]

    def get_path_info(self, filtered_relation: Any = None) -> list[PathInfo]:
        return self.path_infos

    def get_reverse_path_info(self, filtered_relation: Any = None) -> list[PathInfo]:
        return self.reverse_path_infos

    def _step(self, start: Any, end: Any, *, direct: bool) -> PathInfo:
        return PathInfo(
            from_opts=start,
            to_opts=end,
            target_fields=(end.pk,),
            join_field=self if direct else self.remote_field,
            m2m=False,
            direct=direct,
            filtered_relation=None,
        )

    # Checks

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = RelatedField.check(self, **kwargs)
        target = self.remote_field.model
        if not isinstance(target, str) and not getattr(target, "_is_document", False):
            errors.append(
                checks.Error(
                    f"{self.name!r} refers to {target._meta.label}, which is no Document.",
                    hint="A list of keys can hold those of documents; or use ListField.",
                    obj=self,
                    id="mongo_contrib.E060",
                )
            )
        if self._on_delete is models.SET_NULL and not self.null:
            errors.append(
                checks.Error(
                    f"{self.name!r} says on_delete=SET_NULL, but cannot be null.",
                    hint="Say on_delete=PULL, which takes the key out of the list.",
                    obj=self,
                    id="mongo_contrib.E061",
                )
            )
        return errors

    # Values

    def keys_of(self, values: Iterable[Any]) -> list[Any]:
        """Return the keys of instances, or of keys in any form, each once and in this order.

        Raises ValueError for an unsaved instance, TypeError for one of another class, and
        ValidationError for what is no key.
        """
        if isinstance(values, str | bytes | dict) or not hasattr(values, "__iter__"):
            raise exceptions.ValidationError(
                self.error_messages["not_a_list"],
                code="not_a_list",
                params={
                    "value": values,
                    "objects": self.remote_field.model._meta.verbose_name_plural,
                },
            )
        return list(dict.fromkeys(map(self._key_of, values)))

    def _key_of(self, value: Any) -> Any:
        if not isinstance(value, models.Model):
            if value is None:
                raise exceptions.ValidationError(
                    _("%(field)s holds keys, and None is none."),
                    code="null",
                    params={"field": self.name},
                )
            return self.target_field.to_python(value)
        target = self.remote_field.model
        if not isinstance(value, target._meta.concrete_model):
            raise TypeError(
                f"{self.model._meta.object_name}.{self.name} refers to {target._meta.label}, not "
                f"to {value._meta.label}: {value!r}."
            )
        key = getattr(value, self.target_field.attname)
        if key is None:
            raise ValueError(
                f"{self.model._meta.object_name}.{self.name} can't refer to {value!r}, which has "
                "no key yet: save it first."
            )
        return key

    def to_bson(self, value: Any) -> list[Any]:
        target = self.target_field
        return [encode_value(target, key) for key in self.keys_of(value)]

    def from_bson(self, value: Any) -> list[Any]:
        if type(value) is not list:
            raise exceptions.ValidationError(
                self.error_messages["not_a_list"],
                code="not_a_list",
                params={"value": value, "objects": "keys"},
            )
        for key in value:
            if type(key) is not ObjectId:
                # Which says what is no key.
                self.target_field.to_python(key)
        decode = decoder_of(self.target_field)
        return value.copy() if decode is None else [decode(key) for key in value]

    def to_python(self, value: Any) -> list[Any] | None:
        if value is None:
            return None
        return self.keys_of(self.parse_text(value) if isinstance(value, str) else value)

    def value_from_object(self, obj: models.Model) -> Any:
        return getattr(obj, self.attname)

    def value_to_string(self, obj: models.Model) -> Any:
        """Return the keys as texts: what serializers write of a ManyToManyField."""
        value = self.value_from_object(obj)
        target = self.target_field
        if value is None:
            return None
        return [key if type(key) in (int, str) else _text(target, key) for key in value]

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """Refuse keys of documents that there aren't, asked for by one query."""
        super().validate(value, model_instance)
        if not value or not self.editable:
            return
        target = self.remote_field.model
        using = router.db_for_read(target, instance=model_instance)
        found = target._base_manager.using(using).filter(pk__in=value)
        found = found.complex_filter(self.get_limit_choices_to())
        there = set(found.values_list("pk", flat=True))
        if missing := [str(key) for key in value if key not in there]:
            raise exceptions.ValidationError(
                self.error_messages["missing"],
                code="missing",
                params={"object": target._meta.verbose_name, "keys": ", ".join(missing)},
            )

    def save_form_data(self, instance: Any, data: Any) -> None:
        """Take what a form has picked; what was in the list before keeps its place.

        The order of a picker's choices is nobody's wish.
        """
        if data is None:
            setattr(instance, self.attname, None)
            return
        picked = self.keys_of(data)
        held = getattr(instance, self.attname) or ()
        if is_pending(instance, self):
            # What was shown as it is stored is no list of keys.
            held = ()
        before = [key for key in held if key in set(picked)]
        setattr(instance, self.name, [*before, *picked])


def _text(field: models.Field, key: Any) -> str:
    holder = SimpleNamespace(**{field.attname: key})
    return field.value_to_string(holder)
