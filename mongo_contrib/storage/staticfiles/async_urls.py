"""See urls; for a project that runs under ASGI: no request for a static file takes a thread."""

from django.urls import path

from .views import aserve

app_name = "mongo_static"

urlpatterns = [path("<path:name>", aserve, name="file")]
