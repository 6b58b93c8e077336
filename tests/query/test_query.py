"""Query objects."""

from tests.testapp.models import Book


def test_the_first_direction_of_a_field_decides():
    """The admin appends the default ordering to what somebody has clicked."""
    query = Book.objects.order_by("-title", "pages", "title").query
    assert [(path.path, direction) for path, direction in query.sort()] == [
        ("title", -1),
        ("pages", 1),
    ]
    assert [
        direction for _, direction in Book.objects.order_by("-title").reverse().query.sort()
    ] == [1]
