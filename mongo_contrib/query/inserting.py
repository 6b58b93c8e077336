"""`bulk_create()` of documents that nobody else has a say in: encoded, sent, and told so."""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction

from ..mapping.families import SharedOptions
from ..mapping.loaded import remember_all
from ..mapping.plan import plan_of


def insert_all(queryset: Any, objs: Any, batch_size: int | None) -> list[Any] | None:
    """Insert new documents, all or none, and return them; None if that is left to Django.

    Django's way asks every document for its alias and its fields; it is needed where a key is
    the server's to give, where fields have defaults of the database's, and for other `Meta`.
    """
    from ..documents.unstorable import TELLING

    meta = queryset.model._meta
    if batch_size is not None and batch_size <= 0:
        return None
    if any(field.has_db_default() for field in meta.concrete_fields):
        return None
    plan = plan_of(queryset.model)
    using = queryset.db
    objs = list(objs)
    if not objs:
        return objs
    if isinstance(meta, SharedOptions) and any(obj._meta is not meta for obj in objs):
        # Of several classes, each with fields of its own.
        return None
    for field in meta.concrete_fields:
        if hasattr(field, "prepare_many"):
            field.prepare_many(objs, using)
    attname, make_key = meta.pk.attname, meta.pk.get_pk_value_on_save
    for obj in objs:
        if obj.__dict__.get(attname) is None:
            key = make_key(obj)
            if key is None:
                return None
            setattr(obj, attname, key)
        if plan.refers:
            obj._prepare_related_fields_for_save(operation_name="bulk_create")
    connection: Any = connections[using]
    repository = queryset.query.repository(using)
    size = batch_size or len(objs)
    with transaction.atomic(using=using, savepoint=False):
        for start in range(0, len(objs), size):
            batch = objs[start : start + size]
            try:
                documents = [plan.encode(obj, add=True) for obj in batch]
                repository.insert_many(documents)
            except TELLING as error:
                for obj in batch:
                    if (found := obj._explained(error)) is not error:
                        raise found from error
                raise
            remember_all(batch, documents, connection.transaction, using)
    return objs
