"""Django's own views, the admin, and a few pages that ask who is there."""

import json

from django.contrib import admin, auth
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path

PERMISSIONS = """
{% if perms.people %}people {% endif %}{% if perms.people.praise_deed %}praise{% endif %}
"""


@login_required
def hello(request):
    return HttpResponse(f"Hello {request.user}")


async def ahello(request):
    user = await request.auser()
    allowed = await user.ahas_perm("people.praise_deed")
    return HttpResponse(f"Hello {user or 'nobody'} {allowed}")


@permission_required("people.praise_deed", raise_exception=True)
def praise(request):
    template = engines["django"].from_string(PERMISSIONS)
    return HttpResponse(template.render({}, request).strip())


def json_login(request):
    """What people write who have heard of JSON: all of the body becomes credentials."""
    user = auth.authenticate(request, **json.loads(request.body))
    if user is None:
        return HttpResponse("no", status=403)
    auth.login(request, user)
    return HttpResponse("yes")


urlpatterns = [
    path("accounts/", include("django.contrib.auth.urls")),
    path("accounts/profile/", hello),
    path("admin/", admin.site.urls),
    path("hello/", hello),
    path("ahello/", ahello),
    path("praise/", praise),
    path("json/", json_login),
]
