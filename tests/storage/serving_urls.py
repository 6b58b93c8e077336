"""Storages that are served, by the view for each kind of server."""

from django.urls import include, path

from mongo_contrib.storage.access import is_staff
from mongo_contrib.storage.views import AsyncFileView, FileView


class Own:
    """A view with a permission of its own."""

    storage = "default"

    def has_permission(self, request, info):
        return request.headers.get("X-Key") == info.name

    def get_cache_control(self, info):
        return "public, max-age=60, s-maxage=90"


class StaffView(FileView):
    has_permission = is_staff


class AsyncStaffView(AsyncFileView):
    has_permission = is_staff


class OwnView(Own, FileView):
    pass


class AsyncOwnView(Own, AsyncFileView):
    async def has_permission(self, request, info):
        return super().has_permission(request, info)


def views(view, own, staff):
    """One set of addresses for one kind of view."""
    return [
        path("media/<path:name>", view.as_view()),
        path("signed/<path:name>", view.as_view(storage="signed")),
        path("hooked/<path:name>", view.as_view(storage="hooked")),
        path("both/<path:name>", view.as_view(storage="both")),
        path("staff/<path:name>", view.as_view(has_permission=is_staff)),
        path("of-staff/<path:name>", staff.as_view()),
        path("own/<path:name>", own.as_view()),
    ]


urlpatterns = [
    path("sync/", include(views(FileView, OwnView, StaffView))),
    path("async/", include(views(AsyncFileView, AsyncOwnView, AsyncStaffView))),
    path("included/", include("mongo_contrib.storage.async_urls")),
]
