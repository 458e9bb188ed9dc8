"""Which groups a notice is for: what stands behind the @, within what the speaker may reach.

A scope is a grid by its code or name, a building, words of a group's name, a grid and one of the two
(`@青禾社区3栋`), the leader rooms, or a list of such.
"""

from __future__ import annotations

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
from storage.model import Room, RoomKind

_ALTERNATIVES = "，,、;；"


async def meant(ctx: Context, command: Command) -> list[Room] | str:
    """The rooms of the scope, or what is wrong with it. Only rooms over which the speaker has the right."""
    listed: dict[int, Room] = {}
    for typed in _split(command.code):
        found = await _named(ctx, typed, command)
        if not found:
            return texts.no_such_scope(mask(typed)) if typed else texts.NO_ROOM
        listed |= {room.id: room for room in found}
    mine = [room for room in listed.values() if rights.allowed(ctx.actor, Right.NOTICE, room.grid) is not None]
    if listed and not mine:
        return labels.BEYOND_SCOPE
    return sorted(mine, key=lambda room: room.id) or texts.NO_ROOM


async def _named(ctx: Context, typed: str, command: Command) -> list[Room]:
    own = (command.right or "").partition(":")[2]
    if not typed:
        return [ctx.group] if ctx.group is not None else await rooms.within(ctx.tx, own, RoomKind.RESIDENT)
    if typed in texts.LEADER_ROOMS:
        return await rooms.within(ctx.tx, own, RoomKind.LEADER)
    if typed.startswith("#"):
        return await rooms.tagged(ctx.tx, typed.strip("#"), own, RoomKind.RESIDENT)
    scope = await scopes.named(ctx.tx, typed)
    if scope is not None:
        return await _of_grid(ctx, scope)
    found = await _called(ctx, typed, await rooms.within(ctx.tx, own, RoomKind.RESIDENT))
    return found or await _of_grid_called(ctx, typed)


async def _of_grid(ctx: Context, scope: str) -> list[Room]:
    codes = await grids.today(ctx.tx, scope)
    return [room for code in sorted(codes) for room in await rooms.within(ctx.tx, code, RoomKind.RESIDENT)]


async def _of_grid_called(ctx: Context, typed: str) -> list[Room]:
    """`青禾社区3栋`: the grid whose name begins it, the longest first, and of its groups those that the rest names."""
    codes = {name: code for code, name in (await grids.names(ctx.tx)).items() if name and typed.startswith(name)}
    for name in sorted(codes, key=len, reverse=True):
        found = await _called(ctx, typed[len(name) :], await _of_grid(ctx, codes[name]))
        if found:
            return found
    return []


async def _called(ctx: Context, typed: str, among: list[Room]) -> list[Room]:
    """Those whose own name, or their grid's, names the building; else those whose name holds the words."""
    wanted = _buildings(typed)
    if not wanted:
        return [room for room in among if typed in room.topic]
    names = await grids.names(ctx.tx)
    return [room for room in among if wanted & (_buildings(room.topic) | _buildings(names.get(room.grid or "", "")))]


def _buildings(words: str) -> set[str]:
    """The numbers of the buildings that a name names: 3栋, 1-3栋, 三号楼."""
    found = location.locate(normalise(words))
    return {found.building, *found.others} if found.building is not None else set()


def _split(typed: str) -> list[str]:
    for sign in _ALTERNATIVES:
        typed = typed.replace(sign, " ")
    return typed.split() or [""]
