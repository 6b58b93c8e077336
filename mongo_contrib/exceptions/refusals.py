"""What a server tells of a document that its collection's validator refused (code 121)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mongo_contrib.exceptions.classes import DocumentInvalid

# Of a value, an error shows so much.
SHOWN = 80


class Reason(NamedTuple):
    """One rule that was not kept: where, which, what it wanted and what it found."""

    path: str
    rule: str
    wanted: Any
    value: Any
    sentence: str


def invalid(details: Mapping[str, Any], collection: str | None) -> DocumentInvalid:
    """Return the error for a server's reply; it names document, paths, rules and values."""
    info = details.get("errInfo") or {}
    reasons: dict[str, Reason] = {}
    for reason in _reasons(info.get("details") or {}, ""):
        reasons.setdefault(reason.path, reason)
    what = "; ".join(f"{path}: {reason.sentence}" for path, reason in reasons.items())
    key = info.get("failingDocumentId")
    document = "the document" if key is None else f"the document {key!r}"
    return DocumentInvalid(
        f"The validator of collection {collection!r} refused {document}"
        + (f": {what}" if what else "."),
        collection=collection,
        document_id=key,
        reasons={path: reason.sentence for path, reason in reasons.items()},
        rules={path: reason.rule for path, reason in reasons.items()},
        values={
            path: reason.value for path, reason in reasons.items() if reason.rule != "required"
        },
    )


def _reasons(details: Mapping[str, Any], path: str) -> Iterator[Reason]:
    """Yield each leaf of what the server tells of a failed $jsonSchema, or of a filter."""
    rule = details.get("operatorName", "")
    prefix = f"{path}." if path else ""
    for name in details.get("missingProperties", ()):
        yield Reason(f"{prefix}{name}", "required", None, None, "missing")
    undeclared = details.get("additionalProperties", ())
    for name in undeclared if isinstance(undeclared, list) else ():
        yield Reason(f"{prefix}{name}", "additionalProperties", None, None, "not declared")
    inner = list(_inner(details, path))
    for place, each in inner:
        yield from _reasons(each, place)
    if alternatives := details.get("schemasNotSatisfied"):
        yield from _nearest(alternatives, path)
    elif "reason" in details and not inner:
        wanted = details.get("specifiedAs")
        value = details.get("consideredValue")
        yield Reason(path, rule, wanted, value, _sentence(details, wanted, value))


def _inner(details: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the parts of a rule that failed, each with the path that it is about."""
    prefix = f"{path}." if path else ""
    for key in ("schemaRulesNotSatisfied", "clausesNotSatisfied"):
        for part in _listed(details.get(key)):
            yield path, part.get("details", part) if key[0] == "c" else part
    for part in _listed(details.get("propertiesNotSatisfied")):
        place = f"{prefix}{part['propertyName']}"
        for each in _listed(part.get("details")):
            yield place, each
    place = path
    if "itemIndex" in details:
        place = f"{prefix}{details['itemIndex']}"
    elif "failingProperty" in details:
        place = f"{prefix}{details['failingProperty']}"
    for each in _listed(details.get("details")):
        yield place, each


def _listed(parts: Any) -> list[Mapping[str, Any]]:
    found = parts if isinstance(parts, list) else [parts]
    return [part for part in found if isinstance(part, Mapping)]


def _nearest(alternatives: Iterable[Mapping[str, Any]], path: str) -> list[Reason]:
    """Return why the alternative failed that the document was meant to be.

    That is the one of its class (`_cls`), and never null where a value was given.
    """
    found = [
        [reason for each in _listed(alternative.get("details")) for reason in _reasons(each, path)]
        for alternative in alternatives
    ]
    meant = [
        reasons
        for reasons in found
        if not any(
            reason.path.rpartition(".")[2] == "_cls" or reason.wanted == {"bsonType": "null"}
            for reason in reasons
        )
    ]
    return min(meant or found, key=len, default=[])


def _sentence(details: Mapping[str, Any], wanted: Any, value: Any) -> str:
    found = repr(value)
    if len(found) > SHOWN:
        found = f"{found[:SHOWN]}..."
    kind = details.get("consideredType")
    kind = f" ({kind})" if kind else ""
    told = (
        f"{details['reason']}: found {found}{kind}"
        if "consideredValue" in details
        else (details["reason"])
    )
    if isinstance(wanted, Mapping):
        rules = ", ".join(f"{name} {rule!r}" for name, rule in wanted.items())
        return f"{told}, wanted {rules}"
    return f"{told}, wanted {wanted!r}" if wanted else told
