"""How a document is saved: whole where nothing is known of what is stored, else what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, IntegrityError, router

from ..db import get_connection
from ..mapping.changes import changes
from ..mapping.encoding import encode_value
from ..mapping.lazy import broken
from ..mapping.loaded import UNKNOWN, recall, remember, unknown
from ..mapping.plan import FieldPlan, plan_of
from ..mapping.untouched import as_stored
from ..query.updates import as_update
from .unstorable import TELLING, explained

if TYPE_CHECKING:
    from django.db.models import Model as _Base
else:
    _Base = object


class Saving(_Base):
    """The part of a document class that writes its instances, and reads them again."""

    def save(self, *args: Any, **kwargs: Any) -> None:
        """See `Model.save()`; sends what changed since the document was loaded."""
        if not (args or kwargs) and plan_of(type(self)).is_whole(self):
            if plan_of(type(self)).refers:
                self._prepare_related_fields_for_save(operation_name="save")
            self.save_base(using=router.db_for_write(type(self), instance=self))
            return
        # Django takes what is not in __dict__ for deferred, and leaves it out.
        broken(self)
        super().save(*args, **kwargs)

    def refresh_from_db(self, using: Any = None, fields: Any = None, **kwargs: Any) -> None:
        before = self._state.db
        plan = plan_of(type(self))
        if fields is not None:
            fields = list(fields)
            # Django would drop what was prefetched of a list, and not read the list itself.
            prefetched = getattr(self, "_prefetched_objects_cache", {})
            for field in plan.fields:
                if field.field.name in fields:
                    prefetched.pop(field.field.name, None)
        super().refresh_from_db(using=using, fields=fields, **kwargs)
        # What was just read is what the next save() compares with.
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
        if using is None:
            using = router.db_for_write(type(self), instance=self)
        try:
            return self._write(raw, cls, force_insert, force_update, using, update_fields)
        except TELLING as error:
            found = self._explained(error)
            if found is error:
                raise
            raise found from error

    def _explained(self, error: Exception) -> Exception:
        """Return the error that names this document and its field, if one of them is to blame."""
        return explained(self, error)

    def _write(
        self,
        raw: bool,
        cls: Any,
        force_insert: Any,
        force_update: bool,
        using: str,
        update_fields: Any,
    ) -> bool:
        meta = cls._meta
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
        key = plan_of(type(self)).key
        value = getattr(self, key.attname)
        return value if type(value) is key.passes else encode_value(key.field, value)

    def _loaded_from(self, using: str) -> dict[str, Any] | None:
        """Return what is known of the document stored on `using` under this key, or None."""
        state = self._state
        loaded: dict[str, Any] | None = getattr(state, "loaded", None)
        if getattr(state, "within", None) is not None:
            loaded = recall(state, get_connection(using).transaction)
        if loaded is None or state.db != using or loaded.get("_id") != self._stored_key():
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
        told = loaded.copy()
        columns = set()
        for field in fields:
            column = field.column
            columns.add(column)
            if column not in document:
                told.pop(column, None)
                continue
            value = document[column]
            if hasattr(value, "resolve_expression"):
                # Only the server knows what it made of it: that is read when asked for.
                self.__dict__.pop(field.attname, None)
                value = UNKNOWN
            told[column] = value
        state = self._state
        if getattr(state, "source", None) is not None:
            # What was read before is not what these attributes are made of from now on.
            state.made = state.made.union(field.attname for field in fields)
        remember(state, told, get_connection(using).transaction, columns)

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
        if update_fields is None:
            fields = plan.suspects(self, loaded)
        else:
            fields = [each for each in plan.chosen(self, update_fields) if each.column != "_id"]
        document = plan.encode(self, add=False, raw=raw, fields=fields)
        before = {field.column: loaded[field.column] for field in fields if field.column in loaded}
        for field in fields:
            column = field.column
            if field.decode is not None and column in before and column in document:
                document[column] = as_stored(field.field, before[column], document[column])
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
