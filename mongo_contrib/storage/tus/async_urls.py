"""See urls; for a site under ASGI, with views that take no thread."""

from django.urls import path

from .views import AsyncUploadView

app_name = "mongo_uploads"

urlpatterns = [
    path("", AsyncUploadView.as_view(), name="uploads"),
    path("held/", AsyncUploadView.as_view(held=True), name="held"),
    path("held/<str:token>", AsyncUploadView.as_view(held=True), name="held_upload"),
    path("<str:token>", AsyncUploadView.as_view(), name="upload"),
]
