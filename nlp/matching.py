"""One pass of an automaton over a text finds every term of the lexicon; from the same terms comes the prefilter.

The prefilter is sound by construction: it lets through every text in which an event, a pair or a topic with a
request can score, and asks nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

import ahocorasick_rs

from nlp.lexicon import Event, Lexicon, Pair, Request, Setting, Thing, Topic, Trouble, Veto

GAP = 10  # characters between the parts of an event
TOPICAL = 2.0  # what words of public life must weigh together to be heard
BREADTH = 16  # characters within which they must stand: a long chat names them all, far apart
_NEARLY = TOPICAL - 0.001
MOST_HITS = 40  # of one term in one text: what comes more often says no more

Span = tuple[int, int]


class Found:
    """Where the terms stand in one text."""

    __slots__ = ("_hits", "_spans", "bits", "pairs", "promising", "text", "topical")

    def __init__(
        self,
        text: str,
        hits: list[tuple[int, int, int]],
        bits: int = 0,
        *,
        promising: bool = False,
        pairs: bool = False,
        topical: bool = False,
    ) -> None:
        self.text = text
        self.bits = bits  # what can stand in the text, as the matcher counts it
        self.promising = promising  # anything can score
        self.pairs = pairs
        self.topical = topical
        self._hits = hits
        self._spans: dict[int, list[Span]] | None = None

    @property
    def spans(self) -> dict[int, list[Span]]:
        """The places of each term, at most `MOST_HITS`. Made when they are asked for: most messages need none."""
        if self._spans is None:
            self._spans = {}
            for number, start, end in self._hits:
                known = self._spans.setdefault(number, [])
                if len(known) < MOST_HITS:
                    known.append((start, end))
        return self._spans


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
        self._fitting: dict[str, dict[str, Pair]] = {}
        for (thing_kind, trouble_kind), pair in lexicon.pairs.items():
            self._fitting.setdefault(trouble_kind, {})[thing_kind] = pair
        self._makes, self._meets = self._filter()
        self._weights = [
            sum((one.weight for one in self._topics.get(number, ())), 0.0) for number in range(len(self._ids))
        ]
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

    def _filter(self) -> tuple[list[int], list[int]]:
        """The prefilter: for each term two sets of bits, what it makes possible and what that must meet.

        A thing's kind meets the troubles that it can have. Of the parts of an event or a veto the two meet that are
        said least: what begins with 我 and ends with 了 is nearly always something else. Something stands in a text
        where a bit is in both sets of its terms. From the lowest: a bit for each kind of thing, each event, each veto,
        and one for what follows a trouble.
        """
        kinds = {kind: 1 << bit for bit, kind in enumerate(sorted({thing.kind for thing in self.lexicon.things}))}
        reach = {trouble: sum(kinds[thing] for thing in fitting) for trouble, fitting in self._fitting.items()}
        makes, meets = [0] * len(self._ids), [0] * len(self._ids)
        for number, things in self._things.items():
            for thing in things:
                makes[number] |= kinds[thing.kind]
        for number, troubles in self._troubles.items():
            for trouble in troubles:
                meets[number] |= reach.get(trouble.kind, 0)
        all_parts = [entry.parts for entry in self.lexicon.events] + [entry.parts for entry in self.lexicon.vetoes]
        for bit, parts in enumerate(all_parts, len(kinds)):
            rarest = sorted(parts, key=_commonness)[:2]
            for word in rarest[0]:
                makes[self._ids[word]] |= 1 << bit
            for word in rarest[-1]:
                meets[self._ids[word]] |= 1 << bit
        self._first_event = len(kinds)
        self._first_veto = self._first_event + len(self._event_parts)
        last = self._first_veto + len(self._veto_parts)
        for number in self._follows:
            makes[number] |= 1 << last
            meets[number] |= 1 << last
        self._pair_bits = (1 << self._first_event) - 1
        self._scoring_bits = (1 << self._first_veto) - 1
        self._event_bits = self._scoring_bits ^ self._pair_bits
        self._veto_bits = (1 << last) - 1 ^ self._scoring_bits
        self._follow_bit = 1 << last
        return makes, meets

    @property
    def words(self) -> list[str]:
        """Terms of two to four characters, for the tokenizer's dictionary."""
        terms = [thing.term for thing in self.lexicon.things] + [trouble.term for trouble in self.lexicon.troubles]
        return [term for term in terms if 2 <= len(term) <= 4]

    def find(self, text: str) -> Found:
        """Every term in the text, and whether they can score together."""
        hits = self._automaton.find_matches_as_indexes(text, overlapping=True)
        all_makes, all_meets, weights = self._makes, self._meets, self._weights
        makes = meets = 0
        weight = 0.0
        for number, _, _ in hits:
            makes |= all_makes[number]
            meets |= all_meets[number]
            weight += weights[number]
        bits = makes & meets
        # Each topic counts once, and the scorer may add them in another order.
        if not bits and weight < _NEARLY:
            return Found(text, hits)
        topical = weight >= _NEARLY and sum(weights[number] for number in {hit[0] for hit in hits}) >= _NEARLY
        promising = topical or bits & self._scoring_bits != 0
        return Found(text, hits, bits, promising=promising, pairs=bits & self._pair_bits != 0, topical=topical)

    def things(self, found: Found) -> list[tuple[Span, Thing]]:
        return [
            (span, thing)
            for number, spans in found.spans.items()
            if number in self._things
            for thing in self._things[number]
            for span in spans
            if not thing.exclude.cancel(found.text, *span)
        ]

    def troubles(self, found: Found) -> list[tuple[Span, Trouble]]:
        return [
            (span, trouble)
            for number, spans in found.spans.items()
            if number in self._troubles
            for trouble in self._troubles[number]
            for span in spans
            if not trouble.exclude.cancel(found.text, *span)
        ]

    def fitting(self, trouble: Trouble) -> Mapping[str, Pair]:
        """By the kind of thing that can have this trouble: what the two are together."""
        return self._fitting.get(trouble.kind, {})

    def requests(self, found: Found) -> list[Request]:
        return [
            request
            for number in self._requests.keys() & found.spans.keys()
            for request in self._requests[number]
            if not request.exclude.cancel(found.text, *found.spans[number][0])
        ]

    def topics(self, found: Found) -> tuple[float, list[Topic]]:
        """The topics that weigh most together within `BREADTH` characters, each counted once, and what they weigh."""
        here = sorted(
            (start, end, topic.term, topic)
            for number in self._topics.keys() & found.spans.keys()
            for topic in self._topics[number]
            for start, end in found.spans[number]
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
            for number in self._leisure.keys() & found.spans.keys()
            for word in self._leisure[number]
            if not word.exclude.cancel(found.text, *found.spans[number][0])
        )

    def settings(self, found: Found) -> list[Setting]:
        return [
            setting
            for number in self._settings.keys() & found.spans.keys()
            for setting in self._settings[number]
            if not setting.exclude.cancel(found.text, *found.spans[number][0])
        ]

    def follows(self, found: Found) -> bool:
        """Whether a term is there that tells more of a trouble."""
        return found.bits & self._follow_bit != 0 and any(
            follow.weight > 0 and not follow.exclude.cancel(found.text, *found.spans[number][0])
            for number in self._follows.keys() & found.spans.keys()
            for follow in self._follows[number]
        )

    def events(self, found: Found) -> list[tuple[Event, tuple[Span, ...]]]:
        """Events all of whose parts stand in order, each with where."""
        result = []
        for bit in _bits(found.bits & self._event_bits):
            index = bit - self._first_event
            event = self.lexicon.events[index]
            for where in _in_order(found, self._event_parts[index]):
                if not event.exclude.cancel(found.text, where[0][0], where[-1][1]):
                    result.append((event, where))
                    break
        return result

    def veto_bits(self, kinds: Collection[str]) -> int:
        """The bits of `Found` for the vetoes of these kinds."""
        return sum(1 << bit for bit, veto in enumerate(self.lexicon.vetoes, self._first_veto) if veto.kind in kinds)

    def vetoes(self, found: Found) -> list[tuple[Veto, tuple[Span, ...]]]:
        result: list[tuple[Veto, tuple[Span, ...]]] = []
        standing = found.bits & self._veto_bits
        if not standing:
            return result
        length = len(found.text)
        opening = length - len(found.text.lstrip("/# "))
        for bit in _bits(standing):
            index = bit - self._first_veto
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


def _commonness(part: tuple[str, ...]) -> tuple[int, int]:
    """How often people say one of several words: the shorter, the more often."""
    return -min(map(len, part)), len(part)


def _bits(field: int) -> Iterator[int]:
    """The places of the bits that are set, from the lowest."""
    while field:
        low = field & -field
        field ^= low
        yield low.bit_length() - 1


def _in_order(found: Found, parts: tuple[frozenset[int], ...]) -> list[tuple[Span, ...]]:
    """The places where words of the parts follow each other within `GAP`, at most `MOST_HITS` of them."""
    chains: list[tuple[Span, ...]] = [(span,) for span in _spans(found, parts[0])]
    for part in parts[1:]:
        if not chains:
            break
        spans = _spans(found, part)
        longer: dict[Span, tuple[Span, ...]] = {}  # of the chains that end at one place the last, which is the tightest
        for chain in chains:
            end = chain[-1][1]
            at = bisect_left(spans, (end, 0))
            while at < len(spans) and spans[at][0] - end <= GAP:
                longer[spans[at]] = (*chain, spans[at])
                at += 1
        chains = list(longer.values())[:MOST_HITS]
    return chains[:MOST_HITS]


def _spans(found: Found, numbers: frozenset[int]) -> list[Span]:
    spans = found.spans
    here = [spans[number] for number in numbers & spans.keys()]
    return here[0] if len(here) == 1 else sorted(span for several in here for span in several)
