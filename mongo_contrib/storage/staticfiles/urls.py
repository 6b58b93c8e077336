"""``path("static/", include("mongo_contrib.storage.staticfiles.urls"))``, as STATIC_URL says."""

from django.urls import path

from .views import serve

app_name = "mongo_static"

urlpatterns = [path("<path:name>", serve, name="file")]
