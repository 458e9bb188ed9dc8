"""The work log: what was typed, and what is read from tickets, calls and tasks."""

from __future__ import annotations

from datetime import timedelta

from storage import audit, worklog
from storage.engine import Store, Tx
from storage.model import AuditEntry
from storage.worklog import WorkKind
from tests.contract.fill import MICRO, MINUTE, NOW, fill, fill_net

OTHER = "519999001001004001"


async def note(tx: Tx, message_id: str = "w1", text: str = "无异常", grid: str = MICRO, person_id: int = 1) -> int:
    said = {"account": "a", "message_id": message_id, "at": NOW}
    return await worklog.note(tx, kind=WorkKind.VISIT, person_id=person_id, grid=grid, households=3, text=text, **said)


async def lived(tx: Tx) -> None:
    """What `fill` and `fill_net` write, and a ticket that somebody took and finished, a passed-over step beside it."""
    await fill(tx)
    await fill_net(tx)
    for at, action in enumerate(("taken", "finished", "finished", "assigned")):
        when = NOW + (1 if action == "finished" else at) * MINUTE
        await audit.append(tx, AuditEntry(when, action, 1, None, 1, None, None, "a", "m0", {"skipped": at == 2}))


async def test_it_is_read_from_what_was_done(store: Store) -> None:
    await store.write(lived)

    async def look(tx: Tx) -> None:
        mine = await worklog.log(tx, person_id=1)
        assert [(one.kind, one.item) for one in mine] == [(WorkKind.TAKEN, "S1"), (WorkKind.HANDLED, "S1")]
        every = {(one.kind, one.item, one.text) for one in await worklog.log(tx)}
        assert {(WorkKind.CALL, "S1", ""), (WorkKind.TASK, "J1", "巡查")} <= every

    await store.read(look)


async def test_by_grid_and_time(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await fill(tx)
        await note(tx)
        await note(tx, "w2", grid=OTHER)
        assert len(await worklog.log(tx)) == 2
        assert [one.grid for one in await worklog.log(tx, grid=MICRO[:15])] == [MICRO]
        assert await worklog.log(tx, since=NOW + MINUTE) == []
        assert await worklog.log(tx, until=NOW) == []

    await store.write(work)


async def test_what_was_taken_back_is_gone(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await fill(tx)
        entry = await note(tx)
        await note(tx, "w2")
        assert await worklog.show(tx, entry, "p1")
        assert await worklog.recall(tx, "a", "p1") == 1
        assert [one.photo for one in await worklog.log(tx)] == [False, False]
        assert await worklog.recall(tx, "a", "w1") == 1
        assert await worklog.noted(tx, 1) == 1
        assert not await worklog.show(tx, entry, "p1")
        assert await worklog.forget(tx, 1) == 1
        assert await worklog.noted(tx, 1) == 0

    await store.write(work)


async def test_it_is_kept_for_its_time_only(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await fill(tx)
        await note(tx)
        assert await worklog.purge(tx, NOW) == 0
        assert await worklog.purge(tx, NOW + timedelta(seconds=1)) == 1

    await store.write(work)
