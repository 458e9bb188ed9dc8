"""The figures of a period equal a recount, ticket by ticket, on every database."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import pytest

from storage import figures, tickets
from storage.engine import Store, Tx
from storage.figures import Counts
from storage.model import CallbackOutcome, Level, Nature, NewTicket, Place, Ticket, TicketState, Urgency

START = datetime(2026, 11, 2, tzinfo=UTC)
SINCE, UNTIL = START + timedelta(days=7), START + timedelta(days=14)
WHOLE = "519999001"
GRIDS = ["519999001001001001", "519999001001001002", "519999001002001001", "519999001001", None]
DONE = (TicketState.CALLBACK, TicketState.CLOSED)
WORKED_ON = (TicketState.FILED, TicketState.ASSIGNED, TicketState.ACCEPTED, TicketState.IN_PROGRESS)


async def scatter(tx: Tx, amount: int = 300) -> list[Ticket]:
    """Tickets in every state, their moments all over three weeks."""
    draw = random.Random(7)

    def moment() -> datetime:
        return START + timedelta(hours=draw.randrange(24 * 21))

    made = []
    for _ in range(amount):
        filed = moment()
        new = NewTicket(
            state=draw.choice([TicketState.FILED, TicketState.FILED, TicketState.FILED, TicketState.CANDIDATE]),
            category=draw.choice(["0101", "0102", "0501"]),
            urgency=draw.choice(list(Urgency)),
            nature=Nature.HELP,
            level=Level.GRID,
            grid=draw.choice(GRIDS),
            room_id=None,
            place=Place(),
            confidential=False,
            reported_at=filed,
            filed_at=filed,
            ack_due=draw.choice([None, moment()]),
            due=draw.choice([None, moment()]),
        )
        ticket = await tickets.file(tx, new)
        if ticket.state is TicketState.FILED:
            state = draw.choice([*WORKED_ON, *DONE, *DONE, TicketState.REFUSED, TicketState.WITHDRAWN])
            outcome = draw.choice([None, *CallbackOutcome])
            values = {
                "state": state,
                "acknowledged_at": draw.choice([None, moment()]),
                "handled_at": draw.choice([None, moment()]) if state in DONE else None,
                "closed_at": moment() if state not in WORKED_ON else None,
                "outcome": outcome,
                "rating": draw.choice([None, 1, 2, 3, 4, 5]),
                "reopened": draw.choice([0, 0, 1]),
                "clock_from": draw.choice([None, moment()]),
            }
            changed = await tickets.update(tx, ticket.number, expect={TicketState.FILED}, at=filed, **values)
            assert changed is not None
            ticket = changed
        made.append(ticket)
    return made


def recount(every: list[Ticket], grid: str = "") -> Counts:
    """The same figures, said in Python."""
    counted = dict.fromkeys((field.name for field in fields(Counts)), 0)

    def here(moment: datetime | None) -> bool:
        return moment is not None and SINCE <= moment < UNTIL

    for each in every:
        if each.state is TicketState.CANDIDATE or not (each.grid or "").startswith(grid):
            continue
        finished = each.handled_at or each.closed_at
        done = each.state in DONE and finished is not None
        gone = each.state in (TicketState.REFUSED, TicketState.WITHDRAWN)
        open_ = each.filed_at < UNTIL and (
            each.state in WORKED_ON
            or (done and finished is not None and finished >= UNTIL)
            or (gone and each.closed_at is not None and each.closed_at >= UNTIL)
        )
        counted["filed"] += here(each.filed_at)
        counted["emergencies"] += here(each.filed_at) and each.urgency is Urgency.EMERGENCY
        counted["finished"] += done and here(finished)
        counted["reopened"] += each.reopened > 0 and here(each.clock_from)
        counted["open"] += open_
        counted["overdue"] += open_ and each.due is not None and each.due < UNTIL
        if not gone:
            if here(each.ack_due):
                assert each.ack_due is not None
                counted["ack_due"] += 1
                counted["ack_met"] += each.acknowledged_at is not None and each.acknowledged_at <= each.ack_due
            if here(each.due):
                counted["close_due"] += 1
                counted["closed"] += done and finished is not None and finished < UNTIL
        unsolved = each.outcome is CallbackOutcome.UNSOLVED
        if here((each.clock_from or each.filed_at) if unsolved else each.closed_at):
            if each.outcome is not None:
                counted[each.outcome.value] += 1
            counted["rated"] += each.rating is not None
            counted["satisfied"] += each.rating in (4, 5)
    return Counts(**counted)


@pytest.mark.parametrize("grid", ["", WHOLE, "519999001001", "519999001001001002", "44"])
async def test_the_whole(store: Store, grid: str) -> None:
    every = await store.write(scatter)
    found = await store.read(lambda tx: figures.total(tx, SINCE, UNTIL, grid))
    assert found == recount(every, grid)
    if grid == "":
        assert all(getattr(found, field.name) for field in fields(Counts))  # the draw leaves none at zero


async def test_the_parts_add_up_to_the_whole(store: Store) -> None:
    every = await store.write(scatter)

    async def parts(tx: Tx) -> tuple[dict[str, Counts], dict[str, Counts]]:
        by_grid = await figures.by_grid(tx, SINCE, UNTIL, digits=12)
        return by_grid, await figures.by_category(tx, SINCE, UNTIL)

    by_grid, by_category = await store.read(parts)
    assert set(by_grid) == {"", "519999001001", "519999001002"}
    assert set(by_category) == {"0101", "0102", "0501"}
    for found in (by_grid, by_category):
        assert sum(found.values(), Counts()) == recount(every)
    assert by_grid["519999001002"] == recount(every, "519999001002")


async def test_the_days_add_up_too(store: Store) -> None:
    every = await store.write(scatter)
    bounds = [SINCE + timedelta(days=n) for n in range(8)]
    days = await store.read(lambda tx: figures.by_day(tx, bounds, WHOLE))
    whole = recount(every, WHOLE)
    assert len(days) == 7
    assert (sum(filed for filed, _ in days), sum(done for _, done in days)) == (whole.filed, whole.finished)


async def test_an_empty_store_has_zeros(store: Store) -> None:
    assert await store.read(lambda tx: figures.total(tx, SINCE, UNTIL)) == Counts()
    assert await store.read(lambda tx: figures.by_grid(tx, SINCE, UNTIL, digits=15)) == {}
    assert await store.read(lambda tx: figures.answered_by_faq(tx, date(2026, 1, 1), date(2027, 1, 1))) == 0


async def test_what_is_overdue_is_named_the_longest_first(store: Store) -> None:
    every = await store.write(scatter)
    late = [t for t in every if t.state in WORKED_ON and t.due is not None and t.due < UNTIL]
    wanted = [t.number for t in sorted(late, key=lambda t: (t.due or UNTIL, t.number))]
    assert await store.read(lambda tx: figures.overdue(tx, UNTIL, "", 5)) == wanted[:5]
