"""Django's clearsessions, without `django.contrib.sessions` (an SQL model) being installed."""

from django.contrib.sessions.management.commands.clearsessions import Command

__all__ = ["Command"]
