from django.contrib import admin

from mongo_contrib.admin import EmbeddedTabularInline, MongoModelAdmin
from mongo_contrib.storage.file_inputs import FilePreviewMixin
from mongo_contrib.storage.tus.admin import ResumableUploadsMixin

from .models import City, Country, Note, Photo, fold

admin.site.site_header = admin.site.site_title = "Atlas"


class SizeFilter(admin.SimpleListFilter):
    title = "size"
    parameter_name = "over"

    def lookups(self, request, model_admin):
        return [(str(people), f"over {people:,}") for people in (100_000, 1_000_000, 10_000_000)]

    def queryset(self, request, queryset):
        if self.value() in dict(self.lookup_choices):
            return queryset.filter(statistics__population__gt=int(self.value()))
        return queryset


class NoteInline(EmbeddedTabularInline):
    model = Note
    extra = 1


class PhotoInline(FilePreviewMixin, ResumableUploadsMixin, admin.TabularInline):
    model = Photo
    extra = 1


@admin.register(Country)
class CountryAdmin(MongoModelAdmin):
    list_display = ["name", "code", "continent", "capital", "population"]
    list_filter = ["continent"]
    search_fields = ["name", "code"]


@admin.register(City)
class CityAdmin(MongoModelAdmin):
    list_display = ["name", "country", "population", "timezone"]
    list_filter = ["country__continent", SizeFilter]
    list_select_related = ["country"]
    search_fields = ["search_terms__startswith"]
    autocomplete_fields = ["country"]
    inlines = [PhotoInline, NoteInline]
    show_full_result_count = False

    def get_search_results(self, request, queryset, search_term):
        return super().get_search_results(request, queryset, fold(search_term))

    @admin.display(description="people", ordering="statistics__population")
    def population(self, city):
        return city.statistics.population


@admin.register(Photo)
class PhotoAdmin(FilePreviewMixin, ResumableUploadsMixin, MongoModelAdmin):
    list_display = ["caption", "city", "uploaded"]
    list_select_related = ["city"]
    autocomplete_fields = ["city"]
    date_hierarchy = "uploaded"
