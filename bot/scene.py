"""Scenes: chat in, outcome out (docs/scenes.md). Reading a scene, and the shape of its outcome."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from bot.config import Config, ConfigError, from_data
from bot.registry import KnownPerson, KnownRoom, Registry
from bot.transports import native
from handlers.texts import ROLE_BY_LABEL
from storage.model import Alias, ChainRow, Grant, Grid, Message, MessageKind, RoomKind

ACCOUNT = "replay"
PLACEHOLDER = re.compile(r"\{([SHXTVJ]\d+)\}")
DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
OURSELVES = "bot"  # in a `leave`: our account itself was removed
LINKS = {"logout": False, "login": True}
KINDS = {kind.value: kind for kind in MessageKind}
WIRE_TYPES = {"recall": 13, "pat": 13, "todo": 13, "location": 8}  # those that may carry native XML


class SceneError(Exception):
    """A scene cannot be played; the text names the file, the line and what is wrong."""


class _Room(msgspec.Struct):
    grid: str
    name: str = ""
    kind: str = "resident"
    standby: list[str] = []
    tags: list[str] = []
    owner: bool = True  # our account may announce something there


class _Person(msgspec.Struct):
    role: str
    scope: str
    name: str = ""


class _Said(msgspec.Struct):
    t: datetime
    sender: str = msgspec.field(name="from")
    room: str | None = None
    nick: str = ""
    type: str = "text"
    text: str = ""
    recalls: int | None = None
    quoted: int | None = None
    solitaire: list[dict[str, Any]] = []
    starter: str | None = None
    title: str = ""
    url: str = ""
    account: str = ACCOUNT


class _Scene(msgspec.Struct):
    id: str
    rooms: dict[str, _Room]
    messages: list[_Said]
    people: dict[str, _Person] = {}
    settle: str = "PT1M"
    config: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Link:
    """One of our accounts is logged out, or in again."""

    account: str
    sent_at: datetime
    up: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene ready to be played: `messages` in wire order, a repeated one with the same id as the one before it; in a
    group with several of our `accounts` each hears it."""

    id: str
    registry: Registry
    messages: tuple[Message | Link, ...]
    settle: timedelta
    accounts: tuple[str, ...] = (ACCOUNT,)
    config: Config | None = None  # where some tables of the configuration differ from the defaults
    not_owner: frozenset[str] = frozenset()  # rooms where our accounts may not announce anything


def read(path: Path, names: tuple[str, ...]) -> Iterator[Scene]:
    """The scenes of a JSONL file. `names` are the bot's, to tell when it is spoken to. Raises SceneError."""
    decoder = msgspec.json.Decoder(_Scene)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(f"{path}: cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _scene(decoder.decode(line), names)
        except (msgspec.DecodeError, ValueError, KeyError, ConfigError) as error:
            raise SceneError(
                f"{path}:{number}: not a scene: {error}; a scene is one line, docs/scenes.md has the format"
            ) from None


def _scene(raw: _Scene, names: tuple[str, ...]) -> Scene:
    match = DURATION.fullmatch(raw.settle)
    if match is None:
        raise ValueError(f"settle: not a duration like PT2H: {raw.settle!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    codes = {room.grid for room in raw.rooms.values()}
    others = {name for room in raw.rooms.values() for name in room.standby} | {said.account for said in raw.messages}
    accounts = (ACCOUNT, *sorted(others - {ACCOUNT}))
    registry = Registry(
        grids=[Grid(code, "") for code in sorted({code[:n] for code in codes for n in (12, 15, 18)})],
        people=[
            KnownPerson(
                person.name or im_id,
                (Grant(ROLE_BY_LABEL[person.role], person.scope),),
                tuple(Alias(account, im_id, friend=True) for account in accounts),
            )
            for im_id, person in raw.people.items()
        ],
        rooms=[
            KnownRoom(
                ACCOUNT,
                im_id,
                room.grid,
                RoomKind(room.kind),
                room.name,
                enabled=True,
                standby=tuple((account, im_id) for account in room.standby),
                tags=tuple(room.tags),
            )
            for im_id, room in raw.rooms.items()
        ],
    )
    return Scene(
        id=raw.id,
        registry=registry,
        messages=tuple(_messages(raw, names)),
        accounts=accounts,
        settle=timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds),
        config=from_data(raw.config, Path("config")) if raw.config else None,
        not_owner=frozenset(im_id for im_id, room in raw.rooms.items() if not room.owner),
    )


def _messages(raw: _Scene, names: tuple[str, ...]) -> Iterator[Message | Link]:
    index = 0
    for number, said in enumerate(raw.messages):
        if number == 0 or said != raw.messages[number - 1]:
            index = number
        if said.t.tzinfo is None:
            raise ValueError(f"messages[{number}].t: needs an offset like +08:00")
        if said.type in LINKS:
            yield Link(said.account, said.t, up=LINKS[said.type])
            continue
        message = _message(raw, said, index, names)
        standby = (
            raw.rooms[said.room].standby if said.room is not None and message.kind is not MessageKind.LEAVE else ()
        )
        yield message
        for account in standby:  # each account gives a message an id of its own
            recalls = None if message.recalls is None else f"{message.recalls}@{account}"
            yield replace(message, account=account, id=f"{message.id}@{account}", recalls=recalls)


def message_id(index: int) -> str:
    return f"m{index}"


def _message(raw: _Scene, said: _Said, index: int, names: tuple[str, ...]) -> Message:
    kind = KINDS.get(said.type)
    if kind is None:
        raise ValueError(f"messages[{index}].type: unknown: {said.type!r}")
    # The ids of a scene are those of a fresh store: the first ticket is S1.
    text = PLACEHOLDER.sub(r"\1", said.text)
    recalls = None if said.recalls is None else message_id(said.recalls)
    if text.lstrip().startswith("<") and said.type in WIRE_TYPES:
        wire = native.interpret(WIRE_TYPES[said.type], text)
        kind, text = wire.kind, wire.text
        recalls = recalls or wire.recalls
    if kind is MessageKind.QUOTE and said.quoted is not None and not text.startswith(("「", "这是一条引用")):
        quoted = raw.messages[said.quoted]
        text = f"「{quoted.nick}：{quoted.text}」\n- - - - - - - - - - - - - - -\n{text}"
    return Message(
        account=said.account,
        id=message_id(index),
        kind=kind,
        room=said.room,
        sender=said.sender,
        sent_at=said.t,
        text=said.title or text,
        nick=said.nick,
        mentions_me=any(f"@{name}" in text for name in names)
        or (kind is MessageKind.LEAVE and said.sender == OURSELVES),
        recalls=recalls,
        quoted_id=None if said.quoted is None else message_id(said.quoted),
        chain=tuple(_chain_row(row) for row in said.solitaire),
        starter=said.starter,
        url=said.url,
        people=(said.sender,) if kind in (MessageKind.JOIN, MessageKind.LEAVE) else (),
        topic=raw.rooms[said.room].name if said.room is not None else "",
    )


def _chain_row(row: dict[str, Any]) -> ChainRow:
    start, _, length = str(row["r"]).partition("-")
    at = datetime.fromtimestamp(row["t"], UTC) if row.get("t") else None
    return ChainRow(author=str(row["u"]), at=at, start=int(start), length=int(length or 0))
