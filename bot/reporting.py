"""`xiaoge report`: what a day, a week or a month came to, as Markdown, JSON or a workbook with charts.

The figures are of one moment of the store, and the same figures make the same bytes. A report is meant to be handed
on, so numbers under three are hidden, and rates of fewer than three, unless the exact ones are asked for.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.sheets import child_environment, child_error
from handlers import texts as labels
from handlers.texts import digests as texts
from nlp.categories import Category
from storage import figures, grids
from storage.engine import Tx
from storage.figures import Counts

DAY = timedelta(days=1)
BASELINE = 28 * DAY  # what a period is compared with: the four weeks before it
FEWEST = 3  # smaller numbers could be traced to people
_CODE_DIGITS = (12, 15, 18)
_RATES = {  # name: part and whole
    "响应率": ("ack_met", "ack_due"),
    "办结率": ("closed", "close_due"),
    "解决率": ("solved", "reached"),
    "满意率": ("satisfied", "rated"),
}
_NUMBERS = {"新增": "filed", "办结": "finished", "在办": "open", "超期": "overdue", "重办": "reopened"}


class Kind(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Format(StrEnum):
    MARKDOWN = "md"
    XLSX = "xlsx"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Row:
    """A grid, a category or the whole: its figures, and those of the four weeks before (None: these are they)."""

    code: str
    name: str
    counts: Counts
    before: Counts | None


@dataclass(frozen=True, slots=True)
class Report:
    kind: Kind
    since: datetime
    until: datetime
    whole: Row
    grids: tuple[Row, ...]
    categories: tuple[Row, ...]
    days: tuple[tuple[date, int, int], ...]  # filed, finished
    faq: int
    exact: bool

    @property
    def before(self) -> Row:
        """What the whole came to in the four weeks before, so that a rate has something to stand beside."""
        return Row(self.whole.code, texts.FOUR_WEEKS_BEFORE, self.whole.before or Counts(), None)

    @property
    def title(self) -> str:
        last = (self.until - timedelta(microseconds=1)).date()
        days = f"{self.since:%Y-%m-%d}" + (f" 至 {last:%Y-%m-%d}" if last != self.since.date() else "")
        return f"{self.whole.name} {texts.REPORT_KIND[self.kind.value]} {days}"

    def number(self, count: int) -> int | None:
        """None for what is hidden."""
        return count if self.exact or count == 0 or count >= FEWEST else None

    def rate(self, counts: Counts, name: str) -> tuple[int | None, int | None]:
        """Part and whole, None where hidden; without its whole no part is shown."""
        part, whole = (self.number(getattr(counts, field)) for field in _RATES[name])
        return (part if whole is not None else None), whole

    def mean(self, row: Row) -> float | None:
        """What a period of this length had in the four weeks before, on average; None where it is hidden or there is
        nothing before."""
        if row.before is None or self.number(row.before.filed) is None:
            return None
        return round(row.before.filed * ((self.until - self.since) / BASELINE), 1)

    def trend(self, row: Row) -> float | None:
        """How much more or less than that, as a share; None where there is nothing to compare with."""
        mean = self.mean(row)
        return None if not mean or self.number(row.counts.filed) is None else round(row.counts.filed / mean - 1, 2)


def period(kind: Kind, day: date) -> tuple[date, date]:
    """The first day of the period that `day` lies in, and the first one after it."""
    if kind is Kind.DAY:
        return day, day + DAY
    if kind is Kind.WEEK:
        monday = day - day.weekday() * DAY
        return monday, monday + 7 * DAY
    first = day.replace(day=1)
    return first, (first + 31 * DAY).replace(day=1)


async def build(
    tx: Tx,
    kind: Kind,
    day: date,
    grid: str,
    *,
    categories: Mapping[str, Category],
    timezone: ZoneInfo,
    now: datetime,
    exact: bool = False,
) -> Report:
    """Gather the figures of the period that `day` lies in; of one that is not over, those up to `now`."""
    first, after = period(kind, day)
    since, end = (datetime.combine(each, time(0), timezone) for each in (first, after))
    until = max(since, min(end, now.astimezone(timezone)))
    names = await grids.names(tx, retired=True)
    digits = next((each for each in _CODE_DIGITS if each > len(grid)), _CODE_DIGITS[-1])

    def rows(now_: Mapping[str, Counts], before: Mapping[str, Counts], named: Mapping[str, str]) -> tuple[Row, ...]:
        codes = sorted(now_.keys() | before.keys())
        made = [
            Row(code, named.get(code) or code, now_.get(code, Counts()), before.get(code, Counts())) for code in codes
        ]
        return tuple(sorted(made, key=lambda row: (-row.counts.filed, row.code)))

    days = [since + n * DAY for n in range((after - first).days) if since + n * DAY < until]
    daily = await figures.by_day(tx, [*days, until], grid) if days else []
    earlier = since - BASELINE
    return Report(
        kind=kind,
        since=since,
        until=until,
        whole=Row(
            grid,
            names.get(grid, grid and labels.grid(grid)) or texts.EVERYTHING,
            await figures.total(tx, since, until, grid),
            await figures.total(tx, earlier, since, grid),
        ),
        grids=rows(
            await figures.by_grid(tx, since, until, grid, digits=digits),
            await figures.by_grid(tx, earlier, since, grid, digits=digits),
            {**names, "": texts.NO_GRID},
        ),
        categories=rows(
            await figures.by_category(tx, since, until, grid),
            await figures.by_category(tx, earlier, since, grid),
            {code: category.name for code, category in categories.items()},
        ),
        days=tuple((at.date(), *counts) for at, counts in zip(days, daily, strict=True)),
        faq=await figures.answered_by_faq(tx, first, after, grid),
        exact=exact,
    )


# ---------------------------------------------------------------- as Markdown
def markdown(report: Report) -> str:
    """The report as a page of tables."""
    head = ["", "新增", "四周均值", "趋势", *list(_NUMBERS)[1:], *_RATES, "未回访"]

    def line(row: Row) -> str:
        counts = row.counts
        mean, trend = report.mean(row), report.trend(row)
        rates = [report.rate(counts, name) for name in _RATES]
        cells = [
            row.name.replace("|", "/"),
            _hidden(report.number(counts.filed)),
            "—" if row.before is None else _hidden(mean),
            "—" if trend is None else f"{trend:+.0%}",
            *(_hidden(report.number(getattr(counts, field))) for field in list(_NUMBERS.values())[1:]),
            *map(_share, rates),
            _hidden(report.number(counts.unreached)),
        ]
        return f"| {' | '.join(cells)} |"

    def table(title: str, rows: tuple[Row, ...]) -> list[str]:
        columns = [f"| {' | '.join([title, *head[1:]])} |", f"|{'---|' * len(head)}"]
        return ["", f"## {title}", "", *columns, *map(line, rows)] if rows else []

    by_day = [
        f"| {day:%m-%d} | {_hidden(report.number(a))} | {_hidden(report.number(b))} |" for day, a, b in report.days
    ]
    lines = [
        f"# {report.title}",
        "",
        *table("合计", (report.whole, report.before))[3:],
        "",
        texts.answered_by_faq(_hidden(report.number(report.faq))),
        *table("网格", report.grids),
        *table("类别", report.categories),
        *(["", "## 逐日", "", "| 日期 | 新增 | 办结 |", "|---|---|---|", *by_day] if len(by_day) > 1 else []),
        "",
        *texts.REPORT_NOTES,
        *([] if report.exact else [texts.REPORT_HIDES]),
    ]
    return "\n".join(lines) + "\n"


def _share(rate: tuple[int | None, int | None]) -> str:
    part, whole = rate
    if whole is None:
        return "<3"
    return f"<3/{whole}" if part is None else labels.share(part, whole)


def _hidden(number: float | None) -> str:
    return "<3" if number is None else f"{number:g}"


# ---------------------------------------------------------------- as JSON
def as_json(report: Report) -> str:
    """The report for machines: a hidden number is null, a rate has its part and its whole."""

    def row(each: Row) -> dict[str, Any]:
        counts = each.counts
        numbers = {
            field: report.number(getattr(counts, field)) for field in ("emergencies", *_NUMBERS.values(), "unreached")
        }
        rates = {
            english: dict(zip(("part", "whole"), report.rate(counts, name), strict=True))
            for name, english in _ENGLISH.items()
        }
        mean, trend = report.mean(each), report.trend(each)
        return {"code": each.code, "name": each.name, **numbers, **rates, "four_week_mean": mean, "trend": trend}

    document = {
        "kind": report.kind.value,
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "exact": report.exact,
        "whole": row(report.whole),
        "four_weeks_before": row(report.before),
        "answered_by_faq": report.number(report.faq),
        "grids": [row(each) for each in report.grids],
        "categories": [row(each) for each in report.categories],
        "days": [
            {"day": day.isoformat(), "filed": report.number(filed), "finished": report.number(finished)}
            for day, filed, finished in report.days
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


_ENGLISH = {
    "响应率": "response_rate",
    "办结率": "closing_rate",
    "解决率": "solution_rate",
    "满意率": "satisfaction_rate",
}


# ---------------------------------------------------------------- as a workbook
async def workbook(report: Report, target: Path) -> None:
    """Write the report with native charts, in a process of its own (bot/workbook.py). Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.workbook",
        str(target),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=child_environment(),
    )
    _, said = await process.communicate(json.dumps(_book(report), ensure_ascii=False).encode())
    if process.returncode != 0:
        raise child_error(said.decode(errors="replace"), process.returncode, target)


def _book(report: Report) -> dict[str, Any]:
    """What bot/workbook.py writes: sheets of plain cells, and what their charts show."""
    numbers = ["四周均值", "趋势", *list(_NUMBERS)[1:], "未回访"]
    columns = ["", "新增", *numbers, *(part for name in _RATES for part in (name, f"{name}：分子", f"{name}：分母"))]
    percent = [column for column in columns if column in _RATES or column == "趋势"]

    def cells(row: Row) -> list[str | float | None]:
        counts = row.counts
        mean = "" if row.before is None else report.mean(row)
        made: list[str | float | None] = [row.name, report.number(counts.filed), mean, report.trend(row)]
        made += [report.number(getattr(counts, field)) for field in list(_NUMBERS.values())[1:]]
        made.append(report.number(counts.unreached))
        for name in _RATES:
            part, whole = report.rate(counts, name)
            made += [part / whole if part is not None and whole else None, part, whole]
        return made

    def sheet(name: str, rows: tuple[Row, ...], charts: list[dict[str, Any]]) -> dict[str, Any]:
        head = [name, *columns[1:]]
        return {"name": name, "columns": head, "percent": percent, "rows": [cells(r) for r in rows], "charts": charts}

    def bars(title: str) -> dict[str, Any]:
        return {"kind": "bar", "title": title, "series": ["新增", "办结"], "most": 15}

    daily = {
        "name": "逐日",
        "columns": ["日期", "新增", "办结"],
        "percent": [],
        "rows": [[f"{day:%m-%d}", report.number(filed), report.number(done)] for day, filed, done in report.days],
        "charts": [{"kind": "line", "title": "逐日新增与办结", "series": ["新增", "办结"], "most": 31}],
    }
    rates = {"kind": "column", "title": "四率", "series": list(_RATES), "most": 2}
    notes = [*texts.REPORT_NOTES, *([] if report.exact else [texts.REPORT_HIDES])]
    notes.append(texts.answered_by_faq(_hidden(report.number(report.faq))))
    return {
        "title": report.title,
        "created": report.until.replace(tzinfo=None, microsecond=0).isoformat(),
        "notes": notes,
        "sheets": [
            sheet("合计", (report.whole, report.before), [rates]),
            sheet("网格", report.grids, [bars("各网格新增与办结")]),
            sheet("类别", report.categories, [bars("各类别新增与办结")]),
            daily,
        ],
    }


# ---------------------------------------------------------------- into a file
async def write(report: Report, kind: Format, target: Path) -> None:
    """Write the report whole or not at all, readable by its owner only. Raises OSError."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if kind is Format.XLSX:
            await workbook(report, part)
        else:
            text = markdown(report) if kind is Format.MARKDOWN else as_json(report)
            await asyncio.to_thread(part.write_text, text, encoding="utf-8")
        part.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from None
    finally:
        part.unlink(missing_ok=True)
