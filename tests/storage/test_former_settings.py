"""DEFAULT_FILE_STORAGE and STATICFILES_STORAGE of projects that come from an older Django."""

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import InMemoryStorage, default_storage, storages
from django.test import override_settings

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.former_settings import check_former_settings, honour_former_settings
from tests.projects import run

OURS = "mongo_contrib.storage.GridFSStorage"
STATIC = "mongo_contrib.storage.staticfiles.GridFSManifestStaticFilesStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"
DISK = "django.core.files.storage.FileSystemStorage"


class Derived(GridFSStorage):
    pass


# A whole project, with SQL in "default": prints what its files lie in, and what the checks say.
PROJECT = """
import json, os
import django
from django.conf import settings
from django.core.files.storage import default_storage, storages

early = {early}
settings.configure(
    INSTALLED_APPS=["django.contrib.staticfiles", "mongo_contrib", "mongo_contrib.storage"],
    DATABASES={{
        "default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        "mongo": json.loads(os.environ["MONGO_ENTRY"]),
    }},
    DATABASE_ROUTERS=["mongo_contrib.routers.DocumentRouter"],
    STATIC_URL="/static/", MEDIA_URL="/media/",
    {settings}
)
if early:
    str(default_storage.__class__), storages["default"]
django.setup()
from django.core.checks import run_checks
from django.contrib.staticfiles.storage import staticfiles_storage
print(json.dumps({{
    "default": default_storage.__class__.__name__,
    "handler": type(storages["default"]).__name__,
    "static": staticfiles_storage.__class__.__name__,
    "messages": [[m.id, m.msg, m.hint] for m in run_checks() if m.id.startswith("mongo_storage")],
}}))
"""


@pytest.mark.parametrize("early", [False, True])
def test_a_project_with_the_former_setting_has_its_files_in_gridfs(connection, early):
    source = PROJECT.format(settings=f"DEFAULT_FILE_STORAGE={OURS!r}", early=early)
    found = run(source, connection)
    assert found["default"] == found["handler"] == "GridFSStorage"
    assert found["static"] == "StaticFilesStorage"
    ((id, message, hint),) = found["messages"]
    assert id == "mongo_storage.W003"
    assert message.startswith("DEFAULT_FILE_STORAGE is a setting that Django no longer has")
    assert hint.endswith(
        "take DEFAULT_FILE_STORAGE out:\n"
        "STORAGES = {\n"
        f'    "default": {{"BACKEND": "{OURS}"}},\n'
        '    "staticfiles": '
        '{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},\n'
        "}"
    )


def test_static_files_and_subclasses_are_honoured_too(connection):
    both = (
        "DEFAULT_FILE_STORAGE='tests.storage.test_former_settings.Derived',"
        f"STATICFILES_STORAGE={STATIC!r}"
    )
    found = run(PROJECT.format(settings=both, early=False), connection)
    assert found["default"] == "Derived"
    assert found["static"] == "GridFSManifestStaticFilesStorage"
    assert [each[0] for each in found["messages"]] == ["mongo_storage.W003"] * 2


def test_the_lines_of_the_hint_end_the_warning(connection):
    source = PROJECT.format(settings=f"DEFAULT_FILE_STORAGE={OURS!r}", early=False)
    hint = run(source, connection)["messages"][0][2]
    lines = hint[hint.index("STORAGES") :]
    found = run(PROJECT.format(settings=lines, early=False), connection)
    assert found["default"] == "GridFSStorage"
    assert found["messages"] == []


@pytest.fixture
def former(settings):
    """Set the former setting and STORAGES, and say what the check says of it."""

    def former(path, storages=None, name="DEFAULT_FILE_STORAGE"):
        setattr(settings, name, path)
        if storages is not None:
            settings.STORAGES = storages
        before = django_settings.STORAGES
        honour_former_settings()
        after, settings.STORAGES = django_settings.STORAGES, django_settings.STORAGES
        return before, after, [message.msg for message in check_former_settings()]

    return former


def test_the_new_setting_wins_and_the_check_says_so(former):
    before, after, (message,) = former(OURS, {"default": {"BACKEND": MEMORY}})
    assert after is before
    assert isinstance(storages["default"], InMemoryStorage)
    assert message == (
        f"DEFAULT_FILE_STORAGE is {OURS!r}, and STORAGES['default'] is {MEMORY!r}: that is what "
        "is used, since Django no longer has DEFAULT_FILE_STORAGE."
    )


def test_an_alias_that_storages_does_not_name_is_filled(former):
    others = {"private": {"BACKEND": MEMORY, "OPTIONS": {"location": "secret"}}}
    _, after, (message,) = former(OURS, others)
    assert after == {**others, "default": {"BACKEND": OURS}}
    assert others == {"private": {"BACKEND": MEMORY, "OPTIONS": {"location": "secret"}}}
    assert isinstance(default_storage, GridFSStorage)
    assert message.startswith("DEFAULT_FILE_STORAGE is a setting that Django no longer has")
    (check,) = check_former_settings()
    assert "secret" not in check.hint  # options may hold passwords
    assert '"private": ...' in check.hint


def test_both_settings_that_say_the_same_are_fine(former):
    storages = {"default": {"BACKEND": OURS}}
    assert former(OURS, storages) == (storages, storages, [])


@pytest.mark.parametrize("path", [DISK, MEMORY, "json.JSONDecoder", None, 5, {"a": 1}])
def test_what_is_not_ours_is_left_alone(former, path):
    others = {"staticfiles": {"BACKEND": MEMORY}}
    assert former(path, others) == (others, others, [])


def test_a_typing_error_is_said(former):
    storages = {"default": {"BACKEND": DISK}}
    _, after, (message,) = former("mongo_contrib.storage.GridFsStorage", storages)
    assert after is storages
    assert "which cannot be imported" in message
    assert f"used is STORAGES['default'], which is {DISK!r}" in message


def test_tests_override_storages_as_ever(former):
    former(OURS, {"staticfiles": {"BACKEND": MEMORY}})
    with override_settings(STORAGES={"default": {"BACKEND": MEMORY}}):
        assert isinstance(default_storage, InMemoryStorage)
        (message,) = check_former_settings()
        assert "that is what is used" in message.msg
    assert isinstance(default_storage, GridFSStorage)
