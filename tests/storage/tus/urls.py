from django.urls import include, path

from mongo_contrib.storage.tus.views import AsyncUploadView, UploadView


class Everybody(UploadView):
    def has_permission(self, request):
        return True


class Nobody(UploadView):
    async def has_permission(self, request):
        return False


class AsyncNobody(AsyncUploadView):
    async def has_permission(self, request):
        return False


class AsyncEverybody(AsyncUploadView):
    def has_permission(self, request):
        return True


def paths(prefix, view, **options):
    view = view.as_view(**options)
    return [path(prefix, view), path(f"{prefix}<str:token>", view)]


urlpatterns = [
    path("uploads/", include("mongo_contrib.storage.tus.urls")),
    path("auploads/", include("mongo_contrib.storage.tus.async_urls", namespace="asynchronous")),
    *paths("everybody/", Everybody),
    *paths("aeverybody/", AsyncEverybody),
    *paths("nobody/", Nobody),
    *paths("anobody/", AsyncNobody),
    *paths("few/", UploadView, max_open=2),
    *paths("api/", UploadView, csrf_protected=False),
    *paths("held/", UploadView, held=True),
    *paths("aheld/", AsyncUploadView, held=True),
    *paths("pictures/", UploadView, storage="pictures"),
]
