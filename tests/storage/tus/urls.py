from django.urls import include, path

from mongo_contrib.storage.tus.views import AsyncUploadView, UploadView


class Everybody(UploadView):
    def has_permission(self, request):
        return True


class OwnKeys(Everybody):
    def get_owner(self, request):
        return f"key:{request.headers['X-Key']}"


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
    *paths("fewheld/", Everybody, max_open=2, held=True),
    *paths("afewheld/", AsyncEverybody, max_open=2, held=True),
    *paths("fewkeys/", OwnKeys, max_open=2),
    *paths("replacing/", UploadView, storage="replaceable"),
    *paths("areplacing/", AsyncUploadView, storage="replaceable"),
    *paths("overwriting/", UploadView, storage="replaceable", overwrite=True),
    *paths("aoverwriting/", AsyncUploadView, storage="replaceable", overwrite=True),
    *paths("api/", UploadView, csrf_protected=False),
    *paths("held/", UploadView, held=True),
    *paths("aheld/", AsyncUploadView, held=True),
    *paths("pictures/", UploadView, storage="pictures"),
]
