"""What a package's __all__ promises is there, is sorted, and nothing is imported for it twice."""

import importlib
import pkgutil

import pytest

import mongo_contrib

PUBLIC = [
    "mongo_contrib.conf",
    "mongo_contrib.db",
    "mongo_contrib.db.commands",
    "mongo_contrib.exceptions",
    "mongo_contrib.repository",
]


def modules():
    """All our modules that declare what they export."""
    for info in pkgutil.walk_packages(mongo_contrib.__path__, "mongo_contrib."):
        if info.name.endswith("__main__") or ".management.commands." in info.name:
            continue
        try:
            module = importlib.import_module(info.name)
        except ImportError as exc:
            # Only an extra that is not installed may be missing, never a module of ours.
            assert not (exc.name or "").startswith("mongo_contrib"), exc
            continue
        if hasattr(module, "__all__"):
            yield module


@pytest.mark.parametrize("module", list(modules()), ids=lambda module: module.__name__)
def test_what_is_exported_is_there_and_sorted(module):
    assert list(module.__all__) == sorted(module.__all__, key=order)
    for name in module.__all__:
        assert hasattr(module, name), name


@pytest.mark.parametrize("name", PUBLIC)
def test_public_modules_say_what_they_export(name):
    assert importlib.import_module(name).__all__


def order(name):
    """Constants, then classes, then functions: as Ruff's RUF022 sorts them."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)
