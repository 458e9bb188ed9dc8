"""A stage whose classifier is told what to think, so that these tests fail for the handlers' faults only.

stage.judge("又停水了", matter("0102", objects=("停水",)))
await stage.say("李姐", "又停水了")
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from nlp import categories
from nlp.contact import mask
from nlp.decision import Analysis, Decision, Label, Location, Nature, Shape
from storage import tickets
from storage.audit import of_ticket
from storage.model import AuditEntry, Message, Reporter, Ticket, TicketMessage
from tests.unit.handlers.stage import SPOKEN, Stage

CATEGORIES = categories.load()
CHAT = Decision(Label.DROP, "chat")


def matter(
    category: str,
    label: Label = Label.TICKET,
    *,
    building: str | None = None,
    unit: str | None = None,
    floor: str | None = None,
    room: str | None = None,
    place: str | None = None,
    by: str = "text",
    nature: Nature = Nature.HELP,
    objects: tuple[str, ...] = (),
) -> Decision:
    """What a sentence says, with the urgency of its category."""
    where = (
        Location(building, unit, floor, room, place, by) if any((building, unit, floor, room, place)) else Location()
    )
    return Decision(
        label,
        "scored",
        score=3.0,
        category=category,
        urgency=CATEGORIES[category].urgency,
        nature=nature,
        confidential=CATEGORIES[category].confidential,
        location=where,
        objects=objects,
        terms=objects,
        rules=("r1",),
    )


def maybe(category: str, **fields: object) -> Decision:
    """The same, but only doubtful."""
    return matter(category, Label.CANDIDATE, **fields)  # type: ignore[arg-type]


class Judged(Stage):
    """A `Stage` that says of each sentence what it was told to, and of any other that it is chat."""

    verdicts: dict[str, Analysis]

    def judge(
        self,
        text: str,
        *decisions: Decision,
        shape: Shape = Shape.TALK,
        follows: bool = False,
        phones: tuple[str, ...] = (),
        id_number: bool = False,
        where: Location | None = None,
    ) -> None:
        """Settle what the classifier thinks of a sentence."""
        decided = decisions or (Decision(Label.DROP, "chat", location=where or Location()),)
        self.verdicts[text] = Analysis(
            mask(text), shape, decided, phones=phones, has_id_number=id_number, follows=follows, lexicon="test"
        )

    def _analyse(self, message: Message) -> Analysis:
        if message.kind not in SPOKEN or not message.text:
            return Analysis("", Shape.EMPTY, (CHAT,))
        return self.verdicts.get(message.text) or Analysis(mask(message.text), Shape.TALK, (CHAT,), lexicon="test")

    def _judge(self, text: str) -> Analysis:
        return self.verdicts.get(text) or Analysis(mask(text), Shape.TALK, (CHAT,), lexicon="test")

    async def the_ticket(self) -> Ticket:
        """The only ticket there is."""
        (ticket,) = await self.tickets()
        return ticket

    async def rows(self, number: int = 1) -> list[TicketMessage]:
        return await self.store.read(lambda tx: tickets.messages(tx, number))

    async def reporters(self, number: int = 1) -> list[Reporter]:
        return await self.store.read(lambda tx: tickets.reporters(tx, number))

    async def trail(self, number: int = 1) -> list[AuditEntry]:
        return await self.store.read(lambda tx: of_ticket(tx, number))


async def judged(directory: Path, now: datetime | None = None, **settings: object) -> Judged:
    """A group with its leader 刘姐 (a friend of the bot) and 小张 of the 物业."""
    stage = await Judged.set(directory, **settings)
    assert isinstance(stage, Judged)
    stage.verdicts = {}
    if now is not None:
        stage.now = now
    await stage.cast("刘姐", "微网格长")
    await stage.cast("小张", "物业", "519999001001003")
    return stage
