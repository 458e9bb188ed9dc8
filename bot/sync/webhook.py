"""Where the platforms above push their answers: POST /sync/<upstream>/answers (bot/listener.py).

Repeating a request is safe: under the same key the same reply is given, and an answer that was heard does nothing more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from bot.listener import MOST_BYTES, Refused
from bot.settings import Upstream
from bot.sync.answers import Answers, Malformed, parse
from storage import answers as rows
from storage.answers import Answer, Verdict

MOST_ANSWERS = 500


class Pushed:
    """Takes what is pushed. `upstreams`: who may push, with the secret shared with each."""

    path = "/sync/{name}/answers"
    most_bytes = MOST_BYTES

    def __init__(self, upstreams: Mapping[str, tuple[Upstream, str]], answers: Answers) -> None:
        self._upstreams = upstreams
        self._answers = answers

    def secret(self, name: str) -> str:
        if name not in self._upstreams:
            raise Refused(404, "no such upstream: the path is /sync/<name of [[upstreams]]>/answers")
        return self._upstreams[name][1]

    def refused(self, name: str, status: int) -> None:
        self._answers.tally[name, f"refused_{status}"] += 1

    async def reply(self, name: str, key: str, body: bytes) -> str:
        upstream, _ = self._upstreams[name]
        digest, now, store = hashlib.sha256(body).hexdigest(), self._answers.clock.now(), self._answers.store
        known = await store.read(lambda tx: rows.reply(tx, name, key))
        if known is None:
            answers = self._parsed(body)
            reply = json.dumps({"results": await self._results(upstream, answers)})
            await store.write(lambda tx: rows.keep_reply(tx, name, key, digest, reply, now))
            return reply
        if known[0] != digest:
            raise Refused(422, "this Idempotency-Key came with another body before")
        return known[1]

    async def _results(self, upstream: Upstream, answers: list[Answer]) -> list[dict[str, str | int]]:
        found = await self._answers.apply_each(upstream, answers)
        results: list[dict[str, str | int]] = []
        for answer, became in zip(answers, found, strict=True):
            if not isinstance(became, Verdict):
                raise became  # what was done is `duplicate` when they send it again
            results.append({"id": answer.id, "revision": answer.revision, "status": became.value})
        return results

    def _parsed(self, body: bytes) -> list[Answer]:
        """All of them, or nothing is done."""
        try:
            sent = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused(400, "the body is no JSON") from None
        answers = sent.get("answers") if isinstance(sent, dict) else None
        if not isinstance(answers, list) or not answers:
            raise Refused(400, 'the body must be {"answers": [at least one]}')
        if len(answers) > MOST_ANSWERS:
            raise Refused(413, f"at most {MOST_ANSWERS} answers at once")
        now, parsed = self._answers.clock.now(), []
        for number, raw in enumerate(answers):
            try:
                parsed.append(parse(raw, now))
            except Malformed as error:
                raise Refused(400, f"answers[{number}]: {error}") from None
        return parsed
