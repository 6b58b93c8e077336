"""Django's own commands over our users."""

import builtins
import getpass
import io

import pytest
from django.core.management import CommandError, call_command

from mongo_contrib.auth.models import User
from tests.auth.people.models import Employee, Person

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def typed(monkeypatch):
    """`typed(names=[...], passwords=[...])` is what somebody answers to the questions."""

    def typed(names=(), passwords=()):
        names, passwords = iter(names), iter(passwords)
        monkeypatch.setattr(builtins, "input", lambda prompt="": next(names))
        monkeypatch.setattr(getpass, "getpass", lambda prompt="": next(passwords))

    return typed


def run(name, *args, **options):
    out, err = io.StringIO(), io.StringIO()
    call_command(name, *args, stdout=out, stderr=err, **options)
    return out.getvalue() + err.getvalue()


def test_createsuperuser_without_questions(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "pw")
    options = {"interactive": False, "username": "Root", "email": "root@X.org"}
    assert "created successfully" in run("createsuperuser", **options)
    root = User.objects.get(username="root")
    assert root.is_superuser and root.is_staff and root.check_password("pw")
    assert root.email == "root@x.org"
    with pytest.raises(CommandError, match="That username is already taken"):
        run("createsuperuser", **options | {"username": "ROOT"})
    with pytest.raises(CommandError, match="--email with --noinput"):
        run("createsuperuser", interactive=False, username="other")
    assert User.objects.count() == 1


def test_createsuperuser_with_questions(ann, typed, settings):
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
    ]
    typed(
        names=["ANN", "with blanks", "Root", "no address", "root@x.org", "n"],
        passwords=["one", "another", "", "", "short", "short", "long enough", "long enough"],
    )
    output = run("createsuperuser", stdin=Terminal())
    for message in (
        "That username is already taken",
        "Enter a valid username",
        "Enter a valid email",
        "didn't match",
        "Blank passwords",
        "too short",
        "created successfully",
    ):
        assert message in output
    assert User.objects.get(username="root").check_password("long enough")


def test_createsuperuser_outside_a_terminal():
    assert "not running in a TTY" in run("createsuperuser", stdin=io.StringIO())


def test_changepassword(ann, typed):
    typed(passwords=["one", "another", "new", "new"])
    output = run("changepassword", "ANN")
    assert "do not match" in output and "changed successfully for user 'Ann'" in output
    assert User.objects.get(pk=ann.pk).check_password("new")
    with pytest.raises(CommandError, match="'Bob' does not exist"):
        run("changepassword", "Bob")


def test_createsuperuser_as_deployments_call_it(manage):
    environment = {
        "DJANGO_SUPERUSER_USERNAME": "Deployer",
        "DJANGO_SUPERUSER_EMAIL": "d@x.org",
        "DJANGO_SUPERUSER_PASSWORD": "pw",
    }
    done = manage("createsuperuser", "--noinput", **environment)
    assert (done.code, done.output.strip()) == (0, "Superuser created successfully.")
    assert User.objects.get(username="deployer").check_password("pw")
    again = manage("createsuperuser", "--noinput", **environment)
    assert again.code == 1 and "already taken" in again.output


@pytest.mark.parametrize(
    ("user_class", "arguments"),
    [
        (Person, ["--email", "Ann@x.org", "--born", "2000-01-01"]),
        (Employee, ["--username", "Ann", "--email", "Ann@x.org"]),
    ],
)
def test_a_user_class_of_ones_own(manage, user_class, arguments):
    own = {"settings": "tests.auth.settings_own", "OWN_USER": user_class._meta.label}
    checked = manage("check", "--fail-level", "WARNING", **own)
    assert checked.code == 0, checked.output
    done = manage("createsuperuser", "--noinput", *arguments, **own)
    assert done.code == 0, done.output
    assert user_class.objects.get().is_superuser


def test_migrate_makes_no_permissions(connection, manage):
    """Django makes them after each migration, where there is a table for them."""
    done = manage("migrate")
    assert done.code == 0, done.output
    names = connection.introspection.table_names()
    assert {"mongo_auth_user", "mongo_auth_group"} <= set(names)
    assert not [name for name in names if name.startswith("auth_")]
