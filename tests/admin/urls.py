from django.urls import path

from .sites import site

urlpatterns = [path("admin/", site.urls)]
