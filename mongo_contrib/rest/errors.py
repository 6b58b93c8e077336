"""Errors of stored data, as answers."""

from __future__ import annotations

from rest_framework import status
from rest_framework.exceptions import APIException


class Unreadable(APIException):
    """A stored value is none of its field; the answer says which, of which document."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "unreadable"
