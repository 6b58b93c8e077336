"""Models of the official backend, `django-mongodb-backend`."""

from __future__ import annotations

import importlib.metadata
from types import SimpleNamespace

from .django_models import DjangoSide, define


class Official(DjangoSide):
    def __init__(self, uri: str, database: str) -> None:
        super().__init__(uri, database)
        import django
        from django.conf import settings

        settings.configure(
            USE_TZ=True,
            DEFAULT_AUTO_FIELD="django_mongodb_backend.fields.ObjectIdAutoField",
            DATABASE_ROUTERS=["django_mongodb_backend.routers.MongoRouter"],
            DATABASES={
                "default": {
                    "ENGINE": "django_mongodb_backend",
                    "HOST": uri,
                    "NAME": database,
                }
            },
        )
        django.setup()
        from django.db import models
        from django_mongodb_backend.fields import EmbeddedModelArrayField, EmbeddedModelField
        from django_mongodb_backend.models import EmbeddedModel

        version = importlib.metadata.version("django-mongodb-backend")
        self.label = f"django-mongodb-backend {version}, Django {django.__version__}"
        parts = SimpleNamespace(
            document=models.Model,
            embedded=EmbeddedModel,
            one=EmbeddedModelField,
            many=EmbeddedModelArrayField,
        )
        self.use(define(models, parts, __name__))


SIDE = Official
