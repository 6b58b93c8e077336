"""Django settings of our suite: MongoDB alone, as on the sites that we are made for."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The example's app is tested here too, also in processes that tests start.
sys.path.append(str(ROOT / "example_project"))

SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# MONGO_TEST_NAME keeps runs apart that share a server.
NAME = os.environ.get("MONGO_TEST_NAME", "mongo_contrib")

DATABASES = {
    "default": {
        "ENGINE": "mongo_contrib.db",
        "HOST": os.environ.get("MONGODB_URI") or f"embedded:{ROOT / 'var' / 'test-mongodb'}",
        "NAME": NAME,
        "OPTIONS": {},
        "TEST": {"NAME": f"test_{NAME}"},
    }
}
DATABASE_ROUTERS = ["mongo_contrib.routers.DocumentRouter"]

INSTALLED_APPS = [
    "mongo_contrib",
    "mongo_contrib.auth",
    "mongo_contrib.sessions",
    "mongo_contrib.storage",
    "mongo_contrib.admin",
    "mongo_contrib.rest",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.admin",
    "rest_framework",
    "django_filters",
    "tests.testapp",
    "tests.auth.people",
    "tests.admin.shop",
    "atlas",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mongo_contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTH_USER_MODEL = "mongo_auth.User"
AUTHENTICATION_BACKENDS = ["mongo_contrib.auth.backends.MongoBackend"]
# Django 6.1 warns where it is missing; earlier ones know nothing of it.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
SESSION_ENGINE = "mongo_contrib.sessions.backends.mongo"
