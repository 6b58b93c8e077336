"""The sessions in Django's admin: who is logged in from where, and an end to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth import logout
from django.core.exceptions import ImproperlyConfigured
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .backends.mongo import SessionStore
from .conf import conf
from .listing import end_sessions, ids_of, session_store
from .models import Session
from .owners import find_users, users_of

__all__ = ["SessionAdmin"]

#: The longest text that is searched for, and how many users it may find.
LONGEST_TERM = 150
MOST_USERS = 100
#: How many sessions are named where the end of many is to be confirmed.
MOST_NAMED = 100
# Nobody waits longer for a page, and no server works longer on one that nobody waits for.
PATIENCE_MS = 20_000
# How an address of either kind can begin; what cannot is not looked for among addresses, which
# no index holds.
ADDRESS_BEGINS = re.compile(r"[0-9]{1,3}(\.[0-9./]*)?|[0-9a-f]{0,4}(:[0-9a-f:./]*)?", re.I)


class BoundedPaginator(Paginator):
    """Counts no further than the pages that anybody would turn."""

    bound = 10_000

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.bound)

    @property
    def has_more(self) -> bool:
        """Whether there are more than are counted."""
        return self._counted > self.bound

    @cached_property
    def _counted(self) -> int:
        found: Any = self.object_list
        return int(found[: self.bound + 1].count())


class WhoseFilter(admin.SimpleListFilter):
    """The sessions of users, unless those of visitors are asked for."""

    title = _("logged in")
    parameter_name = "logged_in"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("No")), ("any", _("All"))]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("Yes"),
        }
        _all, *others = super().choices(changelist)
        yield from others

    def queryset(self, request: Any, queryset: Any) -> Any:
        if self.value() == "any" or (self.value() is None and names_users(request)):
            return queryset
        # As the indexes of users' sessions say it, so that they serve.
        return queryset.match({"user": {"$exists": self.value() != "no"}})


def names_users(request: Any) -> bool:
    """Whether sessions of certain users are asked for, and so none of visitors."""
    # Each is another condition on `user`; beside a second one some servers use the index of
    # neither.
    term = request.GET.get(SEARCH_VAR, "").strip()
    return "user_id" in request.GET or bool(term and not ADDRESS_BEGINS.fullmatch(term))


class LastSeenFilter(admin.SimpleListFilter):
    """When a session was last used."""

    title = _("last seen")
    parameter_name = "seen"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("day", _("Past 24 hours")),
            ("week", _("Past 7 days")),
            ("earlier", _("Earlier")),
        ]

    def queryset(self, request: Any, queryset: Any) -> Any:
        now = timezone.now()
        if self.value() == "day":
            return queryset.filter(last_seen__gt=now - timedelta(days=1))
        if self.value() == "week":
            return queryset.filter(last_seen__gt=now - timedelta(days=7))
        if self.value() == "earlier":
            return queryset.filter(last_seen__lte=now - timedelta(days=7))
        return queryset


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):
    """Lists sessions and ends them; what they hold is shown nowhere.

    A page costs the same number of queries whatever it lists: one is for the users' names.
    """

    list_display = ("user", "session", "address", "seen", "since")
    list_display_links = ("session",)
    list_filter = (WhoseFilter, LastSeenFilter)
    search_fields = ("address",)
    search_help_text = _("A part of a user's name, or the beginning of an address")
    ordering = ("-last_seen",)
    actions = ("delete_selected", "end_all", "end_others")
    fields = ("user", "device", "user_agent", "address", "last_seen", "created", "expires")
    readonly_fields = ("user",)
    change_form_template = "mongo_sessions/admin_session.html"
    delete_confirmation_template = "mongo_sessions/admin_end.html"
    delete_selected_confirmation_template = "mongo_sessions/admin_end.html"
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    # Who may do what

    def has_module_permission(self, request: Any) -> bool:
        """See `ModelAdmin`; with another engine there is nothing to show."""
        try:
            session_store()
        except ImproperlyConfigured:
            return False
        return super().has_module_permission(request)

    def has_add_permission(self, request: Any) -> bool:
        """Nobody: sessions are made by logging in."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Nobody: a session is what its user does."""
        return False

    # What is shown

    def get_queryset(self, request: Any) -> Any:
        session_store()  # or the sentence that says why its sessions can't be listed
        return super().get_queryset(request).max_time_ms(PATIENCE_MS)

    def get_changelist_instance(self, request: Any) -> Any:
        """See `ModelAdmin`; the users of the page are fetched at once."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = self.named(request, changelist.result_list)
        if changelist.paginator.has_more:
            # Equal, these are not shown as a number of results, which they are not.
            changelist.full_result_count = changelist.result_count
        return changelist

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """See `ModelAdmin`; it tells where there are more sessions than are counted."""
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "cl" in context and context["cl"].paginator.has_more:
            context["subtitle"] = _(
                "There are more than %(count)d; those beyond are reached by filters and search."
            ) % {"count": BoundedPaginator.bound}
        return response

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            self.named(request, [found])
        return found

    def named(self, request: Any, sessions: Iterable[Session]) -> list[Session]:
        """The sessions, each of which knows its user's name and whether it is this one."""
        sessions = list(sessions)
        users = users_of(session.user_id for session in sessions)
        own = ids_of_request(request)
        for session in sessions:
            user = users.get(session.user_id)
            session.user_name = user.get_username() if user is not None else ""
            session.is_gone = bool(session.user_id) and user is None
            session.is_current = session.pk in own
        return sessions

    @admin.display(description=_("user"), ordering="user_id")
    def user(self, session: Any) -> Any:
        """The user's name, which leads to all sessions of that user."""
        if not session.user_id:
            return self.get_empty_value_display()
        name = session.user_name
        if session.is_gone:
            name = _("%(id)s (no longer there)") % {"id": session.user_id}
        url = reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist",
            current_app=self.admin_site.name,
        )
        query = urlencode({"user_id": session.user_id})
        return format_html('<a href="{}?{}">{}</a>', url, query, name)

    @admin.display(description=_("device"), ordering="device")
    def session(self, session: Any) -> Any:
        if session.is_current:
            return format_html("{} ({})", session.name, _("this session"))
        return session.name

    @admin.display(description=_("last seen"), ordering="last_seen")
    def seen(self, session: Any) -> str | None:
        return shown(session.last_seen, "SHORT_DATETIME_FORMAT")

    @admin.display(description=_("since"), ordering="created")
    def since(self, session: Any) -> str | None:
        return shown(session.created)

    # What is found

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """See `ModelAdmin`; a query string's regular expressions and endless texts are refused."""
        if lookup.endswith(("__regex", "__iregex")) or len(str(value)) > LONGEST_TERM:
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: Any, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """See `ModelAdmin`; the term counts as a whole; one too long finds nothing."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if len(term) > LONGEST_TERM:
            return queryset.none(), False
        wanted = Q(user_id__in=find_users(term, MOST_USERS))
        if ADDRESS_BEGINS.fullmatch(term):
            wanted |= Q(address__startswith=term.lower())
        return queryset.filter(wanted), False

    # How they end

    @admin.action(permissions=["delete"], description=_("End the selected sessions"))
    def delete_selected(self, request: Any, queryset: Any) -> Any:
        """End the selected, under the name of Django's action, in whose place this is."""
        return self._end(request, "delete_selected", queryset, queryset)

    @admin.action(permissions=["delete"], description=_("End all sessions of these users"))
    def end_all(self, request: Any, queryset: Any) -> Any:
        """End all sessions of the users who have one among the selected."""
        return self._end(request, "end_all", queryset, self._of_users_of(request, queryset))

    @admin.action(
        permissions=["delete"],
        description=_("End all other sessions of these users"),
    )
    def end_others(self, request: Any, queryset: Any) -> Any:
        """End the sessions of these users, all but the selected and the one of this request."""
        kept = [*queryset.values_list("pk", flat=True), *ids_of_request(request)]
        others = self._of_users_of(request, queryset).exclude(pk__in=kept)
        return self._end(request, "end_others", queryset, others)

    def _of_users_of(self, request: Any, queryset: Any) -> Any:
        users = {user for user in queryset.values_list("user_id", flat=True) if user}
        return self.get_queryset(request).filter(user_id__in=users)

    def _end(self, request: Any, action: str, selected: Any, ended: Any) -> Any:
        """End sessions once that is confirmed; until then, a page that asks."""
        if not request.POST.get("post"):
            number = ended.count()
            if number:
                return self._ask(request, action, selected, ended, number)
        count = len(ended)
        if count:
            self.log_deletions(request, ended)
            self.delete_queryset(request, ended)
        self._tell(request, count)
        return None

    def _ask(self, request: Any, action: str, selected: Any, ended: Any, number: int) -> Any:
        across = request.POST.get("select_across") == "1"
        # Of all that the list has, one stands for the others: a form has so many fields at most.
        chosen = selected[:1] if across else selected
        context = {
            **self.admin_site.each_context(request),
            "title": getattr(self, action).short_description,
            "subtitle": None,
            "opts": self.opts,
            "action": action,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "selected": [session.pk for session in chosen],
            "across": across,
            "deleted_objects": self.named(request, ended[:MOST_NAMED]),
            "number": number,
            "more": max(number - MOST_NAMED, 0),
            "back": request.get_full_path(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.delete_selected_confirmation_template, context)

    def _tell(self, request: Any, count: int) -> None:
        # Who has ended the own session would read it on the page to log in.
        if request.user.is_authenticated:
            told = ngettext(
                "%(count)d session was ended.", "%(count)d sessions were ended.", count
            )
            self.message_user(request, told % {"count": count}, messages.SUCCESS)

    def delete_view(self, request: Any, object_id: str, extra_context: Any = None) -> Any:
        """See `ModelAdmin`; a session is ended."""
        about = {
            "title": _("End this session"),
            "number": 1,
            "back": self.response_post_save_change(request, None).url,
        }
        return super().delete_view(request, object_id, {**about, **(extra_context or {})})

    def response_delete(self, request: Any, obj_display: str, obj_id: Any) -> Any:
        """See `ModelAdmin`; back to the list."""
        self._tell(request, 1)
        return self.response_post_save_change(request, None)

    def get_deleted_objects(self, objs: Any, request: Any) -> Any:
        """See `ModelAdmin`; nothing hangs on a session, so there is nothing to collect."""
        sessions = self.named(request, objs)
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        shown = [str(session) for session in sessions]
        return shown, {self.opts.verbose_name_plural: len(sessions)}, lacking, []

    def log_deletions(self, request: Any, queryset: Any) -> Any:
        """See `ModelAdmin`; the log tells whose sessions they were."""
        self.named(request, queryset)
        return super().log_deletions(request, queryset)

    def delete_model(self, request: Any, obj: Any) -> None:
        """End a session."""
        self._end_now(request, [obj.pk], partial(super().delete_model, request, obj))

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        """End sessions."""
        ended = [session.pk for session in queryset]
        self._end_now(request, ended, partial(super().delete_queryset, request, queryset))

    def _end_now(self, request: Any, ended: list[str], delete: Callable[[], None]) -> None:
        # After the view's transaction: within it, whoever keeps saving a session could let it
        # fail again and again.
        transaction.on_commit(delete, using=conf.alias)
        # Whoever changes its key at this moment has it under another id.
        transaction.on_commit(partial(end_sessions, ended), using=conf.alias)
        if not {*ids_of_request(request)}.isdisjoint(ended):
            logout(request)


def shown(moment: datetime | None, format: str = "SHORT_DATE_FORMAT") -> str | None:
    """A moment in few characters, as there are many columns."""
    return None if moment is None else date_format(timezone.template_localtime(moment), format)


def ids_of_request(request: Any) -> tuple[str, ...]:
    """The ids that the session of the request may have."""
    return ids_of(request.session) if isinstance(request.session, SessionStore) else ()
