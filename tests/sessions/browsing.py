"""A small site of both kinds of views, and a browser for it, under both kinds of servers."""

from django.contrib.auth import alogin, alogout, login, logout
from django.http import HttpResponse, JsonResponse
from django.test import AsyncClient, Client
from django.urls import path

from mongo_contrib.auth.models import User
from mongo_contrib.bridge import native

FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
MIDDLEWARE = [
    "mongo_contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


def look(request):
    """Who is logged in, and what the session holds."""
    own = {key: value for key, value in request.session.items() if key[0] != "_"}
    return JsonResponse({"user": request.user.get_username(), "session": own})


async def alook(request):
    items = await request.session.aitems()
    own = {key: value for key, value in items if key[0] != "_"}
    return JsonResponse({"user": (await request.auser()).get_username(), "session": own})


def put(request):
    request.session.update(request.GET.dict())
    return HttpResponse("put")


async def aput(request):
    await request.session.aupdate(request.GET.dict())
    return HttpResponse("put")


def log_in(request):
    login(request, User.objects.get(username=request.GET["user"]))
    request.session["secret"] = "of the user"
    if "save" in request.GET:
        request.session.save()
        request.session["later"] = 1
    return HttpResponse("in")


async def alog_in(request):
    await alogin(request, await User.objects.aget(username=request.GET["user"]))
    await request.session.aset("secret", "of the user")
    if "save" in request.GET:
        await request.session.asave()
        await request.session.aset("later", 1)
    return HttpResponse("in")


def log_out(request):
    logout(request)
    return HttpResponse("out")


async def alog_out(request):
    await alogout(request)
    return HttpResponse("out")


def ignore(request):
    return HttpResponse("nobody looks at the session")


async def aignore(request):
    return ignore(request)


def renew(request):
    request.session.cycle_key()
    return HttpResponse("renewed")


async def arenew(request):
    await request.session.acycle_key()
    return HttpResponse("renewed")


def fail(request):
    if request.session.get("anything") or request.GET:
        request.session["never"] = 1
    raise LookupError


async def afail(request):
    await native(fail, request)


VIEWS = {
    "look": (look, alook),
    "put": (put, aput),
    "in": (log_in, alog_in),
    "out": (log_out, alog_out),
    "ignore": (ignore, aignore),
    "renew": (renew, arenew),
    "fail": (fail, afail),
}
urlpatterns = [
    path(f"{kind}/{name}/", views[kind == "async"])
    for name, views in VIEWS.items()
    for kind in ("sync", "async")
]


class Browser:
    """Keeps its cookies; its server is synchronous, or asynchronous as are the views then."""

    def __init__(self, runner=None, **headers):
        self.runner = runner
        self.headers = headers
        self.client = (AsyncClient if runner else Client)(raise_request_exception=False)

    def another(self):
        """One without the cookies of this."""
        return type(self)(self.runner, **self.headers)

    def get(self, name, **query):
        kind = "async" if self.runner else "sync"
        found = self.client.get(f"/{kind}/{name}/", query, headers=self.headers)
        return self.runner.run(self.awaited(found)) if self.runner else found

    async def awaited(self, response):
        return await response

    def log_in(self, user="ann", **query):
        return self.get("in", user=user, **query)

    @property
    def user(self):
        """Who is logged in."""
        return self.get("look").json()["user"]

    @property
    def session(self):
        """What views have put into the session."""
        return self.get("look").json()["session"]

    @property
    def key(self):
        """The session's key in the cookie, if there is one."""
        cookie = self.client.cookies.get("sessionid")
        return cookie.value if cookie else None
