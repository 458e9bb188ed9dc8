"""Check a parsed TOML table against msgspec Structs and name every fault on a line of its own.

msgspec alone stops at the first fault and cannot know how the file's author thinks of a place in it. Here the Structs
are walked, so that one reading shows all faults, each as `[table] key: what must be, what was found`.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

Fault = tuple[str, str]  # where, what is wrong and how to mend it
KINDS = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false", list: "a list [...]"}


def faults(data: Mapping[str, Any], struct: type[msgspec.Struct], place: str = "") -> Iterator[Fault]:
    """Yield every fault of `data` as a `struct`; `place` is how the table is written in the file (`[pacing]`)."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    hints = get_type_hints(struct, include_extras=True)
    for key in data:
        if key not in fields:
            yield at(place, key), f"unknown key{_nearest(key, fields)}"
    for key, field in fields.items():
        if key in data:
            yield from _value_faults(data[key], hints[field.name], place, key)
        elif field.required:
            yield at(place, key), "missing, add it"


def at(place: str, key: str) -> str:
    return f"{place} {key}" if place else f"[{key}]"


def _value_faults(value: Any, hint: Any, place: str, key: str) -> Iterator[Fault]:  # noqa: ANN401 - TOML holds anything
    nested, many = _struct_of(hint)
    if get_origin(hint) is dict and isinstance(value, dict) and (inner := _struct_of(get_args(hint)[1])[0]) is not None:
        for name, item in value.items():
            here = f"{at(place, key)}.{name}"
            if isinstance(item, dict):
                yield from faults(item, inner, here)
            else:
                yield here, f"must be a table of keys, got {shown(item)}"
    elif nested is None:
        fault = _scalar_fault(value, hint)
        if fault:
            yield at(place, key), fault
    elif many and not isinstance(value, list):
        yield at(place, key), f"must be a list of tables, write [[{key}]]"
    elif many:
        for number, item in enumerate(value, 1):
            here = f"{_listed(place, key)} #{number}"
            if isinstance(item, dict):
                yield from faults(item, nested, here)
            else:
                yield here, f"must be a table of keys, got {shown(item)}"
    elif isinstance(value, dict):
        yield from faults(value, nested, f"[{key}]")
    else:
        yield at(place, key), f"must be a table, write [{key}]"


def _listed(place: str, key: str) -> str:
    """How a list of tables is written: `[[people]]`, `[[alerts.sources]]`, inside a table `[[people]] #1 grants`."""
    if not place:
        return f"[[{key}]]"
    return f"[[{place[1:-1]}.{key}]]" if place.endswith("]") else f"{place} {key}"


def _struct_of(hint: Any) -> tuple[type[msgspec.Struct] | None, bool]:  # noqa: ANN401 - a type hint is anything
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint, False
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            return inner, True
    return None, False


def _scalar_fault(value: Any, hint: Any) -> str | None:  # noqa: ANN401
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        rule = rule_of(hint)
        return f"must be {rule}, got {shown(value)}" if rule else f"{error}, got {shown(value)}"
    return None


def rule_of(hint: Any) -> str:  # noqa: ANN401
    """What a value of this type must be, in words: `1..60`, `one of json, console`, `text in quotes`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        metas = [meta for meta in hint.__metadata__ if isinstance(meta, msgspec.Meta)]
        for meta in metas:
            if meta.description:
                return meta.description
            if meta.ge is not None and meta.le is not None:
                return f"{meta.ge}..{meta.le}"
        return rule_of(arguments[0])
    if origin in (Union, types.UnionType):
        return " or ".join(rule_of(part) for part in arguments if part is not type(None))
    if origin is tuple:
        inner = rule_of(arguments[0])
        return f"a list of {inner}" if arguments[-1] is Ellipsis else f"a list of {len(arguments)} values, each {inner}"
    if str(origin) == "typing.Literal":
        return "one of " + ", ".join(str(choice) for choice in arguments)
    return KINDS.get(hint, "")


def shown(value: Any) -> str:  # noqa: ANN401
    """A value as the file's author wrote it, short enough for one line."""
    text = (
        ("true" if value else "false")
        if isinstance(value, bool)
        else f'"{value}"'
        if isinstance(value, str)
        else str(value)
    )
    text = re.sub(r"\s+", " ", text)
    return text if len(text) <= 40 else text[:37] + "…"


def _nearest(key: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f", did you mean {close[0]}?"
    return f", known here: {', '.join(known)}"
