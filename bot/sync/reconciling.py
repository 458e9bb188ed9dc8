"""Does an upstream hold what we hold? Every ticket is rendered anew and compared by its hash; what differs is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.settings import Upstream
from bot.sync import rendering
from bot.sync.client import Client, Closed, Failed
from bot.sync.courier import rendered
from bot.sync.filters import kept_back
from bot.sync.mapping import Item, Unmapped, flat
from bot.sync.rendering import Labels
from storage import dossiers, upstreams
from storage.dossiers import Dossier
from storage.engine import Store, Tx
from storage.upstreams import Delivery, DeliveryState

PAGE = 500
LOOKED_INTO = 200  # differing tickets whose fields are compared one by one

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Held:
    """What the upstream lists of a ticket."""

    version: int
    hash: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Ours:
    """What it should have: a live item, or nothing but a tombstone (`hash` is None)."""

    version: int
    hash: str | None
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is wrong with a ticket; `fields` where both sides have it, under the names that the upstream knows.
    `mendable`: sending it once more will help."""

    ticket: str
    what: str
    fields: tuple[str, ...] = ()
    mendable: bool = True


@dataclass(slots=True)
class Report:
    """`ours`: tickets that should be there; `theirs`: those that are, without tombstones."""

    ours: int = 0
    theirs: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return self.ours == self.theirs and not self.differences


async def compare(
    store: Store,
    upstream: Upstream,
    labels: Labels,
    client: Client,
    *,
    every_field: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Compare counts and hashes; the fields of what differs, or with `every_field` of all. Raises Fault."""
    report = Report()
    theirs, twice, counted = await _listed(client)
    report.theirs = sum(not one.deleted for one in theirs.values())
    if counted != len(theirs):
        report.differences.append(
            Difference("–", f"they count {counted} tickets and list {len(theirs)}", mendable=False)
        )
    report.differences += [Difference(name, "they list it twice", mendable=False) for name in twice]
    unseen = dict(theirs)
    looked_into = 0
    done = 0
    async for number, ours, row in _ours(store, upstream, labels):
        name = f"S{number}"
        held = unseen.pop(name, None)
        report.ours += ours.hash is not None
        what = _wrong(ours, held, row)
        if what and looked_into < LOOKED_INTO:
            looked_into += 1
            # The bot may be at work: what differs is looked at once more.
            found = await _closely(store, upstream, labels, client, number)
        elif every_field and ours.item is not None:
            found = _fields(ours.item, await _item(client, name))
            what = "" if not found else "other content under the same hash"
        else:
            found = ()
        if what and found is not None:
            newer = held is not None and held.version > ours.version
            report.differences.append(Difference(name, what, found, mendable=not newer))
        done += 1
        progress(done, max(done, len(theirs)))
    report.differences += [
        Difference(name, "they have a ticket that is unknown here: was a backup restored?", mendable=False)
        for name, held in unseen.items()
        if not held.deleted
    ]
    return report


async def mend(store: Store, upstream: Upstream, report: Report, now: datetime) -> int:
    """Queue what differs; how much of it can be mended so."""
    numbers = [int(one.ticket.removeprefix("S")) for one in report.differences if one.mendable]

    async def work(tx: Tx) -> int:
        found = await dossiers.read(tx, numbers)
        # `tried`: they have it, whatever our rows say, so a tombstone is due where it should not be there.
        versions = {number: dossier.ticket.version for number, dossier in found.items()}
        return await upstreams.queue(tx, upstream.name, versions, now, tried=True)

    return await store.write(work)


def _wrong(ours: Ours, held: Held | None, row: Delivery | None) -> str:
    """What is wrong with a ticket; empty where nothing is."""
    why = _standing(row)
    if held is None or held.deleted:
        return f"missing there{why}" if ours.hash is not None else ""
    if ours.hash is None:
        return f"still there, and should be gone{why}"
    if held.hash == ours.hash:
        return ""
    if held.version == ours.version:
        return f"other content{why}"
    older = "an older" if held.version < ours.version else "a newer"
    return f"{older} version there ({held.version}, here {ours.version}){why}"


def _standing(row: Delivery | None) -> str:
    if row is None:
        return ""
    if row.state is DeliveryState.PARKED:
        return f", parked ({row.code})"
    return ", waiting" if row.next_at is not None else ""


async def _listed(client: Client) -> tuple[dict[str, Held], list[str], int]:
    """What the upstream lists, what it lists more than once, and how many tickets it says it has."""
    found: dict[str, Held] = {}
    twice: list[str] = []
    after, counted = "", 0
    while True:
        page = await client.get("/tickets", {"after": after, "limit": str(PAGE)})
        try:
            counted = int(page["count"])
            items = {
                str(one["id"]): Held(int(one["version"]), str(one["hash"]), bool(one["deleted"]))
                for one in page["items"]
            }
            following = page.get("next")
        except (KeyError, TypeError, ValueError, OverflowError):
            raise Failed("bad_answer", "GET /tickets: a page without count and items") from None
        twice += [name for name in items if name in found]
        found |= items
        if following is None:
            return found, twice, counted
        if str(following) == after:
            raise Failed("bad_answer", "GET /tickets: next does not move on")
        after = str(following)


async def _ours(store: Store, upstream: Upstream, labels: Labels) -> AsyncIterator[tuple[int, Ours, Delivery | None]]:
    """Every ticket by number: what the upstream should have of it, and its delivery."""
    last = 0
    while True:
        numbers = await store.read(lambda tx, last=last: dossiers.numbers_after(tx, last))  # type: ignore[misc]
        if not numbers:
            return

        async def read(tx: Tx, numbers: list[int] = numbers) -> tuple[dict[int, Dossier], dict[int, Delivery]]:
            found = await dossiers.read(tx, numbers, with_reporter=upstream.reporter)
            return found, await upstreams.of_tickets(tx, upstream.name, numbers)

        found, rows = await store.read(read)
        for number, dossier in found.items():
            yield number, _should(upstream, dossier, labels, rows.get(number)), rows.get(number)
        last = numbers[-1]


def _should(upstream: Upstream, dossier: Dossier, labels: Labels, row: Delivery | None) -> Ours:
    version = dossier.ticket.version
    never = row is None or row.tried is None
    if kept_back(upstream, dossier) is not None or (never and rendering.undecided(dossier.ticket)):
        return Ours(version, None)
    with suppress(Unmapped):
        item = rendered(upstream, dossier, labels)
        return Ours(version, str(item["hash"]), item)
    return Ours(version, "unmapped")


async def _closely(
    store: Store, upstream: Upstream, labels: Labels, client: Client, number: int
) -> tuple[str, ...] | None:
    """The fields in which a ticket differs at this moment; None where it does not any more."""

    async def read(tx: Tx) -> tuple[Dossier | None, Delivery | None]:
        found = await dossiers.read(tx, [number], with_reporter=upstream.reporter)
        return found.get(number), await upstreams.delivery(tx, upstream.name, number)

    dossier, row = await store.read(read)
    theirs = await _item(client, f"S{number}")
    gone = theirs is None or theirs.get("deleted") is True
    ours = _should(upstream, dossier, labels, row) if dossier is not None else None
    if ours is None or ours.item is None or gone:
        settled = gone and (ours is None or ours.hash is None)
        return None if settled else ()
    return _fields(ours.item, theirs) or None


def _fields(ours: Item, theirs: Item | None) -> tuple[str, ...]:
    mine, yours = flat(ours), flat(theirs or {})
    nothing = object()
    return tuple(name for name in {**mine, **yours} if mine.get(name, nothing) != yours.get(name, nothing))


async def _item(client: Client, name: str) -> dict[str, Any] | None:
    try:
        return await client.get(f"/tickets/{name}", {})
    except Closed as fault:
        if fault.code == "wrong_address":  # 404: they have no such ticket
            return None
        raise
