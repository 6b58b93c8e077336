"""Base of all user classes: Django's, stored as documents."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import base_user

from mongo_contrib.documents import Document, DocumentManager
from mongo_contrib.exceptions import DuplicateKeyError

from .fields import UsernameKeyField, folded_fields
from .query import UserQuerySet

_UserDocuments: Any = DocumentManager.from_queryset(UserQuerySet)


class BaseUserManager(_UserDocuments, base_user.BaseUserManager):
    """Django's, over documents: `normalize_email()`, `get_by_natural_key()` and its twin."""


class AbstractBaseUser(Document, base_user.AbstractBaseUser):
    """Django's `AbstractBaseUser` as a document: password, last login, session hash.

    A class of one's own names its `USERNAME_FIELD`, which should be `unique=True`, and takes a
    manager derived from `BaseUserManager`. Names are unique after NFKC and, unless
    `MONGO_AUTH_CASE_SENSITIVE_USERNAMES`, without regard to case.
    """

    username_key = UsernameKeyField()

    # References to users compare names as the users' own manager does.
    _documents = _UserDocuments()

    class Meta:
        abstract = True

    def validate_unique(self, exclude: Any = None) -> None:
        # Asking for the name asks the key; its error belongs to the name.
        keys = {field.name for field in folded_fields(type(self))}
        super().validate_unique(exclude={*(exclude or ()), *keys})

    def _save_table(
        self,
        raw: bool = False,
        cls: Any = None,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Any = None,
    ) -> bool:
        fields = folded_fields(cls)
        for field in fields:
            # Fixtures come without it, and pre_save() is not for them.
            field.refresh(self)
            if update_fields is not None and field.source_field.name in update_fields:
                update_fields = {*update_fields, field.name}
        try:
            return super()._save_table(raw, cls, force_insert, force_update, using, update_fields)
        except DuplicateKeyError as exc:
            named = _named(self, exc)
            if named is None:
                raise
            raise named from exc


def _named(user: AbstractBaseUser, exc: DuplicateKeyError) -> DuplicateKeyError | None:
    """Return an error about the user name, whichever of its indexes refused; None for others."""
    for field in folded_fields(type(user)):
        source = field.source_field
        if field.unique and exc.fields in ((field.column,), (source.column,)):
            value = getattr(user, source.attname)
            return DuplicateKeyError(
                f"There is a {user._meta.verbose_name} with the {source.verbose_name} {value!r} "
                "already.",
                collection=exc.collection,
                index=exc.index,
                fields=(source.column,),
                values={source.column: value},
            )
    return None
