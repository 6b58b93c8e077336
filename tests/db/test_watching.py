"""Change streams over a network that fails."""

import pytest

from tests.testapp.models import Order


@pytest.mark.needs("change_streams")
def test_a_change_stream_goes_on_after_a_cut(connect, proxy):
    behind = connect(HOST=proxy.uri)
    with Order.objects.using(behind.alias).watch(timeout=30) as changes:
        Order.objects.create(slug="before")
        assert next(changes).document.slug == "before"
        proxy.cut()
        Order.objects.create(slug="after")
        change = next(changes)
    assert change.document.slug == "after" and changes.token == change.token
