"""Every setting of the sessions app, with its default. Read when used, never cached."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.db import default_alias

__all__ = ["conf"]


class SessionSettings:
    """The settings of `mongo_contrib.sessions`."""

    @property
    def alias(self) -> str:
        """The alias in DATABASES that holds the sessions; by default the first of our engine."""
        return getattr(settings, "MONGO_SESSION_ALIAS", None) or default_alias()

    @property
    def collection(self) -> str:
        """The collection that holds the sessions."""
        return getattr(settings, "MONGO_SESSION_COLLECTION", "django_session")


conf = SessionSettings()


def refuse_pickle(serializer: str) -> None:
    """Raise ImproperlyConfigured for a serializer by which stored data could run code."""
    if "pickle" in serializer.lower():
        raise ImproperlyConfigured(
            f"SESSION_SERIALIZER is {serializer!r}, and unpickling runs whatever code somebody "
            "has written into the database; use "
            "'django.contrib.sessions.serializers.JSONSerializer' or one like it."
        )
