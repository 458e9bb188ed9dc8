"""What the platform keeps, in SQLite: each ticket as it was last sent, a log of all that was applied, the answers given
to requests, and the answers that it has for the grid.

Three rules make repeated and reordered requests harmless:
1. A lower version than the one that is held is stale. The same version with the same hash is a duplicate; with another
   hash it replaces what is held, as a higher version does: a name or a code may change without the ticket.
2. A request's answer is kept under its idempotency key, in the same transaction, and given again.
3. A tombstone is a version like any other: it empties the ticket, and no older version fills it again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tickets (
    source TEXT, id TEXT, version INTEGER, deleted INTEGER, hash TEXT, item TEXT, ref TEXT, PRIMARY KEY (source, id)
);
CREATE TABLE IF NOT EXISTS applied (seq INTEGER PRIMARY KEY, source TEXT, id TEXT, version INTEGER, hash TEXT);
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, body TEXT, reply TEXT);
CREATE TABLE IF NOT EXISTS answers (seq INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT, id TEXT, answer TEXT);
"""


class AnotherBody(Exception):
    """The idempotency key was used for another body."""


@dataclass
class Rules:
    """What this platform refuses. `rejected`: ids with the words that are said of them; `categories`: the codes that
    it knows, None for all."""

    rejected: Mapping[str, str] = field(default_factory=dict)
    categories: Collection[str] | None = None

    def against(self, item: Mapping[str, Any]) -> tuple[str, str] | None:
        """Code and words of a refusal of one ticket; None where there is nothing against it."""
        if item["id"] in self.rejected:
            return "invalid", self.rejected[item["id"]]
        category = item.get("category") or {}
        code = category.get("mapped") or category.get("code")
        if self.categories is not None and not item["deleted"] and code not in self.categories:
            return "unknown_category", f"category {code} is not in our list"
        return None


class Store:
    """One SQLite file; `:memory:` without one."""

    def __init__(self, path: Path | None = None) -> None:
        self._database = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _SCHEMA)

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(self._database.execute(query, values)) as cursor:
            return cursor.fetchall()

    # ---------------------------------------------------------------- tickets
    def receive(self, key: str, body: bytes, rules: Rules) -> dict[str, Any]:
        """Apply what a request brings, once, and return what is answered: `{"results": […]}`.

        Raises AnotherBody where the key came with other content before; ValueError where the body is none of ours."""
        digest = hashlib.sha256(body).hexdigest()
        for known, reply in self._rows("SELECT body, reply FROM replies WHERE key = ?", key):
            if known != digest:
                raise AnotherBody
            return dict(json.loads(reply))
        source, items = envelope(body)
        with self._transaction():
            results = [self._apply(source, item, rules) for item in items]
            reply = {"results": results}
            self._database.execute("INSERT INTO replies VALUES (?, ?, ?)", (key, digest, json.dumps(reply)))
        return reply

    def _apply(self, source: str, item: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
        name, version = item["id"], item["version"]
        result = {"id": name, "version": version}
        held = self._rows("SELECT version, hash, ref FROM tickets WHERE source = ? AND id = ?", source, name)
        if held and (version < held[0][0] or (version, item.get("hash")) == held[0][:2]):
            return {**result, "status": "stale" if version < held[0][0] else "duplicate", "ref": held[0][2]}
        if (refused := rules.against(item)) is not None:
            return {**result, "status": "rejected", "code": refused[0], "message": refused[1]}
        ref = held[0][2] if held else f"{source}-{name}"
        row = (source, name, version, item["deleted"], item.get("hash"), json.dumps(item, ensure_ascii=False), ref)
        self._database.execute("INSERT OR REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        applied = (source, name, version, item.get("hash"))
        self._database.execute("INSERT INTO applied (source, id, version, hash) VALUES (?, ?, ?, ?)", applied)
        return {**result, "status": "accepted", "ref": ref}

    def item(self, source: str, name: str) -> dict[str, Any] | None:
        """A ticket as it was last sent."""
        found = self._rows("SELECT item FROM tickets WHERE source = ? AND id = ?", source, name)
        return json.loads(found[0][0]) if found else None

    def listing(self, source: str, after: str, limit: int) -> dict[str, Any]:
        """A page for `reconcile`: S9 before S10, from behind `after` on."""
        (count,) = self._rows("SELECT count(*) FROM tickets WHERE source = ?", source)[0]
        rows = self._rows(
            "SELECT id, version, hash, deleted FROM tickets WHERE source = ? AND (length(id), id) > (?, ?)"
            " ORDER BY length(id), id LIMIT ?",
            source,
            len(after),
            after,
            limit,
        )
        items = [{"id": row[0], "version": row[1], "hash": row[2], "deleted": bool(row[3])} for row in rows]
        return {"count": count, "items": items, "next": items[-1]["id"] if len(items) == limit else None}

    # ---------------------------------------------------------------- answers
    def answer(self, source: str, name: str, **said: Any) -> dict[str, Any]:
        """Put an answer into the feed. What is not said: the next revision, the version that is held."""
        held = self._rows("SELECT version, ref FROM tickets WHERE source = ? AND id = ?", source, name)
        given = self._rows("SELECT count(*) FROM answers WHERE source = ? AND id = ?", source, name)[0][0]
        version, ref = held[0] if held else (1, "")
        answer = {"id": name, "ref": ref, "revision": given + 1, "based_on": version, **said}
        with self._transaction():
            values = (source, name, json.dumps(answer, ensure_ascii=False))
            self._database.execute("INSERT INTO answers (source, id, answer) VALUES (?, ?, ?)", values)
        return answer

    def answers(self, source: str, after: str, limit: int) -> dict[str, Any]:
        """What came into the feed behind the cursor `after`, and the next cursor."""
        since = int(after) if after.isdecimal() else 0
        query = "SELECT seq, answer FROM answers WHERE source = ? AND seq > ? ORDER BY seq LIMIT ?"
        rows = self._rows(query, source, since, limit)
        return {"answers": [json.loads(row[1]) for row in rows], "next": str(rows[-1][0] if rows else since)}

    # ---------------------------------------------------------------- for tests and the curious
    def applied(self) -> list[tuple[str, int, str]]:
        """(id, version, hash) of everything that was ever applied, in order."""
        return self._rows("SELECT id, version, hash FROM applied ORDER BY seq")

    def held(self, source: str) -> dict[str, dict[str, Any]]:
        """Every ticket by id, as it was last sent."""
        return {
            name: json.loads(item) for name, item in self._rows("SELECT id, item FROM tickets WHERE source = ?", source)
        }


def envelope(body: bytes) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Source and items of a request. Raises ValueError with words for the sender."""
    try:
        sent = json.loads(body)
    except ValueError:
        raise ValueError("the body is no JSON") from None
    if not isinstance(sent, dict) or sent.get("schema") != "xiaoge.ticket/1":
        raise ValueError('expected {"schema": "xiaoge.ticket/1", "source": …, "items": […]}')
    source, items = sent.get("source"), sent.get("items")
    if not isinstance(source, str) or not source or not isinstance(items, list) or not items:
        raise ValueError("source must be a name and items a list of at least one ticket")
    for number, item in enumerate(items):
        fits = isinstance(item, dict) and isinstance(item.get("id"), str) and type(item.get("version")) is int
        if not fits or type(item.get("deleted")) is not bool:
            raise ValueError(f"items[{number}]: id, version and deleted are required")
    return source, items
