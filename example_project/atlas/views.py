"""The public pages: stock generic views over documents."""

import math

from django.views.generic import DetailView, ListView

from .forms import SearchForm
from .models import City
from .pagination import BoundedPaginator

# No page may keep the server busy for longer. Generous, for the embedded servers' sake: on a
# MongoDB each of these queries reads no more than a page through an index.
PATIENCE_MS = 20_000


class CityList(ListView):
    model = City
    paginate_by = 50
    paginator_class = BoundedPaginator

    def get_queryset(self):
        cities = City.objects.select_related("country").defer("notes", "search_terms")
        self.form = SearchForm(self.request.GET)
        if not self.form.is_valid():
            return cities.none()
        if self.form.cleaned_data["q"]:
            cities = cities.search(self.form.cleaned_data["q"])
        if self.form.cleaned_data["country"]:
            cities = cities.filter(country=self.form.cleaned_data["country"])
        return cities.max_time_ms(PATIENCE_MS)

    def get_context_data(self, **kwargs):
        context = super().get_context_data(form=self.form, **kwargs)
        if text := self.form.cleaned_data.get("q"):
            for city in context["page_obj"]:
                city.other_name = city.found_as(text)
        return context


class CityDetail(DetailView):
    model = City
    queryset = City.objects.select_related("country").prefetch_related("photos")

    def get_context_data(self, **kwargs):
        return super().get_context_data(nearby=nearby(self.object), **kwargs)


def nearby(city, *, km=100, limit=8):
    """Return `[(kilometres, city), ...]` for the largest cities around, the nearest first."""
    around = (
        City.objects.around(city.location, km=km)
        .exclude(pk=city.pk)
        .only("name", "location", "statistics")
        .max_time_ms(PATIENCE_MS)[:limit]
    )
    return sorted(
        ((distance_km(city.location, other.location), other) for other in around),
        key=lambda pair: pair[0],
    )


def distance_km(start, end):
    """Return the great-circle distance between two points (longitude, latitude)."""
    (lon1, lat1), (lon2, lat2) = ([math.radians(angle) for angle in p] for p in (start, end))
    haversine = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371 * math.asin(math.sqrt(haversine))
