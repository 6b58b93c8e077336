"""Lists of embedded documents, edited."""

import pytest

from mongo_contrib.test import CaptureCommands


@pytest.fixture
def post(client, shop, form_of, change_url):
    """`post(**changes)` sends the form of "Best" with changes; `reviews` are then as stored."""
    url = change_url(shop["Best"])

    def post(before=None, **changes):
        data = form_of(url)
        if before:
            before()
        changes = {name.replace("__", "-"): value for name, value in changes.items()}
        return client.post(url, {**data, **changes})

    return post


@pytest.fixture
def reviews(database):
    def reviews():
        stored = database["shop_product"].find_one({"name": "Best"})
        return [(each["author"], each["stars"], each["note"]) for each in stored["reviews"]]

    return reviews


def test_an_item_is_changed_in_its_place_and_keeps_what_is_not_shown(post, reviews):
    with CaptureCommands() as captured:
        assert post(reviews__1__stars="3").status_code == 302
    assert reviews() == [("Bob", 5, "first"), ("Eve", 3, "second")]
    (update,) = [
        event
        for event in captured
        if event.name == "update" and event.command["update"] == "shop_product"
    ]
    (path,) = update.command["updates"][0]["u"]["$set"]
    assert path.partition(".")[0] == "reviews"


def test_items_are_added_at_the_end_and_deleted_with_one_write(post, reviews):
    with CaptureCommands() as captured:
        response = post(reviews__0__DELETE="on", reviews__2__author="New", reviews__2__stars="2")
    assert response.status_code == 302
    assert reviews() == [("Eve", 1, "second"), ("New", 2, "")]
    writes = [event.name for event in captured if event.command.get("update") == "shop_product"]
    assert writes == ["update"]


def test_the_history_names_the_items(post, client, change_url, shop):
    post(reviews__0__DELETE="on", reviews__1__stars="3", reviews__2__author="New")
    history = client.get(change_url(shop["Best"], "history")).content.decode()
    for part in ("Added review", "Changed Stars for review", "Deleted review"):
        assert part in history


def test_an_item_that_somebody_else_has_changed_is_not_written_over(post, shop, reviews):
    def meanwhile():
        shop["Best"].reviews[0].stars = 2
        shop["Best"].save()

    response = post(before=meanwhile, reviews__0__author="Mine")
    assert response.status_code == 200
    assert "Somebody else has changed or removed this one" in response.content.decode()
    assert reviews() == [("Bob", 2, "first"), ("Eve", 1, "second")]


def test_an_item_that_has_moved_is_found_again(post, shop, reviews):
    from .shop.models import Review

    def meanwhile():
        shop["Best"].reviews.insert(0, Review(author="First", note="new"))
        shop["Best"].save()

    assert post(before=meanwhile, reviews__1__stars="4").status_code == 302
    # The other one's new item is no concern of this form: it stays.
    assert reviews() == [("First", 0, "new"), ("Bob", 5, "first"), ("Eve", 4, "second")]


def test_deleting_what_is_gone_is_no_error(post, shop, reviews):
    def meanwhile():
        del shop["Best"].reviews[0]
        shop["Best"].save()

    assert post(before=meanwhile, reviews__0__DELETE="on").status_code == 302
    assert reviews() == [("Eve", 1, "second")]


@pytest.mark.parametrize("token", ["", "forged", "\0", '{"$ne": 1}'])
def test_a_forged_token_changes_nothing(post, reviews, token):
    response = post(reviews__0__id=token, reviews__0__author="Mine")
    assert response.status_code == 200
    assert reviews() == [("Bob", 5, "first"), ("Eve", 1, "second")]


def test_equal_items_are_told_apart_by_their_places(shop, client, form_of, change_url, database):
    from .shop.models import Review

    product = shop["Stray"]
    product.reviews = [Review(author="same"), Review(author="same"), Review(author="same")]
    product.save()
    url = change_url(product)
    data = {**form_of(url), "reviews-1-stars": "7", "reviews-2-DELETE": "on"}
    assert client.post(url, data).status_code == 302
    stored = database["shop_product"].find_one({"name": "Stray"})
    assert [each["stars"] for each in stored["reviews"]] == [0, 7]


def test_one_wrong_item_holds_back_everything(post, reviews, database):
    response = post(name="Changed", reviews__0__stars="many", reviews__1__stars="2")
    assert response.status_code == 200
    assert reviews() == [("Bob", 5, "first"), ("Eve", 1, "second")]


def test_a_list_whose_items_have_a_key_of_their_own(shop, client, form_of, change_url, database):
    url = change_url(shop["Best"])
    data = form_of(url)
    assert data["labels-0-code"] == "A1"
    data.update({"labels-0-code": "A2", "labels-TOTAL_FORMS": "2", "labels-1-code": "B"})
    assert client.post(url, data).status_code == 302
    stored = database["shop_product"].find_one({"name": "Best"})
    found = [(label["code"], label["text"]) for label in stored["labels"]]
    assert found == [("A2", "fragile"), ("B", "")]


def test_save_model_sees_the_new_list(post, reviews, monkeypatch):
    """What the form doesn't ask for is filled in there."""
    from .sites import ProductAdmin

    def save_model(self, request, obj, form, change):
        for review in obj.reviews:
            review.note = review.note or request.user.get_username()
        obj.save()

    monkeypatch.setattr(ProductAdmin, "save_model", save_model)
    assert post(reviews__2__author="New").status_code == 302
    assert reviews() == [("Bob", 5, "first"), ("Eve", 1, "second"), ("New", 0, "ann")]


def test_keys_that_the_classes_do_not_know_stay(post, database):
    products = database["shop_product"]
    unknown = {"extra": 1, "size.extra": 2, "reviews.0.extra": 3}
    products.update_one({"name": "Best"}, {"$set": unknown})
    assert post(reviews__0__stars="2", size__width="7").status_code == 302
    stored = products.find_one({"name": "Best"})
    assert (stored["extra"], stored["size"]["extra"], stored["reviews"][0]["extra"]) == (1, 2, 3)
    assert (stored["size"]["width"], stored["reviews"][0]["stars"]) == (7, 2)


@pytest.mark.parametrize(
    ("right", "changes", "expected"),
    [
        ("add", {"reviews__2__author": "New"}, 2),
        ("delete", {"reviews__0__DELETE": "on"}, 2),
        ("change", {"reviews__0__stars": "2"}, 2),
        ("change", {"reviews__2__author": "New"}, 3),
    ],
)
def test_what_an_inline_does_not_allow_is_not_done(
    post, reviews, monkeypatch, right, changes, expected
):
    from .sites import ReviewInline

    refuse = lambda self, request, obj=None: False  # noqa: E731
    monkeypatch.setattr(ReviewInline, f"has_{right}_permission", refuse)
    assert post(**changes, reviews__TOTAL_FORMS="3").status_code == 302
    assert len(reviews()) == expected
    assert reviews()[0] == ("Bob", 5, "first")


def test_validators_of_the_list_see_it_whole(post, database):
    labels = {f"labels-{n}-code": f"B{n}" for n in (1, 2, 3)}
    response = post(**labels, **{"labels-TOTAL_FORMS": "4"})
    assert response.status_code == 200
    assert "Three are enough." in response.content.decode()
    assert len(database["shop_product"].find_one({"name": "Best"})["labels"]) == 1


def test_more_initial_forms_than_items_are_refused(post, reviews):
    response = post(reviews__INITIAL_FORMS="3", reviews__2__author="Mine")
    assert "Somebody else has changed or removed this one" in response.content.decode()
    assert len(reviews()) == 2


def test_the_fingerprint_tells_nothing_about_hidden_values(shop):
    from mongo_contrib.admin.formsets import fingerprint

    from .shop.models import Review

    first, second = shop["Best"].reviews
    assert fingerprint(first) != fingerprint(second)
    assert fingerprint(first) == fingerprint(Review(author="Bob", stars=5, note="first"))
    assert "first" not in fingerprint(first)


def test_saving_the_parent_is_no_change_of_its_items(rf, ann):
    """Though it sets their `auto_now` fields."""
    from mongo_contrib.admin import EmbeddedTabularInline, MongoAdminSite

    from .shop.models import Crate, Stamp

    class Inline(EmbeddedTabularInline):
        model = Stamp
        extra = 0

    Crate.objects.create(name="one", stamps=[Stamp(text="a"), Stamp(text="b")])
    request = rf.get("/")
    request.user = ann
    formset = Inline(Crate, MongoAdminSite()).get_formset(request)
    shown = formset(instance=Crate.objects.get())
    data = {bound.html_name: bound.value() for form in shown for bound in form}
    data |= {bound.html_name: bound.value() for bound in shown.management_form}
    other = Crate.objects.get()
    other.name = "two"
    other.stamps[1].text = "changed"
    other.save()
    sent = formset({**data, "stamps-0-text": "mine"}, instance=Crate.objects.get())
    assert not sent.is_valid()
    assert [bool(errors) for errors in sent.errors] == [False, True]


def test_the_page_has_each_id_once(shop, client, change_url):
    import re

    content = client.get(change_url(shop["Best"])).content.decode()
    ids = re.findall(r'<(?:input|select|textarea)[^>]* id="([^"]+)"', content)
    assert sorted(ids) == sorted(set(ids))
    assert "id_size-material-name" in ids
    assert "id_reviews-0-id" in ids
    assert "id_labels-0-_item" in ids
