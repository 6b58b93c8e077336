import os
import secrets

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from atlas.geonames import Selection
from mongo_contrib.db import get_connection
from mongo_contrib.test.server import describe_server

NAME = "admin"


class Command(BaseCommand):
    help = "Atlas from nothing: migrate, load the data, make a superuser and serve, until Ctrl-C."

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--all",
            action="store_const",
            dest="selection",
            const=Selection.ALL,
            help=f"load all {Selection.ALL.value}, about 235,000",
        )

    def handle(self, *, port, selection, **options):
        self.stdout.write(f"Server: {describe_server(get_connection())}")
        call_command("migrate")
        call_command("load_atlas", selection=selection)
        password = self.ensure_superuser()
        self.stdout.write(
            f"\nAtlas:  http://127.0.0.1:{port}/\n"
            f"Admin:  http://127.0.0.1:{port}/admin/   name: {NAME}   password: {password}\n"
            f"API:    http://127.0.0.1:{port}/api/\n"
        )
        self.stdout.flush()
        # No reloader: one process, so that Ctrl-C ends all there is.
        call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)

    def ensure_superuser(self):
        """Create the superuser unless there is one, and return what to say for the password."""
        users = get_user_model().objects
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD") or kept_password()
        user = users.filter(username=NAME).first()
        if user is None:
            users.create_superuser(NAME, "admin@example.com", password)
        elif not user.check_password(password):
            return f"the one you chose (a new one: manage.py changepassword {NAME})"
        return password


def kept_password():
    """Return the password generated at the first run; it is kept beside the data."""
    path = settings.DATA_DIR / "admin-password.txt"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        password = secrets.token_urlsafe(9)
        path.touch(mode=0o600)
        path.write_text(password + "\n")
        return password
