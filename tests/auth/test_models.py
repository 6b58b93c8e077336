"""Users and groups: what Django's have, and unique names."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth import models as django_models
from django.contrib.auth.hashers import is_password_usable
from django.core import mail, serializers
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import F
from django.db.models.functions import Lower
from django.db.models.query_utils import DeferredAttribute
from django.db.utils import NotSupportedError
from django.utils import timezone

from mongo_contrib.auth.models import Group, User
from mongo_contrib.auth.query import UserQuerySet
from mongo_contrib.documents import Document
from tests.auth.people.models import Deed, Employee, Person

pytestmark = pytest.mark.django_db


# The class


def test_users_are_djangos():
    assert get_user_model() is User
    assert issubclass(User, django_models.AbstractUser)
    assert issubclass(User, Document)
    assert User._meta.db_table == "mongo_auth_user"
    assert User._meta.many_to_many == ()
    fields = {field.name for field in django_models.AbstractUser._meta.fields}
    assert fields < {field.name for field in User._meta.fields}


@pytest.mark.parametrize("user_class", [User, Employee, Person])
def test_no_manager_makes_sql(user_class):
    """With Django's class as a base, its plain managers would be inherited."""
    for manager in (user_class.objects, user_class._default_manager, user_class._base_manager):
        assert isinstance(manager.all(), UserQuerySet)


def test_log_ins_are_dated():
    """Django connects its receiver only if it finds such a descriptor."""
    assert isinstance(User.last_login, DeferredAttribute)


# Creating


def test_a_user_comes_back(ann):
    found = User.objects.get(pk=ann.pk)
    assert found == ann
    assert (found.username, found.email) == ("Ann", "Ann@example.com")
    assert (found.groups, found.user_permissions, found.last_login) == ([], [], None)
    assert found.is_active and not found.is_staff and not found.is_superuser
    assert found.check_password("secret") and not found.check_password("Secret")
    assert timezone.now() - found.date_joined < timezone.timedelta(minutes=1)


def test_an_unfinished_user_cannot_log_in():
    user = User.objects.create_user("Ann")
    assert not is_password_usable(user.password)


def test_creating(twin):
    user = twin(User.objects, "create_user", "ａnn", "A@EXAMPLE.com", "pw", last_name="Ny")
    assert (user.username, user.email, user.last_name) == ("ann", "A@example.com", "Ny")
    root = twin(User.objects, "create_superuser", "root", password="pw")
    assert root.is_staff and root.is_superuser
    assert twin(User.objects, "get_by_natural_key", "ROOT") == root
    with pytest.raises(ValueError, match="must be set"):
        twin(User.objects, "create_user", "")
    with pytest.raises(ValueError, match="is_staff=True"):
        twin(User.objects, "create_superuser", "x", is_staff=False)
    with pytest.raises(ValueError, match="is_superuser=True"):
        twin(User.objects, "create_superuser", "x", is_superuser=False)
    assert User.objects.count() == 2


def test_a_user_writes_letters(ann):
    ann.email_user("Hello", "you")
    assert mail.outbox[0].to == ["Ann@example.com"]


@pytest.mark.parametrize("name", [{"$ne": 1}, ["ann"], {"$gt": ""}])
def test_no_name_is_a_container(name):
    with pytest.raises(ValidationError):
        User.objects.create_user(name)
    assert not User.objects.exists()


# Unique names


@pytest.mark.parametrize("name", ["Ann", "ann", "ANN", "\uff21nn"])
def test_a_name_is_taken_once(ann, name):
    with pytest.raises(IntegrityError) as refused:
        User(username=name).save()
    assert str(refused.value) == f"There is a user with the username {name!r} already."
    assert refused.value.fields == ("username",)
    assert refused.value.values == {"username": name}
    assert refused.value.__cause__ is not None
    assert User.objects.count() == 1


def test_case_counts_where_it_should(settings):
    settings.MONGO_AUTH_CASE_SENSITIVE_USERNAMES = True
    ann, small = User.objects.create_user("Ann"), User.objects.create_user("ann")
    with pytest.raises(IntegrityError):
        User.objects.create(username="\uff21nn")
    assert User.objects.get(username="ann") == small
    assert User.objects.get(username="\uff21nn") == ann
    assert not User.objects.filter(username="ANN").exists()
    assert User.objects.filter(username__iexact="ANN").count() == 2


def test_saving_brings_names_in_line_with_the_setting(settings, renamed):
    """The way to change the setting on a site that has users."""
    settings.MONGO_AUTH_CASE_SENSITIVE_USERNAMES = True
    assert not User.objects.filter(username=renamed.username).exists()
    for user in User.objects.all():
        user.save()
    assert User.objects.get(username=renamed.username) == renamed


@pytest.mark.parametrize("road", ["threads", "tasks"])
def test_many_sign_up_under_one_name(road):
    names = ["Ann", "ann", "ANN"] * 10
    if road == "threads":
        start = threading.Barrier(len(names))

        def sign_up(name):
            start.wait()
            try:
                return User.objects.create_user(name, password="pw")
            except IntegrityError as exc:
                return exc

        with ThreadPoolExecutor(len(names)) as pool:
            results = list(pool.map(sign_up, names))
    else:

        async def sign_up_all():
            tasks = (User.objects.acreate_user(name, password="pw") for name in names)
            return await asyncio.gather(*tasks, return_exceptions=True)

        results = asyncio.run(sign_up_all())
    users = [result for result in results if isinstance(result, User)]
    errors = [result for result in results if isinstance(result, IntegrityError)]
    assert (len(users), len(errors)) == (1, 29)
    assert {error.fields for error in errors} == {("username",)}
    assert list(User.objects.all()) == users


def test_validation_says_who_exists(ann):
    with pytest.raises(ValidationError) as refused:
        User(username="ANN", password="x").full_clean()
    assert refused.value.message_dict == {
        "username": ["A user with that username already exists."]
    }
    ann.full_clean()


def test_validation_asks_once(ann, assert_num_commands):
    with assert_num_commands(1):
        User(username="Bob", password="x").full_clean()


# What writes a name writes its key


def key_of(user):
    return User.objects.collection.find_one({"_id": user.pk})["username_key"]


def test_save(renamed, new_name):
    renamed.username = new_name
    renamed.save()
    assert key_of(renamed) == new_name.lower()


def test_save_of_the_name_alone(renamed, new_name):
    renamed.username = new_name
    renamed.email = "not@saved.example"
    renamed.save(update_fields=["username"])
    assert key_of(renamed) == new_name.lower()
    assert User.objects.get(username=new_name.upper()).email == "old@example.com"


def test_save_of_another_field_writes_no_name(ann, capture_commands):
    ann.first_name = "Ännchen"
    ann.save(update_fields=["first_name"])
    [update] = capture_commands
    assert update.command["updates"][0]["u"] == {"$set": {"first_name": "Ännchen"}}


def test_save_of_a_deferred_name(renamed, new_name, assert_num_commands):
    found = User.objects.only("first_name").get(pk=renamed.pk)
    found.first_name = "Ännchen"
    with assert_num_commands(1):
        found.save()
    found = User.objects.only("username").get(pk=renamed.pk)
    found.username = new_name
    found.save()
    assert key_of(renamed) == new_name.lower()


def test_update(renamed, new_name):
    users = User.objects.filter(username=renamed.username.upper())
    assert users.update(username=new_name, email="B@x.org") == 1
    assert key_of(renamed) == new_name.lower()
    assert User.objects.get(email__iexact="b@X.ORG") == renamed
    assert User.objects.update(first_name=F("last_name")) == 1
    with pytest.raises(NotSupportedError, match="username_key"):
        User.objects.update(username=Lower("username"))


def test_an_expression_is_no_name(ann):
    ann.username = F("first_name")
    with pytest.raises(NotSupportedError, match="username_key"):
        ann.save()


def test_bulk_writes(renamed, new_name):
    bob, cid = User.objects.bulk_create([User(username="Bob"), User(username="Cid")])
    assert User.objects.get(username="BOB") == bob
    renamed.username = new_name
    User.objects.bulk_update([renamed, bob], ["username"])
    assert [key_of(user) for user in (renamed, bob, cid)] == [new_name.lower(), "bob", "cid"]
    with pytest.raises(IntegrityError):
        User.objects.bulk_create([User(username="CID")])


def test_get_or_create(ann):
    assert User.objects.get_or_create(username="ANN") == (ann, False)
    bob, created = User.objects.get_or_create(username="Bob", defaults={"email": "b@x.org"})
    assert created and bob.email == "b@x.org"
    assert User.objects.update_or_create(username="bob", defaults={"email": "c@x.org"}) == (
        bob,
        False,
    )
    assert User.objects.get(username="BOB").email == "c@x.org"


def test_fixtures(ann):
    group = Group.objects.create(name="Editors", permissions=["people.praise_deed"])
    ann.groups, ann.user_permissions = [group], ["people.add_deed"]
    ann.save()
    written = serializers.serialize("json", [group, ann])
    assert "username_key" not in written
    User.objects.all().delete()
    Group.objects.all().delete()
    for each in serializers.deserialize("json", written):
        each.save()
    found = User.objects.get(username="ANN")
    assert (found.pk, found.groups, found.user_permissions) == (
        ann.pk,
        [group.pk],
        ["people.add_deed"],
    )
    assert found.check_password("secret")
    assert Group.objects.get() == group


# References


def test_a_reference_finds_names_as_users_do():
    ann = Employee.objects.create_user("Ann", office="7")
    deed = Deed.objects.create(owner=ann)
    assert Deed.objects.get(owner__username="ANN") == deed
    assert Deed.objects.get(owner__username__in=["bob", "ann"]) == deed
    ann.delete()
    assert not Deed.objects.exists()


# Groups


def test_groups():
    group = Group.objects.create(name="Editors")
    assert Group.objects.get_by_natural_key("Editors") == group
    assert (str(group), group.natural_key(), group.permissions) == ("Editors", ("Editors",), [])
    with pytest.raises(IntegrityError):
        Group.objects.create(name="Editors")
    with pytest.raises(ValidationError, match="already exists"):
        Group(name="Editors").full_clean()


@pytest.mark.parametrize("permission", ["change_deed", "", "people.", ".x", "people.a b", "a b.c"])
def test_a_permission_has_an_app_and_a_name(permission):
    with pytest.raises(ValidationError):
        Group(name="Editors", permissions=[permission]).full_clean()


def test_groups_are_given_as_ids_or_as_they_are(ann):
    one, other = (Group.objects.create(name=name) for name in ("One", "Other"))
    ann.groups = [one, str(other.pk)]
    ann.save()
    assert User.objects.get(pk=ann.pk).groups == [one.pk, other.pk]
    assert list(User.objects.filter(groups=one.pk)) == [ann]
    assert list(User.objects.filter(groups__in=[other.pk])) == [ann]
    ann.groups = ["x"]
    with pytest.raises(ValidationError):
        ann.save()


# A class of one's own


def test_persons():
    person = Person.objects.create_superuser("Ann@Example.com", "pw", born="2000-02-29")
    assert Person.objects.get(email="ANN@example.COM") == person
    assert Person.objects.get_by_natural_key("ann@EXAMPLE.com") == person
    with pytest.raises(IntegrityError, match="email"):
        Person.objects.create_user("ann@example.com", born="2000-02-29")
    assert person.has_perm("people.praise_deed")
    assert str(person) == "Ann@example.com"
