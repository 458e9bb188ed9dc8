"""What an official text states: the sentence that answers when, where or how long, if there is exactly one.

Asked is a text that people have just read, so a question may be as short as 几点. It is answered only by the text's own
words, and only where nothing is to be chosen: of two times neither is. A sentence that does not answer is worse than
none: who asks for the end is not told the beginning, who asks for the hour not the day, and nobody what is over, what
holds on a condition, or what is about another building.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

from nlp import location, timeexpr
from nlp.activity import PLACE_WORDS
from nlp.normalize import normalise
from nlp.timeexpr import Kind, TimeExpression


class Asked(StrEnum):
    WHEN = "when"
    WHERE = "where"
    HOW_LONG = "how_long"


_QUESTIONS = {
    Asked.HOW_LONG: re.compile(r"(?:要|得|会|大概)?(?:多久|多长时间|好久|几个?小时|几天)"),
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
# Which time is asked for, where it is not just any.
_FOR_THE_END = re.compile(r"结束|恢复|截止|到[几什哪]|[来通有][水电气网暖]|才[来有通好能]|修好|弄好|完|关门|下班")
_FOR_THE_BEGINNING = re.compile(r"开始|几点起|开门|上班")
_FOR_THE_HOUR = re.compile(r"几点|几时")
_FOR_THE_DAY = re.compile(r"哪一?天|几号")
_HAS_HOUR = re.compile(r"点|时|:")
_HAS_DAY = re.compile(r"[日天号周月今明后]|星期|礼拜")
_RANGE = re.compile(r"[到至~\-—–―−]")
_UNSURE = re.compile(r"如[果遇有]|假如|万一|若|超过|达到|[没未].{0,8}的(?:住户|居民|业主|家庭|人)")
_FORBIDS = re.compile(r"请勿|不要|不得|禁止|严禁|别在|不在|不再")
_SUPPLY = re.compile(r"[水气网暖]|电(?!话|梯|动|瓶)")
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


def answer(question: str, text: str, at: datetime, asked_at: datetime) -> str | None:
    """The sentence of `text` that answers, as it stands there; None where the question is about something else, or the
    text does not state it exactly once, or it does not hold any more. `at` is when the text was said, `asked_at` when
    it was asked, both aware, in its zone."""
    what = asked(question)
    question = normalise(question)
    if what is None or not _about(question, what, normalise(text)):
        return None
    sentences = [match[0].strip() for match in _SENTENCE.finditer(text)]
    for stated in _STATED[what]:
        stating = [(sentence, one) for sentence in sentences for one in stated(normalise(sentence), at)]
        if stating:
            sentence, one = stating[0]
            fits = len(stating) == 1 and len(sentence) <= _LONGEST_ANSWER and _holds(normalise(sentence), question)
            timely = not isinstance(one, TimeExpression) or what is not Asked.WHEN or _timely(one, question, asked_at)
            return sentence if fits and timely else None
    return None


def _holds(sentence: str, question: str) -> bool:
    """Whether the sentence is said without a condition, and about the building that is asked for."""
    building, here = location.locate(question).building, location.locate(sentence)
    elsewhere = building is not None and here.building is not None and building not in (here.building, *here.others)
    return not elsewhere and _UNSURE.search(sentence) is None


def _timely(stated: TimeExpression, question: str, asked_at: datetime) -> bool:
    """Whether it is the kind of time that is asked for, on the day that is asked for, and not over."""
    ends = stated.kind is Kind.UNTIL or (stated.end is not None and _RANGE.search(stated.text) is not None)
    over = stated.end or (stated.start if stated.kind is Kind.MOMENT else None)
    if over is not None and over <= asked_at:
        return False
    if _FOR_THE_END.search(question) and not ends:
        return False
    if _FOR_THE_BEGINNING.search(question) and stated.kind is Kind.UNTIL:
        return False
    if _FOR_THE_HOUR.search(question) and not _HAS_HOUR.search(stated.text):
        return False
    if _FOR_THE_DAY.search(question) and not _HAS_DAY.search(stated.text):
        return False
    begins, last = stated.start or stated.end, stated.end or stated.start
    return all(
        begins is not None and last is not None and day.start <= last and begins < day.end
        for day in timeexpr.find(question, asked_at, prefer="future")
        if day.start is not None and day.end is not None
    )


def _about(question: str, what: Asked, text: str) -> bool:
    """Whether the question names nothing, or for the better part what the text names."""
    if not {*_SUPPLY.findall(question)} <= {*_SUPPLY.findall(text)}:
        return False  # of gas nothing is known under a notice about water
    named = set(_FILLING.sub("", _QUESTIONS[what].sub("", question)))
    return len(named & set(text)) * 2 >= len(named)


def _places(sentence: str, _: datetime) -> list[str]:
    return [] if _FORBIDS.search(sentence) else [found[0] for found in _IN_PLACE.finditer(sentence)]


def _times(sentence: str, at: datetime) -> list[TimeExpression]:
    return [found for found in timeexpr.find(sentence, at, prefer="future") if found.kind is not Kind.DURATION]


def _lengths(sentence: str, at: datetime) -> list[TimeExpression]:
    return [found for found in timeexpr.find(sentence, at, prefer="future") if found.kind is Kind.DURATION]


def _spans(sentence: str, at: datetime) -> list[TimeExpression]:
    """From when till when; 明天 and 下午 tell when, not how long."""
    return [found for found in _times(sentence, at) if found.kind is Kind.SPAN and _RANGE.search(found.text)]


# How a sentence states it; where none does in the first way, the next counts.
_STATED: dict[Asked, tuple[Callable[[str, datetime], Sequence[TimeExpression | str]], ...]] = {
    Asked.WHEN: (_times,),
    Asked.WHERE: (_places,),
    Asked.HOW_LONG: (_lengths, _spans),
}
