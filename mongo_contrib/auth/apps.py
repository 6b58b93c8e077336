from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class MongoAuthConfig(AppConfig):
    """Users and groups in MongoDB; `django.contrib.auth` stays installed beside it."""

    name = "mongo_contrib.auth"
    label = "mongo_auth"
    verbose_name = _("Authentication and Authorization")

    def ready(self) -> None:
        from .checks import check_backends, check_settings, check_user_model

        checks.register(check_settings)
        checks.register(check_backends)
        checks.register(check_user_model, checks.Tags.models)
