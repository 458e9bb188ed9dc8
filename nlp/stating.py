"""What an official text states: the sentence that answers when, where or how long, if there is exactly one.

Asked is a text that people have just read, so a question may be as short as 几点. It is answered only by the text's own
words, and only where nothing is to be chosen: of two times neither is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from nlp import timeexpr
from nlp.activity import PLACE_WORDS
from nlp.normalize import normalise
from nlp.timeexpr import Kind


class Asked(StrEnum):
    WHEN = "when"
    WHERE = "where"
    HOW_LONG = "how_long"


_QUESTIONS = {
    Asked.HOW_LONG: re.compile(r"(?:要|得|会|大概|停|搞|弄|等)?(?:多久|多长时间|好久|几个?小时|几天)"),
    Asked.WHEN: re.compile(r"几点[钟]?|什么时[候间]|啥时候?|何时|几时|哪天|哪一天|几号(?!楼|门|线)"),
    Asked.WHERE: re.compile(
        r"(?:在|去|到)?(?:哪里|哪儿|哪点|哪个地方|什么地方|啥地方|何处)|地[点址](?:是|在)?(?=$|[哪啥什呢?])"
    ),
}
# What a question is made of besides what it is about.
_FILLING = re.compile(
    r"请问|问[一下]{0,2}|是不是|知道|有没有|今天|明天|后天|到底|具体|大概|那个|这个|开始|结束|通知|时候|时间|地[方点址]|怎么"
    r"|[的了吗呢啊呀嘛哦是在到去来能会要得可以我你您们大家就都还又也才这那个给跟和一下?!.,~\s]"
)
_OWN = re.compile(r"我们?(?:这)?家|我屋|自家|我的")
_SENTENCE = re.compile(r"[^。！!？?；;\n]+[。！!？?；;]?")
_LONGEST_QUESTION = 20  # characters: more is a matter of its own
_LONGEST_ANSWER = 120
_IN_PLACE = re.compile(rf"(?:在|到|于|地[点址])[是在:]?\s?[^\s,;。:]{{0,14}}?{PLACE_WORDS}")


def asked(question: str) -> Asked | None:
    """What a short question asks of a text; None for another question, or one that asks two things."""
    question = normalise(question)
    if len(question) > _LONGEST_QUESTION or _OWN.search(question):
        return None
    found = [what for what, words in _QUESTIONS.items() if words.search(question)]
    return found[0] if len(found) == 1 else None


def answer(question: str, text: str, at: datetime) -> str | None:
    """The sentence of `text` that answers, as it stands there; None where the question is about something else, or the
    text does not state it exactly once. `at` is when the text was said, aware, in its zone."""
    what = asked(question)
    if what is None or not _about(normalise(question), what, normalise(text)):
        return None
    sentences = [match[0].strip() for match in _SENTENCE.finditer(text)]
    for count in _STATED[what]:
        stating = [sentence for sentence in sentences for _ in range(count(normalise(sentence), at))]
        if stating:
            return stating[0] if len(stating) == 1 and len(stating[0]) <= _LONGEST_ANSWER else None
    return None


def _about(question: str, what: Asked, text: str) -> bool:
    """Whether the question names nothing, or for the better part what the text names."""
    named = set(_FILLING.sub("", _QUESTIONS[what].sub("", question)))
    return len(named & set(text)) * 2 >= len(named)


def _places(sentence: str, _: datetime) -> int:
    return len(_IN_PLACE.findall(sentence))


def _times(sentence: str, at: datetime) -> int:
    return sum(found.kind is not Kind.DURATION for found in timeexpr.find(sentence, at, prefer="future"))


def _lengths(sentence: str, at: datetime) -> int:
    return sum(found.kind is Kind.DURATION for found in timeexpr.find(sentence, at, prefer="future"))


def _spans(sentence: str, at: datetime) -> int:
    return sum(
        found.start is not None and found.end is not None for found in timeexpr.find(sentence, at, prefer="future")
    )


# How a sentence states it; where none does in the first way, the next counts.
_STATED: dict[Asked, tuple[Callable[[str, datetime], int], ...]] = {
    Asked.WHEN: (_times,),
    Asked.WHERE: (_places,),
    Asked.HOW_LONG: (_lengths, _spans),
}
