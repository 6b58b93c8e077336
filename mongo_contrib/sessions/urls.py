"""``path("account/sessions/", include("mongo_contrib.sessions.urls"))``: a page for each user."""

from django.urls import path

from .views import EndAllSessions, EndOtherSessions, EndSession, SessionList

app_name = "mongo_sessions"

urlpatterns = [
    path("", SessionList.as_view(), name="list"),
    path("end-others/", EndOtherSessions.as_view(), name="end_others"),
    path("end-all/", EndAllSessions.as_view(), name="end_all"),
    path("<str:session_id>/end/", EndSession.as_view(), name="end"),
]
