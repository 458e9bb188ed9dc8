"""Rosters as XLSX: who comes to an activity. The same bytes for the same data, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.exporting import XlsxSink, new_beside
from bot.register import Cell
from handlers.texts import signups as words
from storage import people, signups
from storage.engine import Tx
from storage.signups import EntryState, Signup

Rows = Sequence[Sequence[Cell]]
_WIDTHS = {"序号": 6, "姓名": 14, "楼栋": 10, "人数": 6, "代报人": 14, "状态": 10, "签到": 18, "场次": 18, "电话": 16}


async def write(target: Path, title: str, columns: Mapping[str, int], rows: Rows) -> None:
    """Write a sheet, readable by its owner only; `columns` are names and widths in characters. Raises OSError where it
    cannot be written: then nothing is left of it."""
    try:
        part = new_beside(target)
        try:
            sink = await XlsxSink.open(part, title, columns)
            try:
                for row in rows:
                    await sink.row(list(row))
                await sink.end()
            except BaseException:
                await sink.abort()
                raise
            part.replace(target)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from None


async def of_signup(
    tx: Tx, signup: Signup, timezone: ZoneInfo, *, phones: bool = False
) -> tuple[dict[str, int], list[list[Cell]]]:
    """The columns and rows of an activity's roster: who is in, then who waits; who cancelled is not in it. With
    `phones` the numbers that were given for it, in clear."""
    names = [*words.ROSTER_HEAD]
    if signup.slots:
        names.insert(names.index("状态"), words.ROSTER_SLOT)
    if phones:
        names.append(words.ROSTER_PHONE)
    entries = [entry for entry in await signups.entries(tx, signup.number) if entry.active]
    entries.sort(key=lambda entry: (entry.state is EntryState.WAITING, entry.slot or 0))
    signers = {entry.by_id for entry in entries if entry.by_id is not None and entry.by_id != entry.person_id}
    signer = {person.id: person.name for person in await people.many(tx, signers)}
    slots = {slot.slot: words.slot_name(slot, timezone) for slot in signup.slots}
    given = await signups.phones(tx, signup.number) if phones else {}
    rows: list[list[Cell]] = []
    for number, entry in enumerate(entries, start=1):
        cell: dict[str, Cell] = {
            "序号": number,
            "姓名": entry.name,
            "楼栋": entry.building,
            "人数": entry.heads,
            "代报人": signer.get(entry.by_id or 0, ""),
            "场次": slots.get(entry.slot or 0, ""),
            "状态": words.ENTRY_STATE[entry.state],
            "签到": entry.attended_at.astimezone(timezone) if entry.attended_at is not None else "",
            "电话": given.get(entry.seq, ""),
        }
        rows.append([cell[name] for name in names])
    return {name: _WIDTHS[name] for name in names}, rows
