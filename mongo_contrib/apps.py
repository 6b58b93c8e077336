from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from mongo_contrib.db.schema import CollectionSpec


class MongoContribConfig(AppConfig):
    """The core: commands, system checks and the collections of all documents."""

    name = "mongo_contrib"
    label = "mongo_contrib"
    verbose_name = "MongoDB"

    def ready(self) -> None:
        from mongo_contrib import checks  # importing registers all but one
        from mongo_contrib.documents import signals

        checks.replace_model_checks()
        signals.install()

    def mongo_collections(self, alias: str) -> list[CollectionSpec]:
        """The collections of every Document class that lives on ``alias``, and their counters'."""
        from mongo_contrib.documents.schema import collection_specs
        from mongo_contrib.documents.sequences import counter_specs

        return [*collection_specs(alias), *counter_specs(alias)]
