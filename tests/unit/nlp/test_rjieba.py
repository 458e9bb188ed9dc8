"""rjieba cuts as jieba does, so that nobody hears differently for being fast."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.crowd import day
from nlp import lexicon
from nlp.matching import Matcher
from nlp.normalize import normalise
from nlp.pipeline import Classifier
from nlp.tokens import TokenizerError, Tokens

pytest.importorskip("rjieba", reason="the extra `fast` is not installed")

ROOT = Path(__file__).parents[3]
LABELLED = Path(os.environ.get("XIAOGE_DEV_DATA", ROOT.parent / "shared" / "data" / "nlp"))


def composed(matcher: Matcher, amount: int) -> Iterator[str]:
    """Texts from the lexicon's own words, one-character ones too, and what stands between words in a chat."""
    dice = random.Random(3)
    known = matcher.lexicon
    things, troubles = [thing.term for thing in known.things], [trouble.term for trouble in known.troubles]
    events = [word for event in known.events for part in event.parts for word in part]
    between = ["", "", "的", "了", "又", "，", " ", "啊", "3栋", "a1", "都", "在楼上", "没人管", "好大", "2-1-502"]
    for _ in range(amount):
        kinds = dice.choices((things, troubles, events, between), k=dice.randrange(2, 9))
        yield normalise("".join(dice.choice(words) for words in kinds))


def crowd(amount: int) -> list[str]:
    return [normalise(one.text) for one in day(5, 40, amount) if one.text]


def labelled() -> list[str]:
    if not LABELLED.is_dir():
        pytest.skip(f"no labelled messages in {LABELLED}")
    return [json.loads(line)["text"] for file in sorted(LABELLED.glob("*.jsonl")) for line in file.open("rb")]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(lexicon.load())


@pytest.fixture(scope="module")
def both(matcher: Matcher) -> tuple[Tokens, Tokens]:
    return Tokens(matcher.words), Tokens(matcher.words, fast=True)


def differences(both: tuple[Tokens, Tokens], texts: list[str]) -> list[tuple[list[str], list[str]]]:
    """Where the two cut differently. Two orders of the same words are equally probable (呵呵|呵, 呵|呵呵), and the last
    bit of a logarithm decides between them: that is no difference."""
    found = []
    for text in texts:
        reference, fast = list(both[0].cut(text)), list(both[1].cut(text))
        if sorted(reference) != sorted(fast):
            found.append((reference, fast))
    return found


def test_the_words_are_the_same(both: tuple[Tokens, Tokens], matcher: Matcher) -> None:
    texts = list(dict.fromkeys([*composed(matcher, 8_000), *crowd(8_000)]))
    assert len(texts) >= 10_000
    assert differences(both, texts) == []
    apart = [text for text in texts if both[0].singles(text) != both[1].singles(text)]
    assert all(list(both[0].cut(text)) != list(both[1].cut(text)) for text in apart)  # 急急|急 or 急|急急
    assert len(apart) < len(texts) / 1000


def test_the_words_are_the_same_on_labelled_messages(both: tuple[Tokens, Tokens]) -> None:
    assert differences(both, [normalise(text) for text in labelled()]) == []


@pytest.mark.long
def test_the_decisions_are_the_same_on_labelled_messages() -> None:
    reference, fast = Classifier.load(), Classifier.load(fast=True)
    assert [text for text in labelled() if reference.analyse(text) != fast.analyse(text)] == []


def test_the_decisions_are_the_same(matcher: Matcher) -> None:
    reference, fast = Classifier.load(), Classifier.load(fast=True)
    texts = [*composed(matcher, 2_000), *crowd(2_000)]
    assert [text for text in texts if reference.analyse(text) != fast.analyse(text)] == []


def test_without_rjieba_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(TokenizerError, match=r"pip install 'xiaoge\[fast\]'"):
        Tokens([], fast=True)
