"""四个一: what 双报到党员 did for their neighbours, read from what really happened; only 实事 are written down.

建议: a suggestion of theirs; 微心愿: a wish they fulfilled; 志愿服务: a call they answered, an activity they attended;
实事: what a leader noted. Nothing is counted up and nobody is compared with anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from storage.doings import Wanted
from storage.engine import Tx, purged
from storage.model import Nature, Role, TicketState
from storage.tables.neighbours import deeds, signup_entries, signups, wishes
from storage.tables.registry import grants, people
from storage.tables.tickets import calls, reporters, tickets
from storage.wishes import WishState


class ContributionKind(StrEnum):
    SUGGESTION = "suggestion"  # 建议
    WISH = "wish"  # 微心愿
    DEED = "deed"  # 实事
    SERVICE = "service"  # 志愿服务


@dataclass(frozen=True, slots=True)
class Contribution:
    """One of the four. `item` is the id of what it is about (S12, X5), '' for 实事, of which `text` is what a leader
    noted, as it is the title of an activity; `anonymous`: they did not want to be named for it."""

    person_id: int
    name: str
    org: str
    kind: ContributionKind
    at: datetime
    grid: str
    item: str = ""
    text: str = ""
    anonymous: bool = False


_NOT_MADE = (TicketState.CANDIDATE, TicketState.WITHDRAWN, TicketState.REFUSED)


async def note(tx: Tx, *, person_id: int, by_id: int, grid: str, text: str, at: datetime) -> None:
    """A leader notes a 实事; the text is masked by then."""
    await tx.execute(sa.insert(deeds).values(person_id=person_id, by_id=by_id, grid=grid, text=text, at=at))


async def log(
    tx: Tx,
    *,
    person_id: int | None = None,
    grid: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Contribution]:
    """What 双报到党员 did, or this one of them, oldest first."""
    members = sa.select(grants.c.person_id).where(grants.c.role == Role.PARTY_MEMBER)
    who = (people.c.id, people.c.name, sa.func.coalesce(people.c.org, ""))
    none, no = sa.literal(""), sa.false()
    suggestion = (
        sa.select(*who, sa.literal("suggestion"), reporters.c.joined_at, tickets.c.grid, tickets.c.number, none, no)
        .join(reporters, reporters.c.person_id == people.c.id)
        .join(tickets, tickets.c.number == reporters.c.ticket)
        .where(
            tickets.c.nature == Nature.SUGGESTION,
            tickets.c.state.not_in(_NOT_MADE),
            tickets.c.confidential.is_(False),
            tickets.c.grid.is_not(None),
        )
    )
    wish = (
        sa.select(*who, sa.literal("wish"), wishes.c.done_at, wishes.c.grid, wishes.c.number, none, wishes.c.anonymous)
        .join(wishes, wishes.c.claimed_by == people.c.id)
        .where(wishes.c.state == WishState.DONE)
    )
    service = (
        sa.select(*who, sa.literal("service"), calls.c.accepted_at, tickets.c.grid, tickets.c.number, none, no)
        .join(calls, calls.c.accepted_by == people.c.id)
        .join(tickets, tickets.c.number == calls.c.ticket)
        .where(tickets.c.grid.is_not(None))
    )
    attended = (
        sa.select(
            *who,
            sa.literal("service"),
            signup_entries.c.attended_at,
            signups.c.grid,
            signups.c.number,
            signups.c.title,
            no,
        )
        .join(signup_entries, signup_entries.c.person_id == people.c.id)
        .join(signups, signups.c.number == signup_entries.c.signup)
        .where(signups.c.grid.is_not(None))
    )
    deed = sa.select(*who, sa.literal("deed"), deeds.c.at, deeds.c.grid, sa.null(), deeds.c.text, no).join(
        deeds, deeds.c.person_id == people.c.id
    )
    wanted = Wanted(person_id, since, until, grid)
    found = []
    for query, letter, at, where in (
        (suggestion, "S", reporters.c.joined_at, tickets.c.grid),
        (wish, "X", wishes.c.done_at, wishes.c.grid),
        (service, "S", calls.c.accepted_at, tickets.c.grid),
        (attended, "H", signup_entries.c.attended_at, signups.c.grid),
        (deed, "", deeds.c.at, deeds.c.grid),
    ):
        asked = wanted.of(query.where(people.c.id.in_(members)), at, where)
        for id_, name, org, kind, moment, code, number, text, anonymous in await tx.execute(asked):
            item = f"{letter}{number}" if number is not None else ""
            found.append(
                Contribution(id_, name, org, ContributionKind(kind), moment, code, item, text, bool(anonymous))
            )
    return sorted(found, key=lambda one: (one.at, one.person_id, one.item))


async def noted(tx: Tx, person_id: int) -> int:
    """How many 实事 were noted of a person."""
    return await tx.scalar(sa.select(sa.func.count()).where(deeds.c.person_id == person_id)) or 0


async def forget(tx: Tx, person_id: int) -> int:
    """What was noted of them goes; how many notes."""
    gone = (await tx.execute(sa.delete(deeds).where(deeds.c.person_id == person_id))).rowcount
    if gone:
        purged(tx)
    return gone
