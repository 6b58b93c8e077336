"""The serving view where a project puts it, and one with another storage."""

from django.urls import include, path

from mongo_contrib.storage.views import FileView

urlpatterns = [
    path("media/", include("mongo_contrib.storage.urls")),
    path("other/<path:name>", FileView.as_view(storage="other")),
]
