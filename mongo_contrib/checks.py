"""System checks of the engine and of a project's set-up; each id is explained in docs/checks.md.

Those of document classes are with the documents. Importing this module registers them, but for
the one that takes the place of a check of Django's: the app does so when it is ready.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, Warning, model_checks, register
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from mongo_contrib.conf import conf
from mongo_contrib.db import is_mongo
from mongo_contrib.db.schema.planning import declarations
from mongo_contrib.db.validation import named

ROUTER = "mongo_contrib.routers.DocumentRouter"
# Django's own that are installed for the rest of their apps: nothing here asks for their tables.
REPLACED = frozenset(
    {
        "admin.LogEntry",
        "auth.Group",
        "auth.Permission",
        "contenttypes.ContentType",
        "sessions.Session",
    }
)

ROUTER_HINT = f'Add it to the settings: DATABASE_ROUTERS = ["{ROUTER}"]'


def mongo_aliases() -> list[str]:
    return [alias for alias in connections if is_mongo(alias)]


def replace_model_checks() -> None:
    """Let our `check_all_models()` stand in for Django's, which would be asked beside it."""
    registry.registered_checks.discard(model_checks.check_all_models)
    register(check_all_models, Tags.models)


def check_all_models(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Django's checks of models; names of indexes need to differ only within a collection."""
    found = model_checks.check_all_models(app_configs, **kwargs)
    configs = apps.get_app_configs() if app_configs is None else app_configs
    models = {model._meta.label: model for config in configs for model in config.get_models()}
    return [message for message in found if not _names_differ(message, models)]


def _names_differ(message: CheckMessage, models: dict[str, Any]) -> bool:
    """Tell whether an index's or a constraint's name is used in different collections only."""
    if message.id not in ("models.E030", "models.E032"):
        return False
    labels = message.msg.rpartition(": ")[2].rstrip(".").split(", ")
    users = [models[label] for label in labels]
    # Those of embedded classes have the names of their places before them.
    documents = [model._meta.db_table for model in users if is_document(model)]
    others = [model for model in users if not (is_document(model) or embedded(model))]
    return len(others) < 2 and len(documents) == len(set(documents))


@register()
def check_databases_setting(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Every entry of DATABASES that is MongoDB can be understood, without asking a server."""
    problems: list[CheckMessage] = []
    for alias in mongo_aliases():
        connection = connections[alias]
        try:
            # Parsed when first used; neither connects.
            _ = connection.database_name, connection.server
        except ImproperlyConfigured as exc:
            problems.append(Error(str(exc), id="mongo_contrib.E001"))
    return problems


@register()
def check_settings(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The core's own settings are what they must be."""
    try:
        _ = conf.trusted_proxies
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="mongo_contrib.E008")]
    return []


@register()
def check_router(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Django is told which models are documents, and sends no others to MongoDB."""
    problems: list[CheckMessage] = []
    aliases = mongo_aliases()
    models = [model for model in apps.get_models() if not embedded(model)]
    for alias in aliases:
        strays = [
            model._meta.label
            for model in models
            if not is_document(model)
            and model._meta.can_migrate(alias)
            and router.allow_migrate_model(alias, model)
        ]
        if strays:
            problems.append(
                Error(
                    f"DATABASES[{alias!r}] is MongoDB, but Django would look for tables of SQL "
                    f"models in it: {named(strays)}.",
                    hint=ROUTER_HINT,
                    id="mongo_contrib.E002",
                )
            )
    elsewhere = [
        model._meta.label
        for model in models
        # The router has no alias to name where none is MongoDB.
        if is_document(model) and not (aliases and is_mongo(router.db_for_write(model)))
    ]
    if elsewhere:
        found = (
            "would be stored in an SQL database"
            if aliases
            else "cannot be stored, as no entry of DATABASES is MongoDB"
        )
        problems.append(
            Error(
                f"Documents {found}: {named(elsewhere)}.",
                hint=ROUTER_HINT if aliases else 'Add one with the ENGINE "mongo_contrib.db".',
                id="mongo_contrib.E003",
            )
        )
    return problems


@register()
def check_sql_models(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Where there is no SQL database, no model needs one."""
    if not mongo_aliases() or not all(is_mongo(alias) for alias in connections):
        return []
    return [
        Warning(
            f"{model._meta.label} is an SQL model, but every entry of DATABASES is MongoDB, so "
            f"it has no table.",
            hint="Derive it from mongo_contrib.documents.Document in place of models.Model, or "
            "add an SQL database to DATABASES.",
            obj=model,
            id="mongo_contrib.W004",
        )
        for model in apps.get_models()
        if not is_document(model)
        and not embedded(model)
        and model._meta.label not in REPLACED
        and not (model._meta.proxy or not model._meta.managed or model._meta.swapped)
    ]


@register()
def check_collections(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """No two document classes or apps write to one collection."""
    problems: list[CheckMessage] = []
    for alias in mongo_aliases():
        sources: defaultdict[str, list[str]] = defaultdict(list)
        try:
            specs = list(declarations(alias))
        except ImproperlyConfigured:
            continue  # a check of the app itself tells its wrong setting
        for spec in specs:
            if spec.source not in sources[spec.name]:
                sources[spec.name].append(spec.source)
        for name, both in sources.items():
            if len(both) > 1:
                problems.append(
                    Error(
                        f"The collection {name!r} of {alias!r} is declared more than once: by "
                        f"{' and '.join(both)}.",
                        hint="Give each a Meta.db_table of its own, or make one a proxy of the "
                        "other.",
                        id="mongo_contrib.E004",
                    )
                )
    return problems


@register()
def check_references(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """No table of an SQL database refers to documents."""
    sql_aliases = [alias for alias in connections if not is_mongo(alias)]
    return [
        Error(
            f"{field} is a reference from an SQL model to the document "
            f"{field.remote_field.model._meta.label}.",
            hint="Make the model a Document too, or keep the id in a plain CharField.",
            obj=field,
            id="mongo_contrib.E005",
        )
        for model in apps.get_models(include_auto_created=True)
        if not is_document(model)
        and any(
            model._meta.can_migrate(alias) and router.allow_migrate_model(alias, model)
            for alias in sql_aliases
        )
        for field in model._meta.local_fields
        if is_document(getattr(field.remote_field, "model", None))
    ]


def is_document(model: Any) -> bool:
    return bool(getattr(model, "_is_document", False))


def embedded(model: Any) -> bool:
    return bool(getattr(model, "_is_embedded", False))
