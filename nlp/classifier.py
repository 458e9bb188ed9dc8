"""Monotone content evidence decides, curated cues veto.

Evidence comes from events (停水) and from a thing near its trouble (电梯 … 坏). Weights are never negative: being
chatty does not lower a score. What asks for something and what places the words in a community only adds.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nlp import domains
from nlp import nature as natures
from nlp.categories import OTHER, Category
from nlp.decision import NOWHERE, Decision, Label, Location, Nature, Urgency
from nlp.lexicon import FAR, Thing
from nlp.matching import TOPICAL, Found, Matcher, Span
from nlp.tokens import Tokens
from nlp.urgency import Presence, presence, settle
from nlp.vetoes import Verdict, is_petition, verdict

TICKET = 3.0
CANDIDATE = 2.0

MOST_REQUEST = 1.0
MOST_SETTING = 0.5
MOST_TOPIC = 2.9
_LONG_FOR_A_CASE = 40  # adverts are long, and name what public life names
PUBLIC = 4.0  # topics of this weight are what a message is about, whatever else it may be
CLOSENESS = 0.3  # helps the nearest pair to the category, not to the score
FURTHER = 0.3  # what each further piece of evidence adds to its category

# Vetoes that tell what a message is in which nothing scores.
TELLING = frozenset(
    ("done", "thanks", "command", "drill", "rumour", "ad", "second_hand", "carpool", "notice", "how_to")
)
_OWN = "own"  # the kind of things that belong to one person: a phone, a washing machine
_PEOPLE = frozenset(("person", "kin"))  # somebody is no object that troubles can be joined by
_FABRIC = re.compile(r"01(?!11)")  # fails of itself, so what stands before the trouble says whose it is
_OWN_REACH = 4
_LONGEST_CUT = 1_000  # who writes more says the same in longer words, and cutting is what costs
_BREAK = re.compile(r"[,。!?;:\s]")
# What a question or a tale about public life may be as well: 医保异地报销怎么办理 is for the leader to answer.
_YIELD_TO_TOPIC = frozenset(("how_to", "elsewhere", "private", "fiction", "carpool", "hyperbole"))
_LACKING = frozenset(("none", "short", "lack"))  # 没有路灯 is a trouble, 没有车辆乱停 is none
_NEGATED = ("没有", "没", "不会", "不再", "不", "并未", "未", "别", "无", "不用", "免得", "以防", "防止", "避免")
_NOT_NEGATED = ("有没", "有没有", "是不", "会不会", "能不", "又不", "都不", "天天不", "经常不")  # of those above


class Evidence(NamedTuple):
    """One reason to believe: its category, its weight, where it stands."""

    category: str
    weight: float
    spans: tuple[Span, ...]
    terms: tuple[str, ...]
    rule: str
    thing: str = ""
    demoted: str = ""  # the category it is when it only happens often
    nearness: float = 0.0

    @property
    def start(self) -> int:
        return min(self.spans)[0]

    @property
    def end(self) -> int:
        return max(span[1] for span in self.spans)


NOTHING = Decision(Label.DROP, "chat")


class Scorer:
    """Turns what was found in a text into a decision. Pure: the same text gives the same decision."""

    def __init__(self, matcher: Matcher, tokens: Tokens, categories: Mapping[str, Category]) -> None:
        self._matcher = matcher
        self._tokens = tokens
        self._categories = categories
        self._telling = matcher.veto_bits(TELLING)
        domains.shipped()  # read now, not in the middle of a conversation
        self._emergencies = frozenset(code for code, c in categories.items() if c.urgency is Urgency.EMERGENCY)

    def judge(self, found: Found, address: Location, *, addressed: bool) -> Decision:
        """Decide on one matter, but for its place and extent. `address` are the numbers that the text names."""
        evidence = self.evidence(found)
        if not evidence and not found.topical and not addressed:
            return NOTHING
        requests = self._matcher.requests(found)
        asked = min(MOST_REQUEST, sum(request.weight for request in requests))
        placed = min(MOST_SETTING, sum((setting.weight for setting in self._matcher.settings(found)), 0.0))
        core = max((item.weight for item in evidence), default=0.0)
        category, chosen = self._category(evidence)
        topical, topic_category, topic_terms = self._topical(found)
        rules = [item.rule for item in chosen]
        score = core + asked + placed if core else 0.0
        if min(MOST_TOPIC, topical) > score:
            score = min(MOST_TOPIC, topical)
            rules.append("topic")
            if category == OTHER:
                category = topic_category if topic_category != OTHER else domains.category(found.text)
        elif not evidence:
            topic_terms = ()
        struck = verdict(self._matcher, found, address)
        present = Presence.NOT
        if category in self._emergencies:
            present = presence(found.text, chosen, struck)
            others = [item for item in evidence if item.category not in self._emergencies]
            everyday = self._category(others)[0] if others else ""
            category = settle(category, chosen, present, everyday)
        urgency = self._categories[category].urgency if category in self._categories else Urgency.ROUTINE
        label, reason = _label(
            score,
            struck,
            addressed=addressed,
            urgent=present is not Presence.NOT,
            emergency=present is Presence.NOW,
            public=topical >= PUBLIC,
            idle=self._beside(found, struck, placed=placed > 0) if CANDIDATE <= score < TICKET else "",
        )
        if category not in self._categories:
            category = OTHER
        if category == OTHER and label is Label.TICKET:
            label, reason = Label.CANDIDATE, "unclear"  # something is wrong, but nobody could say whose it is
        known = self._categories.get(category)
        nature = natures.of(requests, category, urgency, found.text, reason=reason)
        return Decision(
            label=label,
            reason=reason,
            score=round(score, 2),
            category=category,
            urgency=urgency if label is not Label.DROP else Urgency.ROUTINE,
            nature=nature,
            confidential=(known is not None and known.confidential) or nature is Nature.REPORT,
            objects=self._objects(found, chosen),
            evidence=tuple(dict.fromkeys(found.text[item.start : item.end] for item in chosen)),
            terms=tuple(dict.fromkeys((*(term for item in chosen for term in item.terms), *topic_terms))),
            rules=tuple(dict.fromkeys((*rules, *struck.rules))),
        )

    def veto_kinds(self, found: Found) -> frozenset[str]:
        """Those of the `TELLING` vetoes that stand in a text in which nothing scores."""
        if found.bits & self._telling:
            return verdict(self._matcher, found, NOWHERE).kinds & TELLING
        return frozenset()

    def evidence(self, found: Found) -> list[Evidence]:
        """All evidence in a text, in no particular order."""
        result = [
            Evidence(
                event.category,
                event.weight,
                where,
                tuple(found.text[start:end] for start, end in where),
                f"event:{event.term}"[:60],
                demoted=event.demoted,
            )
            for event, where in self._matcher.events(found)
            if not _negated(found.text, where[0][0])
        ]
        if not result and not found.pairs:
            return result
        things = _widest(self._matcher.things(found))
        if found.pairs:
            result += self._pairs(found, [item for item in things if item[1].kind != _OWN])
        own = [span for span, thing in things if thing.kind == _OWN]
        return [item for item in result if not _of_own(item, own, found.text)] if own else result

    def _pairs(self, found: Found, things: list[tuple[Span, Thing]]) -> list[Evidence]:
        """For each trouble the things within reach that have it."""
        troubles = self._matcher.troubles(found)
        if len(found.text) > _LONGEST_CUT:
            things = [(span, thing) for span, thing in things if span[1] - span[0] > 1]
            troubles = [(span, trouble) for span, trouble in troubles if span[1] - span[0] > 1]
        if not things or not troubles:
            return []
        starts = [span[0] for span, _ in things]
        longest = max(span[1] - span[0] for span, _ in things)
        result: list[Evidence] = []
        for span, trouble in troubles[:200]:
            fitting = self._matcher.fitting(trouble)
            if not fitting or _negated(found.text, span[0]):
                continue
            lacking = trouble.kind in _LACKING
            first = bisect_left(starts, span[0] - trouble.reach - longest)
            last = bisect_right(starts, span[1] + trouble.reach)
            for where, thing in things[first:last]:
                pair = fitting.get(thing.kind)
                if pair is None:
                    continue
                behind = where[0] >= span[1]
                gap = where[0] - span[1] if behind else span[0] - where[1]
                if not 0 <= gap <= trouble.reach or (not lacking and _negated(found.text, where[0])):
                    continue
                result.append(
                    Evidence(
                        pair.category,
                        pair.weight,
                        (where, span),
                        (thing.term, trouble.term),
                        f"pair:{thing.kind}+{trouble.kind}",
                        thing.term,
                        nearness=CLOSENESS * (1 - gap / (FAR + 1)) - (0.15 if behind else 0.0),
                    )
                )
        if all(end - start > 1 for item in result for start, end in item.spans):
            return result
        singles = self._tokens.singles(found.text)  # last: most terms of one character have nothing near that they fit
        return [item for item in result if all(end - start > 1 or start in singles for start, end in item.spans)]

    def _objects(self, found: Found, chosen: Sequence[Evidence]) -> tuple[str, ...]:
        """The things that the evidence speaks of: of a pair its thing, of an event those that stand inside it."""
        named = [item.thing for item in chosen if item.thing]
        if not named and chosen:
            inside = [(item.start, item.end) for item in chosen]
            named = [
                thing
                for (start, end), thing in self._named(found)
                if any(first <= start and end <= last for first, last in inside)
            ]
        return tuple(dict.fromkeys(named))

    def named_things(self, found: Found) -> tuple[str, ...]:
        """The things that a text names, whatever it says of them: what is mended, what somebody thanks for."""
        return tuple(dict.fromkeys(thing for _, thing in self._named(found)))

    def _named(self, found: Found) -> list[tuple[Span, str]]:
        things = _widest(self._matcher.things(found))
        return [(span, thing.term) for span, thing in things if span[1] - span[0] > 1 and thing.kind not in _PEOPLE]

    def _category(self, evidence: Sequence[Evidence]) -> tuple[str, list[Evidence]]:
        """The category with the most evidence, and the evidence that speaks for it. Emergencies come first."""
        if not evidence:
            return OTHER, []
        urgent = [item for item in evidence if item.category in self._emergencies]
        pool = [item for item in urgent if item.weight >= TICKET] or list(evidence)
        totals: dict[str, float] = {}
        seen: dict[str, set[tuple[str, ...]]] = {}
        for item in sorted(pool, key=lambda item: -(item.weight + item.nearness)):
            known = seen.setdefault(item.category, set())
            if item.category not in totals:
                totals[item.category] = item.weight + item.nearness
            elif item.terms not in known and len(known) < 4:
                totals[item.category] += FURTHER
            known.add(item.terms)
        best = max(totals, key=lambda code: (totals[code], code))
        return best, [item for item in pool if item.category == best]

    def _topical(self, found: Found) -> tuple[float, str, tuple[str, ...]]:
        """Words of public life: enough for a candidate, never for a ticket by themselves."""
        if not found.topical:
            return 0.0, OTHER, ()
        weight, topics = self._matcher.topics(found)
        if weight < TOPICAL:
            return 0.0, OTHER, ()
        if self._idle(found):
            return 0.0, OTHER, ()
        named = [topic.category for topic in topics if topic.category != OTHER] or [OTHER]
        terms = tuple(topic.term for topic in topics)
        return weight, max(sorted(set(named)), key=named.count), terms

    def _beside(self, found: Found, struck: Verdict, *, placed: bool) -> str:
        """What little evidence is only part of: talk of private life, or half an advert. Nothing where it stands."""
        if not placed and self._idle(found):
            return "private"
        advertises = len(found.text) > _LONG_FOR_A_CASE and any(rule.startswith("veto:ad:") for rule in struck.rules)
        return "ad" if advertises and not is_petition(found.text) else ""

    def _idle(self, found: Found) -> bool:
        """Whether somebody talks of private life and pastimes, and asks nobody for anything."""
        return self._matcher.leisure(found) >= 1 and not is_petition(found.text)


def _widest(things: list[tuple[Span, Thing]]) -> list[tuple[Span, Thing]]:
    """In order of their places, without a thing whose name is part of a longer one: 灯 in 应急灯."""
    result: list[tuple[Span, Thing]] = []
    for span, thing in sorted(things, key=lambda item: (item[0][0], -item[0][1])):
        if result and span[1] <= result[-1][0][1] and span != result[-1][0]:
            continue
        result.append((span, thing))
    return result


def _of_own(item: Evidence, own: Sequence[Span], text: str) -> bool:
    """Whether what fails is one person's own: 手机坏了, 楼下洗衣机漏水. Nothing of the evidence may stand between."""
    if _FABRIC.match(item.category) is None:
        return False
    at = item.spans[-1][0]
    return any(
        0 <= at - end <= _OWN_REACH
        and not _BREAK.search(text, end, at)
        and not any(end <= first < at for first, _ in item.spans[:-1])
        for _, end in own
    )


def _negated(text: str, start: int) -> bool:
    return text.endswith(_NEGATED, 0, start) and not text.endswith(_NOT_NEGATED, 0, start)


def _label(
    score: float, struck: Verdict, *, addressed: bool, urgent: bool, emergency: bool, public: bool, idle: str
) -> tuple[Label, str]:
    """`public`: it is about public life beyond doubt; `idle`: what else the little there is stands in."""
    if emergency and not struck.absent:
        return Label.TICKET, "emergency"
    if struck.reason == "hyperbole" and score >= TICKET and not urgent:
        return Label.CANDIDATE, struck.reason  # 热得要命还没电 is meant; 热得要着火 is not
    if struck.reason in _YIELD_TO_TOPIC and public:
        return Label.CANDIDATE, struck.reason
    if struck.reason:
        return Label.DROP, struck.reason
    if score >= TICKET:
        if struck.doubt:
            return Label.CANDIDATE, struck.doubt
        return Label.TICKET, "score"
    if score >= CANDIDATE and not idle:
        return Label.CANDIDATE, "score"
    if addressed:
        return Label.CANDIDATE, "addressed"
    return Label.DROP, idle or ("weak" if score else "chat")
