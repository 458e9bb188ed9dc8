"""`xiaoge replay`: play chat through the real pipeline in virtual time and print what became of it, one scene a line.

Every scene gets a fresh copy of an empty, migrated SQLite file. Jitter is seeded, so a replay repeats itself.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import msgspec

from bot import exporting, logs
from bot import scene as scenes
from bot.clock import VirtualClock
from bot.house import House
from bot.pacing import Budget
from bot.scene import Scene
from bot.sheets import Format
from bot.transports.simulator import Simulator
from handlers import texts
from handlers.context import Policy
from handlers.texts import notices as notice_texts
from handlers.texts import wishes as wish_texts
from nlp import categories
from nlp.pipeline import Classifier
from storage import audit, inbox, modes, notices, people, signups, tickets, wishes
from storage import signup_entries as rosters
from storage.engine import Store, Tx
from storage.model import Message, RoomKind, Ticket, TicketState
from storage.notices import Notice
from storage.reports import Filter
from storage.signups import Signup
from storage.wishes import Wish

TICK = timedelta(hours=1)  # how often the clock's own work is looked at while nobody speaks
SHORTEST = timedelta(minutes=1)  # no clock runs out sooner after a message
SEED = 1


async def replay(
    path: Path, out: TextIO, *, keep: Path | None = None, played: Callable[[int], None] | None = None
) -> int:
    """Play the scenes of a JSONL file and write one JSON object a line to `out`; returns how many.

    `keep` names a folder in which each scene leaves its database, its 台账 and, where logging is configured, its log;
    `played` is told the number of scenes done so far. Raises SceneError for a file that is no list of scenes."""
    known = categories.load()
    policy = Policy(categories=known)
    classifier = Classifier.load()
    count = 0
    with tempfile.TemporaryDirectory(prefix="xiaoge-replay-") as folder:
        base = Path(folder)
        blank = await _blank(base)
        for scene in scenes.read(path, policy.names):
            home = base / f"scene{count}" if keep is None else keep / scene.id
            obeyed = scene.config.policy(known) if scene.config is not None else policy
            outcome = await _play(scene, blank, home, classifier, obeyed, keep=keep is not None)
            out.write(msgspec.json.encode(outcome).decode() + "\n")
            count += 1
            if played is not None:
                played(count)
    return count


async def _blank(folder: Path) -> Path:
    """An empty, migrated database with its key, to be copied."""
    home = folder / "blank"
    home.mkdir()
    store = await Store.open(f"sqlite+aiosqlite:///{home / 'xiaoge.db'}")
    await store.close()
    return home


async def _play(
    scene: Scene, blank: Path, home: Path, classifier: Classifier, policy: Policy, *, keep: bool
) -> dict[str, Any]:
    _lay_out(blank, home)
    with logs.kept_in(home / "xiaoge.log") if keep else nullcontext():
        return await _perform(scene, home, classifier, policy, keep=keep)


async def _perform(scene: Scene, home: Path, classifier: Classifier, policy: Policy, *, keep: bool) -> dict[str, Any]:
    clock = VirtualClock(
        scene.messages[0].sent_at if scene.messages else datetime.fromisoformat("2025-01-01T08:00+08:00")
    )
    wires = {
        account: Simulator(account, clock, seed=SEED, not_owner=set(scene.not_owner)) for account in scene.accounts
    }
    store = await Store.open(f"sqlite+aiosqlite:///{home / 'xiaoge.db'}")
    try:
        house = House(
            store=store,
            classifier=classifier,
            policy=policy,
            transports=list(wires.values()),
            budget=Budget(),
            clock=clock,
            seed=SEED,
        )
        await store.write(lambda tx: scene.registry.store(tx, clock.now()))
        await house.start()
        stage = _Stage(house, wires, clock)
        for one in scene.messages:
            await stage.run_to(one.sent_at)
            if isinstance(one, Message):
                wires[one.account].say(one)
            elif one.up:
                wires[one.account].restore_link()
            else:
                wires[one.account].log_out()
            await stage.settle()
        await stage.run_to(clock.now() + scene.settle)
        outcome = await store.read(lambda tx: _outcome(tx, scene, wires, clock))
        if house.dispatcher.failures:
            raise RuntimeError(f"{scene.id}: {house.dispatcher.failures} messages failed, see the log")
        if keep:
            await exporting.export(
                store,
                home / "tickets.csv",
                Format.CSV,
                Filter(),
                categories=policy.categories,
                timezone=policy.timezone,
                now=clock.now(),
            )
        return outcome
    finally:
        await store.close()
        if not keep:
            shutil.rmtree(home)


def _lay_out(blank: Path, home: Path) -> None:
    """A scene's folder with a fresh database, in place of what an earlier replay left."""
    if home.exists():
        shutil.rmtree(home)
    shutil.copytree(blank, home)


@dataclass(slots=True)
class _Stage:
    """Moves the clock: through every moment at which something is due, never past one."""

    house: House
    wires: Mapping[str, Simulator]
    clock: VirtualClock
    soon: datetime | None = None  # when a clock of a ticket has something to say

    async def settle(self) -> datetime | None:
        """Work off what is here; returns when the next line may be sent."""
        for account, wire in self.wires.items():
            await self.house.hear(account, wire.take())
        return await self.house.speak()

    async def run_to(self, end: datetime) -> None:
        again_at = await self.settle()
        last_tick = self.clock.now()
        long = end - last_tick >= SHORTEST
        if long:
            self.soon = await self.house.tick()
        while self.clock.now() < end:
            moments = [end, last_tick + TICK, *(moment for moment in (again_at, self.soon) if moment is not None)]
            self.clock.advance(max(min(moments), self.clock.now()))
            now = self.clock.now()
            if now - last_tick >= TICK or (long and now >= end) or (self.soon is not None and now >= self.soon):
                last_tick, self.soon = now, await self.house.tick()
            again_at = await self.settle()


async def _outcome(tx: Tx, scene: Scene, wires: Mapping[str, Simulator], clock: VirtualClock) -> dict[str, Any]:
    every = await tickets.search(tx, states=frozenset(TicketState))
    rows = [await _ticket(tx, ticket) for ticket in every if ticket.state is not TicketState.CANDIDATE]
    doubtful = [await _ticket(tx, ticket) for ticket in every if ticket.state is TicketState.CANDIDATE]
    resident = {room.im_id for room in scene.registry.rooms if room.kind is RoomKind.RESIDENT}
    day = clock.now().date() - timedelta(days=400)
    dropped = await inbox.counters(tx, day)
    said = sorted((sent for wire in wires.values() for sent in wire.sent), key=lambda sent: sent.at)
    return {
        "id": scene.id,
        "tickets": rows,
        "candidates": doubtful,
        "replies": [
            {
                "room": sent.conversation,
                "to": next(iter(sent.mentions), None),
                "text": sent.text,
                "t": sent.at.isoformat(),
            }
            for sent in said
            if sent.conversation in resident
        ],
        "private": [
            {"to": sent.conversation, "text": sent.text, "t": sent.at.isoformat()}
            for sent in said
            if sent.conversation not in resident
        ],
        "signups": [await _signup(tx, signup) for signup in await signups.every(tx)],
        "wishes": [await _wish(tx, wish) for wish in await wishes.every(tx)],
        "notices": [await _notice(tx, notice) for notice in await notices.every(tx)],
        "mode": "急时" if await modes.in_force(tx) else "平时",
        "denied": await audit.count(tx, "denied"),
        "dropped": dropped,
    }


async def _notice(tx: Tx, notice: Notice) -> dict[str, Any]:
    standing = await notices.standing(tx, notice.number)
    return {
        "id": notice.id,
        "state": notice_texts.STATE[notice.state],
        "rooms": standing.rooms,
        "sent": standing.sent,
        "acks": standing.receipts,
    }


async def _wish(tx: Tx, wish: Wish) -> dict[str, Any]:
    giver = await people.get(tx, wish.claimed_by) if wish.claimed_by is not None else None
    return {
        "id": wish.id,
        "state": wish_texts.STATE[wish.state],
        "claimed_by": giver.aliases[0].im_id if giver is not None and giver.aliases else None,
        "text": wish.public or wish.text,
    }


async def _signup(tx: Tx, signup: Signup) -> dict[str, Any]:
    entries = await rosters.entries(tx, signup.number)
    signers = await people.many(tx, {entry.by_id for entry in entries if entry.by_id is not None})
    known_as = {person.id: person.aliases[0].im_id for person in signers if person.aliases}
    return {
        "id": signup.id,
        "title": signup.title,
        "starts": None if signup.starts is None else signup.starts.isoformat(),
        "place": signup.place,
        "capacity": signup.capacity,
        "entries": [
            {
                "name": entry.name,
                "heads": entry.heads,
                "state": entry.state.value,
                "by": known_as.get(entry.by_id) if entry.by_id is not None else None,
                "slot": entry.slot,
            }
            for entry in entries
        ],
    }


async def _ticket(tx: Tx, ticket: Ticket) -> dict[str, Any]:
    made_of = await tickets.messages(tx, ticket.number)
    return {
        "id": ticket.id,
        "category": ticket.category,
        "urgency": texts.URGENCY[ticket.urgency],
        "nature": texts.NATURE[ticket.nature],
        "state": texts.STATE[ticket.state],
        "level": texts.LEVEL[ticket.level],
        "building": ticket.place.building,
        "unit": ticket.place.unit,
        "floor": ticket.place.floor,
        "room": ticket.place.room,
        "place": ticket.place.place,
        "located_by": ticket.place.located_by,
        "reporters": ticket.reporters,
        "messages": sorted(int(message.message_id.removeprefix("m").partition("@")[0]) for message in made_of),
        "confidential": ticket.confidential,
        "reopened": ticket.reopened,
        "merged_into": None if ticket.merged_into is None else f"S{ticket.merged_into}",
        "due": None if ticket.due is None else ticket.due.isoformat(),
        "list": None if ticket.listed is None else texts.LISTING[ticket.listed],
    }
