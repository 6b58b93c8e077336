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
    answer = client.post(change_url(best), data)
    errors = str(errors_of(answer))
    assert "Enter a number." in errors and "Enter a valid date." in errors
    assert stored(best)["price"] == "cheap"
    answer = client.post(change_url(best), {**data, "price": "3.50", "made": "2026-01-02"})
    assert answer.status_code == 302, errors_of(answer)
    again = type(best).objects.get(pk=best.pk)
    assert str(again.price) == "3.50" and again.made.year == 2026
    assert again.size is None and again.reviews == []
