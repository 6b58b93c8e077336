from django.urls import path

from .sites import lean, site

urlpatterns = [path("admin/", site.urls), path("lean/", lean.urls)]
