"""The stored sessions as documents, to be looked at and ended: what the admin lists."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import NotSupportedError, models
from django.utils import timezone
from django.utils.functional import classproperty
from django.utils.translation import gettext_lazy as _

from mongo_contrib.db import is_mongo
from mongo_contrib.documents import Document, DocumentManager
from mongo_contrib.repository import Repository

from .collection import repository_options
from .conf import conf
from .listing import readable_name, session_store

__all__ = ["Session", "SessionManager"]


class EndingRepository(Repository):
    """The sessions' collection for others than the engine: they read it, and end sessions.

    What deletes goes through the engine, which may keep copies elsewhere.
    """

    def delete_many(self, filter: Any, **options: Any) -> int:
        """End the sessions that match."""
        return session_store().end(filter)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotSupportedError(
            "Only request.session writes sessions; documents of mongo_sessions.Session can be "
            "read and deleted, which ends them."
        )

    insert_one = insert_many = update_one = update_many = replace_one = bulk_write = _refuse
    find_one_and_update = find_one_and_replace = find_one_and_delete = delete_one = _refuse


class SessionManager(DocumentManager):
    """Finds the live sessions, without what they hold."""

    def get_queryset(self) -> Any:
        names = [field.attname for field in self.model._meta.concrete_fields]
        found = super().get_queryset().only(*names).filter(expires__gt=timezone.now())
        # What only remembers that a session has another key now.
        return found.match({"to": {"$exists": False}})


class Session(Document):
    """A stored session; reading it reads none of its data, and deleting it ends it.

    The collection is declared by the app and written by the engine alone, so `dumpdata` leaves
    it out: a fixture could bring sessions back to life that have ended since.
    """

    #: See mongo_contrib.routers.stored().
    _declares_collection = False

    id = models.CharField("ID", max_length=64, primary_key=True)
    user_id = models.CharField(_("user"), max_length=255, null=True, db_column="user")
    created = models.DateTimeField(_("since"), null=True)
    last_seen = models.DateTimeField(_("last seen"), null=True, db_column="seen")
    expires = models.DateTimeField(_("until"), db_column="expire_date")
    address = models.CharField(_("address"), max_length=50, null=True)
    device = models.CharField(_("device"), max_length=200, null=True)
    user_agent = models.TextField(_("user agent"), null=True)

    objects = SessionManager()

    #: What the admin knows beside: whether it is that of the request, and its user deleted.
    is_current = False
    is_gone = False

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        db_table = "django_session"
        default_permissions = ("view", "delete")
        get_latest_by = "last_seen"

    def __str__(self) -> str:
        return ", ".join(filter(None, [self.user_name, self.name, self.address]))

    @property
    def name(self) -> str:
        """What people know it by: the device, or else what the browser says of itself."""
        return readable_name(self.device, self.user_agent)

    @property
    def user_name(self) -> str:
        """The user's name as far as somebody has looked it up, else the id; "" for nobody."""
        return self.__dict__.get("_user_name") or self.user_id or ""

    @user_name.setter
    def user_name(self, name: str) -> None:
        self.__dict__["_user_name"] = name

    @classproperty
    def _using(cls) -> str | None:
        # What is wrong with another alias, check mongo_sessions.E001 tells.
        return conf.alias if is_mongo(conf.alias) else None

    @classmethod
    def _repository(cls, using: str) -> Repository:
        # Made each time, as the settings are read when they are used.
        return EndingRepository(conf.collection, **{**repository_options(), "using": using})
