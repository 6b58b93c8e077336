"""The API at /api/: anyone may read, and who may write is what the admin says too."""

from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.filters import OrderingFilter, SearchFilter

from mongo_contrib.rest import DocumentSerializer, DocumentViewSet, MongoRouter

from .models import City, Country, Photo, fold


class CitySerializer(DocumentSerializer):
    class Meta:
        model = City
        exclude = ["search_terms"]


class NameSearch(SearchFilter):
    """Finds "Munchen" and "münchen" alike, as the public page does."""

    def get_search_terms(self, request):
        return [fold(term) for term in super().get_search_terms(request)]


class CityViewSet(DocumentViewSet):
    queryset = City.objects.all()
    serializer_class = CitySerializer
    filter_backends = [DjangoFilterBackend, NameSearch, OrderingFilter]
    filterset_fields = {
        "country": ["exact"],
        "timezone": ["exact"],
        "statistics__population": ["gte", "lte"],
    }
    search_fields = ["^search_terms"]
    ordering_fields = ["name", "statistics__population"]


router = MongoRouter()
router.register("cities", CityViewSet)
# Where nothing is special a document class is enough.
router.register(
    "countries",
    Country,
    filterset_fields=["continent", "currency"],
    search_fields=["name"],
    ordering_fields=["name", "population", "area_km2"],
)
router.register("photos", Photo, filterset_fields=["city"])
