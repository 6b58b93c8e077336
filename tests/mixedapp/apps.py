from django.apps import AppConfig


class MixedAppConfig(AppConfig):
    name = "tests.mixedapp"
    label = "mixedapp"
    default_auto_field = "django.db.models.BigAutoField"
