"""Log-in and permissions."""

import time
from statistics import median

import pytest
from django.contrib import auth
from django.contrib.auth.backends import RemoteUserBackend
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError

from mongo_contrib.auth.backends import MongoBackend, PermissionsBackend
from mongo_contrib.auth.models import Group, User

pytestmark = pytest.mark.django_db

BACKEND = "mongo_contrib.auth.backends.MongoBackend"

NO_CREDENTIALS = [
    {"$ne": None},
    {"$gt": ""},
    {"$regex": ".*"},
    {"$where": "1"},
    ["Ann"],
    ["Ann", {"$ne": 1}],
    b"Ann",
    True,
    1,
    1.5,
    None,
    "\ud800",
    "A" * 151,
    "A" * 1_000_000,
]
NOBODY = ["", " ", "Ann\0", '{"$ne": null}', "$ne", "[$ne]", ".*", "^A", "Ann ", "Ann'||'1", "%"]


@pytest.fixture
def backend():
    return MongoBackend()


@pytest.fixture
def editor(ann):
    """Ann, who may add deeds herself and, through a group, change and praise them."""
    Group.objects.create(name="Strangers", permissions=["people.delete_deed"])
    group = Group.objects.create(
        name="Editors", permissions=["people.change_deed", "people.praise_deed"]
    )
    ann.groups, ann.user_permissions = [group], ["people.add_deed"]
    ann.save()
    return User.objects.get(pk=ann.pk)


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root", password="pw")


# Log-in


@pytest.mark.parametrize("name", ["Ann", "ann", "ANN", "\uff21nn"])
def test_log_in(twin, ann, name):
    user = twin(auth, "authenticate", username=name, password="secret")
    assert user == ann
    assert user.backend == BACKEND
    assert twin(auth, "authenticate", username=name, password="Secret") is None


def test_log_in_costs_one_query(ann, backend, assert_num_commands):
    with assert_num_commands(1):
        assert backend.authenticate(None, "ANN", "secret") == ann


@pytest.mark.parametrize("value", NO_CREDENTIALS, ids=lambda value: repr(value)[:20])
def test_what_is_no_name_is_refused_before_any_query(twin, ann, value, assert_num_commands):
    with assert_num_commands(0):
        assert twin(auth, "authenticate", username=value, password="secret") is None


@pytest.mark.parametrize("value", NO_CREDENTIALS[:-2], ids=repr)
def test_what_is_no_password_is_refused_before_any_query(twin, ann, value, assert_num_commands):
    with assert_num_commands(0):
        assert twin(auth, "authenticate", username="Ann", password=value) is None


@pytest.mark.parametrize("name", NOBODY)
def test_nobody_has_such_a_name(twin, ann, name):
    assert twin(auth, "authenticate", username=name, password="secret") is None


@pytest.mark.parametrize(
    "more", [{"$or": [{}]}, {"username__ne": "x"}, {"pk": 1}, {"is_active": False}], ids=str
)
def test_other_credentials_are_nothing(backend, ann, more):
    assert backend.authenticate(None, "Ann", "wrong", **more) is None
    assert backend.authenticate(None, password="secret", **more) is None


@pytest.mark.parametrize("value", [{"$ne": None}, ["Ann"], {"$in": ["Ann"]}], ids=str)
def test_look_ups_refuse_containers(ann, value):
    """What is built on them without a backend is safe too."""
    for lookup in ("username", "username__iexact", "username__in", "email", "email__iexact", "pk"):
        if lookup.endswith("__in") and isinstance(value, list):
            continue
        with pytest.raises((ValidationError, ValueError, TypeError)):
            list(User.objects.filter(**{lookup: value}))
    with pytest.raises((ValidationError, ValueError, TypeError)):
        User.objects.get_by_natural_key(value)


def test_the_inactive_stay_out(twin, ann, backend):
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert twin(backend, "authenticate", None, "Ann", "secret") is None
    assert twin(backend, "get_user", ann.pk) is None


@pytest.mark.parametrize("pk", ["1", "", "x" * 24, "0" * 24, None])
def test_sessions_with_a_strange_key_have_no_user(twin, ann, backend, pk):
    assert twin(backend, "get_user", pk) is None


def test_get_user(twin, ann, backend, assert_num_commands):
    with assert_num_commands(1):
        assert twin(backend, "get_user", str(ann.pk)) == ann


def test_the_hash_is_renewed_on_log_in(settings, ann, backend, monkeypatch):
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1_000)
    old = ann.password
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    assert backend.authenticate(None, "Ann", "secret") == ann
    ann.refresh_from_db()
    assert old.startswith("md5$") and ann.password.startswith("pbkdf2_sha256$")


def test_the_clock_tells_nobody_who_exists(settings, backend, monkeypatch):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    # Enough for hashing to take longer than the query.
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 50_000)
    User.objects.create_user("Ann", password="secret")

    def seconds(name):
        start = time.perf_counter()
        assert backend.authenticate(None, name, "wrong") is None
        return time.perf_counter() - start

    pairs = [(seconds("Ann"), seconds("Bob")) for _ in range(5)]
    ratio = median(known for known, _ in pairs) / median(unknown for _, unknown in pairs)
    assert 0.5 < ratio < 2


def test_a_name_in_a_field_of_its_own(persons, backend):
    person = auth.get_user_model().objects.create_user("Ann@x.org", "pw", born="2000-01-01")
    assert backend.authenticate(None, email="ANN@X.org", password="pw") == person
    assert backend.authenticate(None, email={"$ne": 1}, password="pw") is None
    assert auth.authenticate(username="ann@x.org", password="pw") == person


class RemoteUsers(PermissionsBackend, RemoteUserBackend):
    """Users whom the web server has let in, as Django has them."""


def test_users_of_the_web_server(twin, ann, assert_num_commands):
    backend = RemoteUsers()
    with assert_num_commands(1):
        assert twin(backend, "authenticate", None, remote_user="ANN") == ann
    bob = twin(backend, "authenticate", None, remote_user="Bob")
    assert twin(backend, "authenticate", None, remote_user="bob") == bob
    assert User.objects.count() == 2
    bob.user_permissions = ["people.add_deed"]
    assert twin(backend, "has_perm", bob, "people.add_deed")


# Permissions


def test_permissions(twin, editor):
    own, by_group = {"people.add_deed"}, {"people.change_deed", "people.praise_deed"}
    assert twin(editor, "get_user_permissions") == own
    assert twin(editor, "get_group_permissions") == by_group
    assert twin(editor, "get_all_permissions") == own | by_group
    assert twin(editor, "has_perm", "people.praise_deed")
    assert not twin(editor, "has_perm", "people.delete_deed")
    assert twin(editor, "has_perms", ["people.add_deed", "people.change_deed"])
    assert not twin(editor, "has_perms", ["people.add_deed", "people.delete_deed"])
    assert twin(editor, "has_module_perms", "people")
    assert not twin(editor, "has_module_perms", "peopl")


def test_permissions_cost_one_query(twin, editor, assert_num_commands):
    with assert_num_commands(1):
        for _ in range(3):
            twin(editor, "get_all_permissions")
            twin(editor, "get_group_permissions")
            twin(editor, "has_perm", "people.delete_deed")
            twin(editor, "has_module_perms", "people")


def test_without_groups_they_cost_none(twin, ann, assert_num_commands):
    with assert_num_commands(0):
        assert twin(ann, "get_all_permissions") == set()


def test_revocation_is_effective_on_the_next_request(editor):
    assert editor.has_perm("people.praise_deed")
    Group.objects.filter(name="Editors").update(permissions=["people.change_deed"])
    assert not User.objects.get(pk=editor.pk).has_perm("people.praise_deed")
    Group.objects.all().delete()
    # A group of the same name is another group.
    Group.objects.create(name="Editors", permissions=["people.praise_deed"])
    assert User.objects.get(pk=editor.pk).get_all_permissions() == {"people.add_deed"}


def test_the_inactive_may_nothing(twin, editor, root, assert_num_commands):
    editor.is_active = root.is_active = False
    with assert_num_commands(0):
        for user in (editor, root):
            assert twin(user, "get_all_permissions") == set()
            assert not twin(user, "has_perm", "people.add_deed")
            assert not twin(user, "has_module_perms", "people")


def test_superusers_may_all(twin, root, assert_num_commands):
    with assert_num_commands(0):
        assert {"people.praise_deed", "people.open_the_safe"} < twin(root, "get_all_permissions")
        assert twin(root, "has_perm", "never.heard_of")
        assert twin(root, "has_module_perms", "never")


def test_no_permission_is_for_one_object(twin, editor):
    assert twin(editor, "get_all_permissions", editor) == set()
    assert not twin(editor, "has_perm", "people.add_deed", editor)


def test_the_anonymous_may_nothing(twin, backend, assert_num_commands):
    with assert_num_commands(0):
        assert twin(backend, "get_all_permissions", AnonymousUser()) == set()


def test_with_perm(editor, root):
    other = User.objects.create_user("other")
    gone = User.objects.create_user("gone", is_active=False, user_permissions=["people.add_deed"])

    def having(perm, **options):
        return set(User.objects.with_perm(perm, **options))

    assert having("people.add_deed") == {editor, root}
    assert having("people.praise_deed") == {editor, root}
    assert having("people.praise_deed", include_superusers=False) == {editor}
    assert having("people.delete_deed", include_superusers=False) == set()
    assert having("people.add_deed", is_active=None) == {editor, root, gone}
    assert having("people.add_deed", is_active=False) == {gone}
    assert having("people.add_deed", obj=other) == set()
    assert having("people.add_deed", backend=BACKEND) == {editor, root}
    with pytest.raises(ValueError, match="form app_label"):
        having("add_deed")
    with pytest.raises(TypeError, match="must be a string"):
        having({"$ne": 1})
