"""The static files where a project without a web server of its own puts them."""

from django.urls import include, path

from mongo_contrib.storage.staticfiles.views import StaticFileView

urlpatterns = [
    path("static/", include("mongo_contrib.storage.staticfiles.urls")),
    path("async/", include("mongo_contrib.storage.staticfiles.async_urls", namespace="async")),
    path("visitors/<path:name>", StaticFileView.as_view(storage="default")),
]
