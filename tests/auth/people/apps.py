from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "tests.auth.people"
    label = "people"
    verbose_name = "People"
