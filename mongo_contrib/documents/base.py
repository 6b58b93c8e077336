"""Documents: Django model classes whose instances are documents of a collection."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, router

from ..mapping.encoding import encode_value
from ..mapping.families import CLASS_KEY
from ..mapping.fitting import as_shown
from ..mapping.lazy import broken, is_pending
from ..mapping.plan import plan_of
from ..query.collector import DocumentCollector
from ..query.manager import DocumentManager, EmbeddedManager
from ..repository import Repository
from .checks import check_document, check_embedded
from .classes import DocumentBase, EmbeddedDocumentBase
from .constraints import on_server
from .constructing import Constructing
from .options import DocumentOptions
from .reading import Reading
from .saving import Saving
from .twins import DocumentTwins
from .uniqueness import constraints as shared_constraints
from .uniqueness import unique_checks


class Document(Saving, Reading, Constructing, DocumentTwins, models.Model, metaclass=DocumentBase):
    """Base of all classes whose instances are documents of a MongoDB collection.

    A Django model in everything but persistence: fields, `Meta`, validation, signals, forms,
    the admin and serializers are Django's. `save()` sends only what changed since the
    document was loaded; a save that changes nothing sends no command.
    """

    _is_document = True
    _options: ClassVar[DocumentOptions]

    objects = DocumentManager()
    _documents = DocumentManager()

    class Meta:
        abstract = True

    @classmethod
    def check(cls, **kwargs: Any) -> list[Any]:
        return [*super().check(**kwargs), *check_document(cls)]

    @classmethod
    def _check_default_pk(cls) -> list[Any]:
        """`DEFAULT_AUTO_FIELD` is about rows that are counted; an ObjectId is none."""
        return []

    @classmethod
    def _check_indexes(cls, *args: Any) -> list[Any]:
        """Django's rules for names and columns of SQL indexes; `check_document()` has ours."""
        return []

    @classmethod
    def _check_ordering(cls) -> list[Any]:
        """Django knows no paths into embedded documents; `check_document()` does."""
        return []

    @classmethod
    def _check_constraints(cls, *args: Any) -> list[Any]:
        return []

    @classmethod
    def _repository(cls, using: str) -> Repository:
        """Return the repository of this class's collection."""
        try:
            return cls.__dict__["_repositories"][using]
        except KeyError:
            found = Repository(cls._meta.db_table, using=using, **cls._options.concerns)
            # It holds no connection: one for each alias will do for good.
            cls._repositories = {**cls.__dict__.get("_repositories", {}), using: found}
            return found

    @classmethod
    def _encode_value(cls, field: models.Field, value: Any) -> Any:
        """Return the stored form of one field's value, for writers that know only the class."""
        return None if value is None else encode_value(field, value)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> Any:
        """See `Model.delete()`."""
        if not self._is_pk_set():
            # Django says what is wrong.
            return super().delete(using, keep_parents)
        alias = using or router.db_for_write(type(self), instance=self)
        collector = DocumentCollector(using=alias, origin=self)
        collector.collect([self], keep_parents=keep_parents)
        return collector.delete()

    def get_constraints(self) -> Any:
        """See `Model.get_constraints()`; conditions are evaluated without SQL."""
        return [
            (model, [on_server(constraint) for constraint in constraints])
            for model, constraints in shared_constraints(type(self), super().get_constraints())
        ]

    def _get_unique_checks(self, exclude: Any = None, **kwargs: Any) -> Any:
        unique, dates = super()._get_unique_checks(exclude, **kwargs)
        return unique_checks(type(self), unique, exclude), dates


class EmbeddedDocument(Reading, Constructing, models.Model, metaclass=EmbeddedDocumentBase):
    """Base of all classes whose instances are stored inside documents.

    Fields, validation and forms are Django's. Two of one class are equal if their values are.
    """

    _is_embedded = True
    _options: ClassVar[DocumentOptions]

    objects = EmbeddedManager()
    _documents = EmbeddedManager()

    class Meta:
        abstract = True

    @classmethod
    def check(cls, **kwargs: Any) -> list[Any]:
        return [*super().check(**kwargs), *check_embedded(cls)]

    @classmethod
    def _check_default_pk(cls) -> list[Any]:
        """What is stored inside a document needs no key."""
        return []

    @classmethod
    def _from_bson(cls, document: dict[str, Any]) -> Any:
        if type(document) is not dict:
            raise TypeError(f"a {cls._meta.object_name} is stored as a document")
        return plan_of(cls).hydrate(document, None)

    def _to_bson(self) -> dict[str, Any]:
        """Return the stored form; keys of the stored document that the class doesn't know stay."""
        plan = plan_of(type(self))
        document = plan.encode(self, add=False, raw=True)
        for key, value in getattr(self._state, "loaded", {}).items():
            if key not in document and key not in plan.columns:
                document[key] = value
        return document

    def _prepare_to_save(self) -> None:
        """Let the fields do what they do before each save (`auto_now`, files)."""
        plan = plan_of(type(self))
        if plan.refers:
            self._prepare_related_fields_for_save(operation_name="save")
        touching = plan.touching
        for field in plan.fields:
            if not field.has_pre_save:
                continue
            if field.column in touching or not is_pending(self, field):
                value = field.field.pre_save(self, self._state.adding)
                if value is not self.__dict__.get(field.attname):
                    setattr(self, field.attname, value)
        self._state.adding = False

    def validate_unique(self, exclude: Any = None) -> None:
        """Nothing to ask: uniqueness within documents is a matter of the parents' indexes."""

    def __str__(self) -> str:
        """Return the values, of references the keys; nothing is asked for."""
        values = [
            str(value)
            for field in plan_of(type(self)).fields
            if field.column != CLASS_KEY
            and (value := as_shown(self, field.attname)) not in (None, "", [])
        ]
        return ", ".join(values) or str(self._meta.verbose_name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EmbeddedDocument):
            return NotImplemented
        if self._meta.concrete_model is not other._meta.concrete_model:
            return False
        if self is other:
            return True
        for each in (self, other):
            # What was read is compared as it is written, which it is once it is touched.
            broken(each)
        return self._to_bson() == other._to_bson()

    #: Equal by value and mutable: not for sets.
    __hash__ = None  # type: ignore[assignment]

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError(f"A {self._meta.object_name} is stored inside a document: save that one.")

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"A {self._meta.object_name} is stored inside a document: take it out there and "
            "save that one."
        )
