"""Help fits who asks and where, on six lines at most, and names only what they may do."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest

from handlers import help as helping
from handlers import rights
from handlers.commands import Command, parse
from handlers.context import Policy
from handlers.routes import ROUTES
from handlers.texts import help as texts
from handlers.texts.commands import USAGE
from storage.model import Role
from storage.points import PointAction
from tests.unit.handlers.stage import COMMUNITY, MICRO, Stage

OFF = Policy(categories={})
ON = replace(OFF, work_log=True, points={PointAction.WISH: 5})
HELPER = (texts.HELP_HELPER,)
EVERY = [
    (role, policy, private, urgent)
    for role, policy, private, urgent in itertools.product(Role, (OFF, ON), (True, False), (True, False))
]


def commands_in(line: str) -> list[Command]:
    """What a line tells people to type."""
    found = []
    for example in (part.strip() for part in re.split(r"[·：；。“”]", line)):
        if example.lstrip("/").split(" ")[0] in USAGE:
            command = parse(example.replace("网格码", MICRO), addressed=False) or parse(example, addressed=True)
            assert isinstance(command, Command), example
            found.append(command)
    return found


@pytest.mark.parametrize(("role", "policy", "private", "urgent"), EVERY)
def test_at_most_six_short_lines_of_what_the_role_may_do(
    role: Role, policy: Policy, private: bool, urgent: bool
) -> None:
    said = helping.lines({role}, policy, private=private, urgent=urgent)
    assert len(said) <= 6
    assert all(len(line) <= 36 for line in said), said
    named = [command for line in said for command in commands_in(line)]
    assert len(named) >= 5
    for command in named:
        needed = {route.right for route in ROUTES if route.name is command.name and route.letter == command.letter}
        needed = needed or {route.right for route in ROUTES if route.name is command.name}
        assert None in needed or needed & rights.TABLE[role], (role, command.name)


@pytest.mark.parametrize(("role", "policy", "private", "urgent"), EVERY)
def test_what_is_off_is_not_in_it(role: Role, policy: Policy, private: bool, urgent: bool) -> None:
    said = "\n".join(helping.lines({role}, policy, private=private, urgent=urgent))
    assert ("我的工作" in said) == (policy.work_log and role is not Role.RESIDENT)
    if policy.points is None:
        assert "积分" not in said
        assert "兑换" not in said


@pytest.mark.parametrize("role", Role)
def test_the_duties_are_six_lines_at_most(role: Role) -> None:
    assert all(len(line) <= 36 for line in helping.duties({role}))
    assert len(helping.duties({role})) <= (5 if role in rights.STAFF else 6)


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
    assert helping.lines({role} if role is not None else (), OFF, private=private) == expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (None, texts.DUTY_RESIDENT),
        (Role.PARTY_MEMBER, (*texts.DUTY_RESIDENT, texts.DUTY_HELPER)),
        (Role.GRID_WORKER, texts.DUTY_LEADER),
        (Role.STREET, texts.DUTY_ABOVE),
        (Role.ENFORCEMENT, texts.DUTY_OWNER),
    ],
)
def test_so_do_the_duties(role: Role | None, expected: tuple[str, ...]) -> None:
    assert helping.duties({role} if role is not None else ()) == expected


async def test_in_urgent_times_it_tells_what_is_needed_then(stage: Stage) -> None:
    await stage.say("网格长刘姐", "转急 暴雨")
    await stage.say("李姐", "帮助")
    assert (await stage.said())[-1] == "@李姐 " + "\n".join(texts.HELP_URGENT)
    await stage.say("网格长刘姐", "帮助", room=None)
    assert "物资 · 平安" in (await stage.told("网格长刘姐"))[-1]


async def test_the_duties_say_who_leads_here_by_role_and_never_by_name(stage: Stage) -> None:
    await stage.cast("王主任", "社区工作人员", scope=COMMUNITY)
    await stage.say("李姐", "职责")
    said = (await stage.said())[-1]
    assert "微网格长、社区工作人员（网格003012）：受理、派单，跟到办完" in said
    assert "刘姐" not in said
    assert "王主任" not in said
    assert len(said.splitlines()) <= 6
    await stage.say("网格长刘姐", "职责", room=None)
    told = (await stage.told("网格长刘姐"))[-1].splitlines()
    assert told[0] == "您在网格003012：微网格长"
    assert len(told) == 6


async def test_who_leads_elsewhere_is_a_resident_here(stage: Stage) -> None:
    await stage.cast("网格长老赵", "微网格长", scope="519999001001004001")
    await stage.say("网格长老赵", "帮助")
    assert (await stage.said())[-1] == "@网格长老赵 " + "\n".join(texts.HELP_ROOM)
    await stage.say("网格长老赵", "帮助", room=None)
    assert (await stage.told("网格长老赵"))[-1] == "\n".join(texts.HELP_LEADER)


async def test_in_the_group_and_in_private(stage: Stage) -> None:
    typed = "帮助"
    await stage.say("李姐", typed)
    assert await stage.said() == ["@李姐 " + "\n".join(texts.HELP_ROOM)]
    await stage.say("李姐", typed, room=None)
    assert await stage.told("李姐") == ["\n".join(texts.HELP_PRIVATE)]
    assert await stage.person("李姐") is None  # asking for help leaves no record
