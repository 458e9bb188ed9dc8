"""One pass of an automaton over a text finds every term of the lexicon; from the same terms comes the prefilter.

The prefilter is sound by construction: it lets through every text in which an event, a pair or a topic with a
request can score, and asks nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Protocol, TypeVar

import ahocorasick_rs

from nlp.lexicon import Event, Lexicon, Request, Setting, Thing, Topic, Trouble, Veto

GAP = 10  # characters between the parts of an event
TOPICAL = 2.0  # what words of public life must weigh together to be heard
BREADTH = 16  # characters within which they must stand: a long chat names them all, far apart
MOST_HITS = 40  # of one term in one text: what comes more often says no more

Span = tuple[int, int]


class Found:
    """Where the terms stand in one text."""

    __slots__ = ("events", "pairs", "spans", "text", "topical")

    def __init__(self, text: str, spans: dict[int, list[Span]], events: int, *, pairs: bool, topical: bool) -> None:
        self.text = text
        self.spans = spans
        self.events = events  # a bit for each event of several parts whose ends are both there
        self.pairs = pairs
        self.topical = topical

    @property
    def promising(self) -> bool:
        """Whether anything can score."""
        return bool(self.events or self.pairs or self.topical)


class _Term(Protocol):
    @property
    def term(self) -> str: ...


class _Parts(Protocol):
    @property
    def parts(self) -> tuple[tuple[str, ...], ...]: ...


_Entry = TypeVar("_Entry", bound=_Term)


class Matcher:
    """The compiled lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._ids: dict[str, int] = {}
        self._things = self._index(lexicon.things)
        self._troubles = self._index(lexicon.troubles)
        self._requests = self._index(lexicon.requests)
        self._topics = self._index(lexicon.topics)
        self._settings = self._index(lexicon.settings)
        self._leisure = self._index(lexicon.leisure)
        self._follows = self._index(lexicon.follows)
        self._event_parts = self._compile(lexicon.events)
        self._veto_parts = self._compile(lexicon.vetoes)
        self._vetoes_of: dict[int, list[int]] = {}
        for index, parts in enumerate(self._veto_parts):
            for number in parts[0]:
                self._vetoes_of.setdefault(number, []).append(index)
        self._table = self._filter()
        self._automaton = ahocorasick_rs.AhoCorasick(list(self._ids))

    def _index(self, entries: Iterable[_Entry]) -> dict[int, list[_Entry]]:
        index: dict[int, list[_Entry]] = {}
        for entry in entries:
            index.setdefault(self._ids.setdefault(entry.term, len(self._ids)), []).append(entry)
        return index

    def _compile(self, entries: Iterable[_Parts]) -> tuple[tuple[frozenset[int], ...], ...]:
        return tuple(
            tuple(frozenset(self._ids.setdefault(word, len(self._ids)) for word in part) for part in entry.parts)
            for entry in entries
        )

    def _filter(self) -> tuple[tuple[int, int, int, int, float], ...]:
        """For each term what it can contribute: bits of thing kinds, of thing kinds that have this trouble, of events
        that begin and that end with it, and its weight as a topic."""
        kinds = {kind: 1 << bit for bit, kind in enumerate(sorted({thing.kind for thing in self.lexicon.things}))}
        reach: dict[str, int] = {}
        for thing_kind, trouble_kind in self.lexicon.pairs:
            reach[trouble_kind] = reach.get(trouble_kind, 0) | kinds[thing_kind]
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for bit, parts in enumerate(self._event_parts):
            for number in parts[0]:
                first[number] = first.get(number, 0) | 1 << bit
            for number in parts[-1]:
                last[number] = last.get(number, 0) | 1 << bit
        table = []
        for number in range(len(self._ids)):
            things = troubles = 0
            for thing in self._things.get(number, ()):
                things |= kinds[thing.kind]
            for trouble in self._troubles.get(number, ()):
                troubles |= reach.get(trouble.kind, 0)
            topical = sum((topic.weight for topic in self._topics.get(number, ())), 0.0)
            table.append((things, troubles, first.get(number, 0), last.get(number, 0), topical))
        return tuple(table)

    @property
    def words(self) -> list[str]:
        """Terms of two to four characters, for the tokenizer's dictionary."""
        terms = [thing.term for thing in self.lexicon.things] + [trouble.term for trouble in self.lexicon.troubles]
        return [term for term in terms if 2 <= len(term) <= 4]

    def find(self, text: str) -> Found:
        """Every term in the text, and whether they can score together."""
        spans: dict[int, list[Span]] = {}
        things = troubles = first = last = 0
        topical = 0.0
        table = self._table
        for number, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            known = spans.get(number)
            if known is not None:
                if len(known) < MOST_HITS:
                    known.append((start, end))
                continue
            spans[number] = [(start, end)]
            is_thing, is_trouble, is_first, is_last, weight = table[number]
            things |= is_thing
            troubles |= is_trouble
            first |= is_first
            last |= is_last
            topical += weight
        return Found(text, spans, first & last, pairs=bool(things & troubles), topical=topical >= TOPICAL)

    def things(self, found: Found) -> list[tuple[Span, Thing]]:
        return [
            (span, thing)
            for number, spans in found.spans.items()
            for thing in self._things.get(number, ())
            for span in spans
            if not thing.exclude.cancel(found.text, *span)
        ]

    def troubles(self, found: Found) -> list[tuple[Span, Trouble]]:
        return [
            (span, trouble)
            for number, spans in found.spans.items()
            for trouble in self._troubles.get(number, ())
            for span in spans
            if not trouble.exclude.cancel(found.text, *span)
        ]

    def requests(self, found: Found) -> list[Request]:
        return [
            request
            for number, spans in found.spans.items()
            for request in self._requests.get(number, ())
            if not request.exclude.cancel(found.text, *spans[0])
        ]

    def topics(self, found: Found) -> tuple[float, list[Topic]]:
        """The topics that weigh most together within `BREADTH` characters, each counted once, and what they weigh."""
        here = sorted(
            (start, end, topic.term, topic)
            for number, spans in found.spans.items()
            for topic in self._topics.get(number, ())
            for start, end in spans
            if not topic.exclude.cancel(found.text, start, end)
        )
        heaviest, best = 0.0, (0, 0)
        near: dict[str, int] = {}
        weight, first = 0.0, 0
        for last, (at, _, term, topic) in enumerate(here):
            if not near.setdefault(term, 0):
                weight += topic.weight
            near[term] += 1
            while here[first][0] < at - BREADTH:
                _, _, left, topic = here[first]
                near[left] -= 1
                if not near[left]:
                    weight -= topic.weight
                first += 1
            if weight > heaviest:
                heaviest, best = weight, (first, last + 1)
        return heaviest, list({term: topic for _, _, term, topic in here[slice(*best)]}.values())

    def leisure(self, found: Found) -> float:
        """What the words of private life and pastimes weigh together."""
        return sum(
            word.weight
            for number, spans in found.spans.items()
            for word in self._leisure.get(number, ())
            if not word.exclude.cancel(found.text, *spans[0])
        )

    def settings(self, found: Found) -> list[Setting]:
        return [
            setting
            for number, spans in found.spans.items()
            for setting in self._settings.get(number, ())
            if not setting.exclude.cancel(found.text, *spans[0])
        ]

    def follows(self, found: Found) -> bool:
        """Whether a term is there that tells more of a trouble."""
        return any(
            follow.weight > 0 and not follow.exclude.cancel(found.text, *spans[0])
            for number, spans in found.spans.items()
            for follow in self._follows.get(number, ())
        )

    def events(self, found: Found) -> list[tuple[Event, tuple[Span, ...]]]:
        """Events all of whose parts stand in order, each with where."""
        result = []
        bits = found.events
        while bits:
            low = bits & -bits
            bits ^= low
            index = low.bit_length() - 1
            event = self.lexicon.events[index]
            for where in _in_order(found, self._event_parts[index]):
                if not event.exclude.cancel(found.text, where[0][0], where[-1][1]):
                    result.append((event, where))
                    break
        return result

    def vetoes(self, found: Found) -> list[tuple[Veto, tuple[Span, ...]]]:
        result = []
        length = len(found.text)
        opening = length - len(found.text.lstrip("/# "))
        for number in found.spans:
            for index in self._vetoes_of.get(number, ()):
                veto = self.lexicon.vetoes[index]
                for where in _in_order(found, self._veto_parts[index]):
                    start, end = where[0][0], where[-1][1]
                    if veto.scope == "start" and start > opening:
                        continue
                    if veto.scope == "end" and len(found.text[end:].strip("?!。,.啊呢呀哦吗嘛 ")) > 0:
                        continue
                    if veto.scope == "whole" and (start > 0 or end < length):
                        continue
                    if veto.exclude.cancel(found.text, start, end):
                        continue
                    result.append((veto, where))
                    break
        return result


def _in_order(found: Found, parts: tuple[frozenset[int], ...]) -> list[tuple[Span, ...]]:
    """The places where words of the parts follow each other within `GAP`, at most `MOST_HITS` of them."""
    chains: list[tuple[Span, ...]] = [(span,) for span in _spans(found, parts[0])]
    for part in parts[1:]:
        spans = _spans(found, part)
        starts = [span[0] for span in spans]
        longer: dict[Span, tuple[Span, ...]] = {}  # of the chains that end at one place the last, which is the tightest
        for chain in chains:
            at = bisect_left(starts, chain[-1][1])
            while at < len(spans) and starts[at] - chain[-1][1] <= GAP:
                longer[spans[at]] = (*chain, spans[at])
                at += 1
        chains = list(longer.values())[:MOST_HITS]
    return chains[:MOST_HITS]


def _spans(found: Found, numbers: frozenset[int]) -> list[Span]:
    return sorted(span for number in numbers & found.spans.keys() for span in found.spans[number])
