"""What people see in the place of a page that could not be."""

from typing import Any

from django.http import HttpResponse
from django.template import TemplateDoesNotExist, loader
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

__all__ = ["refused", "unavailable"]


def refused() -> HttpResponse:
    """The page for who may have no more sessions: the project's 403.html, or a sentence."""
    return _page(
        403,
        _(
            "You are logged in in as many places as you may be. Log out in one of them, then log "
            "in here."
        ),
    )


def unavailable(retry_after: int) -> HttpResponse:
    """The page while the sessions' server is away: the project's 503.html, or a sentence."""
    response = _page(503, _("The site cannot be reached just now. Please try again in a moment."))
    response["Retry-After"] = str(retry_after)
    return response


def _page(status: int, sentence: str) -> HttpResponse:
    # Without the request, as Django's own page for status 500: a context processor would ask the
    # session who is logged in, and that is what has just failed.
    context: dict[str, Any] = {"exception": sentence}
    try:
        response = HttpResponse(loader.render_to_string(f"{status}.html", context), status=status)
    except TemplateDoesNotExist:
        response = HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
    add_never_cache_headers(response)
    return response
