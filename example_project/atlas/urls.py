from django.urls import path

from .views import CityDetail, CityList

app_name = "atlas"
urlpatterns = [
    path("", CityList.as_view(), name="cities"),
    path("city/<str:pk>/", CityDetail.as_view(), name="city"),
]
