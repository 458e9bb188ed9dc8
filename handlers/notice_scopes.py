"""Which groups a notice is for: what stands behind the @, within what the speaker may reach.

A scope is a grid by its code or name, a building, words of a group's name, a grid and one of the two
(`@青禾社区3栋`), a label (`@#独居老人`), the leader rooms, or a list of such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from handlers import rights, scopes
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import notices as texts
from nlp import location
from nlp.contact import mask
from nlp.normalize import normalise
from storage import grids, rooms
from storage.model import COMMUNITY_DIGITS, Room, RoomKind

_ALTERNATIVES = "@，,、;；"
_NUMBER = "[0-9一二三四五六七八九十]{1,3}"
_ONLY_BUILDINGS = re.compile(rf"[a-z]?{_NUMBER}(?:[-~至到]{_NUMBER})?(?:栋|幢|座|号楼)", re.IGNORECASE)


async def meant(ctx: Context, command: Command) -> list[Room] | str:
    """The rooms of the scope, or what is wrong with it. Only rooms over which the speaker has the right."""
    own = (command.right or "").partition(":")[2]
    names = await grids.names(ctx.tx)
    listed: dict[int, Room] = {}
    for typed in _split(command.code):
        same = [code for code in _called_exactly(typed, own, names) if typed]
        if len(same) > 1:
            return texts.several_scopes(mask(typed), len(same), names.get(same[0][:COMMUNITY_DIGITS], ""))
        found = await _of_grid(ctx, same[0]) if same else await _named(ctx, typed, own, names)
        if not found:
            return texts.no_such_scope(mask(typed)) if typed else texts.NO_ROOM
        listed |= {room.id: room for room in found}
    mine = [room for room in listed.values() if rights.allowed(ctx.actor, Right.NOTICE, room.grid) is not None]
    if listed and not mine:
        return labels.BEYOND_SCOPE
    return sorted(mine, key=lambda room: room.id) or texts.NO_ROOM


def _called_exactly(typed: str, own: str, names: Mapping[str, str]) -> list[str]:
    """The grids of this very name: the speaker's own where there are any."""
    same = [code for code, name in names.items() if name == typed]
    return [code for code in same if code.startswith(own)] or same


async def _named(ctx: Context, typed: str, own: str, names: Mapping[str, str]) -> list[Room]:
    if not typed or typed in texts.EVERYBODY:
        return [ctx.group] if ctx.group is not None else await rooms.within(ctx.tx, own, RoomKind.RESIDENT)
    if typed in texts.LEADER_ROOMS:
        return await rooms.within(ctx.tx, own, RoomKind.LEADER)
    if typed.startswith(("#", "＃")):
        return await rooms.tagged(ctx.tx, typed[1:], own, RoomKind.RESIDENT)
    among = await rooms.within(ctx.tx, own, RoomKind.RESIDENT)
    if _ONLY_BUILDINGS.fullmatch(normalise(typed)):
        return _called(typed, among, names)
    scope = await scopes.named(ctx.tx, typed)
    if scope is not None:
        return await _of_grid(ctx, scope)
    found = _called(typed, among, names) or await _within_named(ctx, typed, own, names)
    return found or await rooms.tagged(ctx.tx, typed, own, RoomKind.RESIDENT)


async def _of_grid(ctx: Context, scope: str) -> list[Room]:
    codes = await grids.today(ctx.tx, scope)
    return [room for code in sorted(codes) for room in await rooms.within(ctx.tx, code, RoomKind.RESIDENT)]


async def _within_named(ctx: Context, typed: str, own: str, names: Mapping[str, str]) -> list[Room]:
    """`青禾社区3栋`, `青禾社区第三网格`: the grid whose name begins it, the longest first, and of what is in it what
    the rest names."""
    begins = [(name, code) for code, name in names.items() if name and typed.startswith(name) and name != typed]
    for name, code in sorted(begins, key=lambda one: (-len(one[0]), not one[1].startswith(own))):
        rest = typed[len(name) :]
        inner = [one for one, called in names.items() if called == rest and one.startswith(code)]
        found = await _of_grid(ctx, inner[0]) if len(inner) == 1 else _called(rest, await _of_grid(ctx, code), names)
        if found:
            return found
    return []


def _called(typed: str, among: list[Room], names: Mapping[str, str]) -> list[Room]:
    """Those whose own name, or their grid's, names the buildings; else those whose name holds the words."""
    if not _ONLY_BUILDINGS.fullmatch(normalise(typed)):
        return [room for room in among if typed in room.topic]
    wanted = _buildings(typed)
    return [room for room in among if wanted & (_buildings(room.topic) | _buildings(names.get(room.grid or "", "")))]


def _buildings(words: str) -> set[str]:
    """The numbers of the buildings that a name names: 3栋, 1-3栋, 三号楼."""
    found = location.locate(normalise(words).lower())
    return {found.building, *found.others} if found.building is not None else set()


def _split(typed: str) -> list[str]:
    for sign in _ALTERNATIVES:
        typed = typed.replace(sign, " ")
    return typed.split() or [""]
