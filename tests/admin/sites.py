"""The admin that the tests look at; a site of its own, as other tests use the default one."""

from django.contrib import admin

from mongo_contrib.admin import (
    EmbeddedStackedInline,
    EmbeddedTabularInline,
    MongoAdminSite,
    MongoModelAdmin,
)
from mongo_contrib.admin.models import LogEntry

from .shop.models import Label, Maker, Parcel, Part, Product, Rate, Review, Wish

site = MongoAdminSite()

#: The same documents without list filters and inlines, for tests that load many pages.
lean = MongoAdminSite(name="lean")


class ReviewInline(EmbeddedTabularInline):
    model = Review
    extra = 1


class LabelInline(EmbeddedStackedInline):
    model = Label
    field = "labels"
    extra = 0


class PartInline(admin.TabularInline):
    model = Part
    extra = 1


@admin.register(Product, site=site)
class ProductAdmin(MongoModelAdmin):
    list_display = ["name", "kind", "maker", "maker__country", "size__width", "price", "sold"]
    list_editable = ["sold"]
    list_filter = [
        "kind",
        "sold",
        "made",
        "maker",
        ("price", admin.EmptyFieldListFilter),
        "size__width",
        "tags",
        "reviews__author",
        "maker__country",
    ]
    list_select_related = ["maker"]
    list_per_page = 20
    search_fields = ["name", "size__material__name", "reviews__author", "maker__name"]
    date_hierarchy = "made"
    autocomplete_fields = ["maker"]
    inlines = [ReviewInline, LabelInline, PartInline]
    save_as = True


@admin.register(Maker, site=site)
class MakerAdmin(MongoModelAdmin):
    search_fields = ["name", "id__exact"]


@admin.register(Part, site=site)
class PartAdmin(MongoModelAdmin):
    raw_id_fields = ["product"]
    date_hierarchy = None


@admin.register(Parcel, site=site)
class ParcelAdmin(MongoModelAdmin):
    list_display = ["name", "weight", "sent"]
    list_editable = ["weight", "sent"]
    inlines = [ReviewInline]


@admin.register(LogEntry, site=site)
class LogEntryAdmin(MongoModelAdmin):
    list_display = ["__str__", "action_time", "user", "action_flag"]
    list_select_related = ["user"]
    date_hierarchy = "action_time"
    search_fields = ["object_repr"]


# A plain ModelAdmin, as third parties bring them.
site.register([Wish, Rate], admin.ModelAdmin)


@admin.register(Product, site=lean)
class LeanProductAdmin(MongoModelAdmin):
    list_per_page = 20
    search_fields = ["name", "size__material__name"]
