"""Log-in by name and password, and permissions, against users in MongoDB."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import backends, get_user_model
from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from .folding import is_text
from .models import Group
from .permissions import all_permissions


class PermissionsBackend(backends.BaseBackend):
    """What a user may do, told from the strings that the user and the groups hold.

    Groups cost one query for each user object, which keeps the answer under the names that
    Django uses: revocation takes effect at the next request.
    """

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the permissions that the user has directly; none for an object."""
        if not _applies(user_obj, obj):
            return set()
        if not hasattr(user_obj, "_user_perm_cache"):
            user_obj._user_perm_cache = (
                all_permissions()
                if user_obj.is_superuser
                else set(getattr(user_obj, "user_permissions", None) or ())
            )
        return user_obj._user_perm_cache

    async def aget_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """See get_user_permissions(); it needs no query."""
        return self.get_user_permissions(user_obj, obj)

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the permissions that the user has through groups; none for an object."""
        if not _applies(user_obj, obj):
            return set()
        if not hasattr(user_obj, "_group_perm_cache"):
            _keep_group_permissions(user_obj, list(_permission_lists(user_obj)))
        return user_obj._group_perm_cache

    async def aget_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """See get_group_permissions()."""
        if not _applies(user_obj, obj):
            return set()
        if not hasattr(user_obj, "_group_perm_cache"):
            lists = [each async for each in _permission_lists(user_obj)]
            _keep_group_permissions(user_obj, lists)
        return user_obj._group_perm_cache


class MongoBackend(PermissionsBackend, backends.ModelBackend):
    """Django's `ModelBackend` for a user class that is a document.

    A name or password that is no text is refused before any query, so that nothing that a
    JSON body can hold becomes an operator.
    """

    @sensitive_variables("password")
    def authenticate(
        self, request: Any, username: Any = None, password: Any = None, **kwargs: Any
    ) -> Any:
        """Return the active user of this name and password, or None."""
        username = _username(username, kwargs)
        if not _acceptable(username, password):
            return None
        return super().authenticate(request, username=username, password=password)

    @sensitive_variables("password")
    async def aauthenticate(
        self, request: Any, username: Any = None, password: Any = None, **kwargs: Any
    ) -> Any:
        """See authenticate()."""
        username = _username(username, kwargs)
        if not _acceptable(username, password):
            return None
        return await super().aauthenticate(request, username=username, password=password)

    def with_perm(
        self,
        perm: str,
        is_active: bool | None = True,
        include_superusers: bool = True,
        obj: Any = None,
    ) -> Any:
        """Return the users that have `perm`, directly or through a group; see `ModelBackend`."""
        if not isinstance(perm, str):
            raise TypeError("The `perm` argument must be a string, as in 'app_label.codename'.")
        if len(perm.split(".")) != 2:
            raise ValueError(
                "Permission name should be in the form app_label.permission_codename."
            )
        users = get_user_model()._default_manager
        if obj is not None:
            return users.none()
        having = Q(user_permissions=perm) | Q(groups__in=Group.objects.filter(permissions=perm))
        if include_superusers:
            having |= Q(is_superuser=True)
        if is_active is not None:
            having &= Q(is_active=is_active)
        return users.filter(having)


def _username(username: Any, credentials: dict[str, Any]) -> Any:
    return credentials.get(get_user_model().USERNAME_FIELD) if username is None else username


def _acceptable(username: Any, password: Any) -> bool:
    """Tell whether these can be anybody's: a name that is too long costs no folding."""
    if not (is_text(username) and is_text(password)):
        return False
    user_class = get_user_model()
    longest = user_class._meta.get_field(user_class.USERNAME_FIELD).max_length
    return longest is None or len(username) <= longest


def _applies(user_obj: Any, obj: Any) -> bool:
    return bool(user_obj.is_active and not user_obj.is_anonymous and obj is None)


def _permission_lists(user_obj: Any) -> Any:
    """Return a query of the permissions of each of the user's groups."""
    groups = getattr(user_obj, "groups", None)
    if user_obj.is_superuser or not groups:
        return Group.objects.none()
    return Group.objects.filter(pk__in=groups).values_list("permissions", flat=True)


def _keep_group_permissions(user_obj: Any, lists: Iterable[list[str] | None]) -> None:
    user_obj._group_perm_cache = (
        all_permissions()
        if user_obj.is_superuser
        else {permission for permissions in lists for permission in permissions or ()}
    )
