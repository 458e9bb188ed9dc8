"""Text → Analysis: the one door to the classifier.

Cheap first: most messages are chat, and for them normalising and one pass of an automaton is all that is done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Self

from nlp import chain, contact, counts, lexicon, location, nature, normalize, quoting, shape, splitting, timeexpr
from nlp.categories import Category
from nlp.categories import load as load_categories
from nlp.classifier import Scorer
from nlp.decision import NOWHERE, Analysis, Decision, Label, Location, Nature, Shape, Urgency
from nlp.matching import Found, Matcher
from nlp.tokens import Tokens

_BLANK = re.compile(r"[ \t\u2005\u00a0]{2,}")
_REQUESTED = frozenset(
    ("物业", "物管", "网格员", "网格长", "社区", "居委会", "管家", "物业管家", "物业客服", "微网格长")
)
MOST_MATTERS = 4
_CHAT = Decision(Label.DROP, "chat")
_ENDED = frozenset((Shape.ACK, Shape.THANKS, Shape.HUSH, Shape.EMPTY, Shape.CHAIN))
_TOLD = ("command", "drill", "rumour", "ad", "second_hand", "carpool", "notice", "how_to")
_REASON = {
    Shape.ACK: "ack",
    Shape.THANKS: "thanks",
    Shape.HUSH: "hush",
    Shape.EMPTY: "empty",
    Shape.CHAIN: "chain",
}
_WHOLE_DECISION = {kind: Decision(Label.DROP, reason) for kind, reason in _REASON.items()}


class Classifier:
    """Decides on messages. Make it once with `load`; it holds no state between messages."""

    def __init__(self, matcher: Matcher, tokens: Tokens, categories: Mapping[str, Category]) -> None:
        self._matcher = matcher
        self._scorer = Scorer(matcher, tokens, categories)
        self._spelling = matcher.lexicon.spelling
        self.categories = categories
        self.version = matcher.lexicon.version
        self.filtered = True  # off only to prove that the prefilter and the way of plain lines change nothing

    @classmethod
    def load(
        cls, categories: Mapping[str, Category] | Path | None = None, data: Path | None = None, *, fast: bool = False
    ) -> Self:
        """Read categories and lexicon, the shipped ones by default, and warm up. `fast` asks for rjieba.

        Raises `CategoryError`, `LexiconError`, `TokenizerError`."""
        if categories is None or isinstance(categories, Path):
            categories = load_categories(categories)
        matcher = Matcher(lexicon.load(data, codes=categories))
        classifier = cls(matcher, Tokens(matcher.words, fast=fast), categories)
        classifier.analyse("3栋2单元电梯又坏了", nick="3-2-1502")
        return classifier

    def analyse(
        self,
        text: str,
        *,
        nick: str = "",
        names: tuple[str, ...] = ("小格",),
        addressed: bool = False,
        at: datetime | None = None,
    ) -> Analysis:
        """Everything that is known of one message. `nick` is the sender's group nickname, `names` what the bot is
        called; `addressed` says that the bot was mentioned: then a message is at least a candidate unless a veto,
        thanks or a greeting speaks against it. `at` is when it was said, aware and in the zone of its people; without
        it nothing is known of since when a trouble lasts."""
        if self.filtered and normalize.is_plain(text):
            normal = self._spelling.normalise(text)
            whole, decisions, follows = self._decide(normal, nick, at, addressed=addressed, mentioned=())
            return Analysis(text, whole, decisions, follows=follows, lexicon=self.version)
        quoted_text = quoted_nick = ""
        bare = normalize.is_bare(text)
        if not bare:
            text = normalize.strip_invisible(text)
        if text[:1] in "「这<" or text[:1].isspace():
            parts = quoting.split(text)
            text, quoted_text, quoted_nick = parts.reply, parts.text, parts.nick
            bare = False  # entities may have become anything
        if chain.is_chain(text):
            found = contact.find(text.strip())
            return Analysis(
                found.text,
                Shape.CHAIN,
                (_WHOLE_DECISION[Shape.CHAIN],),
                found.phones,
                found.has_id_number,
                quoted=contact.mask(quoted_text),
                quoted_nick=contact.mask(quoted_nick),
                lexicon=self.version,
            )
        mentioned: tuple[str, ...] = ()
        if not bare and ("@" in text or "＠" in text):
            text, mentioned = normalize.strip_mentions(text, names)
            addressed = addressed or any(name in names for name in mentioned)
        if not bare:
            text = _BLANK.sub(" ", normalize.strip_emoji(text))
        clean = contact.find(text.strip())
        normal = self._spelling.normalise(clean.text)
        whole, decisions, follows = self._decide(normal, nick, at, addressed=addressed, mentioned=mentioned)
        return Analysis(
            clean.text[: normalize.CAP],
            whole,
            decisions,
            clean.phones,
            clean.has_id_number,
            follows,
            contact.mask(quoted_text[: normalize.CAP]) if quoted_text else "",
            contact.mask(quoted_nick) if quoted_nick else "",
            self.version,
        )

    def _decide(
        self, text: str, nick: str, at: datetime | None, *, addressed: bool, mentioned: Sequence[str]
    ) -> tuple[Shape, tuple[Decision, ...], bool]:
        whole = shape.of(text)
        if whole in _ENDED:
            return whole, (_WHOLE_DECISION[whole],), False
        found = self._matcher.find(text)
        address = location.numbers(text)
        follows = (
            address is not NOWHERE
            or shape.names_room(text)
            or self._matcher.follows(found)
            or not _REQUESTED.isdisjoint(mentioned)
        )
        greeting = addressed and shape.is_greeting(text)
        if self.filtered and not found.promising and not (addressed and not greeting):
            return self._plain(whole, text, nick, found, address, follows=follows)
        decisions = self._matters(text, nick, at, found, address, addressed=addressed and not greeting)
        best = decisions[0]
        if best.score == 0 and best.label is Label.DROP:
            return self._plain(whole, text, nick, found, address, follows=follows)
        if best.label is Label.DROP and best.reason in ("done", "thanks"):
            whole = Shape.DONE if best.reason == "done" else Shape.THANKS
        return whole, decisions, follows or best.score > 0

    def _plain(
        self, whole: Shape, text: str, nick: str, found: Found, address: Location, *, follows: bool
    ) -> tuple[Shape, tuple[Decision, ...], bool]:
        """Nothing scores: chat, an address, a +1, or the end of a trouble."""
        if whole is Shape.PLUS_ONE:
            where = address if address.building or not nick else location.locate(text, nick)
            return whole, (Decision(Label.DROP, "plus_one", location=where),), True
        kinds = self._scorer.veto_kinds(found)
        if "done" in kinds:
            return Shape.DONE, (Decision(Label.DROP, "done", objects=self._scorer.named_things(found)),), False
        if "thanks" in kinds or shape.says_thanks(text):
            praised = Nature.PRAISE if nature.praises(text) else Nature.HELP
            named = self._scorer.named_things(found)
            return Shape.THANKS, (Decision(Label.DROP, "thanks", nature=praised, objects=named),), False
        if kinds:
            told = next(kind for kind in _TOLD if kind in kinds)
            return whole, (Decision(Label.DROP, told),), False
        if address is not NOWHERE:
            return whole, (Decision(Label.DROP, "chat", location=address),), follows
        return whole, (_CHAT,), follows

    def _matters(
        self, text: str, nick: str, at: datetime | None, found: Found, address: Location, *, addressed: bool
    ) -> tuple[Decision, ...]:
        """One decision, or several, one for each trouble that the message names and parts by a word such as 还有."""
        whole = self._one(text, nick, at, found, address, addressed=addressed)
        parted = self._parted(text, nick, at) if whole.score > 0 else []  # of nothing there are no parts
        if parted:
            return tuple(sorted(parted, key=lambda opinion: (opinion.urgency is not Urgency.EMERGENCY, -opinion.score)))
        return (whole,)

    def _parted(self, text: str, nick: str, at: datetime | None, left: int = MOST_MATTERS) -> list[Decision]:
        """The matters of a text in its order, at most `left`; none where it is one."""
        for parted in splitting.halves(text) if left > 1 else ():
            opinions: list[Decision] = []
            for piece in (parted.left, parted.right):
                opinions.append(self._one(piece, nick, at, self._matcher.find(piece), location.numbers(piece)))
                if opinions[-1].label is not Label.TICKET:
                    break
            if splitting.are_two(text, parted, opinions, self.categories):
                further = self._parted(parted.right, nick, at, left - 1)
                kinds = {self.categories[opinion.category].kin for opinion in (opinions[0], *further)}
                return [opinions[0], *further] if len(kinds) > len(further) > 0 else opinions
        return []

    def _one(
        self,
        text: str,
        nick: str,
        at: datetime | None,
        found: Found,
        address: Location,
        *,
        addressed: bool = False,
    ) -> Decision:
        """The decision on one matter. `address` are the numbers that the text names."""
        decision = self._scorer.judge(found, address, addressed=addressed)
        if decision.score == 0 and decision.label is Label.DROP:
            return decision
        where = location.locate(text, nick, address)
        if decision.label is Label.DROP:
            return replace(decision, location=where)
        since = timeexpr.since(text, at) if at is not None else None
        return replace(decision, location=where, since=since, households=counts.households(text))
