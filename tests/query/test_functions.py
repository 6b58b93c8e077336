"""Django's database functions, against plain Python."""

import datetime
import decimal
import math

import pytest
from bson import ObjectId
from django.core.exceptions import FieldError
from django.db import DataError, NotSupportedError
from django.db.models import (
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    F,
    FloatField,
    IntegerField,
    JSONField,
    TextField,
    Value,
)
from django.db.models.functions import (
    MD5,
    Abs,
    ACos,
    ASin,
    ATan,
    ATan2,
    Cast,
    Ceil,
    Coalesce,
    Concat,
    Cos,
    Cot,
    Degrees,
    Exp,
    Floor,
    Greatest,
    JSONObject,
    Least,
    Left,
    Length,
    Ln,
    Log,
    Lower,
    LPad,
    LTrim,
    Mod,
    Now,
    NullIf,
    Pi,
    Power,
    Radians,
    Random,
    Repeat,
    Replace,
    Reverse,
    Right,
    Round,
    RTrim,
    Sign,
    Sin,
    Sqrt,
    StrIndex,
    Substr,
    Tan,
    Trim,
    Upper,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mongo_contrib.documents import ObjectIdField
from tests.testapp.models import Every

pytestmark = pytest.mark.django_db

D = decimal.Decimal
NONE = Value(None, output_field=CharField())
#: As everywhere in Django, text and short text are two types.
TEXT_FIELD = TextField()
KEY = ObjectId("5f5f5f5f5f5f5f5f5f5f5f5f")


def computed(expression, **stored):
    Every.objects.create(**stored)
    return Every.objects.annotate(found=expression).get().found


@pytest.mark.parametrize(
    ("expression", "text", "value"),
    [
        (Lower("text"), "AbC", "abc"),
        (Lower("text"), None, None),
        (Upper("text"), "AbC", "ABC"),
        (Upper("text"), None, None),
        (Length("text"), "häß€😀", 5),
        (Length("text"), "", 0),
        (Length("text"), None, None),
        (Concat("text", Value("-"), "slug", output_field=TEXT_FIELD), "a", "a-s"),
        (Concat("text", Value("-"), "slug", output_field=TEXT_FIELD), None, "-s"),
        (Concat("text", Value("$text"), output_field=TEXT_FIELD), "a", "a$text"),
        (Concat("text", "big", output_field=TextField()), "a", "a7"),
        (Trim("text"), "  a b ", "a b"),
        (LTrim("text"), "  a b ", "a b "),
        (RTrim("text"), "  a b ", "  a b"),
        (Trim("text"), None, None),
        (Left("text", 2), "häß", "hä"),
        (Left("text", 9), "abc", "abc"),
        (Left("text", 2), None, None),
        (Right("text", 2), "häß", "äß"),
        (Right("text", 9), "abc", "abc"),
        (Right("text", 2), None, None),
        (Substr("text", 2), "häßlich", "äßlich"),
        (Substr("text", 2, 3), "häßlich", "äßl"),
        (Substr("text", 9, 3), "abc", ""),
        (Substr("text", 2), None, None),
        (Replace("text", Value("a"), Value("$"), output_field=TEXT_FIELD), "banana", "b$n$n$"),
        (Replace("text", Value("x"), Value("y"), output_field=TEXT_FIELD), "banana", "banana"),
        (Replace("text", Value("a"), output_field=TEXT_FIELD), "banana", "bnn"),
        (Replace("text", Value("a"), Value("b"), output_field=TEXT_FIELD), None, None),
        (StrIndex("text", Value("ß")), "häß", 3),
        (StrIndex("text", Value("x")), "häß", 0),
        (StrIndex("text", Value("x")), None, None),
        (Repeat("text", 3), "ab", "ababab"),
        (Repeat("text", 0), "ab", ""),
        (Repeat("text", 3), None, None),
        (Reverse("text"), "häß", "ßäh"),
        (Reverse("text"), "", ""),
        (Reverse("text"), None, None),
        (Coalesce("text", "slug", output_field=TEXT_FIELD), "a", "a"),
        (Coalesce("text", "slug", output_field=TEXT_FIELD), None, "s"),
        (Coalesce("text", NONE, output_field=TEXT_FIELD), None, None),
        (NullIf("text", Value("a"), output_field=TEXT_FIELD), "a", None),
        (NullIf("text", Value("b"), output_field=TEXT_FIELD), "a", "a"),
        (NullIf("text", Value("b"), output_field=TEXT_FIELD), None, None),
        (Greatest("text", "slug", output_field=TEXT_FIELD), "x", "x"),
        (Least("text", "slug", output_field=TEXT_FIELD), "x", "s"),
        (Greatest("text", "slug", output_field=TEXT_FIELD), None, "s"),
        (Least("text", "slug", output_field=TEXT_FIELD), None, "s"),
        (Least("text", NONE, output_field=TEXT_FIELD), None, None),
        (Upper(Left("text", 1)), "abc", "A"),
    ],
    ids=str,
)
def test_text(expression, text, value):
    assert computed(expression, text=text, slug="s", big=7) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (Abs("number"), 2.5),
        (Ceil("number"), -2),
        (Floor("number"), -3),
        (Round("decimal"), D("2")),
        (Round("decimal", 1), D("1.6")),
        (Sign("number"), -1),
        (Sign("big"), 1),
        (Sqrt("big"), 3.0),
        (Sqrt("number"), None),
        (Power("big", 2), 81.0),
        (Mod("big", 4), 1.0),
        (Mod("big", 0), None),
        (Ln("big"), math.log(9)),
        (Ln("number"), None),
        (Log(3, "big"), 2.0),
        (Log(1, "big"), None),
        (Exp("big"), math.exp(9)),
        (Sin("big"), math.sin(9)),
        (Cos("big"), math.cos(9)),
        (Tan("big"), math.tan(9)),
        (Cot("big"), 1 / math.tan(9)),
        (ASin("half"), math.asin(0.5)),
        (ACos("half"), math.acos(0.5)),
        (ACos("big"), None),
        (ATan("big"), math.atan(9)),
        (ATan2("big", "number"), math.atan2(9, -2.5)),
        (Degrees("big"), math.degrees(9)),
        (Radians("big"), math.radians(9)),
        (Pi(), math.pi),
        (Greatest("big", Value(20)), 20),
        (Least("big", Value(20)), 9),
        *(
            (function("small"), None)
            for function in (Abs, Ceil, Floor, Round, Sign, Sqrt, Ln, Exp, Sin, Degrees)
        ),
        (Power("small", 2), None),
        (Mod("small", 2), None),
    ],
    ids=str,
)
def test_numbers(expression, value):
    Every.objects.create(big=9, number=-2.5, decimal=D("1.550"))
    rows = Every.objects.annotate(half=Value(0.5)).annotate(found=expression)
    found = rows.get().found
    assert found == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (Cast("big", TextField()), "7"),
        (Cast("big", FloatField()), 7.0),
        (Cast("big", DecimalField(max_digits=8, decimal_places=2)), D("7.00")),
        (Cast("number", IntegerField()), -2),
        (Cast("number", DecimalField(max_digits=8, decimal_places=1)), D("-2.7")),
        (Cast("slug", IntegerField()), 12),
        (Cast("slug", FloatField()), 12.0),
        (Cast("slug", DecimalField(max_digits=8, decimal_places=1)), D("12.0")),
        (Cast("slug", TextField()), "12"),
        (Cast("day", TextField()), "2024-02-29"),
        (Cast("day", DateTimeField()), datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC)),
        (Cast("big", BooleanField()), True),
        (Cast("flag", IntegerField()), 1),
        (Cast("reference", TextField()), str(KEY)),
        (Cast(Value(str(KEY)), ObjectIdField()), KEY),
        (Cast("json", JSONField()), {"a": 1}),
        (Cast(F("json__a"), IntegerField()), 1),
        (Cast("small", TextField()), None),
        (Cast("small", FloatField()), None),
        (Cast("small", DecimalField(max_digits=8, decimal_places=2)), None),
        (Cast("text", IntegerField()), None),
        (Cast("text", ObjectIdField()), None),
    ],
    ids=str,
)
def test_casts(expression, value):
    found = computed(
        expression,
        big=7,
        number=-2.7,
        slug="12",
        day=datetime.date(2024, 2, 29),
        flag=True,
        reference=KEY,
        json={"a": 1},
    )
    assert found == value
    assert type(found) is type(value)


def test_a_text_that_is_no_number_is_told():
    Every.objects.create(text="many")
    with pytest.raises(DataError):
        list(Every.objects.annotate(found=Cast("text", FloatField())))


@pytest.mark.parametrize(
    "expression",
    [
        MD5("text"),
        LPad("text", 5, Value(" ")),
        Cast("moment", DateField()),
        Cast("text", DateField()),
        JSONObject(**{"a.b": F("text")}),
    ],
    ids=str,
)
def test_what_has_no_counterpart(expression):
    with pytest.raises(NotSupportedError):
        Every.objects.annotate(found=expression)


def test_mixed_types_are_told_at_once():
    with pytest.raises(FieldError, match="output_field"):
        Every.objects.annotate(found=Concat("text", Value("-")))


def test_documents_and_chance():
    made = JSONObject(name=Lower("text"), gone="slug", deep=JSONObject(n=F("big") + 1))
    assert computed(made, text="A", big=2) == {"name": "a", "gone": None, "deep": {"n": 3}}
    assert 0 <= Every.objects.annotate(r=Random()).get().r < 1
    now = Every.objects.annotate(now=Now()).get().now
    assert abs(now - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=5)
    Every.objects.update(moment=Now())
    assert Every.objects.filter(moment__lte=Now()).count() == 1


@pytest.mark.parametrize("name", ["Trim", "Substr", "Replace"])
def test_what_looks_like_an_operator_stays_text(name):
    Every.objects.create(text="$big", big=3)
    expressions = {
        "Trim": Concat(Value("$"), Trim("text"), output_field=TEXT_FIELD),
        "Substr": Concat(Value("$"), Substr("text", 1), output_field=TEXT_FIELD),
        "Replace": Replace(Value("$x"), Value("x"), Value("$big")),
    }
    assert Every.objects.annotate(x=expressions[name]).get().x == "$$big"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXT, other=TEXT.filter(bool), start=st.integers(1, 9), size=st.integers(0, 9))
def test_any_text(db, text, other, start, size):
    Every.objects.all().delete()
    Every.objects.create(text=text)
    row = Every.objects.annotate(
        length=Length("text"),
        left=Left("text", size + 1),
        right=Right("text", size + 1),
        sub=Substr("text", start, size),
        joined=Concat("text", Value(other), output_field=TEXT_FIELD),
        replaced=Replace("text", Value(other), Value("-"), output_field=TEXT_FIELD),
        index=StrIndex("text", Value(other)),
        backwards=Reverse("text"),
        trimmed=Trim("text"),
    ).get()
    assert row.length == len(text)
    assert row.left == text[: size + 1]
    assert row.right == text[-size - 1 :]
    assert row.sub == text[start - 1 : start - 1 + size]
    assert row.joined == text + other
    assert row.replaced == text.replace(other, "-")
    assert row.index == text.find(other) + 1
    assert row.backwards == text[::-1]
    assert row.trimmed == text.strip(" ")
