"""The API at /api/: anyone may read, and who may write is what the admin says too."""

from mongo_contrib.rest import DocumentSerializer, DocumentViewSet, MongoRouter

from .models import City, Country, Photo


class CitySerializer(DocumentSerializer):
    class Meta:
        model = City
        exclude = ["search_terms"]


class CountryViewSet(DocumentViewSet):
    queryset = Country.objects.all()
    filterset_fields = ["continent", "currency"]
    search_fields = ["name"]
    ordering_fields = ["name", "population", "area_km2"]


class CityViewSet(DocumentViewSet):
    queryset = City.objects.all()
    serializer_class = CitySerializer
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
