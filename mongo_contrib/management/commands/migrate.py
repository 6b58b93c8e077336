from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, no_translations
from django.core.management.commands.migrate import Command as DjangoCommand
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import DatabaseError, connections
from django.utils.module_loading import module_has_submodule

from mongo_contrib.db import is_mongo
from mongo_contrib.db.schema import Kind, Step, declared, differences, plan
from mongo_contrib.documents.inheritance import families_apart
from mongo_contrib.management.autodetector import Autodetector


class Command(DjangoCommand):
    """Django's migrate for SQL aliases; for MongoDB, creates what apps and documents declare.

    There are no migration files: declared collections, options, validators and indexes are
    compared with the server. Every step is tried, and the failed ones are told at the end. Nothing
    undeclared is dropped, but with --prune, which asks.
    """

    autodetector = Autodetector
    help = (
        "Updates database schema. On MongoDB it creates the collections, indexes and validators "
        "that documents and apps declare; --check and --plan show the differences, --prune drops "
        "indexes, validators and empty collections that nothing declares, after asking."
    )

    def get_check_kwargs(self, options: dict[str, Any]) -> dict[str, Any]:
        """See the base class; without checks of a server whose schema is about to change."""
        kwargs = super().get_check_kwargs(options)
        if is_mongo(options["database"]):
            del kwargs["databases"]
        return kwargs

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        if is_mongo(options["database"]):
            try:
                self.handle_mongo(**options)
            except (DatabaseError, ImproperlyConfigured) as exc:
                raise CommandError(str(exc)) from exc
        else:
            with families_apart():
                super().handle(*args, **options)

    def handle_mongo(self, **options: Any) -> None:
        """Compare the database of a MongoDB alias with what is declared, and bring it there."""
        self.verbosity = options["verbosity"]
        self.interactive = options["interactive"]
        self.alias = options["database"]
        self.refuse_meaningless(options)
        specs = declared(self.alias)
        label = options["app_label"]
        if label:
            specs = [spec for spec in specs if label in spec.app_labels]
            if not specs:
                raise CommandError(f"App {label!r} declares no collections on {self.alias!r}.")
        steps = plan(connections[self.alias], specs, undeclared=not label, prune=options["prune"])
        if options["plan"] or options["check_unapplied"]:
            self.show(steps, quiet=not options["plan"] and self.verbosity < 1)
            if options["check_unapplied"] and differences(steps):
                sys.exit(1)
            return
        self.agree([step for step in steps if step.drops])
        self.synchronize(specs, steps)

    def agree(self, drops: list[Step]) -> None:
        """Show what is to be dropped and ask; CommandError unless the answer is yes."""
        if not drops:
            return
        self.write("Nothing declares these, and --prune drops them:", self.style.WARNING)
        for step in drops:
            self.show_step(step)
        if self.interactive and input("Drop them? Type 'yes' to continue: ") != "yes":
            raise CommandError("Nothing was dropped, and nothing else was changed.")

    def refuse_meaningless(self, options: dict[str, Any]) -> None:
        """Say so where an argument of Django's migrate has no meaning for MongoDB.

        --fake-initial and --run-syncdb describe what happens anyway: existing collections are
        adopted, and no app needs migrations.
        """
        if options["app_label"]:
            try:
                apps.get_app_config(options["app_label"])
            except LookupError as exc:
                raise CommandError(str(exc)) from exc
        given = {
            f"a migration name ({options['migration_name']!r})": options["migration_name"],
            "--fake": options["fake"],
        }
        for argument, value in given.items():
            if value:
                raise CommandError(
                    f"{argument} has no meaning for DATABASES[{self.alias!r}], which is MongoDB: "
                    "it has no migrations, only collections and indexes to be compared; "
                    "run migrate without it."
                )

    def show(self, steps: list[Step], quiet: bool) -> None:
        if quiet:
            return
        self.stdout.write("Planned operations:", self.style.MIGRATE_LABEL)
        for step in steps:
            self.show_step(step)
        if not differences(steps):
            self.stdout.write("  No planned operations: everything is as declared.")

    def show_step(self, step: Step) -> None:
        """Write one step and, below it, what goes and what comes."""
        self.stdout.write(f"  {self.line(step)}", self.style_of(step))
        for line in step.details():
            style = self.style.ERROR if line.startswith("-") else self.style.SUCCESS
            self.stdout.write(f"      {line}", style)

    def synchronize(self, specs: list[Any], steps: list[Step]) -> None:
        """Send Django's signals, and between them apply the steps, one line for each."""
        # As Django does: receivers of the signals are registered there.
        for app_config in apps.get_app_configs():
            if module_has_submodule(app_config.module, "management"):
                import_module(".management", app_config.name)
        signal = {"stdout": self.stdout, "apps": apps, "plan": []}
        self.write("Operations to perform:", self.style.MIGRATE_HEADING)
        self.write(
            self.style.MIGRATE_LABEL("  Compare collections and indexes: ")
            + f"{len(specs)} declared on {self.alias!r}"
        )
        emit_pre_migrate_signal(self.verbosity, self.interactive, self.alias, **signal)
        self.write("Running operations:", self.style.MIGRATE_HEADING)
        failures = self.apply(steps)
        if not differences(steps):
            self.write("  No operations to apply.")
        emit_post_migrate_signal(self.verbosity, self.interactive, self.alias, **signal)
        if failures:
            raise CommandError(
                f"{failures} of {len(differences(steps))} operations failed, see above. "
                "Nothing was lost; run migrate again when the cause is gone."
            )

    def apply(self, steps: list[Step]) -> int:
        """Apply every step, also after one that failed; return how many failed."""
        failures = 0
        for step in steps:
            if step.kind is Kind.CHANGE:
                self.write(f"  {step.describe()}...", ending="")
                step.report = self.progress
                try:
                    step.apply()
                except DatabaseError as exc:
                    failures += 1
                    self.write(" FAILED", self.style.ERROR)
                    self.stderr.write(f"    {exc}")
                else:
                    self.write(" OK", self.style.SUCCESS)
            elif step.kind is Kind.ERROR:
                failures += 1
                self.stderr.write(f"  {self.line(step)}")
            elif step.kind is Kind.WARNING or self.verbosity >= 2:
                self.write(f"  {self.line(step)}", self.style_of(step))
        return failures

    def progress(self, text: str) -> None:
        """Say what takes long, on the line of its step."""
        self.write(f" ({text})", ending="")

    def line(self, step: Step) -> str:
        return step.describe() if step.kind is Kind.CHANGE else f"{step.kind}: {step.describe()}"

    def style_of(self, step: Step) -> Any:
        return {Kind.WARNING: self.style.WARNING, Kind.ERROR: self.style.ERROR}.get(step.kind)

    def write(self, text: str, style: Any = None, ending: str | None = None) -> None:
        if self.verbosity >= 1:
            self.stdout.write(text, style, ending)
            self.stdout.flush()
