"""How 物资 and 平安 are written: what is typed behind the word → `Command`, pure."""

from __future__ import annotations

import re

from handlers import forms
from handlers.forms import TAIL, Command, Rest
from nlp import goods

NEED, OFFER = "求", "供"
_SEP = r"[\s,、:;]"
_KIND = re.compile(
    rf"(?P<apart>{_SEP}*)(?:(?P<need>急?求购?(?!助)|急?需要?(?={_SEP})|急?缺(?={_SEP})|要(?={_SEP}))"
    rf"|(?P<offer>(?:供|可供|提供)(?![应给电水暖])|有(?={_SEP})|捐赠?(?!助)|出借)){_SEP}*(?P<text>.*)",
    re.DOTALL,
)
_LIST = re.compile(rf"{_SEP}*(?:清单|列表|名单|有哪些|汇总)?[\s。.!~?]*")
_HELP = "需要帮助|需要帮忙|要帮忙|求助|求救|要人帮"
_SAFE = re.compile(
    rf"(?:{_SEP}+|(?=\d)|(?={_HELP}))(?:(?P<where>(?=.{{0,12}}\d)[\da-zA-Z栋幢号楼单元室层#\-]{{1,14}}))?{_SEP}*"
    rf"(?:(?:全家|一家|家里|我们)?(?P<heads>\d{{1,2}}|[一二两三四五六七八九十])\s?(?:个人|口人|人|口))?{_SEP}*"
    rf"(?:都好|都在家|都平安)?{_SEP}*(?P<help>(?:{_HELP}).{{0,120}})?[\s。.!~]*",
    re.DOTALL,
)


def supply(rest: Rest) -> Command | None:
    """`物资 求 米 2袋`, `物资 供 手电筒`, `物资求米`, `物资`. `code` is 求 or 供; no `text`: the thing is missing."""
    if _LIST.fullmatch(rest.folded):
        return Command(rest.name, explicit=rest.explicit)
    match = _KIND.fullmatch(rest.folded)
    if match is None or not (match["apart"] or goods.names_any(match["text"])):
        return None  # 物资求米 is one, 物资供不应求 is none
    text = rest.typed[slice(*match.span("text"))].strip()
    return Command(rest.name, text=text, code=NEED if match["need"] else OFFER, explicit=rest.explicit)


def safe(rest: Rest) -> Command | None:
    """`平安`, `平安 3栋 4人`, `平安 求助 老人没药了`. `remark` is the call for help, `code` how many they are, `text`
    where."""
    if TAIL.fullmatch(rest.folded):
        return forms.alone(rest)
    match = _SAFE.fullmatch(rest.folded)
    if match is None:
        return None
    where = rest.typed[slice(*match.span("where"))] if match["where"] else ""
    help_ = rest.typed[slice(*match.span("help"))].strip() if match["help"] else ""
    return Command(rest.name, text=where, remark=help_, code=match["heads"] or "", explicit=rest.explicit)
