"""JSON that a document can hold."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import parsers
from rest_framework.exceptions import ParseError

from .fields import MAX_DEPTH, depth_exceeds


class JSONParser(parsers.JSONParser):
    """Django REST framework's, with an answer to JSON that is nested too deeply."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            data = super().parse(*args, **kwargs)
        except RecursionError:
            data = None
            too_deep = True
        else:
            too_deep = depth_exceeds(data, MAX_DEPTH)
        if too_deep:
            raise ParseError(_("Nested more than %d levels deep.") % MAX_DEPTH)
        return data
