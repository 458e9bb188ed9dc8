"""What the classifier says about a message: pure data, nlp's own vocabulary.

The Chinese values are the vocabulary of `data/categories.toml` and of `xiaoge classify`; handlers translate them
to storage codes. What is made for every message is a named tuple: a frozen dataclass takes three times as long to make.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Label(StrEnum):
    TICKET = "ticket"
    CANDIDATE = "candidate"
    DROP = "drop"


class Urgency(StrEnum):
    EMERGENCY = "应急"
    ROUTINE = "常规"
    ENFORCEMENT = "执法"


class Nature(StrEnum):
    INQUIRY = "咨询"
    HELP = "求助"
    COMPLAINT = "投诉"
    REPORT = "举报"
    SUGGESTION = "建议"
    PRAISE = "表扬"


class Shape(StrEnum):
    """What the whole message is, before anything is scored."""

    TALK = "talk"  # anything else
    EMPTY = "empty"  # nothing left after emoji, mentions and quotes
    ACK = "ack"  # 收到 好的 OK 1, the whole message
    THANKS = "thanks"  # thanks or praise, nothing asked
    DONE = "done"  # 已经修好了 来电了: says a trouble is over
    PLUS_ONE = "plus_one"  # +1 同上 我家也是, possibly with an address behind it
    CHAIN = "chain"  # 接龙, native or made by hand
    HUSH = "hush"  # 太吵了 别刷屏 said to the bot


class Location(NamedTuple):
    """Numbers as text without their unit (`3`, `A12`, `-1`); `located_by` is `text` or `nick`. `others` are the further
    buildings that a text names: of 3栋到5栋 `building` is `3` and `others` are `4`, `5`."""

    building: str | None = None
    unit: str | None = None
    floor: str | None = None
    room: str | None = None
    place: str | None = None
    located_by: str | None = None
    others: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.building, self.unit, self.floor, self.room, self.place))


NOWHERE = Location()


@dataclass(frozen=True, slots=True)
class Decision:
    """One matter of a message.

    `score` is the monotone content evidence (0 upward, not a probability); `reason` names the veto or the drop;
    `evidence` are the matched spans as they stand in the normalised text; `terms` the lexicon entries behind them;
    `rules` the ids of rules that fired. `since` is the moment from which on it lasts and `households` the least number
    of households that it strikes, both by the words of the text and only where they say so.
    """

    label: Label
    reason: str
    score: float = 0.0
    category: str = "9999"
    urgency: Urgency = Urgency.ROUTINE
    nature: Nature = Nature.HELP
    confidential: bool = False
    location: Location = NOWHERE
    objects: tuple[str, ...] = ()  # what it is about: 电梯, 路灯 …
    evidence: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    since: datetime | None = None
    households: int | None = None


class Analysis(NamedTuple):
    """Everything that is known of one message.

    `text` is the message as it may be stored: quotes and mentions taken off, phone and ID numbers masked, never
    longer than the cap. `decisions` has at least one entry, one per matter, the strongest first.
    `follows` tells whether a line that is no appeal by itself says something about a trouble (time, place, a
    person affected, a request), so that it may be kept as a further line of its sender's fresh ticket.
    """

    text: str
    shape: Shape
    decisions: tuple[Decision, ...]
    phones: tuple[str, ...] = ()  # mobile and landline numbers in clear, for the sealed column only
    has_id_number: bool = False
    follows: bool = False
    quoted: str = ""  # masked text of the message that this one quotes
    quoted_nick: str = ""
    lexicon: str = ""  # hash of the lexicon that decided

    @property
    def best(self) -> Decision:
        return self.decisions[0]
