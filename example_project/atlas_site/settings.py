"""Settings of Atlas: a Django site whose only database is MongoDB. Made to be copied.

The environment decides what differs between machines:

MONGODB_URI         the server; without it one is started for you, its data under var/
MONGODB_NAME        the database, "atlas" if not given
DJANGO_DEBUG        "0" on a server that others can reach
DJANGO_SECRET_KEY   needed then
DJANGO_HOSTS        the host names it answers to, separated by commas
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
# Data of this machine: the embedded server's files and the generated admin password.
DATA_DIR = Path(os.environ.get("ATLAS_DATA_DIR") or BASE_DIR.parent / "var").absolute()

DEBUG = os.environ.get("DJANGO_DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or ("only for development" if DEBUG else "")
ALLOWED_HOSTS = [host for host in os.environ.get("DJANGO_HOSTS", "").split(",") if host]

DATABASES = {
    "default": {
        "ENGINE": "mongo_contrib.db",
        "HOST": os.environ.get("MONGODB_URI") or f"embedded:{DATA_DIR / 'mongodb'}",
        "NAME": os.environ.get("MONGODB_NAME") or "atlas",
    }
}
# Keeps the SQL models of Django's own apps from looking for tables in MongoDB.
DATABASE_ROUTERS = ["mongo_contrib.routers.DocumentRouter"]

INSTALLED_APPS = [
    "atlas",
    "mongo_contrib",
    "mongo_contrib.auth",
    "mongo_contrib.sessions",
    "mongo_contrib.storage",
    "mongo_contrib.admin",
    "mongo_contrib.rest",
    "rest_framework",
    "django_filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mongo_contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# Users, sessions and files live in MongoDB too.
AUTH_USER_MODEL = "mongo_auth.User"
AUTHENTICATION_BACKENDS = ["mongo_contrib.auth.backends.MongoBackend"]
SESSION_ENGINE = "mongo_contrib.sessions.backends.mongo"
STORAGES = {
    "default": {
        "BACKEND": "mongo_contrib.storage.GridFSStorage",
        # Made when somebody first asks for them; the admin's lists use the small ones.
        "OPTIONS": {"thumbnails": {"small": (160, 160), "page": (1200, 900)}},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.DjangoModelPermissionsOrAnonReadOnly"
    ],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.SearchFilter",
        "rest_framework.filters.OrderingFilter",
    ],
    "PAGE_SIZE": 50,
}

ROOT_URLCONF = "atlas_site.urls"
WSGI_APPLICATION = "atlas_site.wsgi.application"
ASGI_APPLICATION = "atlas_site.asgi.application"

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

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
MEDIA_URL = "/files/"
LOGIN_URL = "admin:login"
