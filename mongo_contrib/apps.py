from django.apps import AppConfig


class MongoContribConfig(AppConfig):
    """The core: commands, system checks and the collections of all documents."""

    name = "mongo_contrib"
    label = "mongo_contrib"
    verbose_name = "MongoDB"
