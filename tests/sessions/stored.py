"""What sessions hold, and what is stored of them."""

from django.contrib.auth import SESSION_KEY

LOGGED_IN = {SESSION_KEY: "42"}


def live(sessions):
    return list(sessions.find({"to": {"$exists": False}}))
