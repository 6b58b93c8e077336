"""A document with values of wrong types is listed, opened and repaired."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def best(shop):
    """A product whose price, date, size, tags and reviews are none."""
    best = shop["Best"]
    wrong = {"price": "cheap", "made": 7, "size": "big", "tags": 3, "reviews": "good"}
    type(best).objects.collection.update_one({"_id": best.pk}, {"$set": wrong})
    return best


def stored(best):
    return type(best).objects.collection.find_one({"_id": best.pk})


def test_the_list_shows_it_and_the_others(client, best):
    type(best).objects.collection.update_one({"_id": best.pk}, {"$unset": {"made": ""}})
    page = client.get(f"/admin/{best._meta.app_label}/{best._meta.model_name}/")
    assert page.status_code == 200
    assert "Best" in page.text and "Brick" in page.text and "cheap" in page.text


def test_its_form_says_what_is_wrong_and_shows_it(client, best, change_url):
    page = client.get(change_url(best))
    assert page.status_code == 200
    assert "is &#x27;cheap&#x27; (str)" in page.text and 'value="cheap"' in page.text


def test_its_form_repairs_it(client, best, change_url, form_of, errors_of):
    data = form_of(change_url(best))
    answer = client.post(change_url(best), {**data, "price": "dear", "made": "June"})
    errors = str(errors_of(answer))
    assert "Enter a number." in errors and "Enter a valid date." in errors
    answer = client.post(change_url(best), {**data, "size": "small", "tags": "{"})
    errors = str(errors_of(answer))
    assert "“small” is not valid JSON." in errors and "“{” is not valid JSON." in errors
    assert stored(best)["price"] == "cheap" and stored(best)["size"] == "big"
    repaired = {"price": "3.50", "made": "2026-01-02", "tags": '["new"]', "size": ""}
    repaired["reviews"] = '[{"author": "Bob", "stars": 5}]'
    answer = client.post(change_url(best), {**data, **repaired})
    assert answer.status_code == 302, errors_of(answer)
    again = type(best).objects.get(pk=best.pk)
    assert str(again.price) == "3.50" and again.made.year == 2026
    assert again.size is None and again.tags == ["new"] and again.reviews[0].author == "Bob"
    assert "which is no value of" not in client.get(change_url(best)).text


def test_its_form_leaves_alone_what_nobody_repairs(client, best, change_url, form_of, errors_of):
    before = stored(best)
    data = form_of(change_url(best))
    assert data["reviews"] == '"good"' and data["size"] == '"big"' and data["tags"] == "3"
    answer = client.post(change_url(best), {**data, "pieces": "7"})
    assert answer.status_code == 302, errors_of(answer)
    assert stored(best) == {**before, "pieces": 7}


# Parcels have a validator, and fields of every kind


@pytest.fixture
def broken(db):
    """`broken(weight="many")` is a parcel in which that is stored, whatever the validator says."""
    from .shop.models import Maker, Parcel, Review

    def broken(**values):
        values = values or {"fragile": False}
        maker = Maker.objects.create(name="Lego")
        parcel = Parcel.objects.create(
            name="one", maker=maker, makers=[maker], reviews=[Review(author="Bob")]
        )
        Parcel.objects.collection.database.command(
            "update",
            Parcel._meta.db_table,
            updates=[{"q": {"_id": parcel.pk}, "u": {"$set": values}}],
            bypassDocumentValidation=True,
        )
        return parcel

    return broken


WRONG = {
    "weight": "many",
    "fragile": {"a": 1},
    "sent": "yesterday",
    "packed": "yesterday",
    "maker_id": [1],
    "makers_id": "oops",
    "wrapping": {"_cls": "Nope", "paper": "red"},
    "size": "big",
    "pattern": 5,
    "codes": ["x"],
    "reviews": [{"author": "Bob", "stars": 5}, "junk"],
    "name": 7,
}


@pytest.fixture
def unguarded(db):
    """The validator of parcels lets all pass."""
    from .shop.models import Parcel

    collection = Parcel.objects.collection
    guard = collection.options()["validator"]
    collection.database.command("collMod", collection.name, validator={})
    yield
    collection.database.command("collMod", collection.name, validator=guard)


@pytest.mark.parametrize("column", WRONG)
def test_what_nobody_changes_stays(
    client, broken, change_url, form_of, errors_of, column, unguarded
):
    parcel = broken(**{column: WRONG[column]})
    before = stored(parcel)
    data = form_of(change_url(parcel))
    page = client.get(change_url(parcel))
    assert "which is no value of" in page.text
    changed = "fragile" if column != "fragile" else "weight"
    answer = client.post(change_url(parcel), {**data, changed: "1"})
    assert answer.status_code == 302, errors_of(answer)
    assert {**stored(parcel), changed: None} == {**before, changed: None}
    assert stored(parcel)[changed] == 1


INSIDE = {
    "size": {"width": "wide", "height": 3, "measured": "long ago", "secret": "x"},
    "reviews": [
        {"author": "Bob", "stars": "many", "public": "no", "note": "a"},
        {"author": 7, "stars": 1, "public": True, "note": ""},
    ],
    "wrapping": {"_cls": "Wrapping.GiftWrapping", "paper": "red", "turns": "many"},
}


@pytest.mark.parametrize("column", INSIDE)
def test_so_does_what_lies_inside(
    client, broken, change_url, form_of, errors_of, column, unguarded
):
    parcel = broken(**{column: INSIDE[column]})
    before = stored(parcel)
    data = form_of(change_url(parcel))
    assert "which is no value of" in client.get(change_url(parcel)).text
    answer = client.post(change_url(parcel), {**data, "fragile": "1"})
    assert answer.status_code == 302, errors_of(answer)
    assert stored(parcel) == {**before, "fragile": True}


def test_what_lies_inside_is_repaired(client, broken, change_url, form_of, errors_of):
    parcel = broken(size=INSIDE["size"], reviews=INSIDE["reviews"])
    data = form_of(change_url(parcel))
    assert data["size-width"] == "wide" and data["size-measured"] == "long ago"
    assert data["reviews-0-stars"] == "many" and data["reviews-1-author"] == "7"
    repaired = {"size-width": "5", "size-measured": "", "reviews-0-stars": "2"}
    repaired |= {"reviews-0-public": "", "reviews-1-author": "Eve"}
    answer = client.post(change_url(parcel), {**data, **repaired})
    assert answer.status_code == 302, errors_of(answer)
    found = stored(parcel)
    assert found["size"]["width"] == 5 and found["size"].get("measured") is None
    assert [each["author"] for each in found["reviews"]] == ["Bob", "Eve"]
    assert found["reviews"][0]["stars"] == 2 and found["reviews"][0]["public"] is False


def test_an_unknown_class_is_repaired(client, broken, change_url, form_of, errors_of):
    parcel = broken(wrapping={"_cls": "Nope", "paper": "red"})
    data = form_of(change_url(parcel))
    assert data["wrapping"] == '{"_cls": "Nope", "paper": "red"}'
    answer = client.post(change_url(parcel), {**data, "wrapping": '{"_cls": "No", "paper": "a"}'})
    assert "is 'No', which is no class" in answer.context["adminform"].form.errors["wrapping"][0]
    mended = data["wrapping"].replace("Nope", "Wrapping.GiftWrapping")
    answer = client.post(change_url(parcel), {**data, "wrapping": mended})
    assert answer.status_code == 302, errors_of(answer)
    assert type(parcel).objects.get(pk=parcel.pk).wrapping.turns == 1


def test_keys_are_repaired(client, broken, change_url, form_of, errors_of):
    parcel = broken(makers_id="oops", maker_id=[1])
    data = form_of(change_url(parcel))
    assert data["makers"] == '"oops"' and data["maker"] == "[1]"
    key = str(parcel.maker_id)
    answer = client.post(change_url(parcel), {**data, "makers": f'["{key}"]', "maker": key})
    assert answer.status_code == 302, errors_of(answer)
    assert stored(parcel)["makers_id"] == [parcel.maker_id] == [stored(parcel)["maker_id"]]


# What the server refuses


def test_a_refusal_of_the_validator_is_an_error_of_the_form(
    client, broken, change_url, form_of, errors_of
):
    parcel = broken(packed="yesterday", weight="many")
    data = form_of(change_url(parcel))
    answer = client.post(change_url(parcel), {**data, "fragile": "1"})
    errors = str(errors_of(answer))
    assert "The database refuses packed (bsonType)" in errors and "yesterday" in errors
    form = answer.context["adminform"].form
    assert "refuses weight (bsonType)" in str(form.errors["weight"])
    assert form.non_field_errors() and form["fragile"].value() is True
    assert stored(parcel)["fragile"] is False and stored(parcel)["packed"] == "yesterday"


def test_a_taken_value_is_an_error_of_its_field(client, broken, change_url, form_of):
    """By an index that only the server knows."""
    parcel = broken()
    collection = type(parcel).objects.collection
    type(parcel).objects.create(name="two", weight=3)
    collection.create_index("weight", name="once", unique=True)
    try:
        data = form_of(change_url(parcel))
        answer = client.post(change_url(parcel), {**data, "weight": "3"})
    finally:
        collection.drop_index("once")
    assert answer.status_code == 200
    errors = answer.context["adminform"].form.errors
    assert "Parcel with this Weight already exists." in str(errors["weight"])


def test_a_document_over_the_limit_is_an_error_of_the_form(
    client, shop, change_url, form_of, settings
):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    data = form_of(change_url(shop["Best"]))
    line = "x" * 30
    tags = "\n".join([line] * 450_000)
    answer = client.post(change_url(shop["Best"]), {**data, "tags": tags})
    assert answer.status_code == 200
    assert "a document can have 16 MB" in str(answer.context["adminform"].form.errors)


def test_the_list_keeps_and_tells_it_too(client, broken, form_of):
    parcel = broken(weight="many", sent="yesterday", packed="yesterday")
    before = stored(parcel)
    url = "/admin/shop/parcel/"
    data = form_of(url)
    assert data["form-0-weight"] == "many" and data["form-0-sent"] == "yesterday"
    answer = client.post(url, {**data, "_save": "Save"})
    assert answer.status_code == 302 and stored(parcel) == before
    answer = client.post(url, {**data, "form-0-weight": "3", "_save": "Save"})
    assert answer.status_code == 200 and stored(parcel) == before
    assert "The database refuses packed (bsonType)" in answer.text


def test_a_refused_deletion_is_a_message(client, change_url):
    """The validator refuses what a rule writes to another document."""
    from .shop.models import Part, Product, Wish

    product = Product.objects.create(name="Best")
    part = Part.objects.create(product=product, name="screw")
    Wish.objects.create(part=part, product=product, text="soon")
    Wish.objects.create(product=product, text="later")
    collection = Wish.objects.collection
    guard = {"$jsonSchema": {"required": ["product_id"]}}
    collection.database.command("collMod", collection.name, validator=guard)
    try:
        answer = client.post(change_url(product, "delete"), {"post": "yes"}, follow=True)
        assert answer.redirect_chain[0][0] == change_url(product)
        assert "refused" in answer.text and Product.objects.filter(pk=product.pk).exists()
        action = {"action": "delete_selected", "_selected_action": [str(product.pk)]}
        answer = client.post("/admin/shop/product/", {**action, "post": "yes"}, follow=True)
        assert "refused" in answer.text and Product.objects.filter(pk=product.pk).exists()
    finally:
        collection.database.command("collMod", collection.name, validator={})


def test_what_is_optional_and_absent_has_no_errors(client, broken, change_url, form_of):
    parcel = broken(size={"width": 5})
    data = form_of(change_url(parcel))
    answer = client.post(change_url(parcel), {**data, "name": ""})
    assert answer.text.count("This field is required.") == 1
