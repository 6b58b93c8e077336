"""Adding, changing and deleting documents in the stock admin."""

import datetime
import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from bson import ObjectId

from mongo_contrib.db import get_connection
from mongo_contrib.test import CaptureCommands

LIST = "/admin/shop/product/"


def saved(response):
    assert response.status_code == 302, response.context["errors"]
    return response


def test_a_form_sent_as_it_is_changes_nothing(shop, client, form_of, change_url):
    url = change_url(shop["Best"])
    data = form_of(url)
    assert data["size-width"] == "500"
    assert data["size-material-name"] == "oak"
    assert data["tags"] == "red\nnew"
    with CaptureCommands() as captured:
        saved(client.post(url, data))
    assert "update" not in captured.names, str(captured)
    assert "No fields changed." in client.get(change_url(shop["Best"], "history")).content.decode()


def test_adding_a_document_with_everything_is_one_insert_of_it(shop, client, form_of, database):
    data = form_of(f"{LIST}add/")
    data.update(
        {
            "name": "New",
            "kind": "book",
            "price": "1.50",
            "made": "2024-02-29",
            "added_0": "2024-02-29",
            "added_1": "12:30",
            "maker": str(shop["Lego"].pk),
            "size-width": "7",
            "size-measured": "2024-01-01",
            "size-material-name": "tin",
            "size-material-maker": str(shop["Bosch"].pk),
            "tags": " one \n\ntwo",
            "reviews-0-author": "Ann",
            "reviews-0-stars": "4",
            "parts-0-name": "nail",
        }
    )
    with CaptureCommands() as captured:
        saved(client.post(f"{LIST}add/", data))
    written = [(event.name, event.command[event.name]) for event in captured]
    assert written.count(("insert", "shop_product")) == 1
    assert ("update", "shop_product") not in written
    stored = database["shop_product"].find_one({"name": "New"})
    assert stored["size"] == {
        "width": 7,
        "measured": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
        "material": {"name": "tin", "maker_id": shop["Bosch"].pk},
        "secret": "",
    }
    assert stored["reviews"] == [{"author": "Ann", "stars": 4, "public": True, "note": ""}]
    assert stored["tags"] == ["one", "two"]
    assert stored["added"] == datetime.datetime(2024, 2, 29, 11, 30, tzinfo=datetime.UTC)
    assert database["shop_part"].find_one({"name": "nail"})["product_id"] == stored["_id"]


def test_changing_sends_only_what_was_changed(shop, client, form_of, change_url, database):
    url = change_url(shop["Best"])
    data = form_of(url)
    data.update({"price": "12.00", "size-width": "501"})
    with CaptureCommands() as captured:
        saved(client.post(url, data))
    (update,) = [event for event in captured if event.name == "update" and _is_product(event)]
    assert set(update.command["updates"][0]["u"]["$set"]) == {"price", "size.width"}
    shop["Best"].refresh_from_db()
    assert shop["Best"].price == Decimal("12.00")
    # What the form doesn't show stays.
    assert shop["Best"].size.secret == "kept"
    history = client.get(change_url(shop["Best"], "history")).content.decode()
    assert "Changed Price and Size." in history


def _is_product(event):
    return event.command[event.name] == "shop_product"


def test_two_people_who_change_different_fields_both_survive(shop, client, form_of, change_url):
    url = change_url(shop["Best"])
    data = form_of(url)
    shop["Best"].size.height = 99
    shop["Best"].save()
    saved(client.post(url, {**data, "name": "Better", "size-height": "99"}))
    shop["Best"].refresh_from_db()
    assert (shop["Best"].name, shop["Best"].size.height) == ("Better", 99)


def test_errors_stand_beside_the_fields_and_nothing_is_written(
    shop, client, form_of, change_url, database
):
    url = change_url(shop["Best"])
    before = database["shop_product"].find_one({"name": "Best"})
    data = form_of(url)
    data.update({"size-width": "wide", "reviews-0-author": "", "price": "1.234"})
    response = client.post(url, data)
    assert response.status_code == 200
    size = response.context["adminform"].form["size"].embedded_form
    assert list(size.errors) == ["width"]
    content = response.content.decode()
    assert "Enter a whole number." in content
    assert "This field is required." in content
    assert 'value="wide"' in content
    assert database["shop_product"].find_one({"_id": before["_id"]}) == before


def test_an_optional_embedded_document_may_be_left_and_made_empty(
    shop, client, form_of, change_url, database
):
    url = change_url(shop["Brick"])
    saved(client.post(url, form_of(url)))
    assert "size" not in database["shop_product"].find_one({"name": "Brick"})
    url = change_url(shop["Bridge"])
    saved(client.post(url, {**form_of(url), "size-width": ""}))
    assert "size" not in database["shop_product"].find_one({"name": "Bridge"})
    url = change_url(shop["Brick"])
    response = client.post(url, {**form_of(url), "size-height": "3"})
    size = response.context["adminform"].form["size"].embedded_form
    assert size.errors == {"width": ["This field is required."]}


def test_a_unique_value_that_is_taken_is_an_error_of_the_form(shop, client, form_of):
    url = "/admin/shop/maker/add/"
    response = client.post(url, {**form_of(url), "name": "Lego"})
    assert response.status_code == 200
    assert "Maker with this Name already exists." in response.content.decode()


def test_inlines_of_documents_that_refer_to_this_one(shop, client, form_of, change_url):
    from .shop.models import Part

    url = change_url(shop["Best"])
    data = form_of(url)
    assert data["parts-0-name"] == "screw"
    saved(client.post(url, {**data, "parts-0-name": "bolt", "parts-1-name": "nut"}))
    assert sorted(shop["Best"].parts.values_list("name", flat=True)) == ["bolt", "nut"]
    data = form_of(url)
    saved(client.post(url, {**data, "parts-0-DELETE": "on"}))
    assert Part.objects.count() == 1


def test_save_as_new_copies_lists_too(shop, client, form_of, change_url):
    from .shop.models import Product

    url = change_url(shop["Best"])
    data = {**form_of(url), "name": "Copy", "_saveasnew": "Save as new"}
    saved(client.post(url, data))
    copy = Product.objects.get(name="Copy")
    assert copy.pk != shop["Best"].pk
    assert [review.author for review in copy.reviews] == ["Bob", "Eve"]
    assert [label.code for label in copy.labels] == ["A1"]
    assert copy.size.material.name == "oak"
    assert copy.parts.count() == 1
    shop["Best"].refresh_from_db()
    assert shop["Best"].name == "Best"


def test_autocompletion(shop, client):
    asked = {"app_label": "shop", "model_name": "product", "field_name": "maker", "term": "o"}
    response = client.get("/admin/autocomplete/", asked)
    assert [each["text"] for each in response.json()["results"]] == ["Bosch", "Lego"]
    assert response.json()["results"][1]["id"] == str(shop["Lego"].pk)


def test_raw_ids(shop, client, form_of, change_url):
    part = shop["Best"].parts.get()
    url = change_url(part)
    assert form_of(url)["product"] == str(shop["Best"].pk)
    assert f"{LIST}{shop['Best'].pk}/change/" in client.get(url).content.decode()
    saved(client.post(url, {"product": str(shop["Brick"].pk), "name": "screw"}))
    part.refresh_from_db()
    assert part.product == shop["Brick"]
    response = client.post(url, {"product": str(ObjectId()), "name": "screw"})
    assert "Select a valid choice." in response.content.decode()


def test_a_popup_answers_with_the_id(shop, client):
    response = client.post(
        "/admin/shop/maker/add/?_popup=1", {"name": "Popped", "country": "", "_popup": "1"}
    )
    answer = json.loads(response.context_data["popup_response_data"])
    from .shop.models import Maker

    assert answer["value"] == str(Maker.objects.get(name="Popped").pk)


def test_a_plain_model_admin_works_too(shop, client, form_of):
    from .shop.models import Wish

    url = "/admin/shop/wish/add/"
    saved(client.post(url, {**form_of(url), "text": "more", "product": str(shop["Best"].pk)}))
    wish = Wish.objects.get()
    assert wish.product == shop["Best"]
    assert client.get("/admin/shop/wish/?q=x").status_code == 200
    assert client.get(f"/admin/shop/wish/{wish.pk}/history/").status_code == 200


def test_a_key_that_people_choose(client, form_of):
    from .shop.models import Rate

    url = "/admin/shop/rate/add/"
    saved(client.post(url, {**form_of(url), "code": "a/b _1", "value": "2.5"}))
    rate = Rate.objects.get()
    assert rate.pk == "a/b _1"
    response = client.get("/admin/shop/rate/")
    assert "/admin/shop/rate/a_2Fb%20_5F1/change/" in response.content.decode()
    url = "/admin/shop/rate/a_2Fb%20_5F1/change/"
    saved(client.post(url, {**form_of(url), "value": "3"}))
    rate.refresh_from_db()
    assert rate.value == 3


@pytest.mark.django_db(transaction=True)
def test_two_who_save_at_the_same_moment(
    shop, client, form_of, change_url, repository, monkeypatch
):
    """Their transactions conflict; the later one is repeated on what the earlier has left."""
    from .sites import ProductAdmin, site

    url = change_url(shop["Best"])
    data = {**form_of(url), "name": "Later"}
    calls = []

    def save_model(self, request, obj, form, change):
        calls.append(obj.pieces)
        if len(calls) == 1:
            with ThreadPoolExecutor(1) as other:
                other.submit(
                    repository("shop_product").update_one,
                    {"_id": obj.pk},
                    {"$set": {"kind": "book"}},
                ).result()
        obj.save()

    monkeypatch.setattr(ProductAdmin, "save_model", save_model)
    assert isinstance(site.get_model_admin(type(shop["Best"])), ProductAdmin)
    saved(client.post(url, {**data, "kind": "tool"}))
    shop["Best"].refresh_from_db()
    assert shop["Best"].name == "Later"
    assert len(calls) == (2 if get_connection().features.has("transactions") else 1)


# Deleting


def test_deleting_asks_with_all_that_goes_and_then_deletes(shop, client, change_url):
    from .shop.models import Part, Product, Wish

    Wish.objects.create(part=shop["Best"].parts.get(), text="with the part")
    Wish.objects.create(product=shop["Best"], text="stays")
    url = change_url(shop["Best"], "delete")
    response = client.get(url)
    content = response.content.decode()
    for name in ("Best", "screw", "with the part"):
        assert name in content
    assert "stays" not in content
    assert dict(response.context["model_count"]) == {"products": 1, "parts": 1, "wishs": 1}
    saved(client.post(url, {"post": "yes"}))
    assert not Product.objects.filter(name="Best").exists()
    assert not Part.objects.exists()
    (wish,) = Wish.objects.all()
    assert (wish.text, wish.product) == ("stays", None)


def test_what_is_protected_is_not_deleted(shop, client, change_url):
    from .shop.models import Maker

    url = change_url(shop["Lego"], "delete")
    content = client.get(url).content.decode()
    assert "would require deleting the following protected related objects" in content
    assert "Brick" in content and "Bridge" in content
    response = client.post(url, {"post": "yes"})
    assert response.status_code == 200
    assert Maker.objects.filter(name="Lego").exists()


def test_the_action_deletes_what_was_selected(shop, client):
    from .shop.models import Product

    chosen = [str(shop[name].pk) for name in ("Best", "Brick")]
    data = {"action": "delete_selected", "_selected_action": chosen}
    response = client.post(LIST, data)
    assert response.status_code == 200
    assert "screw" in response.content.decode()
    assert Product.objects.count() == 5
    saved(client.post(LIST, {**data, "post": "yes"}))
    assert sorted(Product.objects.values_list("name", flat=True)) == ["Bridge", "Pencil", "Stray"]


def test_the_action_on_everything_that_a_search_found(shop, client):
    from .shop.models import Product

    data = {
        "action": "delete_selected",
        "select_across": "1",
        "_selected_action": str(shop["Brick"].pk),
        "index": "0",
    }
    response = client.post(f"{LIST}?q=bri", data)
    assert dict(response.context["model_count"])["products"] == 2
    saved(client.post(f"{LIST}?q=bri", {**data, "post": "yes"}))
    assert Product.objects.count() == 3


def test_the_action_shows_what_is_protected(shop, client):
    data = {"action": "delete_selected", "_selected_action": [str(shop["Lego"].pk)]}
    response = client.post("/admin/shop/maker/", {**data, "post": "yes"})
    assert response.status_code == 200
    assert [str(each) for each in response.context["protected"]] != []


# Rights


@pytest.fixture
def looker(db, client):
    """Somebody who may look at products and nothing else is logged in."""
    from mongo_contrib.auth.models import User

    user = User.objects.create_user("looker", "l@example.com", "secret", is_staff=True)
    user.user_permissions = ["shop.view_product"]
    user.save()
    client.force_login(user)
    return user


def test_who_may_only_look_sees_values_and_changes_none(looker, shop, client, change_url):
    from .shop.models import Product

    response = client.get(change_url(shop["Best"]))
    content = response.content.decode()
    assert response.status_code == 200
    assert "500 x 20" in content
    assert "Bob" in content
    assert 'name="size-width"' not in content
    assert 'name="reviews-0-author"' not in content
    assert client.post(change_url(shop["Best"]), {"name": "x"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.get(change_url(shop["Best"], "delete")).status_code == 403
    assert client.get("/admin/shop/maker/").status_code == 403
    assert Product.objects.filter(name="Best").exists()


def test_who_may_add_only_adds_lists_too(looker, shop, client, form_of):
    from .shop.models import Product

    looker.user_permissions = ["shop.add_product"]
    looker.save()
    data = {**form_of(f"{LIST}add/"), "name": "Added", "reviews-0-author": "Me"}
    response = client.post(f"{LIST}add/", data)
    assert response.status_code == 302
    assert Product.objects.get(name="Added").reviews[0].author == "Me"
