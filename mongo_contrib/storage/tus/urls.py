"""``path("uploads/", include("mongo_contrib.storage.tus.urls"))``, for the default storage.

What comes to ``uploads/`` becomes a file at once, what comes to ``uploads/held/`` waits for a
form.
"""

from django.urls import path

from .views import UploadView

app_name = "mongo_uploads"

urlpatterns = [
    path("", UploadView.as_view(), name="uploads"),
    path("held/", UploadView.as_view(held=True), name="held"),
    path("held/<str:token>", UploadView.as_view(held=True), name="held_upload"),
    path("<str:token>", UploadView.as_view(), name="upload"),
]
