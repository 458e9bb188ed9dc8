"""Rights = role × grid prefix: the whole table, spelled out."""

from __future__ import annotations

import pytest

from handlers import rights
from handlers.rights import Right
from storage.model import Grant, Person, Role

COMMUNITY, GENERAL, MICRO, OTHER = "519999001001", "519999001001003", "519999001001003012", "519999001001004001"
LEADING = {
    Right.TRIAGE,
    Right.ASSIGN,
    Right.HANDLE,
    Right.VIEW,
    Right.CORRECT,
    Right.REFUSE,
    Right.ESCALATE,
    Right.MODE,
    Right.CALL,
    Right.ANSWER,
    Right.FAQ,
    Right.REPORT,
    Right.ROOM,
    Right.NOTICE,
    Right.ACTIVITY,
    Right.REVIEW,
    Right.DELIBERATE,
    Right.LOG,
}
ABOVE = LEADING | {Right.SUPERVISE, Right.TASK, Right.POINTS}
OWNING = {Right.HANDLE, Right.VIEW, Right.ANSWER, Right.LOG}
HELPING = {Right.ANSWER, Right.LOG}
TABLE = {
    Role.RESIDENT: set(),
    Role.BUILDING_LEADER: HELPING,
    Role.MICRO_LEADER: LEADING,
    Role.GRID_WORKER: ABOVE,
    Role.COMMUNITY: ABOVE,
    Role.STREET: ABOVE,
    Role.PROPERTY: OWNING,
    Role.POLICE: OWNING,
    Role.ENFORCEMENT: OWNING,
    Role.DEPARTMENT: OWNING,
    Role.PARTY_MEMBER: HELPING,
    Role.VOLUNTEER: HELPING,
    Role.MOBILE_WORKER: HELPING,
}


def someone(*grants: tuple[Role, str]) -> Person:
    return Person(id=7, name="刘姐", grants=tuple(Grant(role, scope) for role, scope in grants))


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("right", list(Right))
def test_every_role_has_exactly_its_rights(role: Role, right: Right) -> None:
    held = rights.allowed(someone((role, GENERAL)), right, MICRO)
    assert held == (f"{role.value}:{GENERAL}" if right in TABLE[role] else None)


@pytest.mark.parametrize(
    ("scope", "grid", "within"),
    [
        (COMMUNITY, MICRO, True),
        (GENERAL, MICRO, True),
        (MICRO, MICRO, True),
        (MICRO, OTHER, False),
        (MICRO, GENERAL, False),  # a part does not rule the whole
        (OTHER, MICRO, False),
        ("", MICRO, False),  # a grant that was left empty is no grant over everything
    ],
)
def test_a_right_ends_where_its_grid_ends(scope: str, grid: str, within: bool) -> None:
    assert (rights.allowed(someone((Role.MICRO_LEADER, scope)), Right.ASSIGN, grid) is not None) is within


def test_nobody_and_residents_may_nothing() -> None:
    assert rights.allowed(None, Right.VIEW, MICRO) is None
    assert rights.allowed(someone(), Right.VIEW, MICRO) is None
    assert rights.anywhere(None, Right.VIEW) is None
    assert rights.anywhere(someone((Role.VOLUNTEER, MICRO)), Right.VIEW) is None


def test_the_narrowest_grant_is_the_one_that_is_named() -> None:
    both = someone((Role.COMMUNITY, COMMUNITY), (Role.MICRO_LEADER, MICRO))
    assert rights.allowed(both, Right.ASSIGN, MICRO) == f"micro_leader:{MICRO}"
    assert rights.allowed(both, Right.ASSIGN, OTHER) == f"community:{COMMUNITY}"
    assert rights.anywhere(both, Right.VIEW) == f"community:{COMMUNITY}"


def test_what_has_no_grid_is_for_those_who_see_the_whole() -> None:
    assert rights.allowed(someone((Role.MICRO_LEADER, MICRO)), Right.ASSIGN, None) is None
    assert rights.allowed(someone((Role.COMMUNITY, COMMUNITY)), Right.ASSIGN, None) == f"community:{COMMUNITY}"
