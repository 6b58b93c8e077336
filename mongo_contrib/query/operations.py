"""What MongoDB does in one operation, as methods of query sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, transaction
from django.db.models import DO_NOTHING
from django.db.models.deletion import get_candidate_relations_to_delete
from django.db.models.utils import resolve_callables
from django.db.utils import NotSupportedError, OperationalError

from ..bridge import native
from ..db import concerns
from ..exceptions import DuplicateKeyError
from ..mapping.loaded import remember
from ..mapping.plan import plan_of
from .bulk import BulkResult, bulk_write
from .changes import OPERATIONS, Changes, stages
from .conditions import NOTHING, all_of
from .finding import Finding
from .iterables import StoredIterable
from .updates import element_update_of, update_of
from .upserts import on_insert

_NOT_GIVEN = object()


class Operations(Finding):
    """Mixed into `DocumentQuerySet`. Like `update()`, none of these sends signals."""

    # Reading

    def raw(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the set as it is stored: dicts by stored names, at the driver's speed."""
        if args or kwargs:
            raise NotSupportedError("raw() is SQL; use .match(), .pipeline() or .collection.")
        clone = self._chain()
        clone._iterable_class = StoredIterable
        return clone

    def collation(self: Any, locale: str, strength: int | None = None, **options: Any) -> Any:
        """Compare and sort text by a language's rules; strength 2 ignores case.

        An index is used only if it was made with the same collation.
        """
        if strength is not None:
            options["strength"] = strength
        return self._with_option("collation", {"locale": locale, **options})

    def comment(self: Any, text: str) -> Any:
        """Add a comment to the commands of this set, for the server's log and profiler."""
        return self._with_option("comment", text)

    def allow_disk_use(self: Any, allow: bool = True) -> Any:
        """Let the server sort and group more than its memory takes, on its disk."""
        clone = self._chain()
        clone.query.disk_use = allow
        return clone

    def read_preference(self: Any, mode: Any) -> Any:
        """Read from these members: "secondaryPreferred" and the like, or one of pymongo's objects.

        What is written goes to the primary, and so does all of a transaction.
        """
        clone = self._chain()
        try:
            clone.query.read_preference = concerns.read_preference(mode)
        except concerns.WrongOption as error:
            raise ValueError(
                f"read_preference() got {error.found!r}; it must be {error.right}."
            ) from None
        return clone

    def _with_option(self: Any, name: str, value: Any) -> Any:
        clone = self._chain()
        clone.query.options = {**clone.query.options, name: value}
        return clone

    def watch(
        self: Any,
        *,
        operations: Sequence[str] = OPERATIONS,
        full_document: str | None = "updateLookup",
        before: str | None = None,
        resume_after: Any = None,
        start_after: Any = None,
        start_at_operation_time: Any = None,
        timeout: float | None = None,
        batch_size: int | None = None,
    ) -> Changes:
        """Return the changes in this set from now on, or from after `resume_after` (a token).

        Iterate it with `for`; without `timeout` (seconds without a change) it has no end. The
        set's conditions are asked of the document as it is after the change, so deletions are
        told of sets without conditions (or by key) alone; `before="whenAvailable"` has them
        asked of the document before, too, in collections that keep it.
        """
        self._refuse_parts("watch")
        pipeline = stages(self, tuple(operations), before is not None)
        if pipeline is NOTHING:
            return Changes(self, iter(()), timeout)
        options = {
            "full_document": full_document,
            "full_document_before_change": before,
            "resume_after": resume_after,
            "start_after": start_after,
            "start_at_operation_time": start_at_operation_time,
            "batch_size": batch_size,
            "collation": self.query.options.get("collation"),
            "comment": self.query.options.get("comment"),
        }
        given = {name: value for name, value in options.items() if value is not None}
        return Changes(self, self._repository.watch(pipeline, **given), timeout)

    async def awatch(self: Any, **options: Any) -> Changes:
        """See watch(); iterate with `async for`."""
        return await native(self.watch, **options)

    # Writing

    def update_elements(
        self: Any,
        name: str,
        where: Any = None,
        value: Any = _NOT_GIVEN,
        /,
        **values: Any,
    ) -> int:
        """Change elements of a list in all documents of the set; return how many had any.

            orders.update_elements("lines", Q(sku="a"), quantity=Inc(1))
            results.update_elements("scores", Q(gt=100), 100)

        `where`, a `Q` or a dict of look-ups, tells of which elements; None means all. Values are
        those of `update()`, without expressions.
        """
        self._refuse_parts("update_elements")
        if value is not _NOT_GIVEN:
            if values:
                raise TypeError("update_elements() takes one value, or values of fields.")
            values = {"": value}
        condition, update, filters = element_update_of(self.model, name, where, values)
        condition = all_of([self.query.condition(self.db), condition])
        self._result_cache = None
        if condition is NOTHING or not update:
            return 0
        self._for_write = True
        options = self.query.write_options()
        if filters:
            options["array_filters"] = filters
        with transaction.mark_for_rollback_on_error(using=self.db):
            return self._repository.update_many(condition, update, **options).matched_count

    async def aupdate_elements(self: Any, *args: Any, **values: Any) -> int:
        """See update_elements()."""
        return await native(self.update_elements, *args, **values)

    def upsert(
        self: Any,
        defaults: Mapping[str, Any] | None = None,
        *,
        on_insert: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, bool]:
        """Update the match of `kwargs` by `defaults`, or insert it; return it, and if it is new.

        `update_or_create()` in one command: no look before, no race. `defaults` may hold
        operators. A new document gets `kwargs`, `defaults`, `on_insert` and the fields' own
        defaults; there, operators start from nothing. Given the key, it takes two commands.
        """
        self._refuse_parts("upsert")
        self._for_write = True
        chosen = self.filter(**kwargs)
        defaults = dict(resolve_callables(defaults or {}))
        update = update_of(self.model, defaults)
        params = self._extract_model_params(on_insert, **kwargs)
        if both := sorted({*(on_insert or ())} & {*defaults}):
            raise ValueError(f"upsert() got {', '.join(both)} in both defaults and on_insert.")
        return chosen._upsert(dict(resolve_callables(params)), update)

    def _upsert(self: Any, params: dict[str, Any], update: Any) -> tuple[Any, bool]:
        condition = self.query.condition(self.db)
        update, key = on_insert(self, params, condition, update, stamped=True)
        if "_id" in condition:
            if not update:
                update = {"$setOnInsert": {"_id": key}}
            result = self._writing(self._repository.update_one, condition, update, upsert=True)
            found = self._repository.find_one({"_id": condition["_id"]})
            return self._instance(found), result.upserted_id is not None
        try:
            found = self._writing(
                self._repository.find_one_and_update, condition, update, upsert=True
            )
        except DuplicateKeyError:
            # Two upserts at once: one of them finds what the other has inserted meanwhile.
            if connections[self.db].in_atomic_block:
                raise
            found = self._writing(
                self._repository.find_one_and_update, condition, update, upsert=True
            )
        if found is None:
            # A bundled server's answer to the one of two at once that came too late to insert,
            # though it has updated.
            found = self._repository.find_one(condition)
        if found is None:
            raise OperationalError(
                f"The server does not say what it has made of an upsert of "
                f"{self.model._meta.label}, and {condition!r} finds it no more."
            )
        return self._instance(found), found["_id"] == key

    async def aupsert(self: Any, *args: Any, **kwargs: Any) -> tuple[Any, bool]:
        """See upsert()."""
        return await native(self.upsert, *args, **kwargs)

    def find_one_and_update(
        self: Any, *, return_new: bool = True, upsert: bool = False, **values: Any
    ) -> Any:
        """Update the first document in the set's order; return it as it is then, or None.

        Two callers at once never get the same one if the update takes it out of the set. With
        `upsert`, a missing one is inserted, with the fields' defaults.
        """
        self._refuse_parts("find_one_and_update")
        self._for_write = True
        if not values:
            raise TypeError("find_one_and_update() needs something to change.")
        update = update_of(self.model, values)
        condition = self.query.condition(self.db)
        if upsert:
            update, _ = on_insert(self, {}, condition, update)
        if condition is NOTHING:
            return None
        if not update:
            return self.first()
        options = self._first_options()
        found = self._writing(
            self._repository.find_one_and_update,
            condition,
            update,
            return_new=return_new,
            upsert=upsert,
            **options,
        )
        return None if found is None else self._instance(found)

    async def afind_one_and_update(self: Any, **values: Any) -> Any:
        """See find_one_and_update()."""
        return await native(self.find_one_and_update, **values)

    def find_one_and_replace(self: Any, instance: Any, *, upsert: bool = False) -> Any:
        """Put `instance` in the place of the first document in the set's order, under its key.

        Return the instance, which has that key now; None if nothing matched.
        """
        self._refuse_parts("find_one_and_replace")
        self._for_write = True
        condition = self.query.condition(self.db)
        if condition is NOTHING:
            return None
        instance._prepare_related_fields_for_save(operation_name="find_one_and_replace")
        document = plan_of(type(instance)).encode(instance, add=True)
        document.pop("_id", None)
        found = self._writing(
            self._repository.find_one_and_replace,
            condition,
            document,
            upsert=upsert,
            **self._first_options(),
        )
        if found is None:
            return None
        stored = self._instance(found)
        setattr(instance, self.model._meta.pk.attname, stored.pk)
        instance._state.adding, instance._state.db = False, self.db
        remember(instance._state, found, connections[self.db].transaction, None)
        return instance

    async def afind_one_and_replace(self: Any, instance: Any, *, upsert: bool = False) -> Any:
        """See find_one_and_replace()."""
        return await native(self.find_one_and_replace, instance, upsert=upsert)

    def find_one_and_delete(self: Any) -> Any:
        """Delete the first document in the set's order and return it, or None.

        Refused for a class that others refer to by a rule of deletion, which one command can't
        follow.
        """
        self._refuse_parts("find_one_and_delete")
        self._for_write = True
        for relation in get_candidate_relations_to_delete(self.model._meta):
            if relation.on_delete is not DO_NOTHING:
                raise NotSupportedError(
                    f"find_one_and_delete() does not follow on_delete, by which "
                    f"{relation.related_model._meta.label}.{relation.field.name} refers to "
                    f"{self.model._meta.label}; use .first() and .delete()."
                )
        condition = self.query.condition(self.db)
        if condition is NOTHING:
            return None
        found = self._writing(
            self._repository.find_one_and_delete, condition, **self._first_options()
        )
        return None if found is None else self._instance(found)

    async def afind_one_and_delete(self: Any) -> Any:
        """See find_one_and_delete()."""
        return await native(self.find_one_and_delete)

    def bulk_write(self: Any, operations: Sequence[Any], *, ordered: bool = True) -> BulkResult:
        """Send many different writes in few commands: `InsertOne`, `UpdateOne` and so on.

        Each is narrowed to this set. When ordered, the first error ends it; else all are tried.
        The error tells the operation by its position, and so does each of its `write_errors`.
        """
        self._refuse_parts("bulk_write")
        self._for_write = True
        self._result_cache = None
        return bulk_write(self, list(operations), ordered)

    async def abulk_write(self: Any, operations: Sequence[Any], *, ordered: bool = True) -> Any:
        """See bulk_write()."""
        return await native(self.bulk_write, operations, ordered=ordered)

    # What they share

    def _refuse_parts(self: Any, name: str) -> None:
        if self.query.is_sliced:
            raise TypeError(f"Cannot use {name}() once a slice has been taken.")
        if self.query.stages:
            raise TypeError(f"Cannot use {name}() after pipeline().")
        if self.query.source is not None:
            raise TypeError(f"Cannot use {name}() after near() or a search; filter by keys.")

    def _first_options(self: Any) -> dict[str, Any]:
        """Return what says which document comes first, and what of it is wanted."""
        options = self.query.write_options()
        if sort := self.query.sort():
            options["sort"] = [(path.path, direction) for path, direction in sort]
        if self.query.max_time_ms is not None:
            options["max_time_ms"] = self.query.max_time_ms
        return options

    def _writing(self: Any, verb: Any, *args: Any, **options: Any) -> Any:
        self._result_cache = None
        with transaction.mark_for_rollback_on_error(using=self.db):
            return verb(*args, **options)

    def _instance(self: Any, document: dict[str, Any]) -> Any:
        """Return the instance of a document that was just read or written."""
        instance = plan_of(self.model).hydrate(
            document, self.db, getattr(self, "_fetch_mode", None)
        )
        connection = connections[self.db]
        if connection.in_atomic_block and connection.transaction is not None:
            instance._state.within = (connection.transaction, None)
        return instance


# As Django marks its own: templates don't call them.
for _name in (
    *("update_elements", "upsert", "bulk_write"),
    *("find_one_and_update", "find_one_and_replace", "find_one_and_delete"),
):
    getattr(Operations, _name).alters_data = True
    getattr(Operations, f"a{_name}").alters_data = True
