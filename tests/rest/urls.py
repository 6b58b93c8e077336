"""An API over the documents of the tests."""

from django_filters import FilterSet, ModelChoiceFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.pagination import CursorPagination, LimitOffsetPagination
from rest_framework.permissions import (
    DjangoModelPermissions,
    DjangoModelPermissionsOrAnonReadOnly,
)

from mongo_contrib.rest import (
    DocumentSerializer,
    HyperlinkedDocumentSerializer,
    MongoRouter,
)
from tests.testapp.models import Author, Book, Every, Loan, Publisher, Ticket

FILTERS = [DjangoFilterBackend, SearchFilter, OrderingFilter]


class BookFilters(FilterSet):
    """Stock django-filter, as a project has it already."""

    writer = ModelChoiceFilter(field_name="author", queryset=Author.objects.all())

    class Meta:
        model = Book
        fields = {"pages": ["gte", "lt"], "title": ["icontains"], "author__name": ["exact"]}


class CityOfPublisher(DocumentSerializer):
    """A path into an embedded document, and an embedded document in part."""

    city = serializers.CharField(source="home.city")

    class Meta:
        model = Publisher
        fields = ["name", "city"]


class Linked(HyperlinkedDocumentSerializer):
    class Meta:
        model = Book
        fields = ["url", "title", "author"]


class Pages(LimitOffsetPagination):
    default_limit = 3


class Cursors(CursorPagination):
    ordering = "-pages"
    page_size = 3


router = MongoRouter()
router.register("authors", Author, filter_backends=FILTERS, search_fields=["books__title"])
router.register(
    "books",
    Book,
    filter_backends=FILTERS,
    filterset_fields={
        "author": ["exact", "isnull"],
        "id": ["exact", "in"],
        "pages": ["exact", "gt", "range"],
        "published": ["exact", "year"],
        "tags": ["exact", "icontains"],
        "remarks__author": ["exact"],
        "remarks__address__city": ["startswith"],
    },
    search_fields=["title", "=author__name", "^tags", "$remarks__author"],
    ordering_fields=["title", "pages"],
)
router.register("publishers", Publisher)
router.register("every", Every)
router.register("tickets", Ticket)
router.register("loans", Loan)
router.register(
    "filtered", Book, basename="filtered", filter_backends=FILTERS, filterset_class=BookFilters
)
router.register("cities", Publisher, basename="cities", serializer_class=CityOfPublisher)
router.register("linked", Book, basename="linked", serializer_class=Linked)
router.register("slices", Book, basename="slices", pagination_class=Pages)
router.register("cursors", Book, basename="cursors", pagination_class=Cursors)
router.register("guarded", Author, basename="guarded", permission_classes=[DjangoModelPermissions])
router.register(
    "readable",
    Author,
    basename="readable",
    permission_classes=[DjangoModelPermissionsOrAnonReadOnly],
)


urlpatterns = router.urls
