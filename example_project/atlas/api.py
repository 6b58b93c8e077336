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


class CountryViewSet(DocumentViewSet):
    queryset = Country.objects.all()
    filterset_fields = ["continent", "currency"]
    search_fields = ["name"]
    ordering_fields = ["name", "population", "area_km2"]


class CityViewSet(DocumentViewSet):
    queryset = City.objects.all()
    serializer_class = CitySerializer
    filter_backends = [DjangoFilterBackend, NameSearch, OrderingFilter]
    filterset_fields = ["country", "timezone"]
    search_fields = ["^search_terms"]
    ordering_fields = ["name", "statistics__population"]


class PhotoViewSet(DocumentViewSet):
    queryset = Photo.objects.all()
    filterset_fields = ["city"]


router = MongoRouter()
router.register("countries", CountryViewSet)
router.register("cities", CityViewSet)
router.register("photos", PhotoViewSet)
