"""The duty roster: who is on duty when, where and for what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from bot.importing import texts
from bot.importing.plans import Kind, Plan, Roster, Scopes, Setting, refuse
from bot.importing.tables import Column, Row
from storage import duty
from storage.engine import Tx
from storage.model import DutyKind, Shift

PERSON, KIND, CODE, START, END = "人员", "类别", "网格码", "开始", "结束"
KINDS = {"应急": DutyKind.EMERGENCY, "急时": DutyKind.MODE, "网格呼叫": DutyKind.CALL}
COLUMNS = (
    Column(PERSON, "姓名或编号，须已在人员表里", ("A001", "王示例"), required=True, width=12),
    Column(KIND, "、".join(KINDS), ("应急", "网格呼叫"), required=True, width=12, choices=tuple(KINDS)),
    Column(CODE, "网格码或它的前几位", ("519999001001003", "519999001001"), required=True, width=20),
    Column(START, "如 2026-11-21 08:00", ("2026-11-21 08:00", "2026-11-21 18:00"), required=True, width=18, dated=True),
    Column(END, "到这一刻为止", ("2026-11-21 20:00", "2026-11-22 08:00"), required=True, width=18, dated=True),
)

_TIME = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[T ]*(\d{1,2})[:时](\d{1,2})?分?(?::\d{1,2})?")


async def compare(tx: Tx, rows: Sequence[Row], setting: Setting) -> Plan:
    """What the table would change. Raises ImportFault with everything that is wrong with it."""
    scopes, roster = await Scopes.load(tx), await Roster.load(tx)
    wanted: dict[Shift, int] = {}
    for row in rows:
        shift = _shift(row, scopes, roster, setting)
        if shift is not None and wanted.setdefault(shift, row.number) != row.number:
            row.fault("", texts.SAME_ROW, row=wanted[shift])
    refuse(rows)
    stored = set(await duty.from_then(tx, min([setting.now, *(shift.start_at for shift in wanted)])))
    ends = {_key(shift): shift for shift in stored}
    plan, put = Plan(), []
    for shift in wanted:
        if shift in stored:
            plan.same += 1
            continue
        before = ends.get(_key(shift))
        label = _label(shift, roster, setting)
        if before is not None:
            plan.changed.append((label, f"{END} {_time(before.end_at, setting)} → {_time(shift.end_at, setting)}"))
        else:
            plan.new.append((label, ""))
        put.append(shift)
    kept = {_key(shift) for shift in wanted}
    gone = [
        shift
        for shift in sorted(stored, key=lambda one: (one.start_at, one.person_id))
        if _key(shift) not in kept and shift.end_at > setting.now and shift.scope.startswith(setting.scope)
    ]
    plan.gone = [(_label(shift, roster, setting), "") for shift in gone]

    async def apply(tx: Tx) -> None:
        await duty.put(tx, put)
        if setting.take_gone:
            await duty.drop(tx, gone)

    plan.apply = apply
    return plan


def _key(shift: Shift) -> tuple[int, DutyKind, str, datetime]:
    return shift.person_id, shift.kind, shift.scope, shift.start_at


def _shift(row: Row, scopes: Scopes, roster: Roster, setting: Setting) -> Shift | None:
    scope = scopes.check(row, CODE, setting)
    person_id = roster.find(row, PERSON, None, scope)
    word = row.plain(KIND)
    if word and word not in KINDS:
        row.fault(KIND, texts.NOT_ONE_OF, value=word, known="、".join(KINDS))
    start, end = _moment(row, START, setting), _moment(row, END, setting)
    if start is not None and end is not None and end <= start:
        row.fault(END, texts.END_FIRST)
    if row.faults or person_id is None or start is None or end is None:
        return None
    return Shift(person_id, KINDS[word], scope, start, end)


def _moment(row: Row, column: str, setting: Setting) -> datetime | None:
    """A time as people write it, in the deployment's zone."""
    text = unicodedata.normalize("NFKC", row.text(column))
    if not text:
        return None  # which is a fault already
    found = _TIME.fullmatch(text)
    try:
        if found is not None:
            year, month, day, hour, minute = (int(number or 0) for number in found.groups())
            return datetime(year, month, day, hour, minute, tzinfo=setting.timezone)
    except ValueError:
        pass
    row.fault(column, texts.BAD_TIME, value=text)
    return None


def _label(shift: Shift, roster: Roster, setting: Setting) -> str:
    word = next(word for word, kind in KINDS.items() if kind is shift.kind)
    start, end = _time(shift.start_at, setting), _time(shift.end_at, setting)
    return f"{roster.name(shift.person_id)} {word} {shift.scope} {start}—{end}"


def _time(at: datetime, setting: Setting) -> str:
    return f"{at.astimezone(setting.timezone):%Y-%m-%d %H:%M}"


TABLE = Kind(
    name="duty",
    title="值班",
    columns=COLUMNS,
    gone="表里没有的、还没结束的班照旧保留；加 --take-gone 则取消",
    compare=compare,
)
