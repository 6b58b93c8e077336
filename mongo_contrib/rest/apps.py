from django.apps import AppConfig
from django.core import checks


class MongoRestConfig(AppConfig):
    """Django REST framework over documents."""

    name = "mongo_contrib.rest"
    label = "mongo_rest"
    verbose_name = "REST"

    def ready(self) -> None:
        from .checks import check_settings

        checks.register(check_settings)
