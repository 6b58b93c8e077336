from typing import Any

from django.apps import AppConfig
from django.core import checks


class MongoSessionsConfig(AppConfig):
    """Sessions in MongoDB."""

    name = "mongo_contrib.sessions"
    label = "mongo_sessions"
    verbose_name = "Sessions"

    def ready(self) -> None:
        from .checks import check_settings

        checks.register(check_settings)

    def mongo_collections(self, alias: str) -> list[Any]:
        """The collection of the sessions, for `migrate` on the alias that holds it."""
        from .conf import conf
        from .schema import collection_spec

        return [collection_spec(conf.collection)] if alias == conf.alias else []
