"""青禾社区, the community that does not exist: its groups and who sits in them, from `bot/data/demo_*.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from storage.model import Role, RoomKind

# How demo_chat.toml names those who hold an office in the room's grid.
OFFICES = {"长": Role.MICRO_LEADER, "网": Role.GRID_WORKER, "物": Role.PROPERTY, "社": Role.COMMUNITY}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who talks. `role` is None for a resident; `scope` is the grid prefix an office covers."""

    id: str
    nick: str
    role: Role | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A chat group with everybody who is ever heard in it."""

    key: str
    name: str
    grid: str
    kind: RoomKind
    residents: tuple[Speaker, ...]
    staff: tuple[Speaker, ...]

    @property
    def id(self) -> str:
        """The IM id of the group."""
        return f"{self.key}@chatroom"

    @property
    def building(self) -> str:
        """The building whose neighbours meet here: group 03 is building 3."""
        return self.key.lstrip("0")

    @property
    def leader(self) -> Speaker:
        """Whoever answers for the group first: the 微网格长, in a leader group the first who is there."""
        return self.office(Role.MICRO_LEADER) or self.staff[0]

    def office(self, role: Role) -> Speaker | None:
        """Who holds that office here."""
        return next((one for one in self.staff if one.role is role), None)

    def speaker(self, name: str) -> Speaker:
        """The one whom demo_chat.toml means by `name`: an office, or the end of a nickname.

        Raises KeyError where nobody or more than one is meant."""
        if name in OFFICES and (holder := self.office(OFFICES[name])) is not None:
            return holder
        found = [one for one in (*self.residents, *self.staff) if one.nick.endswith(name)]
        if len(found) != 1:
            raise KeyError(f"{name!r} in group {self.key} means {len(found)} people")
        return found[0]


@dataclass(frozen=True, slots=True)
class Community:
    name: str
    code: str
    grids: tuple[tuple[str, str], ...]  # (code, name), from the community down
    groups: tuple[Group, ...]  # resident groups first

    @property
    def resident_groups(self) -> tuple[Group, ...]:
        return tuple(one for one in self.groups if one.kind is RoomKind.RESIDENT)

    @property
    def staff(self) -> tuple[Speaker, ...]:
        """Everybody who holds an office, each once."""
        return tuple({one.id: one for group in self.groups for one in group.staff}.values())

    def group(self, key: str) -> Group:
        """The group that people call `3`, `03` or `G1`. Raises KeyError where there is none."""
        wanted = key.upper().zfill(2)
        for one in self.groups:
            if one.key == wanted:
                return one
        raise KeyError(key)

    def heard_at(self, room_id: str) -> Group | None:
        """The group behind an IM id."""
        return next((one for one in self.groups if one.id == room_id), None)

    def nick(self, person_id: str) -> str:
        """How the groups know the person behind an IM id; a stranger is 私聊."""
        everybody = (one for group in self.groups for one in (*group.staff, *group.residents))
        return next((one.nick for one in everybody if one.id == person_id), "私聊")


def read(name: str) -> dict[str, Any]:
    """One of the data files bot/data/demo_*.toml by its short name."""
    return tomllib.loads(files("bot").joinpath("data", f"demo_{name}").read_text(encoding="utf-8"))


@cache
def load() -> Community:
    """The community of `demo_community.toml`."""
    data = read("community.toml")
    code, grids = data["code"], [(data["code"], data["name"])]
    grids += [(grid["code"], grid["name"]) for grid in data["grids"]]
    staff = [
        Speaker(id=f"staff-{place}", nick=one["nick"], role=Role(one["role"]), scope=one["scope"])
        for place, one in enumerate(data["staff"], start=1)
    ]
    groups = []
    leaders: list[Speaker] = []
    for room in data["rooms"]:
        leader = Speaker(f"leader-{room['key']}", room["leader"], Role.MICRO_LEADER, room["grid"])
        leaders.append(leader)
        grids.append((room["grid"], f"{int(room['key'])}栋微网格"))
        groups.append(
            Group(
                key=room["key"],
                name=f"{data['name']}{room['key']}微网格群",
                grid=room["grid"],
                kind=RoomKind.RESIDENT,
                residents=tuple(
                    Speaker(f"resident-{room['key']}-{place}", nick)
                    for place, nick in enumerate(room["residents"], start=1)
                ),
                staff=(leader, *(one for one in staff if room["grid"].startswith(one.scope))),
            )
        )
    for room in data["leader_rooms"]:
        present = [one for one in staff if one.scope.startswith(room["grid"]) or room["grid"].startswith(one.scope)]
        present += [one for one in leaders if one.scope.startswith(room["grid"])]
        groups.append(
            Group(room["key"], room["name"], room["grid"], RoomKind.LEADER, residents=(), staff=tuple(present))
        )
    return Community(data["name"], code, tuple(grids), tuple(groups))
