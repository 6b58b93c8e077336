"""Documents of many values, and what of them a filter finds."""

import django
import pytest

from tests.testapp.models import Every


def excludes_null(operand):
    """Since Django 6.1, to exclude None among other values excludes null, too."""
    return django.VERSION >= (6, 1) and isinstance(operand, list) and None in operand


@pytest.fixture
def compare(db):
    """`compare(field, values, asked, holds)` fails where MongoDB and Python disagree.

    There is a document for each of `values`. Each (look-up, operand) of `asked` must find those
    for which `holds(value, look-up, operand)`, and its negation the others.
    """

    def compare(field, values, asked, holds):
        made = Every.objects.bulk_create(Every(**{field: value}) for value in values)
        position = {document.pk: n for n, document in enumerate(made)}
        wrong = []
        for lookup, operand in asked:
            expected = [n for n, value in enumerate(values) if holds(value, lookup, operand)]
            condition = {f"{field}__{lookup}": operand}
            for queryset, right in (
                (Every.objects.filter(**condition), expected),
                (
                    Every.objects.exclude(**condition),
                    [
                        n
                        for n, value in enumerate(values)
                        if n not in expected and not (value is None and excludes_null(operand))
                    ],
                ),
            ):
                found = sorted(position[pk] for pk in queryset.values_list("pk", flat=True))
                if found != right:
                    wrong.append((lookup, operand, [values[n] for n in set(found) ^ set(right)]))
        assert wrong == []

    return compare
