"""The site, and how it becomes the default one."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.admin import MongoAdminSite
from mongo_contrib.admin.apps import SITE, STOCK_SITE

from .shop.models import Maker


def test_the_default_site_is_ours_wherever_the_app_stands():
    assert apps.get_app_config("admin").default_site == SITE
    admin.site.is_registered(Maker)  # makes the site, which is lazy
    assert isinstance(admin.site._wrapped, MongoAdminSite)


def test_a_site_of_the_projects_own_is_left(monkeypatch):
    stock = apps.get_app_config("admin")
    config = apps.get_app_config("mongo_admin")
    monkeypatch.setattr(stock, "default_site", "atlas.admin.AtlasSite")
    config._use_our_site()
    assert stock.default_site == "atlas.admin.AtlasSite"
    monkeypatch.setattr(stock, "default_site", STOCK_SITE)
    config._use_our_site()
    assert stock.default_site == SITE


def test_a_model_that_no_database_holds_is_not_registered():
    site = MongoAdminSite()
    site.register(Group)
    site.register([Group, Maker])
    assert list(site._registry) == [Maker]
    assert not admin.site.is_registered(Group)


def test_without_djangos_admin_it_says_what_to_add(monkeypatch):
    config = apps.get_app_config("mongo_admin")
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "django.contrib.admin")
    with pytest.raises(ImproperlyConfigured) as caught:
        config.import_models()
    assert str(caught.value) == (
        "INSTALLED_APPS has 'mongo_contrib.admin', which makes Django's admin work over "
        "documents, but not 'django.contrib.admin'; add it."
    )


def test_pages_of_the_site(client):
    for url in ("/admin/", "/admin/shop/", "/admin/jsi18n/", "/admin/password_change/"):
        assert client.get(url).status_code == 200, url
    response = client.post("/admin/logout/")
    assert response.status_code == 200
    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"


def test_logging_in(client):
    client.logout()
    response = client.post("/admin/login/?next=/admin/", {"username": "ann", "password": "no"})
    assert "Please enter the correct username" in response.content.decode()
    response = client.post("/admin/login/?next=/admin/", {"username": "ann", "password": "secret"})
    assert response["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_changing_ones_password(client, ann):
    data = {
        "old_password": "secret",
        "new_password1": "n3w and long",
        "new_password2": "n3w and long",
    }
    response = client.post("/admin/password_change/", data)
    assert response["Location"] == "/admin/password_change/done/"
    ann.refresh_from_db()
    assert ann.check_password("n3w and long")
