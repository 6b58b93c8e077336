from typing import Any

from django.apps import AppConfig
from django.core import checks


class MongoStorageConfig(AppConfig):
    """Files in GridFS."""

    name = "mongo_contrib.storage"
    label = "mongo_storage"
    verbose_name = "Files"

    def ready(self) -> None:
        from .checks import check_members, check_storages
        from .former_settings import check_former_settings, honour_former_settings

        honour_former_settings()
        checks.register(check_storages, checks.Tags.files)
        checks.register(check_members, checks.Tags.database)
        checks.register(check_former_settings, checks.Tags.files)

    def mongo_collections(self, alias: str) -> list[Any]:
        """The collections of every bucket that STORAGES or a field of a model names."""
        from .configured import configured_storages
        from .schema import collection_specs

        buckets: dict[str, bool] = {}
        for _, storage in configured_storages():
            if storage.alias == alias:
                shares = buckets.get(storage.bucket, False) or storage.deduplicate
                buckets[storage.bucket] = shares
                if storage.thumbnails:
                    buckets.setdefault(storage.thumbnail_storage.bucket, False)
        return [
            spec
            for bucket, shares in sorted(buckets.items())
            for spec in collection_specs(bucket, deduplicate=shares)
        ]
