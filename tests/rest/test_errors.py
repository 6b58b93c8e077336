"""A broken stored value is an answer that names it, and a visitor with the right can repair it."""

from __future__ import annotations

import pytest

from tests.testapp.models import Book

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.rest.urls")]


def test_what_can_not_be_read_is_named_and_can_be_replaced(api):
    book = Book.objects.create(title="Momo")
    Book.objects.collection.update_one({"_id": book.pk}, {"$set": {"published": "yesterday"}})
    for address in ("/books/", f"/books/{book.pk}/"):
        answer = api.get(address)
        assert answer.status_code == 422
        told = f"testapp.Book {book.pk}: the stored value of 'published'"
        assert told in answer.json()["detail"]
    answer = api.patch(f"/books/{book.pk}/", {"published": "2026-01-02"})
    assert answer.status_code == 200, answer.json()
    assert answer.json()["published"] == "2026-01-02"
    assert api.get("/books/").status_code == 200
