"""Sentences from parts: chit-chat, adverts, receipts and appeals, drawn with a seed from `demo_talk.toml`."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from bot.demo import community

SLOT = re.compile(r"\{(\w+)\}")
SHORTEST = 8  # characters of a chit-chat line: long enough that finding it in a file means something
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


class Phrases:
    """Draws sentences. The same seed and the same calls give the same sentences."""

    def __init__(self, rng: random.Random) -> None:
        data = community.read("talk.toml")
        self.rng = rng
        self._slots: dict[str, list[str]] = data["slots"]
        self._chat: list[str] = data["chat"]
        self._templates: list[str] = data["templates"]
        self._numbers: list[str] = data["numbers"]
        self._adverts: list[str] = data["adverts"]
        self._short: list[str] = data["short"]
        self._appeals: list[str] = data["appeals"]
        self._pluses: list[str] = data["pluses"]
        self._openers: list[str] = data["openers"]
        self._closers: list[str] = data["closers"]

    def chat(self) -> str:
        """A line of chit-chat, at least eight characters, hardly ever the same twice."""
        body = self.rng.choice(self._chat if self.rng.random() < 0.45 else self._templates)
        line = self.rng.choice(self._openers) + body + self.rng.choice(self._closers)
        return self._fill(line)

    def with_number(self) -> str:
        """Chit-chat that carries an invented phone or ID number."""
        return self._fill(self.rng.choice(self._openers) + self.rng.choice(self._numbers))

    def advert(self) -> str:
        return self._fill(self.rng.choice(self._adverts))

    def short(self) -> str:
        """收到, 👍 and the like."""
        return self.rng.choice(self._short)

    def receipt(self) -> str:
        """收到 with a word to somebody, so that it has the length of a sentence."""
        return self._fill(f"{self.rng.choice(('收到', '好的', '知道了', '谢谢', '嗯嗯'))}，谢谢{{name}}提醒一声")

    def chain(self, topic: str, names: Sequence[str]) -> str:
        """A 接龙 as it stands with those names on it."""
        rows = "\n".join(f"{number}. {name}" for number, name in enumerate(names, start=1))
        return f"#接龙\n{topic}\n{rows}"

    def topic(self) -> str:
        return self._fill("{time}{spot}{play}，要来的接龙")

    def appeal(self, building: str) -> str:
        return self._fill(self.rng.choice(self._appeals), b=building)

    def plus(self) -> str:
        return self._fill(self.rng.choice(self._pluses))

    def phone(self) -> str:
        """Eleven digits of the block kept free for inventions."""
        return f"13800{self.rng.randrange(1_000_000):06d}"

    def id_number(self) -> str:
        """Eighteen digits of a region that does not exist, with the right check digit."""
        body = (
            f"519999{self.rng.randrange(1950, 2012)}{self.rng.randrange(1, 13):02d}"
            f"{self.rng.randrange(1, 29):02d}{self.rng.randrange(1000):03d}"
        )
        total = sum(int(digit) * weight for digit, weight in zip(body, ID_WEIGHTS, strict=True))
        return body + "10X98765432"[total % 11]

    def _fill(self, template: str, **given: str) -> str:
        return SLOT.sub(lambda match: given.get(match[1]) or self._slot(match[1]), template)

    def _slot(self, name: str) -> str:
        match name:
            case "phone":
                return self.phone()
            case "id":
                return self.id_number()
            case "u":
                return self.rng.choice("12")
            case "f":
                return str(self.rng.randrange(2, 18))
            case "n":
                return f"{self.rng.randrange(1, 18)}0{self.rng.randrange(1, 5)}"
            case _:
                return self.rng.choice(self._slots[name])
