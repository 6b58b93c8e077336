"""System checks of the settings."""

import pytest

from mongo_contrib.rest.checks import check_settings


def ids():
    return [message.id for message in check_settings(None)]


def test_the_defaults_are_fine():
    assert ids() == []


@pytest.mark.parametrize("value", [0, -1, "50", 1.5, True])
@pytest.mark.parametrize(
    "name", ["MONGO_REST_PAGE_SIZE", "MONGO_REST_MAX_PAGE_SIZE", "MONGO_REST_MAX_TIME_MS"]
)
def test_a_number_that_is_none_is_an_error(settings, name, value):
    setattr(settings, name, value)
    (message,) = check_settings(None)
    assert message.id == "mongo_rest.E001"
    assert name in message.msg
    assert repr(value) in message.msg


def test_only_the_time_can_be_unlimited(settings):
    settings.MONGO_REST_MAX_TIME_MS = None
    assert ids() == []
    settings.MONGO_REST_MAX_PAGE_SIZE = None
    assert ids() == ["mongo_rest.E001"]


def test_templates_that_cannot_be_found_are_warned_of(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework"]
    assert ids() == ["mongo_rest.W001"]
