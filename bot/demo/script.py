"""What is said, when and by whom: the written hour of `demo_chat.toml`, then improvised talk without end."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import count
from typing import Any

from bot.demo import community
from bot.demo.community import Community, Group
from bot.demo.phrases import Phrases
from storage.model import MessageKind

TICKET_MARK = "{S}"
PAUSE = 320.0  # mean seconds of silence in a group between two written episodes
IDLE = 420.0  # mean seconds of silence in a group when the talk is improvised
LEAD_IN = 300.0  # groups begin to talk within this many seconds


class Cue(StrEnum):
    """What a line waits for before it is said."""

    NONE = "none"
    TICKET = "ticket"  # {S}: a ticket of the room
    CALLBACK = "callback"  # the bot's question whether a trouble is over


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an episode: `after` seconds from its start; `ref` is the index of the line it quotes or recalls."""

    after: float
    speaker: str
    text: str
    kind: MessageKind = MessageKind.TEXT
    ref: int | None = None
    cue: Cue = Cue.NONE


@dataclass(frozen=True, slots=True)
class Episode:
    """A piece of talk in one room. `at` fixes its start (seconds from the beginning)."""

    room: str
    lines: tuple[Line, ...]
    at: float | None = None
    appeal: bool = False

    @property
    def length(self) -> float:
        return self.lines[-1].after


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing said. `serial` counts utterances in the order they are made; `ref` is the serial of another one."""

    serial: int
    at: float
    group: Group
    speaker: community.Speaker
    kind: MessageKind
    text: str
    cue: Cue
    ref: int | None
    episode: int


@cache
def episodes() -> tuple[Episode, ...]:
    """The episodes of `demo_chat.toml`, in its order."""
    return tuple(
        Episode(
            room=entry["room"],
            lines=tuple(_line(row) for row in entry["lines"]),
            at=entry.get("at"),
            appeal=entry.get("appeal", False),
        )
        for entry in community.read("chat.toml")["episodes"]
    )


def _line(row: list[Any]) -> Line:
    after, speaker, text, kind, ref = (*row, *("text", None)[len(row) - 3 :]) if len(row) < 5 else row
    if kind == "answer":
        return Line(after, speaker, text, cue=Cue.CALLBACK)
    cue = Cue.TICKET if TICKET_MARK in text else Cue.NONE
    return Line(after, speaker, text, MessageKind(kind), ref, cue)


def stream(people: Community, seed: int) -> Iterator[Utterance]:
    """Talk in all groups at once, ordered by time, without end. The same seed gives the same talk."""
    return _Stream(people, seed).run()


class _Stream:
    """Keeps, for every group, when its next episode starts, and merges what they say."""

    def __init__(self, people: Community, seed: int) -> None:
        self.rng = random.Random(seed)
        self.phrases = Phrases(self.rng)
        self.serials = count()
        self.numbers = count()
        self.starts: list[tuple[float, int, Group]] = []
        self.scripts: dict[str, list[tuple[float, Episode]]] = {}
        for place, group in enumerate(people.groups):
            self.scripts[group.key] = _timetable([one for one in episodes() if one.room == group.key], self.rng)
            self._book(group, place, self.rng.uniform(0, LEAD_IN))

    def run(self) -> Iterator[Utterance]:
        pending: list[tuple[float, int, Utterance]] = []
        while True:
            start, place, group = heapq.heappop(self.starts)
            while pending and pending[0][0] <= start:
                yield heapq.heappop(pending)[2]
            script = self.scripts[group.key]
            episode = script.pop(0)[1] if script else self._improvise(group)
            for utterance in self._expand(episode, group, start):
                heapq.heappush(pending, (utterance.at, utterance.serial, utterance))
            self._book(group, place, start + episode.length + self.rng.expovariate(1 / IDLE) + 20)

    def _book(self, group: Group, place: int, otherwise: float) -> None:
        script = self.scripts[group.key]
        heapq.heappush(self.starts, (script[0][0] if script else otherwise, place, group))

    def _expand(self, episode: Episode, group: Group, start: float) -> Iterator[Utterance]:
        number = next(self.numbers)
        serials = [next(self.serials) for _ in episode.lines]
        for serial, line in zip(serials, episode.lines, strict=True):
            yield Utterance(
                serial=serial,
                at=start + line.after,
                group=group,
                speaker=group.speaker(line.speaker),
                kind=line.kind,
                text=line.text,
                cue=line.cue,
                ref=serials[line.ref] if line.ref is not None else None,
                episode=number,
            )

    def _improvise(self, group: Group) -> Episode:
        """A new piece of talk for a group whose script is told."""
        rng, phrases = self.rng, self.phrases
        if not group.residents:
            names = [one.nick for one in rng.sample(group.staff, 2)]
            texts = (phrases.receipt(), phrases.chat())
            return _plain(group.key, [(name, text) for name, text in zip(names, texts, strict=True)], rng)
        cast = [one.nick for one in rng.sample(group.residents, 4)]
        roll = rng.random()
        if roll < 0.14:
            return self._trouble(group, cast)
        if roll < 0.20:
            return _plain(group.key, [(cast[0], phrases.advert())], rng)
        if roll < 0.26:
            topic = phrases.topic()
            rows = [phrases.chain(topic, cast[: many + 1]) for many in range(len(cast))]
            lines = [Line(17.0 * i, cast[i], row, MessageKind.CHAIN) for i, row in enumerate(rows)]
            return Episode(group.key, tuple(lines))
        if roll < 0.32:
            shout = [(group.leader.nick, f"【提醒】{phrases.topic().removesuffix('，要来的接龙')}，自愿参加。")]
            return _plain(group.key, shout + [(name, phrases.short()) for name in cast], rng)
        if roll < 0.36:
            gone = Line(0, cast[0], phrases.chat())
            return Episode(group.key, (gone, Line(7, cast[0], "", MessageKind.RECALL, 0)))
        many = rng.randrange(2, 5)
        talk = [(rng.choice(cast), phrases.short() if rng.random() < 0.2 else phrases.chat()) for _ in range(many)]
        return _plain(group.key, talk, rng)

    def _trouble(self, group: Group, cast: list[str]) -> Episode:
        lines = [Line(0, cast[0], self.phrases.appeal(group.building))]
        if self.rng.random() < 0.4:
            lines.append(Line(8, cast[0], "", MessageKind.IMAGE))
        if self.rng.random() < 0.5:
            lines.append(Line(25, cast[1], self.phrases.plus()))
        property_office = group.speaker("物").nick
        lines.append(Line(60, group.leader.nick, f"派单 {TICKET_MARK} 物业 2h", cue=Cue.TICKET))
        if self.rng.random() < 0.8:
            lines.append(Line(110, property_office, f"接单 {TICKET_MARK}", cue=Cue.TICKET))
            lines.append(Line(420, property_office, f"办结 {TICKET_MARK} 已处理，恢复正常", cue=Cue.TICKET))
            lines.append(Line(460, cast[0], "2" if self.rng.random() < 0.15 else "1", cue=Cue.CALLBACK))
        return Episode(group.key, tuple(lines), appeal=True)


def _plain(room: str, talk: list[tuple[str, str]], rng: random.Random) -> Episode:
    after, lines = 0.0, []
    for name, text in talk:
        lines.append(Line(after, name, text))
        after += rng.uniform(5, 22)
    return Episode(room, tuple(lines))


def _timetable(script: list[Episode], rng: random.Random) -> list[tuple[float, Episode]]:
    """When each written episode of one group starts: the fixed ones at their time, the others in the gaps. Shuffled,
    but with small talk twice as likely to be early, so that troubles stay as rare as they are."""
    fixed = sorted(((one.at, one) for one in script if one.at is not None), key=lambda entry: entry[0])
    free = [one for one in script if one.at is None]
    free.sort(key=lambda one: rng.random() + 0.5 * one.appeal)
    table: list[tuple[float, Episode]] = list(fixed)
    moment = rng.uniform(5, LEAD_IN)
    for one in free:
        for at, other in fixed:
            if moment < at + other.length + 20 and at < moment + one.length + 20:
                moment = at + other.length + rng.uniform(20, 90)
        table.append((moment, one))
        moment += one.length + rng.expovariate(1 / PAUSE)
    return sorted(table, key=lambda entry: entry[0])
