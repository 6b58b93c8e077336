"""Of which classes the documents are that a field embeds: one, with its heirs, or several."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.core import checks, exceptions
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from ...mapping.families import CLASS_KEY, class_names, heirs, is_shared
from .nested import NestedField


class Alternatives:
    """Several embedded classes, as look-ups see them: with the fields of all."""

    def __init__(self, documents: tuple[Any, ...]) -> None:
        self._meta = _Fields(documents, self)
        self._is_dynamic = any(getattr(each, "_is_dynamic", False) for each in documents)


_alternatives = cache(Alternatives)


class _Fields:
    """The part of Django's `Options` by which names are resolved."""

    related_objects = ()

    def __init__(self, documents: tuple[Any, ...], owner: Alternatives) -> None:
        self.label = " or ".join(each._meta.label for each in documents)
        self.object_name = " or ".join(each._meta.object_name for each in documents)
        self.concrete_model = owner
        self.pk = documents[0]._meta.pk
        self.by_name: dict[str, Any] = {}
        for each in documents:
            for field in each._meta.concrete_fields:
                self.by_name.setdefault(field.attname, field)
                self.by_name.setdefault(field.name, field)

    @property
    def concrete_fields(self) -> list[Any]:
        return list(dict.fromkeys(self.by_name.values()))

    def get_field(self, name: str) -> Any:
        try:
            return self.by_name[name]
        except KeyError:
            raise exceptions.FieldDoesNotExist(f"{self.label} has no field {name!r}") from None


class EmbedsClasses(NestedField):
    """A field that embeds documents of `document`, or of one of several classes.

    A class is an `EmbeddedDocument` subclass, or its name (`"City"`, `"atlas.City"`), or
    `"self"`; names are resolved when they are first needed, so classes may stand in any order.
    Where there are several (a list of them, or one that allows inheritance), `_cls` in the
    stored document says which it is of.
    """

    default_error_messages = {
        "wrong_class": _("“%(value)s” is not a %(document)s."),
        "unknown_keys": _("%(document)s has no field %(keys)s."),
        "which_class": _("Say by “_cls” of which class it is: %(choices)s."),
        "unknown_class": _("“%(value)s” is no class that can stand here: %(choices)s can."),
    }

    def __init__(self, document: Any, **kwargs: Any) -> None:
        self._document = tuple(document) if isinstance(document, list | tuple) else document
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        labels = [
            each if isinstance(each, str) else each._meta.label for each in self._as_declared
        ]
        several = isinstance(self._document, tuple)
        return name, path, [labels if several else labels[0], *args], kwargs

    @property
    def _as_declared(self) -> tuple[Any, ...]:
        return self._document if isinstance(self._document, tuple) else (self._document,)

    @cached_property
    def declared(self) -> tuple[Any, ...]:
        """The classes that are named; LookupError if one is not a class of any app."""
        return tuple(map(self._resolved, self._as_declared))

    def _resolved(self, document: Any) -> Any:
        if not isinstance(document, str):
            return document
        if document == "self":
            return self.model
        if "." not in document:
            document = f"{self.model._meta.app_label}.{document}"
        return apps.get_model(document, require_ready=False)

    @property
    def document(self) -> Any:
        """The embedded class; of several, the first."""
        return self.declared[0]

    @property
    def documents(self) -> tuple[Any, ...]:
        """All classes that may stand here, subclasses included."""
        if len(self.declared) == 1 and not is_shared(self.declared[0]):
            return self.declared
        found = [
            heir for each in self.declared for heir in (heirs(each) if is_shared(each) else [each])
        ]
        return tuple(dict.fromkeys(found))

    @property
    def is_polymorphic(self) -> bool:
        """Whether documents of several classes may stand here."""
        return len(self.declared) > 1 or is_shared(self.declared[0])

    @property
    def alternatives(self) -> Any:
        """What names of fields are looked up in: the class, or something like one of them all."""
        documents = self.documents
        return documents[0] if len(documents) == 1 else _alternatives(documents)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        try:
            declared = self.declared
        except (LookupError, ValueError):
            declared = ()
        if not declared or not all(getattr(each, "_is_embedded", False) for each in declared):
            errors.append(
                checks.Error(
                    f"{self._document!r} is not an EmbeddedDocument.",
                    hint="Name a subclass of mongo_contrib.documents.EmbeddedDocument.",
                    obj=self,
                    id="mongo_contrib.E022",
                )
            )
            return errors
        return [*errors, *self._ambiguities()]

    def _ambiguities(self) -> list[checks.CheckMessage]:
        """Return what `_cls`, or a name in a look-up, could mean twice."""
        errors: list[checks.CheckMessage] = []
        names: dict[str, Any] = {}
        fields: dict[str, Any] = {}
        for document in self.documents:
            for name in class_names(document):
                if names.setdefault(name, document) is not document:
                    errors.append(
                        checks.Error(
                            f"{names[name]._meta.label} and {document._meta.label} may both stand "
                            f"here, and {CLASS_KEY!r} is {name!r} for both.",
                            hint="Give one of them a name of its own (Meta: class_name).",
                            obj=self,
                            id="mongo_contrib.E041",
                        )
                    )
            for field in document._meta.concrete_fields:
                other = fields.setdefault(field.name, field)
                if (other.column, other.get_internal_type()) != (
                    field.column,
                    field.get_internal_type(),
                ):
                    errors.append(
                        checks.Error(
                            f"{field.name!r} of {document._meta.label} and of "
                            f"{other.model._meta.label}, which may both stand here, differ in "
                            "type or stored name; a look-up could mean only one.",
                            hint="Give one of them another name.",
                            obj=self,
                            id="mongo_contrib.E042",
                        )
                    )
        return errors

    def class_named(self, name: Any) -> Any:
        """Return the class whose `_cls` this is; ValidationError if none here has it."""
        for document in self.documents:
            if name in class_names(document):
                return document
        raise exceptions.ValidationError(
            self.error_messages["unknown_class"],
            code="unknown_class",
            params={"value": name, "choices": self._class_choices},
        )

    @property
    def _class_choices(self) -> str:
        return ", ".join(class_names(each)[0] for each in self.documents)

    def read_document(self, value: Any) -> Any:
        """Return the instance of one stored document, of the class that its `_cls` names.

        One without is older than the other classes: of the first.
        """
        declared = self.declared
        if len(declared) == 1:
            return declared[0]._from_bson(value)
        if type(value) is not dict or CLASS_KEY not in value:
            return declared[0]._from_bson(value)
        document = self.class_named(value[CLASS_KEY])
        if not is_shared(document):
            value = {key: item for key, item in value.items() if key != CLASS_KEY}
        return document._from_bson(value)

    def encode_document(self, value: Any) -> dict[str, Any]:
        """Return the stored form of one embedded document, given as instance or as dict."""
        instance = self.to_instance(value)
        stored: dict[str, Any] = instance._to_bson()
        if len(self.declared) > 1 and CLASS_KEY not in stored:
            stored = {CLASS_KEY: class_names(type(instance))[0], **stored}
        return stored

    def to_instance(self, value: Any) -> Any:
        """Return `value` as an instance; a dict gives the fields by their names."""
        if isinstance(value, self.declared):
            return value
        if isinstance(value, dict):
            document, value = self._class_of(value)
            known = {field.name for field in document._meta.fields}
            if unknown := sorted(str(key) for key in value if key not in known):
                raise exceptions.ValidationError(
                    self.error_messages["unknown_keys"],
                    code="unknown_keys",
                    params={"document": document._meta.label, "keys": ", ".join(unknown)},
                )
            return document(**value)
        raise self.wrong_class(value)

    def wrong_class(self, value: Any, text: str = "%s") -> exceptions.ValidationError:
        labels = " or ".join(each._meta.label for each in self.declared)
        return exceptions.ValidationError(
            self.error_messages["wrong_class"],
            code="wrong_class",
            params={"value": value, "document": text % labels},
        )

    def _class_of(self, values: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the class of a dict of fields, and the dict without what only says so."""
        if not self.is_polymorphic:
            return self.document, values
        if CLASS_KEY in values:
            document = self.class_named(values[CLASS_KEY])
            return document, {name: each for name, each in values.items() if name != CLASS_KEY}
        if len(self.declared) > 1:
            raise exceptions.ValidationError(
                self.error_messages["which_class"],
                code="which_class",
                params={"choices": self._class_choices},
            )
        return self.document, values
