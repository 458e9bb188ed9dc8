"""Help fits who asks and where, on six lines at most."""

from __future__ import annotations

import pytest

from handlers import help as helping
from handlers import texts
from handlers.commands import Command, parse
from storage.model import Grant, Person, Role
from tests.unit.handlers.stage import MICRO, Stage

HELPER = (texts.HELP_HELPER,)
ALL = (
    (*texts.HELP_ROOM, *HELPER),
    (*texts.HELP_PRIVATE, *HELPER),
    texts.HELP_LEADER,
    texts.HELP_ABOVE,
    texts.HELP_OWNER,
    (*texts.HELP_URGENT, *HELPER),
)
DUTIES = (
    (*texts.DUTY_RESIDENT, texts.DUTY_HELPER),
    texts.DUTY_LEADER,
    texts.DUTY_ABOVE,
    texts.DUTY_OWNER,
)


@pytest.mark.parametrize("lines", [*ALL, *DUTIES])
def test_six_short_lines_at_most(lines: tuple[str, ...]) -> None:
    assert len(lines) <= 6
    assert all(len(line) <= 36 for line in lines)


@pytest.mark.parametrize(
    ("role", "private", "expected"),
    [
        (None, False, texts.HELP_ROOM),
        (None, True, texts.HELP_PRIVATE),
        (Role.VOLUNTEER, False, (*texts.HELP_ROOM, *HELPER)),
        (Role.BUILDING_LEADER, True, (*texts.HELP_PRIVATE, *HELPER)),
        (Role.MICRO_LEADER, False, texts.HELP_LEADER),
        (Role.COMMUNITY, True, texts.HELP_ABOVE),
        (Role.PROPERTY, False, texts.HELP_OWNER),
        (Role.POLICE, True, texts.HELP_OWNER),
    ],
)
def test_it_fits_the_role(role: Role | None, private: bool, expected: tuple[str, ...]) -> None:
    person = Person(1, "某人", (Grant(role, MICRO),)) if role is not None else None
    assert helping.lines(person, private=private) == expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (None, texts.DUTY_RESIDENT),
        (Role.PARTY_MEMBER, DUTIES[0]),
        (Role.GRID_WORKER, texts.DUTY_LEADER),
        (Role.STREET, texts.DUTY_ABOVE),
        (Role.ENFORCEMENT, texts.DUTY_OWNER),
    ],
)
def test_so_do_the_duties(role: Role | None, expected: tuple[str, ...]) -> None:
    person = Person(1, "某人", (Grant(role, MICRO),)) if role is not None else None
    assert helping.duties(person) == expected


async def test_in_urgent_times_it_tells_what_is_needed_then(stage: Stage) -> None:
    await stage.say("网格长刘姐", "转急 暴雨")
    await stage.say("李姐", "帮助")
    assert (await stage.said())[-1] == "@李姐 " + "\n".join(texts.HELP_URGENT)
    await stage.say("李姐", "职责")
    assert (await stage.said())[-1] == "@李姐 " + "\n".join(texts.DUTY_RESIDENT)


async def test_in_the_group_and_in_private(stage: Stage) -> None:
    typed = "帮助"
    await stage.say("李姐", typed)
    assert await stage.said() == ["@李姐 " + "\n".join(texts.HELP_ROOM)]
    await stage.say("李姐", typed, room=None)
    assert await stage.told("李姐") == ["\n".join(texts.HELP_PRIVATE)]
    assert await stage.person("李姐") is None  # asking for help leaves no record


def test_what_the_help_shows_is_understood() -> None:
    for lines in ALL:
        for example in (part.strip() for line in lines for part in line.split("：")[0].split("·")):
            if example.split(" ")[0] in texts.USAGE:
                typed = example.replace("网格码", MICRO)
                assert isinstance(parse(typed, addressed=lines[0] == texts.HELP_PRIVATE[0]), Command), typed
