from django.core.management.commands.makemigrations import Command as DjangoCommand

from mongo_contrib.management.autodetector import Autodetector


class Command(DjangoCommand):
    """Django's makemigrations; documents need no migrations and get none."""

    autodetector = Autodetector
