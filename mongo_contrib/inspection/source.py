"""Classes as the text of a module."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .classes import ClassSource
from .fields import FieldSource

_WIDTH = 99


def module_source(classes: Iterable[ClassSource], header: str) -> str:
    """Return a module that defines the classes, with what it imports."""
    made = list(classes)
    bodies = "\n\n\n".join("\n".join(_class(each)) for each in made)
    return f"{header}\n{_imports(bodies)}\n\n\n{bodies}\n"


def _imports(bodies: str) -> str:
    from mongo_contrib import documents

    code = "\n".join(line.split("  # ")[0] for line in bodies.splitlines())
    words = set(re.findall(r"(?<![\w.\"'])([A-Z]\w+)(?=[(,)\]:])", code))
    words |= {base for base in re.findall(r"class \w+\((\w+)\)", code)}
    names = sorted(words & set(documents.__all__), key=str.lower)
    lines = ["import datetime\n"] if "datetime." in code else []
    if "models." in code:
        lines.append("from django.db import models\n")
    listed = "".join(f"    {name},\n" for name in names)
    lines.append(f"from mongo_contrib.documents import (\n{listed})")
    return "\n".join(lines)


def _class(made: ClassSource) -> Iterator[str]:
    for note in made.notes:
        yield f"# {note}"
    yield f"class {made.name}({made.base}):"
    for field in made.fields:
        yield from _field(field)
    if not made.fields and not made.meta and not made.indexes:
        yield "    pass"
    if made.meta or made.indexes:
        if made.fields:
            yield ""
        yield "    class Meta:"
        for name, value in made.meta.items():
            yield f"        {name} = {value}"
        if made.indexes:
            yield "        indexes = ["
            for index in made.indexes:
                yield from _wrapped(f"            {index},")
            yield "        ]"


def _field(field: FieldSource) -> Iterator[str]:
    line = f"    {field.name} = {field.expression}"
    if field.comment and len(line) + len(field.comment) + 4 > _WIDTH:
        yield f"    # {field.name}: {field.comment}"
    elif field.comment:
        yield f"{line}  # {field.comment}"
        return
    yield from _wrapped(line)


def _wrapped(line: str) -> Iterator[str]:
    """Yield a call with each argument on a line of its own if it is too long for one."""
    if len(line) <= _WIDTH:
        yield line
        return
    start, _, rest = line.partition("(")
    arguments, end = rest.rpartition(")")[0], rest.rpartition(")")[2]
    indent = " " * (len(line) - len(line.lstrip()))
    yield f"{start}("
    for argument in _split(arguments):
        yield f"{indent}    {argument},"
    yield f"{indent}){end}"


def _split(arguments: str) -> Iterator[str]:
    """Yield the arguments of a call, which commas within brackets and texts don't part."""
    depth, start, quote, escaped = 0, 0, "", False
    for position, letter in enumerate(arguments):
        if quote:
            quote = "" if letter == quote and not escaped else quote
            escaped = letter == "\\" and not escaped
        elif letter in "\"'":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "," and not depth:
            yield arguments[start:position].strip()
            start = position + 1
    yield arguments[start:].strip()
