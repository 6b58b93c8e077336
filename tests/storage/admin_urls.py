"""The admin as it comes, the stock admin's site, and the files themselves."""

from django.contrib import admin
from django.urls import include, path

from mongo_contrib.storage.admin import FileDocumentAdmin
from mongo_contrib.storage.models import FileDocument

stock = admin.AdminSite(name="stock")
stock.register(FileDocument, FileDocumentAdmin)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("stock/", stock.urls),
    path("media/", include("mongo_contrib.storage.urls")),
]
