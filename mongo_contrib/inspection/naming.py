"""Names for what was found: Python's and Django's rules, and nothing twice."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Collection

from mongo_contrib import documents
from mongo_contrib.documents import Document, EmbeddedDocument

#: Attributes that a field would hide, or be hidden by.
_ATTRIBUTES = {*dir(Document), *dir(EmbeddedDocument), "pk", "id", "objects", "Meta"}
#: What the class below a field of that name would mean by something else.
_USED = {"datetime", "dict", "list", "models", *documents.__all__}
_TAKEN = frozenset({*_ATTRIBUTES, *_USED, "DoesNotExist"})
#: What the module imports, and its classes would hide.
_IMPORTED = frozenset(map(str.lower, documents.__all__))


def field_name(key: str, taken: Collection[str]) -> str:
    """Return the name of a field for a stored key: the key itself where that is possible."""
    name = re.sub("__+", "_", "_".join(_words(key))).strip("_") or "field"
    if not name[0].isidentifier():
        name = f"field_{name}"
    if keyword.iskeyword(name) or name in _TAKEN:
        name = f"{name}_field"
    return _free(name, taken)


def class_name(text: str, taken: Collection[str]) -> str:
    """Return the name of a class: `order_lines` becomes `OrderLines`."""
    parts = "_".join(_words(text)).split("_")
    name = "".join(part[:1].upper() + part[1:] for part in parts if part) or "Unnamed"
    if not name[0].isidentifier():
        name = f"Collection{name}"
    if keyword.iskeyword(name) or name.lower() in _IMPORTED:
        name = f"{name}Document"
    # Django's registry does not tell small letters from capitals.
    known = {each.lower() for each in taken}
    return _free(name, known, str.lower)


def _words(text: str) -> list[str]:
    """Split a text at what can't be in a name: some numerals, too, which are word characters."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(each if f"a{each}".isidentifier() else " " for each in text).split()


def _free(name: str, taken: Collection[str], folded: Callable[[str], str] = str) -> str:
    number, free = 2, name
    while folded(free) in taken:
        free = f"{name}{number}" if not name[-1].isdigit() else f"{name}_{number}"
        number += 1
    return free


_PLURALS = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"))


def singular(name: str) -> str:
    """Return the singular of an English plural, near enough for the name of a class."""
    for plural, one in _PLURALS:
        if name.lower().endswith(plural) and len(name) > len(plural) + 1:
            return name[: -len(plural)] + one
    if name.lower().endswith("s") and not name.lower().endswith(("ss", "us", "is", "ics", "news")):
        return name[:-1] or name
    return name


def stem(name: str) -> str:
    """Return what a key refers to by its name: `country_id`, `countryIds`, `countries` alike."""
    bare = re.sub(r"(_?ids?|_?refs?|Ids?)$", "", name) or name
    return singular(bare).lower().replace("_", "")
