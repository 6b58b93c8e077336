"""Document classes of mongo_contrib."""

from __future__ import annotations

from types import SimpleNamespace

from .django_models import DjangoSide, define


class Ours(DjangoSide):
    def __init__(self, uri: str, database: str) -> None:
        super().__init__(uri, database)
        import django
        from django.conf import settings

        settings.configure(
            USE_TZ=True,
            INSTALLED_APPS=["mongo_contrib"],
            DATABASE_ROUTERS=["mongo_contrib.routers.DocumentRouter"],
            DATABASES={"default": {"ENGINE": "mongo_contrib.db", "HOST": uri, "NAME": database}},
        )
        django.setup()
        from django.db import models

        import mongo_contrib
        from mongo_contrib.documents import (
            Document,
            EmbeddedDocument,
            EmbeddedDocumentField,
            EmbeddedDocumentListField,
        )

        self.label = f"mongo_contrib {mongo_contrib.__version__}, Django {django.__version__}"
        parts = SimpleNamespace(
            document=Document,
            embedded=EmbeddedDocument,
            one=EmbeddedDocumentField,
            many=EmbeddedDocumentListField,
        )
        self.use(define(models, parts, __name__))

    def raw(self) -> None:
        list(self.Small.objects.raw())


SIDE = Ours
