"""The commands about notices: what went out where, while it goes and afterwards. The bot may be running."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot.settings import ConfigError, cause
from bot.terminal import CONFIG, ConfigOption, load, plain, progress, read, table, write

if TYPE_CHECKING:
    from bot.sheets import Cell
    from storage.engine import Tx
    from storage.notice_files import File
    from storage.notices import Notice, RoomLine, Standing

app = typer.Typer(help="What went out to the groups.", no_args_is_help=True, rich_markup_mode=None)

LOOK_EVERY = 1.0  # seconds
_COLUMNS = {"序号": 6, "网格": 20, "群": 24, "账号": 12, "结果": 14, "时间": 18, "附件": 10, "原因": 30}

Number = Annotated[str, typer.Argument(help="As in the group: T3.", metavar="ID")]


@app.command("list")
def list_notices(config: ConfigOption = CONFIG) -> None:
    """Show every notice with its numbers.

    \b
    Examples:
      xiaoge notices list
    """
    from handlers.texts import notices as texts
    from storage import notices

    settings = load(config)

    async def look(tx: Tx) -> list[tuple[Notice, Standing]]:
        return [(notice, await notices.standing(tx, notice.number)) for notice in await notices.every(tx)]

    found = read(settings, look)
    if not found:
        typer.echo("no notice yet")
        return
    rows = [
        [
            notice.id,
            texts.STATE[notice.state],
            f"{notice.created_at.astimezone(settings.timezone):%Y-%m-%d %H:%M}",
            *map(str, (standing.rooms, standing.sent, standing.waiting, standing.unknown, standing.failed)),
            str(standing.receipts),
            plain(notice.text[:40]),
        ]
        for notice, standing in found
    ]
    table(("id", "state", "made", "rooms", "sent", "waiting", "unknown", "failed", "收到", "text"), rows)


@app.command()
def report(
    notice: Number,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="An XLSX file, room by room.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Say what became of a notice: in one line, or room by room into a file.

    \b
    Examples:
      xiaoge notices report T3
      xiaoge notices report T3 -o T3.xlsx
    """
    from bot import rosters
    from handlers.texts import notices as texts
    from storage import notices

    settings = load(config)
    number = _number(notice)

    async def look(tx: Tx) -> tuple[Notice, Standing, list[RoomLine]]:
        found = await _named(tx, number)
        return found, await notices.standing(tx, number), await notices.by_room(tx, number)

    found, standing, lines = read(settings, look)
    typer.echo(texts.report(found, standing))
    if output is not None:
        rows = [_row(order, line, settings.timezone) for order, line in enumerate(lines, start=1)]
        asyncio.run(rosters.write(output, f"通知 {found.id}", _COLUMNS, rows))
        typer.echo(f"{len(rows)} rooms in {output}", err=True)


@app.command()
def watch(notice: Number, config: ConfigOption = CONFIG) -> None:
    """Follow a notice on its way until nothing of it waits any more. Ctrl-C ends the looking, not the sending.

    \b
    Examples:
      xiaoge notices watch T3
    """
    import time

    from handlers.texts import notices as texts
    from storage import notices

    settings = load(config)
    number = _number(notice)

    async def look(tx: Tx) -> tuple[Notice, Standing]:
        return await _named(tx, number), await notices.standing(tx, number)

    found, standing = read(settings, look)
    with progress(found.id, standing.rooms) as step:
        while found.state in notices.OPEN:
            step(standing.rooms - standing.waiting, standing.rooms)
            time.sleep(LOOK_EVERY)
            found, standing = read(settings, look)
    typer.echo(texts.report(found, standing))


@app.command()
def attach(
    notice: Number,
    file: Annotated[Path, typer.Argument(help="A picture or file of at most 10 MB.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Give a notice that waits for its confirmation a picture or file: each group gets it behind the words.

    \b
    Examples:
      xiaoge notices attach T3 停水范围.png
    """
    from handlers.texts import notices as texts

    number, carried = _number(notice), _read(file)
    write(load(config), lambda tx: _put(tx, number, carried))
    label = texts.file_label(carried.name, picture=carried.is_picture)
    typer.echo(f"T{number}: {label} {texts.size(len(carried.data))}; it goes out when somebody says 确认 T{number}")


def _read(path: Path) -> File:
    """The file to attach. Raises ConfigError."""
    from bot.files import named
    from handlers.texts import notices as texts
    from nlp import contact
    from storage.notice_files import HEIC, LARGEST

    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise ConfigError(f"FILE: cannot read {path} ({cause(error)}), give a picture or file") from None
    if size > LARGEST:
        raise ConfigError(f"FILE: {path} has {texts.size(size)}, at most {texts.size(LARGEST)} go out: make it smaller")
    if contact.find(path.name).has_id_number:
        raise ConfigError("FILE: its name holds an ID number, which every group would read: give it another name")
    if not data:
        raise ConfigError(f"FILE: {path} is empty, give a picture or file with something in it")
    file = named(path.name, data)
    if file.mime == HEIC:
        raise ConfigError(f"FILE: {path} is a HEIC photo, which most phones do not show: save it as JPEG or PNG")
    return file


async def _put(tx: Tx, number: int, file: File) -> None:
    from storage import audit, notice_files
    from storage.model import AuditEntry
    from storage.notices import NoticeState

    found = await _named(tx, number)
    if found.state is not NoticeState.DRAFT:
        raise ConfigError(
            f"T{number} is {found.state}: only a draft can be given a file, say 更正 T{number} … for another"
        )
    await notice_files.drop(tx, number)
    await notice_files.put(tx, number, file)
    detail: dict[str, str | int | bool | None] = {"item": found.id, "size": len(file.data)}
    await audit.append(tx, AuditEntry(at=datetime.now(UTC), action="notice_file", right="operator", detail=detail))


def _number(text: str) -> int:
    match = re.fullmatch(r"[Tt]?\s?([0-9]{1,9})", text)
    if match is None:
        raise ConfigError(f"ID: must be that of a notice, T3, got {text}")
    return int(match[1])


async def _named(tx: Tx, number: int) -> Notice:
    from storage import notices

    found = await notices.get(tx, number)
    if found is None:
        raise ConfigError(f"there is no notice T{number}, see `xiaoge notices list`")
    return found


def _row(order: int, line: RoomLine, timezone: ZoneInfo) -> list[Cell]:
    from handlers.texts import notices as texts

    at: datetime | None = line.at.astimezone(timezone) if line.at is not None else None
    result = texts.room_result(line)
    why = line.error or line.file_error or ""
    return [order, line.grid or "", line.topic, line.account, result, at, texts.file_result(line), why]
