"""See urls; for a project whose server speaks ASGI."""

from django.urls import path

from .views import aserve

app_name = "mongo_storage"

urlpatterns = [path("<path:name>", aserve, name="file")]
