"""The admin's log as documents."""

from __future__ import annotations

from django.conf import settings
from django.contrib.admin import models as stock
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mongo_contrib.documents import Document, DocumentManager


class LogEntryManager(DocumentManager, stock.LogEntryManager):
    """Django's manager of log entries, over documents."""

    use_in_migrations = False


class LogEntry(Document):
    """What somebody did in the admin; Django's `LogEntry` in all but where it is kept."""

    action_time = models.DateTimeField(_("action time"), default=timezone.now, editable=False)
    # A user's entries go with the user by the rule of Django's own LogEntry, which leads here
    # (log.py): a second rule would count them twice.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        verbose_name=_("user"),
        related_name="+",
        db_index=False,
    )
    content_type = models.ForeignKey(
        ContentType,
        models.DO_NOTHING,
        verbose_name=_("content type"),
        blank=True,
        null=True,
        related_name="+",
        db_index=False,
    )
    object_id = models.TextField(_("object id"), blank=True, null=True)
    object_repr = models.CharField(_("object repr"), max_length=200)
    action_flag = models.PositiveSmallIntegerField(
        _("action flag"), choices=stock.ACTION_FLAG_CHOICES
    )
    change_message = models.TextField(_("change message"), blank=True)

    objects = LogEntryManager()

    class Meta:
        verbose_name = _("log entry")
        verbose_name_plural = _("log entries")
        db_table = "django_admin_log"
        ordering = ["-action_time"]
        indexes = [
            # One object's history, the recent actions of one user, and of all.
            models.Index(
                fields=["object_id", "content_type", "action_time"], name="history_of_object"
            ),
            models.Index(fields=["user", "-action_time"], name="recent_of_user"),
            models.Index(fields=["-action_time"], name="recent"),
        ]

    __repr__ = stock.LogEntry.__repr__
    __str__ = stock.LogEntry.__str__
    is_addition = stock.LogEntry.is_addition
    is_change = stock.LogEntry.is_change
    is_deletion = stock.LogEntry.is_deletion
    get_change_message = stock.LogEntry.get_change_message
    get_edited_object = stock.LogEntry.get_edited_object
    get_admin_url = stock.LogEntry.get_admin_url
