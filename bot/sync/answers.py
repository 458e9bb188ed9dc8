"""What the platforms above answer: read from what they send, done once each, pulled from their feeds page by page."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from bot.clock import Clock
from bot.settings import Upstream
from bot.sync.client import Fault, clean
from handlers import upstream as handling
from handlers.context import Effects, Policy
from storage import answers as rows
from storage.answers import Answer, AnswerState, Verdict
from storage.engine import Store, StoreError, Tx

log = structlog.get_logger(__name__)

PAGE = 200
TOGETHER = 50  # answers in one COMMIT: others who write must not wait long
MOST_WORDS = 2000  # characters of one field that are kept
_MOST_REVISION = 2**53  # beyond it JSON numbers are not exact everywhere
_ID = re.compile(r"S[1-9][0-9]{0,8}")
_WORDS = ("ref", "assigned_to", "result", "public_answer", "reason")

# (path behind the upstream's URL, query) → the JSON object of its reply: `Client.get`.
Get = Callable[[str, Mapping[str, str]], Awaitable[dict[str, Any]]]


class Malformed(Exception):
    """An answer that cannot be read; the text names the field, never its words."""


def parse(raw: object, now: datetime) -> Answer:
    """An answer as it travels (docs/upstream-api.md). Fields that are not known are passed over. Raises Malformed."""
    if not isinstance(raw, dict):
        raise Malformed("an answer must be an object")
    name = raw.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise Malformed('id must be a ticket\'s, like "S12"')
    try:
        state = AnswerState(str(raw.get("state")))
    except ValueError:
        raise Malformed(f"state must be one of {', '.join(AnswerState)}") from None
    return Answer(
        ticket=int(name[1:]),
        revision=_number(raw, "revision"),
        based_on=_number(raw, "based_on"),
        state=state,
        at=_moment(raw.get("at"), now),
        **{field: _words(raw, field) for field in _WORDS},
    )


def _number(raw: Mapping[str, object], field: str) -> int:
    value = raw.get(field)
    if type(value) is not int or not 0 < value < _MOST_REVISION:
        raise Malformed(f"{field} must be a whole number from 1 on")
    return value


def _moment(value: object, now: datetime) -> datetime:
    if value is None:
        return now
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Malformed('at must be a time with its zone, like "2026-11-20T08:30:00+08:00"')
    return at


def _words(raw: Mapping[str, object], field: str) -> str:
    value = raw.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"{field} must be text")
    return clean(value, MOST_WORDS)


class Answers:
    """Does what is answered, each for itself, whichever way it came. `tally` counts (upstream, verdict)."""

    def __init__(self, store: Store, policy: Policy, clock: Clock, *, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called when lines to people may be waiting."""
        self.store = store
        self.clock = clock
        self.tally: Counter[tuple[str, str]] = Counter()
        self._policy = policy
        self._wake = wake

    async def apply(self, upstream: Upstream, answer: Answer) -> Verdict:
        """Raises StoreError."""
        now = self.clock.now()

        async def work(tx: Tx) -> Verdict:
            effects = Effects(tx, now, self._policy)
            return await handling.apply(effects, upstream.name, answer, label=upstream.label)

        verdict = await self.store.write(work)
        self.tally[upstream.name, verdict.value] += 1
        log.info("answer", action="answer", upstream=upstream.name, ticket=answer.id, verdict=verdict.value)
        if verdict in {Verdict.APPLIED, Verdict.CONFLICT}:
            self._wake()
        return verdict

    async def apply_each(self, upstream: Upstream, answers: Sequence[Answer]) -> list[Verdict | BaseException]:
        """All of them in order, many to a COMMIT: the verdict of each, or what it failed of."""
        found: list[Verdict | BaseException] = []
        for begin in range(0, len(answers), TOGETHER):
            some = answers[begin : begin + TOGETHER]
            found += await asyncio.gather(*(self.apply(upstream, one) for one in some), return_exceptions=True)
        return found


class Puller:
    """Reads the feed of one upstream. The cursor stands in a row and moves on after a page was done: what a crash
    interrupts is read again, and is `duplicate` then."""

    def __init__(self, upstream: Upstream, get: Get, answers: Answers) -> None:
        self._upstream = upstream
        self._get = get
        self._answers = answers
        self._wake = asyncio.Event()
        self._stopping = False

    @property
    def name(self) -> str:
        return self._upstream.name

    def stop(self) -> None:
        """End `run` after the page that is under way."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Read the feed every `answers_seconds` until told to stop; it can be begun again."""
        self._stopping = False
        clock, every = self._answers.clock, timedelta(seconds=self._upstream.answers_seconds)
        while not self._stopping:
            try:
                await self.step()
            except (Fault, Malformed, StoreError) as error:
                log.warning("answers not read", action="answers", upstream=self.name, error=str(error))
            except Exception:
                log.exception("answers failed", action="answers", upstream=self.name)
            if not self._stopping:
                await clock.wait(self._wake, clock.now() + every)

    async def step(self) -> int:
        """Read up to the end of the feed; how many answers there were. Raises what `get` raises, StoreError, and
        Malformed where the reply is no page of answers."""
        store, name, found = self._answers.store, self.name, 0
        while not self._stopping:
            after = await store.read(lambda tx: rows.cursor(tx, name))
            page = await self._get("/answers", {"after": after, "limit": str(PAGE)})
            answers, following = _page(page)
            await self._hear(answers)
            found += len(answers)
            now = self._answers.clock.now()
            await store.write(partial(rows.read_up_to, upstream=name, cursor=following, at=now))
            if not answers or following == after:
                break
        return found

    async def _hear(self, page: Sequence[object]) -> None:
        """Do what can be done of a page: what cannot be read, and what fails by a defect of ours, holds nobody up."""
        tally, name, read = self._answers.tally, self.name, []
        for raw in page:
            try:
                read.append(parse(raw, self._answers.clock.now()))
            except Malformed as error:
                tally[name, "malformed"] += 1
                log.error("answer not understood", action="answer", upstream=name, error=str(error))
        found = await self._answers.apply_each(self._upstream, read)
        for answer, became in zip(read, found, strict=True):
            if isinstance(became, StoreError) or not isinstance(became, Verdict | Exception):
                raise became
            if isinstance(became, Exception):
                tally[name, "defect"] += 1
                log.error("answer not done", action="answer", upstream=name, ticket=answer.id, exc_info=became)


def _page(page: Mapping[str, Any]) -> tuple[list[object], str]:
    answers, following = page.get("answers"), page.get("next")
    if not isinstance(answers, list) or not isinstance(following, str):
        raise Malformed('a page must be {"answers": […], "next": "<cursor>"}')
    return answers, clean(following, 500)
