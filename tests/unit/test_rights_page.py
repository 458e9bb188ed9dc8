"""The page on rights says what routing does."""

from __future__ import annotations

from pathlib import Path

from bot.rights_page import page
from handlers.rights import TABLE, Right
from handlers.routes import ROUTES
from storage.model import Role

PAGE = Path(__file__).parents[2] / "docs" / "rights.md"


def test_the_page_is_what_the_tables_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m bot.rights_page > docs/rights.md"


def test_every_role_is_ruled_on_and_every_right_opens_something() -> None:
    assert set(TABLE) == set(Role)
    assert {route.right for route in ROUTES} - {None} == set(Right)


def test_a_row_marks_who_may() -> None:
    row = next(line for line in page().splitlines() if "`派单`" in line)
    roles, marks = ([cell.strip() for cell in line.strip("|").split("|")][2:] for line in (_head(), row))
    assert {role for role, mark in zip(roles, marks, strict=True) if mark} == {
        "微网格长",
        "网格员",
        "社区工作人员",
        "街道",
    }


def _head() -> str:
    return next(line for line in page().splitlines() if line.startswith("| 命令"))
