"""Who is who: the grids, people and rooms that the config (or a scene) names, brought into the store at start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from bot.config import Config
from storage import accounts, grids, people, rooms, standbys
from storage.engine import Tx
from storage.model import Alias, Grant, Grid, Origin, RoomKind, RoomState


@dataclass(frozen=True, slots=True)
class KnownPerson:
    name: str
    grants: tuple[Grant, ...]
    aliases: tuple[Alias, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownRoom:
    account: str
    im_id: str
    grid: str | None
    kind: RoomKind = RoomKind.RESIDENT
    topic: str = ""
    enabled: bool = False
    standby: tuple[tuple[str, str], ...] = ()  # other accounts of ours that are in it, and by which id they know it
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    grids: Sequence[Grid] = ()
    people: Sequence[KnownPerson] = ()
    rooms: Sequence[KnownRoom] = ()
    since: Mapping[str, datetime] = field(default_factory=dict)  # by account: in use from then on

    @classmethod
    def of(cls, config: Config) -> Registry:
        """What `[[grids]] [[people]] [[rooms]]` say."""
        return cls(
            grids=[Grid(entry.code, entry.name) for entry in config.grids],
            people=[
                KnownPerson(
                    entry.name, entry.all_grants(), tuple(Alias(a, im, friend=True) for a, im in entry.im_ids())
                )
                for entry in config.people
            ],
            rooms=[
                KnownRoom(
                    entry.account,
                    entry.im_id,
                    entry.grid,
                    entry.room_kind,
                    entry.name,
                    entry.enabled,
                    entry.standbys(),
                    entry.tags,
                )
                for entry in config.rooms
            ],
            since={
                entry.name: datetime.combine(entry.since, time(0), config.timezone).astimezone(UTC)
                for entry in config.accounts
                if entry.since is not None
            },
        )

    async def store(self, tx: Tx, at: datetime) -> None:
        """Bring it into the store. What a leader has changed since by command (启用, 停用, a binding) stays: the config
        only opens a room that nobody has ruled on yet."""
        for name, since in self.since.items():
            await accounts.begin(tx, name, since)
        await grids.put(tx, self.grids)
        office = [await people.import_person(tx, one.name, one.grants, one.aliases) for one in self.people]
        # Whoever has left the config has left the office too.
        await people.revoke_others(tx, [person.id for person in office])
        for entry in self.rooms:
            stands_by_for = await standbys.room_of(tx, entry.account, entry.im_id)
            if stands_by_for is not None:  # another account took over since the config was written
                await rooms.tag(tx, stands_by_for, entry.tags, Origin.CONFIG)
                continue
            known = await rooms.find(tx, entry.account, entry.im_id)
            room = known or await rooms.ensure(tx, entry.account, entry.im_id, entry.topic, at=at)
            if known is None or known.grid is None:
                other = await rooms.answering(tx, room, entry.grid) if entry.enabled and entry.grid else None
                state = RoomState.ENABLED if entry.enabled and other is None else room.state
                await rooms.update(tx, room.id, grid=entry.grid, kind=entry.kind, state=state)
            await rooms.tag(tx, room.id, entry.tags, Origin.CONFIG)
            for account, im_id in entry.standby:
                if await standbys.room_of(tx, account, im_id) != room.id:
                    await standbys.add(tx, room.id, account, im_id, at=at)
            await standbys.learn(tx, room.im_id, at=at)
