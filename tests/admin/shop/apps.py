from django.apps import AppConfig


class ShopConfig(AppConfig):
    """What the tests of the admin administer."""

    name = "tests.admin.shop"
    label = "shop"
