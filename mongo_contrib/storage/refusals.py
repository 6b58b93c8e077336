"""The answer to a file that a storage does not take: ``handler400`` of a URLconf."""

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.defaults import bad_request as djangos

from .exceptions import FileRefused

__all__ = ["bad_request"]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Status 400 with the sentence of a FileRefused; Django's own page for all else."""
    if isinstance(exception, FileRefused):
        return HttpResponseBadRequest(f"{exception}\n", content_type="text/plain; charset=utf-8")
    return djangos(request, exception)
