"""A user's own sessions: a page for people, JSON for clients that ask for it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.generic import TemplateView, View

from .listing import UserSession, UserSessions

__all__ = ["EndAllSessions", "EndOtherSessions", "EndSession", "OwnSessionsMixin", "SessionList"]


@method_decorator(never_cache, name="dispatch")
class OwnSessionsMixin(LoginRequiredMixin):
    """For views of the sessions of whoever is logged in; nobody is ever shown another's."""

    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """See `View`; a client of JSON is told in JSON that it lacks the CSRF token."""
        response = self._guarded(request, *args, **kwargs)
        told = response.headers.get("Content-Type", "").startswith("application/json")
        if response.status_code == 403 and self.wants_json and not told:
            return JsonResponse({"detail": _("The CSRF token is missing or wrong.")}, status=403)
        return response

    @method_decorator(csrf_protect)
    def _guarded(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Status 405, which names what is allowed."""
        response = super().http_method_not_allowed(request, *args, **kwargs)
        if not self.wants_json:
            return response
        detail = {"detail": _("This method is not allowed here.")}
        return JsonResponse(detail, status=405, headers={"Allow": response["Allow"]})

    @cached_property
    def sessions(self) -> UserSessions:
        """The sessions of the user of this request."""
        return UserSessions(self.request.user, current=self.request.session)

    @property
    def wants_json(self) -> bool:
        """Whether the client asks for JSON, and not for a page."""
        preferred = self.request.get_preferred_type(["text/html", "application/json"])
        return preferred == "application/json"

    def get_list_url(self) -> str:
        """The address of the list, to which a browser is sent back."""
        match = self.request.resolver_match
        return reverse("mongo_sessions:list", current_app=match.namespace if match else None)

    def handle_no_permission(self) -> Any:
        """The way to the log-in page; for a client of JSON, 403."""
        if self.wants_json:
            return JsonResponse({"detail": _("Log in first.")}, status=403)
        return super().handle_no_permission()


class SessionList(OwnSessionsMixin, TemplateView):
    """The live sessions, the last used first."""

    template_name = "mongo_sessions/session_list.html"
    #: What the template extends. Or override that template, to put the page into another's block.
    base_template = "mongo_sessions/base.html"
    #: How many are shown at most.
    limit = 100

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.wants_json:
            found = self.sessions.recent(self.limit)
            return JsonResponse({"sessions": [as_json(session) for session in found]})
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **{
                "sessions": self.sessions.recent(self.limit),
                "limit": self.limit,
                "base_template": self.base_template,
                **kwargs,
            }
        )


class EndSessions(OwnSessionsMixin, View):
    """Ends sessions on POST, then leads back to the list; JSON says how many there were."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        count = self.end()
        if count is None:
            return self.not_found()
        if self.ends_current():
            logout(request)
        if self.wants_json:
            return JsonResponse({"ended": count})
        # After a log-out it would be read on the page to log in.
        if not self.ends_current():
            text = ngettext(
                "%(count)d session was ended.", "%(count)d sessions were ended.", count
            )
            messages.success(request, text % {"count": count}, fail_silently=True)
        return HttpResponseRedirect(self.get_list_url())

    def handle_no_permission(self) -> Any:
        """See the mixin; whoever logs in then is led to the list, as this address takes no GET."""
        request = self.request
        if self.wants_json or self.raise_exception or request.user.is_authenticated:
            return super().handle_no_permission()
        login_url, target = resolve_url(self.get_login_url()), self.get_list_url()
        if urlsplit(login_url).netloc:
            target = request.build_absolute_uri(target)
        return redirect_to_login(target, login_url, self.get_redirect_field_name())

    def end(self) -> int | None:
        """End the sessions and return how many there were; None if there is no such session."""
        raise NotImplementedError

    def ends_current(self) -> bool:
        """Whether the session of this request is among those that were ended."""
        return False

    def not_found(self) -> HttpResponseBase:
        """What is answered where there is no such session of this user."""
        if self.wants_json:
            return JsonResponse({"detail": _("There is no such session.")}, status=404)
        # The list was out of date, most likely; for an id of another user it is said as well.
        messages.info(self.request, _("This session has already ended."), fail_silently=True)
        return HttpResponseRedirect(self.get_list_url())


class EndSession(EndSessions):
    """Ends one session; another user's is as unknown as one that is not there."""

    def end(self) -> int | None:
        return 1 if self.sessions.revoke(self.kwargs["session_id"]) else None

    def ends_current(self) -> bool:
        return self.sessions.is_current(self.kwargs["session_id"])


class EndOtherSessions(EndSessions):
    """Ends all sessions of the user but the one of this request."""

    def end(self) -> int:
        return self.sessions.revoke_others()


class EndAllSessions(EndSessions):
    """Ends all sessions of the user, which logs out."""

    def end(self) -> int:
        return self.sessions.revoke_all()

    def ends_current(self) -> bool:
        return True


def as_json(session: UserSession) -> dict[str, Any]:
    """What JSON tells of a session."""
    told = asdict(session)
    del told["user_id"]
    return {**told, "name": session.name}
