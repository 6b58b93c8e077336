"""What the tests of the admin share."""

from html.parser import HTMLParser

import pytest


@pytest.fixture(autouse=True)
def admin_urls(settings):
    settings.ROOT_URLCONF = "tests.admin.urls"


@pytest.fixture
def ann(db):
    """A superuser."""
    from mongo_contrib.auth.models import User

    return User.objects.create_superuser("ann", "ann@example.com", "secret")


@pytest.fixture
def client(client, ann):
    """A browser in which Ann is logged in."""
    client.force_login(ann)
    return client


@pytest.fixture
def shop(db):
    """Three makers and five products; `shop["Best"]` is an object by its name."""
    import datetime
    from decimal import Decimal

    from .shop.models import Label, Maker, Material, Part, Product, Review, Size

    lego = Maker.objects.create(name="Lego", country="Denmark")
    bosch = Maker.objects.create(name="Bosch", country="Germany")
    faber = Maker.objects.create(name="Faber", country="Germany")
    products = [
        Product(
            name="Best",
            kind="tool",
            maker=bosch,
            price=Decimal("9.50"),
            made=datetime.date(2024, 5, 17),
            size=Size(
                width=500, height=20, secret="kept", material=Material(name="oak", maker=lego)
            ),
            tags=["red", "new"],
            reviews=[
                Review(author="Bob", stars=5, note="first"),
                Review(author="Eve", stars=1, note="second"),
            ],
            labels=[Label(code="A1", text="fragile")],
        ),
        Product(name="Brick", maker=lego, sold=True, made=datetime.date(2024, 6, 1)),
        Product(name="Bridge", maker=lego, size=Size(width=300), tags=["red"]),
        Product(name="Pencil", kind="book", maker=faber, made=datetime.date(2023, 1, 2)),
        Product(name="Stray", reviews=[Review(author="Bob")]),
    ]
    for product in products:
        product.save()
    Part.objects.create(product=products[0], name="screw")
    return {each.name: each for each in [lego, bosch, faber, *products]}


class _Inputs(HTMLParser):
    """Collects what a browser would send of a page's main form."""

    def __init__(self):
        super().__init__()
        self.values = {}
        self._textarea = self._select = None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name, kind = attrs.get("name"), attrs.get("type")
        if tag == "input" and name and kind not in ("submit", "file"):
            if kind not in ("checkbox", "radio"):
                self.values[name] = attrs.get("value") or ""
            elif "checked" in attrs:
                self.values[name] = attrs.get("value") or "on"
        elif tag == "textarea":
            self._textarea = name
            self.values[name] = ""
        elif tag == "select" and name:
            self._select = name
            self.values[name] = ""
        elif tag == "option" and self._select and "selected" in attrs:
            self.values[self._select] = attrs.get("value") or ""

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._textarea = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data):
        if self._textarea:
            # Browsers, like Django's widget, put a line break first.
            self.values[self._textarea] += data.lstrip("\r\n")


@pytest.fixture
def form_of(client):
    """`form_of(url)` is what a browser would send if the form there were sent as it is."""

    def form_of(url):
        response = client.get(url)
        assert response.status_code == 200, (url, response.status_code, response.get("Location"))
        inputs = _Inputs()
        inputs.feed(response.content.decode())
        found = {name: value for name, value in inputs.values.items() if "__prefix__" not in name}
        return {name: value for name, value in found.items() if name not in ("q", "action")}

    return form_of


@pytest.fixture
def errors_of():
    """`errors_of(response)` are the messages that a page shows beside its fields."""

    def errors_of(response):
        assert response.status_code == 200, response.get("Location")
        return [str(error) for error in response.context["errors"].as_data()] + [
            message
            for formset in response.context["inline_admin_formsets"]
            for errors in formset.formset.errors
            for messages in errors.values()
            for message in messages
        ]

    return errors_of


@pytest.fixture
def change_url():
    """`change_url(obj)` is the address of an object's change form."""

    def change_url(obj, page="change"):
        options = obj._meta
        return f"/admin/{options.app_label}/{options.model_name}/{obj.pk}/{page}/"

    return change_url


LIST = "/admin/shop/product/"


@pytest.fixture
def names(client):
    """`names(query)` are the products on the change list, in order."""

    def names(query="", url=LIST):
        response = client.get(url + query)
        assert response.status_code == 200, response.get("Location")
        return [str(each) for each in response.context["cl"].result_list]

    return names
