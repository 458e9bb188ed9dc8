"""What an upstream calls things: category codes of its own, fields under other names, left out, or added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.settings import Upstream

Item = dict[str, Any]  # a ticket or its tombstone as it travels
DEFAULT = "default"
# Every field of a live item, in the order of a table's columns.
FIELDS = (
    "id",
    "version",
    "deleted",
    "state",
    "status",
    "level",
    "category.code",
    "category.name",
    "category.mapped",
    "urgency",
    "nature",
    "list",
    "flagged",
    "proactive",
    "confidential",
    "grid.code",
    "grid.name",
    "place.building",
    "place.unit",
    "place.floor",
    "place.room",
    "place.place",
    "text",
    "times.reported",
    "times.filed",
    "times.acknowledged",
    "times.assigned",
    "times.accepted",
    "times.due",
    "times.handled",
    "times.closed",
    "owner.role",
    "owner.org",
    "counts.reporters",
    "counts.reopened",
    "result.text",
    "result.founded",
    "result.out_of_remit",
    "result.contacted",
    "result.solved",
    "result.unsolved_reason",
    "result.public_answer",
    "callback.outcome",
    "callback.rating",
)
REPORTER_FIELDS = ("reporter.name", "reporter.phone")
TOMBSTONE_FIELDS = ("reason", "merged_into")
GROUPS = tuple(dict.fromkeys(path.partition(".")[0] for path in (*FIELDS, *REPORTER_FIELDS) if "." in path))
# What the wire itself reads, under these names only.
FIXED = ("id", "version", "deleted", "reason", "merged_into", "hash")


class Unmapped(Exception):
    """The upstream has no code for a category; the text names the place and the cure."""


def code(upstream: Upstream, category: str) -> str:
    """The upstream's code for a category: the longest prefix that `codes` knows, else its default. Raises Unmapped."""
    if not upstream.codes:
        return category
    for digits in range(len(category), 0, -1):
        if category[:digits] in upstream.codes:
            return upstream.codes[category[:digits]]
    if DEFAULT in upstream.codes:
        return upstream.codes[DEFAULT]
    raise Unmapped(
        f'category {category} has no code of theirs: add "{category}" (or "{DEFAULT}") under [upstreams.codes] of '
        f"{upstream.name} and restart"
    )


def mapped(upstream: Upstream, item: Item) -> Item:
    """The item in the upstream's words, still without its hash. Raises Unmapped."""
    if not item["deleted"]:
        item = {**item, "category": {**item["category"], "mapped": code(upstream, item["category"]["code"])}}
        item |= upstream.constants
    # Parts before wholes, in whatever order they are written: what is to be left out must not go along with its group.
    for path in sorted(upstream.fields, key=lambda path: "." not in path):
        item = _moved(item, path, upstream.fields[path])
    return item


def flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with dotted paths for what is nested, as a table's columns need it."""
    cells: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, dict):
            cells |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            cells[name] = value
    return cells


def columns(upstream: Upstream) -> list[str]:
    """The header of a table for this upstream: every field once under the upstream's name, in a fixed order."""
    paths = [*FIELDS, *(REPORTER_FIELDS if upstream.reporter else ()), *TOMBSTONE_FIELDS, "hash"]
    named = [_named(upstream, path) for path in paths]
    return [name for name in dict.fromkeys([*named, *upstream.constants]) if name]


def _named(upstream: Upstream, path: str) -> str:
    """What a column is called; empty where it is left out."""
    group, _, leaf = path.partition(".")
    if path in upstream.fields or not leaf:
        return upstream.fields.get(path, path)
    name = upstream.fields.get(group, group)
    return f"{name}.{leaf}" if name else ""


def _moved(item: Item, path: str, name: str) -> Item:
    """The item with what stands at the path under another name, or left out where that is empty."""
    group, _, leaf = path.partition(".")
    if group not in item or (leaf and not isinstance(item[group], dict)):
        return item
    item = dict(item)
    if leaf:
        inner = dict(item[group])
        if leaf not in inner:
            return item
        value = inner.pop(leaf)
        item[group] = inner
        if not inner:
            del item[group]
    else:
        value = item.pop(group)
    return {**item, name: value} if name else item
