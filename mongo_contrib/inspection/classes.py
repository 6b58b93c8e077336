"""Document classes of what was seen: pure, no server needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from . import fields
from .families import CLASS_KEY, Member
from .fields import FieldSource, is_map
from .literals import literal
from .naming import class_name, field_name, singular
from .references import Reference
from .values import Values


@dataclass
class ClassSource:
    """A class as it is written."""

    name: str
    base: str
    fields: list[FieldSource] = field(default_factory=list)
    #: `Meta`: name and expression of each option.
    meta: dict[str, str] = field(default_factory=dict)
    indexes: list[str] = field(default_factory=list)
    #: Comments above the class.
    notes: list[str] = field(default_factory=list)
    #: The class whose fields this one has, too, if they are stored together.
    parent: ClassSource | None = None
    #: By stored key: the field's name, and the class of what is embedded there.
    names: dict[str, tuple[str, ClassSource | None]] = field(default_factory=dict)

    def ensure(self, stored: str) -> None:
        """Make a field for a stored path that no document has shown."""
        key, _, rest = stored.partition(".")
        if key == "_id" or key.startswith("$") or self.path(stored) is not None:
            return
        if key not in self.names:
            name = field_name(key, {each.name for each in self.fields})
            options = {"null": "True", "blank": "True"}
            if name != key:
                options["db_column"] = literal(key)
            kind = "DictField" if rest else "BSONField"
            self.fields.append(
                FieldSource(name, kind, [], options, "indexed, but in no sampled document")
            )
            self.names[key] = (name, None)
        elif rest and (embedded := self.names[key][1]) is not None:
            embedded.ensure(rest)

    def path(self, stored: str) -> str | None:
        """Return a stored path as look-ups write it; None if no field leads there."""
        key, _, rest = stored.partition(".")
        if key == "_id" and not rest and self.base != "EmbeddedDocument":
            return "pk"
        if key not in self.names:
            return self.parent.path(stored) if self.parent else None
        name, embedded = self.names[key]
        if not rest:
            return name
        if embedded is None and self._is_open(name):
            return f"{name}__{rest.replace('.', '__')}"
        inside = embedded.path(rest) if embedded is not None else None
        return None if inside is None else f"{name}__{inside}"

    def _is_open(self, name: str) -> bool:
        """Tell whether any key may follow: the field is a dictionary."""
        (found,) = (each for each in self.fields if each.name == name)
        return found.kind in ("DictField", "MapField")


#: References store their keys under a name of their own, unless `db_column` says another.
_KEYS_BESIDE = ("models.ForeignKey", "ReferenceListField")


class Builder:
    """Makes the class of one collection and those of what is embedded in it."""

    def __init__(
        self,
        references: Mapping[int, Reference],
        labels: Mapping[str, str],
        taken: Collection[str],
    ) -> None:
        """`references` are known by the `id()` of their `Values`, `labels` by collection."""
        self.references = references
        self.labels = labels
        self.taken = set(taken)
        self.embedded: list[ClassSource] = []
        self._referred: set[str] = set()

    def documents(self, name: str, member: Member) -> list[ClassSource]:
        """Return the classes of a collection, the oldest first.

        `self.embedded` has those that they need before them.
        """
        oldest = self.document(name, member.values)
        made = [oldest]
        if member.children or member.stored_name:
            oldest.meta["allow_inheritance"] = "True"
            oldest.names[CLASS_KEY] = (CLASS_KEY, None)
            if member.stored_name not in ("", name):
                oldest.meta["class_name"] = literal(member.stored_name)
            for child in member.children:
                made += self._heirs(child, oldest, member.stored_name or name)
        return made

    def _heirs(self, member: Member, parent: ClassSource, above: str) -> list[ClassSource]:
        last = member.stored_name.rpartition(".")[2]
        name = class_name(last, self.taken)
        self.taken.add(name)
        made = self.document(name, member.values, parent)
        if member.stored_name != f"{above}.{name}":
            made.meta["class_name"] = literal(member.stored_name)
        found = [made]
        for child in member.children:
            found += self._heirs(child, made, member.stored_name)
        return found

    def document(
        self, name: str, values: Values, parent: ClassSource | None = None
    ) -> ClassSource:
        """Return the class of these documents; `parent` is what else they have."""
        made = ClassSource(name, parent.name if parent else "Document", parent=parent)
        keys = dict(values.keys)
        key = keys.pop("_id", None)
        if key is not None and parent is None and set(key.filled) != {"objectId"}:
            kind, options = fields.scalar(key)
            options = {"primary_key": "True", **options}
            made.fields.append(FieldSource("id", kind, [], options, _unless_one(key)))
        self._fill(made, keys, values.types["object"])
        return made

    def _fill(self, made: ClassSource, keys: Mapping[str, Values], of: int) -> None:
        for key, values in keys.items():
            if key.startswith("$") or "." in key or not key or "\0" in key:
                made.notes.append(f"The key {key!r} can't be a field; it is kept on saving.")
                continue
            self._referred_as = made.name
            source, embedded = self._field(key, values, of)
            taken = {each.name for each in made.fields}
            source.name = self._name(key, source, taken)
            made.names[key] = (source.name, embedded)
            column = f"{source.name}_id" if source.kind in _KEYS_BESIDE else source.name
            if column != key:
                source.options["db_column"] = literal(key)
            made.fields.append(source)

    @staticmethod
    def _name(key: str, source: FieldSource, taken: Collection[str]) -> str:
        bare = key
        if source.kind in _KEYS_BESIDE and key.endswith("_id") and len(key) > 3:
            bare = key[:-3]
        return field_name(bare, taken)

    def _field(self, key: str, values: Values, of: int) -> tuple[FieldSource, ClassSource | None]:
        source, embedded = self._described(key, values)
        filled = sum(values.filled.values())
        of_list = source.kind in ("ListField", "EmbeddedDocumentListField", "ReferenceListField")
        if filled < of and source.kind != "EmbeddedDocumentListField":
            source.options |= {"null": "True", "blank": "True"}
        elif of_list and source.kind == "ListField":
            source.options |= {"default": "list", "blank": "True"}
        elif of_list or _may_be_blank(source, values):
            source.options |= {"blank": "True"}
        if filled < of or len(values.filled) > 1:
            source.comment = "; ".join(filter(None, [values.shares(of), source.comment]))
        return source, embedded

    def _described(self, key: str, values: Values) -> tuple[FieldSource, ClassSource | None]:
        kinds = set(values.filled)
        if id(values) in self.references:
            return self._reference(self.references[id(values)], many=False), None
        if kinds == {"array"} and values.items is not None:
            return self._list(key, values.items)
        if kinds == {"object"}:
            return self._document(key, values)
        kind, options = fields.scalar(values)
        return FieldSource("", kind, [], options), None

    def _list(self, key: str, items: Values) -> tuple[FieldSource, ClassSource | None]:
        if id(items) in self.references:
            return self._reference(self.references[id(items)], many=True), None
        kinds = set(items.types)
        if kinds == {"object"} and fields.geometry(items) is None and not is_map(items):
            embedded = self._embed(singular(key), items)
            return FieldSource("", "EmbeddedDocumentListField", [embedded.name]), embedded
        base, embedded_base = self._described(singular(key), items)
        if base.kind == "models.ForeignKey":
            base = FieldSource("", "ObjectIdField")
        return FieldSource("", "ListField", [base.expression], {}, base.comment), embedded_base

    def _document(self, key: str, values: Values) -> tuple[FieldSource, ClassSource | None]:
        geometry = fields.geometry(values)
        if geometry is not None:
            return FieldSource("", geometry, [], {"db_index": "False"}), None
        if is_map(values):
            return self._map(values), None
        embedded = self._embed(key, values)
        return FieldSource("", "EmbeddedDocumentField", [embedded.name]), embedded

    def _map(self, values: Values) -> FieldSource:
        members = values.members()
        if len(members.types) == 1 and members.count and "object" not in members.types:
            base, _ = self._described("value", members)
            if base.kind not in ("BSONField", "models.ForeignKey"):
                return FieldSource("", "MapField", [base.expression], {"blank": "True"})
        return FieldSource("", "DictField", [], {"blank": "True"})

    def _embed(self, key: str, values: Values) -> ClassSource:
        name = class_name(key, self.taken)
        if name != class_name(key, ()):
            name = class_name(f"{self._referred_as}_{key}", self.taken)
        self.taken.add(name)
        made = ClassSource(name, "EmbeddedDocument")
        owner = self._referred_as
        self._fill(made, values.keys, values.types["object"])
        self._referred_as = owner
        self.embedded.append(made)
        return made

    def _reference(self, found: Reference, *, many: bool) -> FieldSource:
        source = fields.reference(found, self.labels[found.collection], many=many)
        # A second reference to one class would want the same name for the way back.
        target = self.labels[found.collection]
        if target in self._referred or "." in target:
            source.options["related_name"] = literal("+")
        self._referred.add(target)
        return source


def _may_be_blank(source: FieldSource, values: Values) -> bool:
    return source.kind in ("models.CharField", "models.TextField") and values.shortest == 0


def _unless_one(values: Values) -> str:
    return values.shares(values.count) if len(values.types) > 1 else ""
