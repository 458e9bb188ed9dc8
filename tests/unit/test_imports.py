"""The arrows of the house: bot → handlers → {storage, nlp}, and SQLAlchemy behind storage/ only.

The imports are read from the source, those inside functions too: nothing is imported to find them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "bot": {"bot", "handlers", "storage", "nlp"},
    "handlers": {"handlers", "storage", "nlp"},
    "storage": {"storage"},
    "nlp": {"nlp"},
}
SQL = {"sqlalchemy", "alembic", "aiosqlite", "asyncpg", "sqlite3"}
SLOW = {"wechaty", "wechaty_puppet", "wechaty_puppet_service", "wechaty_grpc", "grpclib", "betterproto"}


def imports(source: str, package: str) -> Iterator[tuple[int, str]]:
    """(line, dotted module) of every import in a file of `package` (dotted)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: 1 - node.level or None] if node.level else []
            yield node.lineno, ".".join([*parts, *([node.module] if node.module else [])])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
            name = node.args[0] if node.args else None
            yield node.lineno, str(name.value) if isinstance(name, ast.Constant) else "?"


def wrong_arrows(room: str, source: str, package: str) -> list[str]:
    """What a file of that room imports and must not."""
    found = []
    for line, module in imports(source, package):
        top = module.split(".")[0]
        if (top in ALLOWED and top not in ALLOWED[room]) or (top in SQL and room != "storage"):
            found.append(f"{line}: {module}")
    return found


def files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_follow_the_arrows(room: str) -> None:
    assert files(room), f"{room}/ has no files"
    wrong = {}
    for path in files(room):
        relative = path.relative_to(ROOT)
        found = wrong_arrows(room, path.read_text(encoding="utf-8"), ".".join(relative.parts[:-1]))
        if found:
            wrong[str(relative)] = found
    assert wrong == {}


def test_the_gateway_stays_in_its_transport() -> None:
    """gRPC and wechaty are known to bot/transports alone: everything else does without their slow import."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for room in ALLOWED
        for path in files(room)
        if path.parent != ROOT / "bot" / "transports"
        for line, module in imports(path.read_text(encoding="utf-8"), room)
        if module.split(".")[0] in SLOW
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("room", "source", "wrong"),
    [
        ("nlp", "from storage.model import Role", ["1: storage.model"]),
        ("storage", "def f():\n    import handlers.texts", ["2: handlers.texts"]),
        ("handlers", "import sqlalchemy as sa", ["1: sqlalchemy"]),
        ("handlers", "from bot import app", ["1: bot"]),
        ("storage", "import importlib\nimportlib.import_module('bot.app')", ["2: bot.app"]),
        ("handlers", "from ..bot import app", ["1: bot"]),
        ("storage", "import sqlalchemy\nfrom storage import model\nfrom . import tables", []),
        ("bot", "from handlers import texts\nfrom nlp import pipeline\nfrom storage import people", []),
    ],
)
def test_a_wrong_arrow_is_seen(room: str, source: str, wrong: list[str]) -> None:
    assert wrong_arrows(room, source, room) == wrong
