"""What of Django's own models is served without SQL, decided once when all apps are loaded."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from .managers import in_sql, serve_by


def serve_without_sql() -> None:
    """Serve content types from the registry and the log from documents, where no table is.

    In a project with an SQL database beside MongoDB, whose users are rows, both stay there.
    """
    from django.contrib.admin.models import LogEntry
    from django.contrib.contenttypes.models import ContentType

    from .contenttypes import VirtualContentTypeManager
    from .log import DocumentLogManager

    if not in_sql(ContentType):
        serve_by(ContentType, VirtualContentTypeManager())
    # A row can't refer to a user who is a document.
    if not in_sql(LogEntry) or getattr(get_user_model(), "_is_document", False):
        serve_by(LogEntry, DocumentLogManager())
