"""Whether an emergency is here and now. The urgency of a decision is its category's; this chooses the category.

Public safety advice is shameful when nothing happens: a habit (电梯经常困人), a hazard (担心起火), a drill, news of
another place and a film are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nlp.classifier import Evidence
    from nlp.vetoes import Verdict

_HABIT = re.compile(r"经常|频繁|总是|老是|时常|多次|屡次|隔三差五|三天两头|动不动|长期|常年|长年|经常性|频频|频发|多年")
_MAYBE = re.compile(
    r"万一|容易|担心|害怕|怕|可能|防止|预防|避免|以防|差点|险些|要是|如果|假如|会不会|小心|注意|免得|似的|一样的感觉|真着火|真起火|真要着|真出事|到时候|一旦|哪天|肯定进|都要犯|要犯了|下个月|下周|预产期"
)
_LONG_AGO = re.compile(r"去年|前年|当年|那年|小时候|历史上|年前")
_PAST = re.compile(r"以前|曾经|上次|(?:走失|走丢|晕倒|晕|淹|摔|着火|烧|中毒|抽搐|爆炸|塌|困|丢|中风|爆|崩)过(?![去来])")
_NOW = re.compile(
    r"快来|快叫|快打|快跑|快救|快点|赶紧|赶快|救命|求救|现在|正在|刚刚|刚才|马上|紧急|求助|急[!!,,]|目击|里面有人|有人|大家快|!!|疏散|撤离"
)
_HAZARD = re.compile(r"隐患|建议|应该|宣传|注意安全|整治|排查")
_BEFORE = 8

# The category of a pair's emergency when it is only a habit; events carry their own.
_DEMOTED = {
    "0501": "0512",
    "0502": "0104",
    "0503": "0101",
    "0505": "0505",
    "0506": "0506",
    "0507": "0906",
    "0509": "0103",
    "0510": "0105",
    "0511": "0801",
}


_VAGUE = frozenset(("0512", "0801", "0906"))


class Presence(Enum):
    NOW = auto()  # here and now: the emergency stands
    HABIT = auto()  # it happens, it might happen: the everyday category
    NOT = auto()  # not here at all


def presence(text: str, evidence: Sequence[Evidence], struck: Verdict) -> Presence:
    """Judge the evidence of one emergency category."""
    if struck.absent:
        return Presence.NOT
    now = _NOW.search(text) is not None
    for item in evidence:
        around = text[max(0, item.start - _BEFORE) : item.end]
        if _HABIT.search(around) and not now:
            continue
        told = text[max(0, item.start - 2 * _BEFORE) : item.end + 1]
        if _MAYBE.search(around) or _LONG_AGO.search(told) or (_PAST.search(told) and not now):
            continue
        if _HAZARD.search(text) and not now and item.demoted != item.category:
            continue
        return Presence.NOW
    return Presence.HABIT


def settle(category: str, evidence: Sequence[Evidence], present: Presence, everyday: str) -> str:
    """The category that remains. `everyday` is the best of the other evidence: what people fear a fire from is told
    better by it (楼道堆杂物，担心着火) than by the fear."""
    if present is Presence.NOW:
        return category
    demoted = next((item.demoted for item in evidence if item.demoted), "") or _DEMOTED.get(category, category)
    return everyday if everyday and demoted in _VAGUE else demoted
