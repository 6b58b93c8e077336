"""The log: what the admin notes, and Django's class for it."""

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.admin.models import LogEntry as StockLogEntry
from django.contrib.contenttypes.models import ContentType

from mongo_contrib.admin.models import LogEntry
from mongo_contrib.test import CaptureCommands

from .shop.models import Maker, Product


@pytest.fixture
def entry(shop, ann):
    """`entry(flag)` logs something that Ann did to "Best"."""

    def entry(flag=CHANGE, message=""):
        return StockLogEntry.objects.log_actions(
            ann.pk, [shop["Best"]], flag, message, single_object=True
        )

    return entry


def test_what_is_done_is_logged(shop, client, ann, form_of, change_url):
    maker_form = "/admin/shop/maker/add/"
    client.post(maker_form, {"name": "Added", "country": ""})
    maker = Maker.objects.get(name="Added")
    client.post(change_url(maker), {"name": "Changed", "country": ""})
    client.post(change_url(maker, "delete"), {"post": "yes"})
    found = LogEntry.objects.order_by("action_time")
    assert [each.action_flag for each in found] == [ADDITION, CHANGE, DELETION]
    assert [each.object_repr for each in found] == ["Added", "Changed", "Changed"]
    assert {each.object_id for each in found} == {str(maker.pk)}
    assert {each.user for each in found} == {ann}
    assert {each.content_type.model_class() for each in found} == {Maker}
    assert [each.get_change_message() for each in found] == ["Added.", "Changed Name.", ""]


def test_djangos_class_answers_with_the_documents(entry):
    made = entry()
    assert isinstance(made, LogEntry)
    assert list(StockLogEntry.objects.all()) == [made]
    assert StockLogEntry.objects.count() == StockLogEntry._base_manager.count() == 1
    assert isinstance(StockLogEntry.objects.get(), LogEntry)
    assert LogEntry.objects.get().get_edited_object() == Product.objects.get(name="Best")


def test_many_at_once_are_one_insert(shop, ann):
    objects = [shop["Best"], shop["Brick"], shop["Lego"]]
    with CaptureCommands() as captured:
        StockLogEntry.objects.log_actions(ann.pk, objects, DELETION)
    assert captured.names.count("insert") == 1
    assert sorted(LogEntry.objects.values_list("object_id", flat=True)) == sorted(
        str(each.pk) for each in objects
    )


def test_history_and_recent_actions(entry, shop, client, change_url):
    made = entry(CHANGE, [{"changed": {"fields": ["Name"]}}])
    response = client.get(change_url(shop["Best"], "history"))
    assert list(response.context["action_list"]) == [made]
    assert "Changed Name." in response.content.decode()
    assert list(client.get(change_url(shop["Brick"], "history")).context["action_list"]) == []
    content = client.get("/admin/").content.decode()
    assert f'href="{change_url(shop["Best"])}"' in content
    assert "Product" in content
    assert made.get_admin_url() == change_url(shop["Best"])


def test_recent_actions_are_ones_own(entry, client):
    from mongo_contrib.auth.models import User

    entry()
    other = User.objects.create_superuser("bob", "bob@example.com", "secret")
    client.force_login(other)
    assert "None available" in client.get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("find", "index"),
    [
        (
            lambda entry: {
                "object_id": entry.object_id,
                "content_type": entry.content_type,
            },
            "history_of_object",
        ),
        (lambda entry: {"user": entry.user}, "recent_of_user"),
    ],
)
def test_both_are_found_by_an_index(entry, find, index):
    plan = LogEntry.objects.filter(**find(entry())).explain(verbosity="queryPlanner")
    assert "IXSCAN" in str(plan)


def test_a_user_takes_the_entries_along(entry, ann, client, change_url):
    from mongo_contrib.auth.models import User

    entry()
    boss = User.objects.create_superuser("boss", "boss@example.com", "secret")
    client.force_login(boss)
    deleted = ann.delete()
    assert deleted == (2, {"mongo_admin.LogEntry": 1, "mongo_auth.User": 1})
    assert not LogEntry.objects.exists()


def test_an_entry_says_what_happened(entry):
    assert str(entry(ADDITION)) == "Added “Best”."
    assert str(entry(CHANGE, [{"changed": {"fields": ["Name"]}}])) == (
        "Changed “Best” — Changed Name."
    )
    assert str(entry(DELETION)) == "Deleted “Best.”"


def test_the_content_type_is_an_id_like_any(entry, database):
    entry()
    stored = database["django_admin_log"].find_one()
    assert stored["content_type_id"] == ContentType.objects.get_for_model(Product).pk


def test_the_log_has_a_page_where_it_is_registered(entry, client, names):
    made = entry(CHANGE, [{"changed": {"fields": ["Name"]}}])
    url = "/admin/mongo_admin/logentry/"
    assert names(url=url) == [str(made)]
    assert names("?q=best", url=url) == [str(made)]
    assert client.get(f"{url}{made.pk}/change/").status_code == 200
