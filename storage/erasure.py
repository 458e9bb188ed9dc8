"""What is kept of one person, and erasing them: words, nick, number and IM accounts go, what happened stays.

The row of `people` stays without a name: the audit chain and the tickets hold its number, which must never become
somebody else's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage import alerts, outbox, polls, supplies, topics
from storage.engine import Tx, purged
from storage.model import Alias, Person, TicketState
from storage.people import many
from storage.tables import metadata
from storage.tables.neighbours import questions, signups
from storage.tables.records import audit
from storage.tables.registry import aliases, bind_codes, bind_failures, people
from storage.tables.tickets import dialogs, negatives, reporters, ticket_messages, ticket_notes, tickets
from storage.tickets import purge_candidates

# The actions by which somebody's words come into a ticket or candidate.
_SPOKE = ("filed", "candidate", "joined")
# What `resident` takes away; every other column that names a person tells that something of theirs is kept.
_TAKEN = {aliases, bind_codes, dialogs, questions, ticket_notes}
_TELLING = [
    column
    for table in metadata.sorted_tables
    for column in table.c
    if table not in _TAKEN and any(key.column is people.c.id for key in column.foreign_keys)
]
_FOUND = {index.columns[0] for table in metadata.sorted_tables for index in table.indexes}
_FOUND |= {table.primary_key.columns[0] for table in metadata.sorted_tables}


@dataclass(frozen=True, slots=True)
class Kept:
    """`tickets`: numbers of the tickets and candidates that they reported or said something about, in order."""

    tickets: tuple[int, ...]
    contact: bool  # a sealed phone number is among them
    topics: int = 0  # that they proposed or support
    votes: int = 0  # in open polls
    supplies: int = 0  # needs, offers and check-ins of 急时


async def kept(tx: Tx, person_id: int) -> Kept:
    """What there is of a person besides their own record."""
    said = sa.select(ticket_messages.c.ticket).where(ticket_messages.c.person_id == person_id)
    reported = sa.select(reporters.c.ticket).where(reporters.c.person_id == person_id)
    sealed = sa.select(reporters.c.ticket).where(reporters.c.person_id == person_id, reporters.c.contact.is_not(None))
    numbers = sorted(await tx.scalars(sa.union(said, reported)))
    counts = [len(await topics.supported_by(tx, person_id)), len(await polls.voted_in(tx, person_id))]
    counts.append(await supplies.count_of(tx, person_id))
    return Kept(tuple(numbers), await tx.scalar(sealed.limit(1)) is not None, *counts)


async def from_ticket(tx: Tx, number: int, person_id: int) -> None:
    """Take a person out of a ticket: their messages, their place among the reporters with nick and number, what they
    were asked, the remark of its rating. The count of reporters is that of the others, at least 1."""
    mine = (ticket_messages.c.ticket == number, ticket_messages.c.person_id == person_id)
    await tx.execute(sa.delete(ticket_messages).where(*mine))
    gone = sa.delete(reporters).where(reporters.c.ticket == number, reporters.c.person_id == person_id)
    reported = (await tx.execute(gone)).rowcount
    await tx.execute(sa.delete(dialogs).where(dialogs.c.ticket == number, dialogs.c.person_id == person_id))
    if reported:
        row = sa.update(tickets).where(tickets.c.number == number)
        await tx.execute(row.values(remark=None, reporters=alerts.affected(number)))
    purged(tx)


async def false_alarms(tx: Tx, person_id: int) -> None:
    """Blank the sentences by which 误报 taught something, where they may be the person's: those of the tickets and
    candidates that the audit chain says they spoke in."""
    spoke = audit.alias()
    theirs = sa.exists().where(spoke.c.ticket == audit.c.ticket, spoke.c.actor == person_id, spoke.c.action.in_(_SPOKE))
    taught = sa.select(audit.c.at).where(audit.c.action == "false_alarm", theirs)
    await tx.execute(sa.update(negatives).where(negatives.c.at.in_(taught), negatives.c.text != "").values(text=""))
    purged(tx)


async def resident(tx: Tx, person: Person, *, silent: bool) -> None:
    """Take away the person's name, IM accounts and bind code, what they gave as reasons, and every line to them or that
    mentions them. `silent`: they said 别记我; the bare IM ids stay, or nobody would know any more whom not to hear."""
    for alias in person.aliases:
        await outbox.forget(tx, alias.account, alias.im_id)
    await _accounts(tx, person.id, person.aliases, silent=silent)
    await tx.execute(sa.update(people).where(people.c.id == person.id).values(name="", ref=None, org=None, phone=None))
    await tx.execute(sa.delete(bind_codes).where(bind_codes.c.person_id == person.id))
    await tx.execute(sa.delete(dialogs).where(dialogs.c.person_id == person.id))
    await tx.execute(sa.delete(questions).where(questions.c.person_id == person.id))
    given = sa.update(ticket_notes).where(ticket_notes.c.person_id == person.id)
    await tx.execute(given.values(text="", person_id=None))
    purged(tx)


async def expired(tx: Tx, before: datetime) -> int:
    """Delete the candidates that were filed before then, and forget the residents of whom nothing else is kept; how
    many candidates."""
    filed = sa.select(tickets.c.number).where(tickets.c.state == TicketState.CANDIDATE, tickets.c.filed_at < before)
    who = sa.select(reporters.c.person_id).where(reporters.c.ticket.in_(filed)).distinct()
    theirs = list(await tx.scalars(who))
    gone = await purge_candidates(tx, before)
    await let_go(tx, theirs)
    return gone


async def let_go(tx: Tx, person_ids: Collection[int]) -> None:
    """Forget those of them who are residents of whom nothing is kept any more."""
    if person_ids:  # every minute but a few
        await _forget(tx, people.c.id.in_(person_ids), None)


async def sweep(tx: Tx, most: int) -> int:
    """Forget up to so many residents of whom nothing is kept any more, because they took it back themselves; how
    many."""
    return await _forget(tx, sa.or_(people.c.name != "", sa.exists().where(aliases.c.person_id == people.c.id)), most)


async def _forget(tx: Tx, who: sa.ColumnElement[bool], most: int | None) -> int:
    nothing = (people.c.ref.is_(None), people.c.opted_out_at.is_(None), *map(sa.not_, _elsewhere()))
    last = list(await tx.scalars(sa.select(people.c.id).where(who, *nothing).order_by(people.c.id).limit(most)))
    for person in await many(tx, last):
        await resident(tx, person, silent=False)
    return len(last)


def _elsewhere() -> list[sa.ColumnElement[bool]]:
    """The ways in which something of a person may be kept."""
    reasons = sa.select(ticket_notes.c.person_id).where(
        ticket_notes.c.person_id.is_not(None), ticket_notes.c.text != ""
    )
    found: list[sa.ColumnElement[bool]] = []
    for column in _TELLING:
        if column is signups.c.organiser_id:
            found.append(sa.exists().where(column == people.c.id, signups.c.forgotten_at.is_(None)))
        elif column in _FOUND:
            found.append(sa.exists().where(column == people.c.id))
        else:  # no index: the database reads it once for all of them, not once for each
            found.append(people.c.id.in_(sa.select(column).where(column.is_not(None))))
    return [*found, people.c.id.in_(reasons)]


async def _accounts(tx: Tx, person_id: int, held: Collection[Alias], *, silent: bool) -> None:
    of_person = aliases.c.person_id == person_id
    if silent:
        await tx.execute(sa.update(aliases).where(of_person).values(nick=""))
    else:
        await tx.execute(sa.delete(aliases).where(of_person))
    for alias in held:
        tried = (bind_failures.c.account == alias.account, bind_failures.c.im_id == alias.im_id)
        await tx.execute(sa.delete(bind_failures).where(*tried))
