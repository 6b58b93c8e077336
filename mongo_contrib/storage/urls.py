"""``path("media/", include("mongo_contrib.storage.urls"))``, at the path that MEDIA_URL names."""

from django.urls import path

from .views import serve

app_name = "mongo_storage"

urlpatterns = [path("<path:name>", serve, name="file")]
