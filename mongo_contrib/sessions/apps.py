from typing import Any

from django.apps import AppConfig
from django.core import checks


class MongoSessionsConfig(AppConfig):
    """Sessions in MongoDB."""

    name = "mongo_contrib.sessions"
    label = "mongo_sessions"
    verbose_name = "Sessions"

    def ready(self) -> None:
        from .checks import check_members, check_settings, check_visitors

        checks.register(check_settings)
        checks.register(check_visitors)
        checks.register(check_members, checks.Tags.database)

    def mongo_collections(self, alias: str) -> list[Any]:
        """The collections of sessions and devices, for `migrate` on the alias that holds them."""
        from .conf import conf
        from .schema import collection_spec, device_spec

        if alias != conf.alias:
            return []
        specs = [collection_spec(conf.collection)]
        if "device" in conf.record:
            specs.append(device_spec(conf.device_collection))
        return specs
