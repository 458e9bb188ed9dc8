"""Rosters as XLSX: who comes to an activity. The same bytes for the same data, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from bot import sheets
from bot.register import masked_name
from bot.sheets import Cell, Format, Head
from handlers import signups as activities
from handlers.texts import signups as words
from handlers.texts import supplies as goods
from storage import grids, people, supplies
from storage import signup_entries as rosters
from storage.engine import Tx
from storage.signups import EntryState, Signup

Rows = Sequence[Sequence[Cell]]
_WIDTHS = {"序号": 6, "姓名": 14, "楼栋": 10, "人数": 6, "代报人": 14, "状态": 10, "签到": 18, "场次": 18, "电话": 16}

_SUPPLY_WIDTHS = (6, 8, 6, 14, 8, 6, 8, 14, 14, 28, 12, 8, 12, 17, 17)


async def write(target: Path, title: str, columns: Mapping[str, int], rows: Rows) -> None:
    """Write a sheet, readable by its owner only; `columns` are names and widths in characters. Raises OSError where it
    cannot be written: then nothing is left of it."""
    await sheets.write(target, Format.XLSX, Head(title, columns), rows)


async def of_supplies(tx: Tx, scope: str, timezone: ZoneInfo) -> tuple[dict[str, int], list[list[Cell]]]:
    """The columns and rows of what was needed, offered and handed over in the grids that begin with `scope`."""
    found = await supplies.search(tx, scope, open_only=False)
    nicks = {person.id: person for person in await people.many(tx, {one.person_id for one in found if one.person_id})}
    named = await grids.names(tx, retired=True)
    rows: list[list[Cell]] = []
    for number, one in enumerate(found, start=1):
        person = nicks.get(one.person_id or 0)
        nick = person.nick or person.name if person is not None else ""
        pairs = await supplies.handovers_of(tx, one.number)
        others = [pair.offer if one.kind is supplies.SupplyKind.NEED else pair.need for pair in pairs]
        rows.append(
            [
                number,
                one.id,
                goods.KIND[one.kind],
                one.thing,
                one.amount,
                one.unit,
                goods.building(one.building),
                named.get(one.grid) or one.grid,
                masked_name(nick),
                one.note,
                goods.STATE[one.state],
                one.handed or None,
                "、".join(f"W{other}" for other in others if other is not None),
                one.at.astimezone(timezone),
                one.closed_at.astimezone(timezone) if one.closed_at is not None else None,
            ]
        )
    return dict(zip(goods.HEAD, _SUPPLY_WIDTHS, strict=True)), rows


async def of_signup(
    tx: Tx, signup: Signup, timezone: ZoneInfo, *, phones: bool = False
) -> tuple[dict[str, int], list[list[Cell]]]:
    """The columns and rows of an activity's roster: who is in, then who waits; who cancelled is not in it. With
    `phones` the numbers that were given for it, in clear."""
    entries = [entry for entry in await rosters.entries(tx, signup.number) if entry.active]
    names = [*words.ROSTER_HEAD]
    if signup.slots or any(entry.choice for entry in entries):
        names.insert(names.index("状态"), words.ROSTER_SLOT)
    if phones:
        names.append(words.ROSTER_PHONE)
    entries.sort(key=lambda entry: (entry.state is EntryState.WAITING, entry.slot or 0))
    signer = await activities.signers(tx, entries)
    slots = {slot.slot: words.slot_name(slot, timezone) for slot in signup.slots}
    given = await rosters.phones(tx, signup.number) if phones else {}
    rows: list[list[Cell]] = []
    for number, entry in enumerate(entries, start=1):
        cell: dict[str, Cell] = {
            "序号": number,
            "姓名": entry.name,
            "楼栋": entry.building,
            "人数": entry.heads,
            "代报人": signer.get(entry.seq, ""),
            "场次": slots.get(entry.slot or 0, entry.choice),
            "状态": words.ENTRY_STATE[entry.state],
            "签到": entry.attended_at.astimezone(timezone) if entry.attended_at is not None else "",
            "电话": given.get(entry.seq, ""),
        }
        rows.append([cell[name] for name in names])
    return {name: _WIDTHS[name] for name in names}, rows
