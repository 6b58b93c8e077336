"""Atlas's documents. They are Django models; only where they are kept differs."""

import unicodedata

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from mongo_contrib.documents import (
    Circle,
    Document,
    DocumentManager,
    DocumentQuerySet,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GeoSphereIndex,
    ListField,
    PointField,
)

# Some cities are known under 260 names; the search index needs no more than these.
SEARCH_TERMS = 50


def fold(text):
    """Return `text` as it is searched for: without case, accents and outer blanks."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).strip()


class Country(Document):
    code = models.CharField(max_length=2, primary_key=True, help_text="ISO 3166-1, two letters")
    name = models.CharField(max_length=100)
    continent = models.CharField(
        max_length=2,
        choices={
            "AF": "Africa",
            "AN": "Antarctica",
            "AS": "Asia",
            "EU": "Europe",
            "NA": "North America",
            "OC": "Oceania",
            "SA": "South America",
        },
    )
    capital = models.CharField(max_length=100, blank=True)
    population = models.PositiveBigIntegerField(default=0)
    area_km2 = models.FloatField("area in km²", default=0)
    currency = models.CharField(max_length=3, blank=True)
    languages = ListField(models.CharField(max_length=10), blank=True, default=list)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "countries"
        indexes = [models.Index(fields=["name"])]

    def __str__(self):
        return self.name


class Statistics(EmbeddedDocument):
    """What can be counted about a city, kept inside it."""

    population = models.PositiveBigIntegerField(default=0)
    national_rank = models.PositiveIntegerField(null=True, blank=True)
    national_share = models.FloatField(
        "share of the country in %", null=True, blank=True, help_text="of its population"
    )

    class Meta:
        verbose_name_plural = "statistics"

    def __str__(self):
        return f"{self.population:,} people"


class Note(EmbeddedDocument):
    """A remark about a city; a city's notes are a list inside it, saved with it."""

    text = models.TextField(max_length=2000)
    author = models.CharField(max_length=150, blank=True)
    written = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self):
        return self.text[:60]


class CityQuerySet(DocumentQuerySet):
    def search(self, text):
        """Cities one of whose names begins with `text`; served by an index."""
        folded = fold(text)
        return self.filter(search_terms__startswith=folded) if folded else self

    def around(self, point, *, km):
        """Cities within `km` of a point (longitude, latitude), in no particular order."""
        return self.filter(location__within=Circle(point, km * 1000))


class City(Document):
    name = models.CharField(max_length=200)
    country = models.ForeignKey(
        Country, on_delete=models.PROTECT, related_name="cities", db_index=False
    )
    location = PointField(help_text="longitude, latitude")
    names = ListField(
        models.CharField(max_length=400), verbose_name="other names", blank=True, default=list
    )
    timezone = models.CharField("time zone", max_length=50, blank=True)
    statistics = EmbeddedDocumentField(Statistics, default=Statistics)
    notes = EmbeddedDocumentListField(Note, blank=True, default=list)
    geoname_id = models.PositiveIntegerField(
        "GeoNames id", null=True, blank=True, unique=True, editable=False
    )
    search_terms = ListField(models.CharField(max_length=400), editable=False, default=list)

    objects = DocumentManager.from_queryset(CityQuerySet)()

    class Meta:
        ordering = ["-statistics__population", "name"]
        verbose_name_plural = "cities"
        indexes = [
            models.Index(fields=["-statistics__population", "name"], name="city_by_population"),
            models.Index(fields=["country", "-statistics__population"], name="city_by_country"),
            models.Index(fields=["search_terms"], name="city_search"),
            GeoSphereIndex(fields=["location"], name="city_location"),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("atlas:city", args=[self.pk])

    def save(self, *args, **kwargs):
        self.set_search_terms()
        super().save(*args, **kwargs)

    def found_as(self, text):
        """Return the other name by which `search(text)` finds this city, "" if by its own."""
        if fold(self.name).startswith(fold(text)):
            return ""
        return next((name for name in self.names if fold(name).startswith(fold(text))), "")

    def set_search_terms(self):
        """Derive what `search()` looks at from the city's names."""
        terms = dict.fromkeys(fold(name) for name in [self.name, *self.names])
        self.search_terms = [term for term in terms if term][:SEARCH_TERMS]


class Photo(Document):
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="photos", db_index=False)
    image = models.FileField(upload_to="photos/%Y/")
    caption = models.CharField(max_length=200, help_text="What can be seen, in a few words.")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    uploaded = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["uploaded"]
        indexes = [models.Index(fields=["city", "uploaded"], name="photo_by_city")]

    def __str__(self):
        return self.caption

    @property
    def page_url(self):
        """The photo as large as a page shows it; as it was uploaded, it is at `image.url`."""
        return self.image.storage.thumbnail_url(self.image.name, "page")


class Import(Document):
    """One finished step of `load_atlas`: what was deleted since then stays deleted."""

    name = models.CharField(max_length=20, primary_key=True)
    finished = models.DateTimeField(default=timezone.now)
    count = models.PositiveIntegerField(default=0)

    def __str__(self):
        return self.name
