"""What somebody wants with a trouble: 咨询 · 求助 · 投诉 · 举报 · 建议 · 表扬.

The order matters: an 应急 is a cry for help however it is said; who reports wants to stay unknown; a question that is
really a demand (请问什么时候修, 请问谁管) is no 咨询.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from nlp.decision import Nature, Urgency
from nlp.lexicon import Request

_REPORTING = frozenset(("举报", "检举", "揭发"))
_BUILT_WITHOUT_LEAVE = "07"  # 违建装修: whoever tells of it informs on a neighbour
_PRAISE = re.compile(
    r"表扬|点赞|锦旗|拾金不昧|好评|(?:特别|非常|十分|真心|衷心|太)感谢"
    r"|感谢.{1,12}(?:帮|解决|及时|热心|辛苦)"
)
_QUESTION = re.compile(
    r"真的假的|是不是真的|是真的吗|吗[?。!\s]*$|请问|咨询|求证|核实|什么时候|几点|何时|听说|多久|怎么[办划弄算]|问下|问问|[?]"
)
_ASKED = re.compile(
    r"[?？][\s\]]*$|(?:吗|么|呢|嘛)[。!！~\s]*$|要不要|需不需要|是不是|能不能|可不可以|可以不|有没有|几[点号时]|哪[里儿天个些]|哪点|"
    r"多少|多久|咋个|咋[办弄]|怎么|怎样|啥时|什么时候|何时"
)
_ASKS = re.compile(r"咨询|了解一下|想了解|请教|依据是什么")
_WHEN_BACK = re.compile(r"(?:什么时候|几时|何时|几点|多久).{0,6}(?:来|恢复|通|开|装|建|有|结束|完工)")
_DEMAND = re.compile(
    r"谁管|谁来管|有没有人管|(?:什么时候|几时|何时|多久|能不能|可不可以)(?:才|能|可以|来|给|帮|派人)*(?:修|处理|解决|清|弄|换|疏通|管)"
)
_BUILDING_VERB = r"(?:增|设|装|建|加|画|划线|开通|多[放安派设建]|改[造成进]|完善|挪|换个)"
_SUGGESTION = re.compile(
    rf"建议|提议|希望.{{0,12}}{_BUILDING_VERB}|(?:能否|能不能|可否|可不可以).{{0,8}}{_BUILDING_VERB}|增设|加装|新增"
    r"|最好.{0,6}(?:能|在|是|有|加|装)|(?:要是|如果).{0,6}能.{2,20}(?:就好|就太好)"
)
_BLAME = re.compile(
    r"投诉|没人(?:管|扫|打扫|清|理|负责)|管不管|吃干饭|乱收费|不作为|不管事|推脱|推诿|态度|到底.{0,6}(?:管|修|解决)|强烈|更换物业|天天.{0,6}(?:吵|闹|坏|臭)"
    r"|三天两头|太过分|不像话|不办事|推来推去|素质|[没不]来过|被.{0,3}占|也不[挪管修]"
)
_BY_OTHERS = frozenset(
    ("0203", "0205", "0207", "0208", "0301", "0302", "0305", "0401", "0402", "0403", "0404", "0601", "0602")
)


def praises(text: str) -> bool:
    """Whether a text praises somebody, and blames nobody."""
    return _PRAISE.search(text) is not None and _BLAME.search(text) is None


def asks(text: str) -> bool:
    """Whether a line asks something, whatever it is about."""
    return _ASKED.search(text) is not None


def of(requests: Collection[Request], category: str, urgency: Urgency, text: str, *, reason: str) -> Nature:
    """The nature of a matter. `reason` is that of its decision."""
    if urgency is Urgency.EMERGENCY:
        return Nature.HELP
    terms = {request.term for request in requests}
    if terms & _REPORTING or category.startswith(_BUILT_WITHOUT_LEAVE):
        return Nature.REPORT
    if (reason in ("thanks", "done") or category.startswith("12")) and praises(text):
        return Nature.PRAISE
    if "投诉" in terms or urgency is Urgency.ENFORCEMENT:
        return Nature.COMPLAINT
    kinds = {request.kind for request in requests}
    if reason == "how_to" or ("inquire" in kinds and _ASKS.search(text)):
        return Nature.INQUIRY
    if _SUGGESTION.search(text):
        return Nature.SUGGESTION
    if _WHEN_BACK.search(text) or ("inquire" in kinds and _QUESTION.search(text) and not _DEMAND.search(text)):
        return Nature.INQUIRY
    if "complain" in kinds or category in _BY_OTHERS or _BLAME.search(text):
        return Nature.COMPLAINT
    return Nature.HELP
