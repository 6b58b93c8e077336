"""Documents: Django model classes whose instances are documents of a collection."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import DatabaseError, IntegrityError, models, router

from ..db import get_connection
from ..mapping.changes import changes
from ..mapping.encoding import encode_value
from ..mapping.loaded import UNKNOWN, recall, remember, unknown
from ..mapping.plan import FieldPlan, plan_of
from ..query.manager import DocumentManager, EmbeddedManager
from ..query.updates import as_update, refuse_expressions
from ..repository import Repository
from .checks import check_document, check_embedded
from .classes import DocumentBase, EmbeddedDocumentBase
from .constraints import on_server
from .options import DocumentOptions


class Document(models.Model, metaclass=DocumentBase):
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
        return Repository(cls._meta.db_table, using=using, **cls._options.concerns)

    @classmethod
    def _encode_value(cls, field: models.Field, value: Any) -> Any:
        """Return the stored form of one field's value, for writers that know only the class."""
        return None if value is None else encode_value(field, value)

    def get_constraints(self) -> Any:
        """See `Model.get_constraints()`; conditions are evaluated without SQL."""
        return [
            (model, [on_server(constraint) for constraint in constraints])
            for model, constraints in super().get_constraints()
        ]

    def refresh_from_db(self, using: Any = None, fields: Any = None, **kwargs: Any) -> None:
        before = self._state.db
        super().refresh_from_db(using=using, fields=fields, **kwargs)
        # What was just read is what the next save() compares with.
        plan = plan_of(type(self))
        read = plan.chosen(self, fields)
        document = plan.encode(self, add=False, raw=True, fields=read)
        db = self._state.db
        loaded = self._loaded_from(db) if db == before else None
        if loaded is None:
            loaded = {**unknown(plan.columns), "_id": self._stored_key()}
        self._remember(db, loaded, read, document)

    def _save_table(
        self,
        raw: bool = False,
        cls: Any = None,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Any = None,
    ) -> bool:
        """Write this document; return whether it was there before.

        Django's contract of `force_insert`, `force_update` and `update_fields`; at most one
        command, or two where a document that was loaded has been deleted since.
        """
        meta = cls._meta
        if using is None:
            using = router.db_for_write(type(self), instance=self)
        if not self._is_pk_set(meta):
            if force_update or update_fields:
                raise ValueError("Cannot force an update in save() with no primary key.")
            self._insert_with_new_key(using, cls, raw)
            return False
        if self._state.adding and not raw and not force_update and meta.pk.has_default():
            force_insert = True
        if force_insert:
            self._insert(using, cls, raw)
            return False
        loaded = self._loaded_from(using)
        if loaded is None:
            return self._write_whole(using, cls, raw, force_update, update_fields)
        forced = bool(force_update or update_fields)
        if self._update(using, cls, raw, loaded, update_fields, must_exist=forced):
            return True
        if forced:
            self._refuse_forced(update_fields)
        self._insert(using, cls, raw)
        return False

    def _stored_key(self) -> Any:
        pk = self._meta.pk
        return encode_value(pk, getattr(self, pk.attname))

    def _loaded_from(self, using: str) -> dict[str, Any] | None:
        """Return what is known of the document stored on `using` under this key, or None."""
        loaded = recall(self._state, get_connection(using).transaction)
        if loaded is None or self._state.db != using or loaded.get("_id") != self._stored_key():
            return None
        return loaded

    def _remember(
        self,
        using: str,
        loaded: dict[str, Any],
        fields: list[FieldPlan],
        document: dict[str, Any],
    ) -> None:
        """Take `document`, which has just been read or written, for what is stored of `fields`."""
        columns = {field.column for field in fields}
        told = {column: value for column, value in loaded.items() if column not in columns}
        for field in fields:
            if field.column in document:
                value = document[field.column]
                if hasattr(value, "resolve_expression"):
                    # Only the server knows what it made of it: that is read when asked for.
                    self.__dict__.pop(field.attname, None)
                    value = UNKNOWN
                told[field.column] = value
        remember(self._state, told, get_connection(using).transaction, columns)

    def _insert_with_new_key(self, using: str, cls: Any, raw: bool) -> None:
        pk = self._meta.pk
        setattr(self, pk.attname, pk.get_pk_value_on_save(self))
        if not self._is_pk_set():
            raise ValueError(
                f"{self._meta.label} has no value for its primary key {pk.name!r}; set it "
                "before save()."
            )
        try:
            self._insert(using, cls, raw)
        except IntegrityError:
            # What the server has refused is as unsaved as it was.
            setattr(self, pk.attname, None)
            raise

    def _insert(self, using: str, cls: Any, raw: bool) -> None:
        document = plan_of(cls).encode(self, add=True, raw=raw)
        refuse_expressions(cls, document)
        cls._repository(using).insert_one(document)
        remember(self._state, document, get_connection(using).transaction, None)

    def _write_whole(
        self, using: str, cls: Any, raw: bool, force_update: bool, update_fields: Any
    ) -> bool:
        """Write a document of which nothing is known: one upsert, unless an update is forced."""
        plan = plan_of(cls)
        if update_fields is None:
            for attname in self.get_deferred_fields():
                getattr(self, attname)
        fields = plan.chosen(self, update_fields)
        document = plan.encode(self, add=False, raw=raw, fields=fields)
        key = self._stored_key()
        document["_id"] = key
        omitted = {field.column for field in fields} - document.keys()
        update = {"$set": {path: value for path, value in document.items() if path != "_id"}}
        if omitted:
            update["$unset"] = dict.fromkeys(omitted, "")
        forced = bool(force_update or update_fields)
        if not update["$set"]:
            # A document of nothing but its key; the server takes no empty $set.
            del update["$set"]
            update = update or {"$setOnInsert": {"_id": key}}
        result = cls._repository(using).update_one(
            {"_id": key}, as_update(cls, update), upsert=not forced
        )
        if forced and not result.matched_count:
            self._refuse_forced(update_fields)
        if update_fields is None:
            self._remember(using, {"_id": key}, fields, document)
        else:
            remember(self._state, None, None, None)
        return result.upserted_id is None

    def _update(
        self,
        using: str,
        cls: Any,
        raw: bool,
        loaded: dict[str, Any],
        update_fields: Any,
        *,
        must_exist: bool,
    ) -> bool:
        """Send what changed since loading; return False if the document is gone."""
        plan = plan_of(cls)
        # Keys that the class doesn't know are nobody's to change; nor are deferred fields.
        fields = [field for field in plan.chosen(self, update_fields) if field.column != "_id"]
        document = plan.encode(self, add=False, raw=raw, fields=fields)
        before = {field.column: loaded[field.column] for field in fields if field.column in loaded}
        update = changes(before, document)
        repository = cls._repository(using)
        key = self._stored_key()
        if not update:
            return not must_exist or repository.exists({"_id": key})
        if not repository.update_one({"_id": key}, as_update(cls, update)).matched_count:
            return False
        sent = {path.partition(".")[0] for paths in update.values() for path in paths}
        self._remember(using, loaded, [each for each in fields if each.column in sent], document)
        return True

    def _refuse_forced(self, update_fields: Any) -> None:
        # Django 6.0 gave this a class of its own, which is a DatabaseError too.
        error = getattr(self, "NotUpdated", DatabaseError)
        forced = "Save with update_fields" if update_fields else "Forced update"
        raise error(f"{forced} did not affect any rows.")


class EmbeddedDocument(models.Model, metaclass=EmbeddedDocumentBase):
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
        for field in plan_of(type(self)).fields:
            if field.has_pre_save:
                value = field.field.pre_save(self, self._state.adding)
                if value is not self.__dict__.get(field.attname):
                    setattr(self, field.attname, value)
        self._state.adding = False

    def validate_unique(self, exclude: Any = None) -> None:
        """Nothing to ask: uniqueness within documents is a matter of the parents' indexes."""

    def __str__(self) -> str:
        values = [
            str(value)
            for field in plan_of(type(self)).fields
            if (value := getattr(self, field.field.name)) not in (None, "", [])
        ]
        return ", ".join(values) or str(self._meta.verbose_name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EmbeddedDocument):
            return NotImplemented
        if self._meta.concrete_model is not other._meta.concrete_model:
            return False
        return self is other or self._to_bson() == other._to_bson()

    #: Equal by value and mutable: not for sets.
    __hash__ = None  # type: ignore[assignment]

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError(f"A {self._meta.object_name} is stored inside a document: save that one.")

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"A {self._meta.object_name} is stored inside a document: take it out there and "
            "save that one."
        )
