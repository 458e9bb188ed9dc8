"""The table of grids: the tree, and what became of grids that were split, merged or renumbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.importing import texts
from bot.importing.plans import Kind, Plan, Setting, refuse
from bot.importing.tables import Column, Fault, Row
from storage import grids, rooms, roster
from storage.engine import Tx
from storage.model import GENERAL_GRID_DIGITS, Grid, Origin, RoomState

CODE, NAME, ABOVE, OLD = "网格码", "名称", "上级网格码", "原网格码"
COLUMNS = (
    Column(CODE, "6/9/12/15/18 位；留空则按上级编下一个号", ("519999001001003", "519999001001003012"), width=22),
    Column(NAME, "同一上级下不重名", ("示例第三网格", "示例花园12微网格"), required=True, width=24),
    Column(ABOVE, "网格码留空时必填", ("519999001001", ""), width=18),
    Column(OLD, "拆分、合并或改号前的编号，几个用顿号隔开；新建的不填", ("", ""), width=30),
)


@dataclass(slots=True)
class _Entry:
    row: Row
    code: str
    name: str
    above: str
    olds: list[str]


async def compare(tx: Tx, rows: Sequence[Row], setting: Setting) -> Plan:
    """What the table would change. Raises ImportFault with everything that is wrong with it."""
    known, moves = await grids.every(tx), await grids.moves(tx)
    entries = [_entry(row) for row in rows]
    _number(entries, known)
    codes: dict[str, _Entry] = {}
    for entry in entries:
        if entry.code:
            codes.setdefault(entry.code, entry)
    for entry in entries:
        if entry.code:
            _check(entry, codes, known, moves, setting)
    _check_names(entries, known)
    moved = _moved(entries, codes, known, moves)
    gone = [
        code
        for code, grid in known.items()
        if grid.living and grid.origin is Origin.IMPORT and code.startswith(setting.scope)
        if code not in codes and code not in moved
    ]
    _check_orphans(entries, set(codes), known, moved)
    refuse(rows, *(await _in_use(tx, gone, known, moved) if setting.take_gone else ()))
    return _plan(codes, known, moved, gone, setting)


def _entry(row: Row) -> _Entry:
    entry = _Entry(row, _code(row, CODE), row.text(NAME), _code(row, ABOVE), row.several(OLD))
    if not row.plain(CODE) and not row.plain(ABOVE) and not row.wrong(CODE, ABOVE):
        row.fault(CODE, texts.CODE_OR_PARENT)
    elif entry.code and entry.above and grids.parent(entry.code) != entry.above:
        row.fault(ABOVE, texts.OTHER_PARENT, code=grids.parent(entry.code))
    return entry


def _code(row: Row, column: str) -> str:
    value = row.plain(column)
    wrong = grids.fault(value) if value else None
    if wrong is not None:
        row.fault(column, texts.CODE_FAULT[wrong], value=value, start=value[:2])
    return value if wrong is None else ""


def _number(entries: Sequence[_Entry], known: Mapping[str, grids.Known]) -> None:
    """Give each row without a code its own from an earlier import, known by its name, or else the next free one."""
    named = {(grids.parent(code), grid.name): code for code, grid in known.items() if grid.living}
    taken = {*known, *(entry.code for entry in entries)}
    for entry in entries:
        if entry.code or not entry.above or not entry.name or entry.row.wrong(CODE):
            continue
        code = named.get((entry.above, entry.name)) or grids.next_free(entry.above, taken)
        if code is None or len(code) > grids.LENGTHS[-1]:
            entry.row.fault(ABOVE, texts.FULL, code=entry.above)
        else:
            entry.code = code
            taken.add(code)


def _check(
    entry: _Entry,
    codes: Mapping[str, _Entry],
    known: Mapping[str, grids.Known],
    moves: Mapping[str, set[str]],
    setting: Setting,
) -> None:
    row, code = entry.row, entry.code
    first = codes[code]
    if first is not entry:
        row.fault(CODE, texts.SAME_ROW, row=first.row.number)
        return
    if not code.startswith(setting.scope):
        row.fault(CODE, texts.OUTSIDE, code=code, scope=setting.scope)
    if code in moves:
        row.fault(CODE, texts.RETIRED, code=code)
    above = grids.parent(code)
    if above is not None and len(code) >= GENERAL_GRID_DIGITS and above not in codes:
        grid = known.get(above)
        if grid is None or not grid.living:
            row.fault(CODE, texts.NO_PARENT, code=above)


def _check_names(entries: Sequence[_Entry], known: Mapping[str, grids.Known]) -> None:
    """People tell the grids of one parent apart by their names."""
    codes = {entry.code for entry in entries}
    taken = {(grids.parent(code), grid.name): code for code, grid in known.items() if grid.living and code not in codes}
    seen: dict[tuple[str | None, str], int] = {}
    leaving = {old for entry in entries for old in entry.olds}
    for entry in entries:
        key = grids.parent(entry.code), entry.name
        if not entry.code or not entry.name:
            continue
        if key in seen:
            entry.row.fault(NAME, texts.NAME_TWICE, name=entry.name, row=seen[key])
        elif key in taken and taken[key] not in leaving:
            entry.row.fault(NAME, texts.NAME_TAKEN, name=entry.name, code=taken[key])
        seen.setdefault(key, entry.row.number)


def _moved(
    entries: Sequence[_Entry],
    codes: Mapping[str, _Entry],
    known: Mapping[str, grids.Known],
    moves: Mapping[str, set[str]],
) -> dict[str, list[str]]:
    """Old code → what it becomes by this table; what an earlier import did already is not in it."""
    moved: dict[str, list[str]] = {}
    for entry in entries:
        for old in entry.olds:
            grid = known.get(old)
            if grid is None:
                entry.row.fault(OLD, texts.NO_OLD, code=old)
            elif old in codes:
                entry.row.fault(OLD, texts.OLD_LIVES, code=old)
            elif len(old) != len(entry.code):
                entry.row.fault(OLD, texts.OLD_LEVEL, code=old)
            elif grid.living:
                moved.setdefault(old, []).append(entry.code)
            elif entry.code not in moves.get(old, ()):
                entry.row.fault(OLD, texts.OLD_GONE, code=old)
    return moved


def _check_orphans(
    entries: Sequence[_Entry], codes: set[str], known: Mapping[str, grids.Known], moved: Mapping[str, list[str]]
) -> None:
    """Where a grid goes, what is under it goes somewhere too."""
    staying = codes | {code for code, grid in known.items() if grid.living and code not in moved}
    children = {grids.parent(code): code for code in sorted(staying, reverse=True)}
    for entry in entries:
        for old in entry.olds:
            if old in moved and old in children:
                entry.row.fault(OLD, texts.ORPHANS, code=old, child=children[old])


async def _in_use(
    tx: Tx, gone: Sequence[str], known: Mapping[str, grids.Known], moved: Mapping[str, list[str]]
) -> list[Fault]:
    """What still hangs on grids that are to be retired."""
    leaving = {*gone, *moved}
    parents = {grids.parent(code) for code, grid in known.items() if grid.living and code not in leaving}
    bound = {room.grid for room in await rooms.every(tx) if room.state is RoomState.ENABLED}
    held = {scope for entry in await roster.every(tx) for _, scope in entry.grants | entry.others}
    uses = ((parents, texts.IN_USE_GRIDS), (bound, texts.IN_USE_ROOMS), (held, texts.IN_USE_PEOPLE))
    return [
        Fault(0, CODE, texts.IN_USE.format(code=code, name=known[code].name, what=what))
        for code in gone
        for codes, what in uses
        if code in codes
    ]


def _plan(
    codes: Mapping[str, _Entry],
    known: Mapping[str, grids.Known],
    moved: Mapping[str, list[str]],
    gone: Sequence[str],
    setting: Setting,
) -> Plan:
    plan = Plan(gone=[(f"{code} {known[code].name}", "") for code in gone])
    put: list[Grid] = []
    revived: list[str] = []
    for code, entry in codes.items():
        grid = known.get(code)
        what = []
        if grid is not None and grid.name != entry.name:
            what.append(texts.RENAMED.format(old=grid.name, new=entry.name))
        if grid is not None and not grid.living:
            what.append(texts.REVIVED)
            revived.append(code)
        label = f"{code} {entry.name}"
        if grid is None:
            plan.new.append((label, ""))
        elif what:
            plan.changed.append((label, "，".join(what)))
        else:
            plan.same += 1
        if grid is None or what or grid.origin is not Origin.IMPORT:
            put.append(Grid(code, entry.name))
    for old, new in moved.items():
        word = texts.SPLIT if len(new) > 1 else texts.MOVED
        plan.changed.append((f"{old} {known[old].name}", word.format(new="、".join(new))))

    async def apply(tx: Tx) -> None:
        await grids.put(tx, put, Origin.IMPORT)
        await grids.revive(tx, revived)
        for old, new in moved.items():
            await grids.move(tx, old, new, setting.now)
        if setting.take_gone:
            await grids.retire(tx, gone, setting.now)

    plan.apply = apply
    return plan


TABLE = Kind(
    name="grids",
    title="网格",
    columns=COLUMNS,
    gone="表里没有的网格照旧保留；加 --take-gone 则停用（编号不再重用），下面还有网格、启用的群或有权限的人时拒绝",
    compare=compare,
)
