"""Users and groups: Django's, as documents."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import models as django_models
from django.db import models
from django.utils.translation import gettext_lazy as _

from mongo_contrib.documents import Document, DocumentManager

from .base_user import AbstractBaseUser, BaseUserManager
from .fields import FoldedField, GroupListField, PermissionListField

__all__ = [
    "AbstractBaseUser",
    "AbstractUser",
    "BaseUserManager",
    "Group",
    "GroupManager",
    "PermissionsMixin",
    "User",
    "UserManager",
]


class GroupManager(DocumentManager, django_models.GroupManager):
    """Django's, over documents."""


class Group(Document):
    """A set of permissions with a name, for users to belong to."""

    name = models.CharField(_("name"), max_length=150, unique=True)
    permissions = PermissionListField(verbose_name=_("permissions"))

    objects = GroupManager()

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        return (self.name,)


class PermissionsMixin(Document, django_models.PermissionsMixin):
    """Django's `has_perm()` and its relatives, with permissions and groups in the document."""

    groups = GroupListField(
        verbose_name=_("groups"),
        db_index=True,
        help_text=_(
            "The groups this user belongs to. A user will get all permissions "
            "granted to each of their groups."
        ),
    )
    user_permissions = PermissionListField(
        verbose_name=_("user permissions"), help_text=_("Specific permissions for this user.")
    )

    class Meta:
        abstract = True


class UserManager(BaseUserManager, django_models.UserManager):
    """Django's, over documents: `create_user()`, `create_superuser()`, `with_perm()`."""


class AbstractUser(AbstractBaseUser, PermissionsMixin, django_models.AbstractUser):
    """Django's `AbstractUser` as a document, for user classes with fields of their own."""

    email_key = FoldedField("email", null=True, db_index=True)

    objects: Any = UserManager()

    class Meta(django_models.AbstractUser.Meta):
        abstract = True


class User(AbstractUser):
    """A user, in MongoDB."""

    class Meta(AbstractUser.Meta):
        abstract = False
        swappable = "AUTH_USER_MODEL"
