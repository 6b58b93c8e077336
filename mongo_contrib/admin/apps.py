from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

STOCK_SITE = "django.contrib.admin.sites.AdminSite"
SITE = "mongo_contrib.admin.sites.MongoAdminSite"


class MongoAdminConfig(AppConfig):
    """Django's admin over documents; `django.contrib.admin` is installed beside it."""

    name = "mongo_contrib.admin"
    label = "mongo_admin"
    verbose_name = _("Administration")

    def import_models(self) -> None:
        # Here rather than in ready(): wherever the two apps stand in INSTALLED_APPS, the site
        # is made later, when Django's own ready() collects the admin modules.
        self._use_our_site()
        super().import_models()

    def ready(self) -> None:
        from . import filters
        from .install import serve_without_sql

        filters.register()
        serve_without_sql()

    def _use_our_site(self) -> None:
        missing = [
            name
            for name in ("django.contrib.contenttypes", "django.contrib.admin")
            if not apps.is_installed(name)
        ]
        if missing:
            raise ImproperlyConfigured(
                f"INSTALLED_APPS has 'mongo_contrib.admin', which makes Django's admin work over "
                f"documents, but not {' and '.join(map(repr, missing))}; add it."
            )
        stock: Any = apps.get_app_config("admin")
        if stock.default_site == STOCK_SITE:
            stock.default_site = SITE
