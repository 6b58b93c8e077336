"""View sets over documents."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError
from django.db.models import ProtectedError, RestrictedError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, parsers, status, viewsets
from rest_framework.pagination import PageNumberPagination
from rest_framework.serializers import as_serializer_error
from rest_framework.settings import api_settings

from mongo_contrib.exceptions import DuplicateKeyError, QueryTimeout

from .conf import conf
from .pagination import bounded
from .parsers import JSONParser
from .serializers import DocumentSerializer


class Conflict(exceptions.APIException):
    """What is asked for contradicts other documents."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("Other documents refer to this one.")
    default_code = "conflict"


class TooSlow(exceptions.APIException):
    """The server gave up on a query."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("This takes too long; ask for less.")
    default_code = "too_slow"


class DocumentViewSet(viewsets.ModelViewSet):
    """A `ModelViewSet` over documents.

    Needs no more than a `queryset`: without a `serializer_class` all fields are served.
    Pages and the time that the server may spend on a query are bounded.
    """

    pagination_class = api_settings.DEFAULT_PAGINATION_CLASS or PageNumberPagination
    filterset_fields: Any = None

    @classmethod
    def of(cls, document: Any, **attributes: Any) -> type[DocumentViewSet]:
        """Return a view set of all documents of a class, with these attributes."""
        return type(
            f"{document.__name__}ViewSet",
            (cls,),
            {
                "__module__": document.__module__,
                "__doc__": None,
                "queryset": document._default_manager.all(),
                **attributes,
            },
        )

    def get_serializer_class(self) -> Any:
        if self.serializer_class is not None:
            return self.serializer_class
        document = self.get_queryset().model

        class Serializer(DocumentSerializer):
            class Meta:
                model = document
                fields = "__all__"

        return Serializer

    @property
    def filterset_class(self) -> Any:
        """What django-filter makes of `filterset_fields`; a class of your own replaces it."""
        if not self.filterset_fields:
            return None
        from django_filters.filterset import filterset_factory

        from .filters import DocumentFilterSet

        return filterset_factory(
            self.get_queryset().model, filterset=DocumentFilterSet, fields=self.filterset_fields
        )

    @property
    def max_time_ms(self) -> int | None:
        """How many milliseconds the server may spend on one query of this view."""
        return conf.max_time_ms

    @property
    def paginator(self) -> Any:
        return bounded(super().paginator)

    def filter_queryset(self, queryset: Any) -> Any:
        queryset = super().filter_queryset(queryset)
        if not queryset.ordered:
            # Pages of an unordered set may overlap; by the key they never do.
            queryset = queryset.order_by("pk")
        if self.max_time_ms is not None and queryset.query.max_time_ms is None:
            queryset = queryset.max_time_ms(self.max_time_ms)
        return queryset

    def paginate_queryset(self, queryset: Any) -> Any:
        try:
            return super().paginate_queryset(queryset)
        except (TypeError, ValueError, DataError, DjangoValidationError) as error:
            # Where a cursor stands is the one value that nothing has validated before.
            cursor = getattr(self.paginator, "cursor", None)
            if cursor is None or cursor.position is None:
                raise
            raise exceptions.NotFound(self.paginator.invalid_cursor_message) from error

    def get_parsers(self) -> list[Any]:
        # Django REST framework's parser answers 500 to what is nested too deeply.
        return [
            JSONParser() if type(parser) is parsers.JSONParser else parser
            for parser in super().get_parsers()
        ]

    def handle_exception(self, exc: Exception) -> Any:
        """Answer what documents add to the ways in which a request can be wrong."""
        if isinstance(exc, DjangoValidationError):
            exc = exceptions.ValidationError(as_serializer_error(exc))
        elif isinstance(exc, DataError):
            exc = exceptions.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [str(exc)]})
        elif isinstance(exc, ProtectedError | RestrictedError):
            exc = Conflict(exc.args[0])
        elif isinstance(exc, DuplicateKeyError):
            # Of another collection than the serializer's, which answers for its own.
            exc = Conflict(_("Such a document already exists."))
        elif isinstance(exc, QueryTimeout):
            exc = TooSlow()
        return super().handle_exception(exc)
