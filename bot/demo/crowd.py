"""A simulated day of group chat: what the privacy test and the benchmarks feed to the bot."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from bot.demo.phrases import Phrases
from storage.model import MessageKind

CHINA = timezone(timedelta(hours=8))
MIDNIGHT = datetime(2025, 6, 12, tzinfo=CHINA)  # a Thursday without a holiday
# How lively each hour of the day is, from 0 h on.
HOURS = (2, 1, 0, 0, 0, 1, 6, 14, 16, 14, 13, 14, 15, 10, 9, 10, 12, 15, 20, 24, 26, 20, 10, 4)
RECALLABLE = timedelta(minutes=2)
# A reporter's next plain words may rightly become part of the ticket, so reporters hold their tongue for a while.
HOLD = timedelta(minutes=20)
NAMES = "李王张刘陈杨黄赵周吴徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余"
CALLS = ("姐", "哥", "阿姨", "叔", "老师", "嬢嬢", "大爷", "妈妈", "爸爸", "师傅")


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the day. `number` counts from 0; `recalls` is the number of the message it takes back;
    `appeal` tells that it belongs to the report of a trouble: everything else is chit-chat and must not be kept."""

    number: int
    at: datetime
    room: str
    sender: str
    nick: str
    kind: MessageKind
    text: str
    appeal: bool
    recalls: int | None = None


@dataclass(slots=True, eq=False)
class _Draft:
    at: datetime
    room: int
    person: int
    kind: MessageKind
    text: str
    appeal: bool = False
    recalls: _Draft | None = None
    number: int = -1


def day(
    seed: int, rooms: int, messages: int, *, start: datetime = MIDNIGHT, appeals: float = 0.015, members: int = 40
) -> Iterator[Said]:
    """Exactly `messages` messages in `rooms` rooms of `members` people within 24 h of `start`, in order of time.

    About `appeals` of them begin the report of a trouble (photos, second lines and +1 come on top; 95% and more are
    chit-chat), 1 in 60 recalls an earlier one, 1 in 40 carries a phone or ID number. Chit-chat texts have at least
    eight characters and hardly ever repeat. Rooms are `r0001` …; the same arguments give the same day.
    """
    rng = random.Random(seed)
    phrases = Phrases(rng)
    lively = [rng.paretovariate(1.6) for _ in range(rooms)]
    drafts: list[_Draft] = []
    told: set[str] = set()
    hours = rng.choices(range(24), HOURS, k=messages)
    moments = sorted(start + timedelta(seconds=hour * 3600 + rng.uniform(0, 3600)) for hour in hours)
    for moment, room in zip(moments, rng.choices(range(rooms), lively, k=messages), strict=True):
        person = rng.randrange(members)
        roll = rng.random()
        if roll < appeals:
            drafts += _report(rng, phrases, moment, room, person, members)
        else:
            draft = _Draft(moment, room, person, *_chitchat(rng, phrases, told))
            drafts.append(draft)
            if rng.random() < 1 / 60:
                later = moment + timedelta(seconds=rng.uniform(3, RECALLABLE.total_seconds()))
                drafts.append(_Draft(later, room, person, MessageKind.RECALL, "", recalls=draft))
    drafts.sort(key=lambda draft: draft.at)
    yield from _settled(rng, drafts, members, messages)


def _report(rng: random.Random, phrases: Phrases, at: datetime, room: int, person: int, members: int) -> list[_Draft]:
    """A trouble is told: perhaps with a photo first or after, perhaps neighbours have it too."""
    building = str(room % 30 + 1)
    lines = [_Draft(at, room, person, MessageKind.TEXT, phrases.appeal(building), appeal=True)]
    if rng.random() < 0.35:
        shift = timedelta(seconds=rng.choice((-8, 9, 15)))
        lines.append(_Draft(at + shift, room, person, MessageKind.IMAGE, "", appeal=True))
    if rng.random() < 0.3:
        neighbour = (person + rng.randrange(1, members)) % members
        later = at + timedelta(seconds=rng.uniform(15, 200))
        lines.append(_Draft(later, room, neighbour, MessageKind.TEXT, phrases.plus(), appeal=True))
    if rng.random() < 0.08:
        later = at + timedelta(seconds=rng.uniform(20, 110))
        lines.append(_Draft(later, room, person, MessageKind.RECALL, "", appeal=True, recalls=lines[0]))
    return lines


def _chitchat(rng: random.Random, phrases: Phrases, told: set[str]) -> tuple[MessageKind, str]:
    roll = rng.random()
    if roll < 0.07:
        return rng.choice((MessageKind.IMAGE, MessageKind.EMOTICON, MessageKind.RED_PACKET, MessageKind.PAT)), ""
    if roll < 0.10:
        return MessageKind.LINK, phrases.advert()
    if roll < 0.12:
        names = [rng.choice(NAMES) + rng.choice(CALLS) for _ in range(rng.randrange(2, 9))]
        return MessageKind.CHAIN, phrases.chain(phrases.topic(), names)
    kind = MessageKind.VOICE if rng.random() < 0.04 else MessageKind.TEXT
    for _ in range(6):
        draw = rng.random()
        if draw < 0.03:
            text = phrases.with_number()
        elif draw < 0.08:
            text = phrases.advert()
        elif draw < 0.16:
            text = phrases.receipt()
        else:
            text = phrases.chat()
        if text not in told:
            break
    told.add(text)
    return kind, text


def _settled(rng: random.Random, drafts: list[_Draft], members: int, messages: int) -> Iterator[Said]:
    """Number the drafts, keep reporters from chatting on, cut to length."""
    reported: dict[tuple[int, int], datetime] = {}
    for draft in drafts[:messages]:
        if draft.appeal:
            reported[draft.room, draft.person] = draft.at
    last: dict[tuple[int, int], datetime] = {}
    # A person who reports anything today chats as little as possible around it: hand the chit-chat to a neighbour.
    busy = frozenset(reported)
    for number, draft in enumerate(drafts[:messages]):
        draft.number = number
        key = (draft.room, draft.person)
        if draft.appeal:
            last[key] = draft.at
        elif draft.recalls is not None:
            draft.person = draft.recalls.person
        elif key in last and draft.at - last[key] < HOLD:
            for _ in range(members):
                draft.person = rng.randrange(members)
                if (draft.room, draft.person) not in busy:
                    break
        yield _said(draft, members)


def _said(draft: _Draft, members: int) -> Said:
    room, person = draft.room, draft.person
    call = NAMES[(room * members + person) % len(NAMES)] + CALLS[person % len(CALLS)]
    unit, floor, flat = person % 2 + 1, person % 17 + 1, person % 4 + 1
    address = f"{room % 30 + 1}-{unit}-{floor:02d}0{flat} "
    return Said(
        number=draft.number,
        at=draft.at,
        room=f"r{room + 1:04d}",
        sender=f"r{room + 1:04d}-p{person:03d}",
        nick=call if person % 5 == 0 else address + call,
        kind=draft.kind,
        text=draft.text,
        appeal=draft.appeal,
        recalls=draft.recalls.number if draft.recalls is not None else None,
    )
