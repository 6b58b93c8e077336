"""Content types that lie in no database."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db.utils import NotSupportedError

from mongo_contrib.admin.contenttypes import content_type_id
from mongo_contrib.test import assert_num_commands

from .shop.models import Maker, Product, Rate


@pytest.fixture(autouse=True)
def fresh():
    ContentType.objects.clear_cache()


def test_ids_are_the_same_everywhere():
    """In every process and release: links and log entries hold them."""
    assert content_type_id("shop", "product") == 755_581_007
    assert ContentType.objects.get_for_model(Product).pk == content_type_id("shop", "product")


def test_all_have_ids_of_their_own():
    found = list(ContentType.objects.all())
    assert len({each.pk for each in found}) == len(found) > 10
    assert all(0 <= each.pk < 2**31 for each in found)


def test_they_are_found_without_a_command(db):
    with assert_num_commands(0):
        one = ContentType.objects.get_for_model(Product)
        assert one.model_class() is Product
        assert one == ContentType.objects.get(app_label="shop", model="product")
        assert one == ContentType.objects.get_for_id(one.pk)
        assert one == ContentType.objects.get_by_natural_key("shop", "product")
        assert ContentType.objects.get_for_models(Product, Maker) == {
            Product: one,
            Maker: ContentType.objects.get_for_model(Maker),
        }
        assert ContentType.objects.get_or_create(app_label="shop", model="product") == (one, False)


def test_look_ups():
    shop = ContentType.objects.filter(app_label="shop")
    assert shop.count() == len(shop) >= 6
    models = shop.filter(model__in=["maker", "rate"]).order_by("-model")
    assert list(models.values_list("model", flat=True)) == ["rate", "maker"]
    assert shop.exclude(model="maker").count() == shop.count() - 1
    assert [each.model for each in shop.order_by("model")[:2]] == ["crate", "giftwrapping"]
    assert shop.filter(model="maker").exists()
    with pytest.raises(ContentType.DoesNotExist):
        ContentType.objects.get(app_label="shop", model="nothing")


def test_unsupported_is_said(db):
    with pytest.raises(NotSupportedError, match=r"ContentType can't be filtered by"):
        list(ContentType.objects.filter(model__icontains="x"))
    with pytest.raises(NotSupportedError, match="only read"):
        ContentType.objects.filter(model="maker").update(model="x")


def test_view_on_site(client, db):
    rate = Rate.objects.create(code="r")
    product = Product.objects.create(name="p")
    key = ContentType.objects.get_for_model(Product).pk
    response = client.get(f"/admin/r/{key}/{product.pk}/")
    assert response["Location"] == f"http://testserver/products/{product.pk}/"
    content = client.get(f"/admin/shop/product/{product.pk}/change/").content.decode()
    assert f"/admin/r/{key}/{product.pk}/" in content
    key = ContentType.objects.get_for_model(Rate).pk
    assert client.get(f"/admin/r/{key}/{rate.pk}/").status_code == 404
    assert client.get(f"/admin/r/1/{rate.pk}/").status_code == 404
