from django.contrib import admin
from django.urls import include, path

from atlas.api import router

urlpatterns = [
    path("", include("atlas.urls")),
    path("admin/", admin.site.urls),
    path("api/", include(router.urls)),
    path("api/", include("rest_framework.urls")),
    path(
        "account/sessions/",
        include("mongo_contrib.sessions.urls"),
        {"base_template": "atlas/account.html"},
    ),
    path("files/", include("mongo_contrib.storage.urls")),
    # Where the admin's forms put large files, in pieces.
    path("uploads/", include("mongo_contrib.storage.tus.urls")),
]
