"""A user's own page, the admin as it comes, and the stock admin's site."""

from django.contrib import admin
from django.urls import include, path

from mongo_contrib.sessions.admin import SessionAdmin
from mongo_contrib.sessions.models import Session
from mongo_contrib.sessions.views import SessionList

stock = admin.AdminSite(name="stock")
stock.register(Session, SessionAdmin)

urlpatterns = [
    path("accounts/", include("django.contrib.auth.urls")),
    path("account/sessions/", include("mongo_contrib.sessions.urls")),
    path("plain/", SessionList.as_view(base_template="mongo_sessions/base.html", limit=1)),
    path("admin/", admin.site.urls),
    path("stock/", stock.urls),
]
