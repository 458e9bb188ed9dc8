"""What makes a message something else than an appeal: notice, advert, how-to, news from elsewhere …

Weights of the cues add up per kind; a kind that reaches 1 vetoes. Some vetoes give way to words that place the
trouble here and now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nlp.decision import Location
from nlp.matching import Found, Matcher

# A place in the community gives these the lie: 停电了热死, 老家 in a message about our lift.
_YIELD_TO_PLACE = frozenset(("hyperbole", "private", "elsewhere"))
_YIELD_TO_HERE = frozenset(("hyperbole", "private"))
# Who lodges a complaint in so many words is heard, though at most as a candidate.
_YIELD_TO_PETITION = frozenset(("fiction", "elsewhere", "second_hand", "ad", "private", "hyperbole"))
_PETITION = re.compile(
    r"投诉|举报|请求|恳请|呼吁|质疑|维权|强烈|反对|乱收费|扰民|违法|违规|涉嫌|咨询.{1,20}问题|反映.{1,20}问题"
    r"|拖欠|欺诈|侵吞|偷工减料|违约|血本无归|立案|受害者|消费者|合法吗|有限公司|有关部门|主管部门|相关部门|卖淫|赌博|为[我民]们?做主"
)
_FORMAL_QUESTION = re.compile(r"咨询|(?<!怎么)(?<!如何)举报|质疑|请求|恳请|呼吁")
# What is not here and now concerns nobody, not even as an emergency.
_ABSENT = frozenset(("drill", "rumour", "how_to", "elsewhere", "past", "fiction", "notice", "ad", "command", "done"))
# Cues that a cry for help gives the lie, where nothing else speaks against it: 公司楼下着火了,快来人.
_YIELD_TO_CALL = frozenset(("elsewhere", "past", "notice", "private", "hyperbole"))
_CALL = re.compile(
    r"快来|快救|快跑|快打|快叫|快报|赶紧|赶快|救命|救人|求救|119|120|110|我家|我们家|我们楼|我们单元|我们小区|大家快"
)
_ORDER = ("command", "drill", "rumour", "ad", "second_hand", "carpool", "notice", "done", "thanks", "how_to")
_LAST = ("fiction", "elsewhere", "past", "private", "hyperbole", "offtopic")
_HERE = re.compile(
    r"我家|我们家|我们楼|我们单元|我们这|我们小区|我们栋|咱们|又.{0,3}了|天了|个月了|小时了|没人|一直|现在|刚才|正在|快来|赶紧|救命|救人|快救|求救"
)
_STILL = re.compile(
    r"还没|还是|但是|可是|又[坏停堵漏黑没跳响断掉吵冒]|昨晚又来|没修好|怎么还|到底|根本|没人来|几天了|不管|没解决|又开始"
    r"|才.{0,4}天|结果又|结果还|却|照样|更厉害|更严重|都没动静"
)
_UNDONE = re.compile(
    r"(?:没|未|不|能|才|什么时候|几时|如果|要是|几点|还|何时|希望|尽快|早点|早日|怎么|想|等)[^,。!?]{0,4}$"
    r"|(?:什么时候|几时|何时|才能|能不能|希望|多久)[^,。!?]{0,12}$"
)
_ASKED = re.compile(r"(?:没有?|吗|么|不)(?:[,。!?]|$)")  # 水来了没: asks whether it is over
# 停电了,孩子上课怎么办: who laments what follows from a trouble asks for no instructions.
_LAMENT = re.compile(
    r"[,。!;\s](?:我们|咱们|大家|一家|全家|家里|老人|孩子|小孩|老小|业主|居民|住户|上班|上学|上课|做饭|洗澡|睡觉|晚上|明天|这)"
    r"[^,。!?]{0,8}怎么(?:办|弄|搞|过|活|睡|走|住)"
)
_DUTY = re.compile(r"要[交缴][^,。!?]{0,12}吗[?。!\s]*$")  # 还要交全额物业费吗: asks for the rule
_FAR_AWAY = 1.5
_HINT = 0.5  # 服务, 味道, 环境: words of reviews that tell nothing of the place
_SHORT = 40  # an advert that has but one cue and fits in a line may be a neighbour
_VERIFY = re.compile(r"真的假的|是不是真的|是真的吗|核实|求证|网格员|社区|物业")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` drops the message, `doubt` makes a ticket a candidate; `absent`: not even an emergency is here."""

    reason: str = ""
    doubt: str = ""
    absent: bool = False
    rules: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()


NONE = Verdict()


def _open(text: str, start: int, end: int) -> bool:
    """Whether words that say it is over are wished for, awaited or asked about."""
    return _UNDONE.search(text[max(0, start - 16) : start]) is not None or _ASKED.match(text, end) is not None


def is_petition(text: str) -> bool:
    """Whether a text lodges a complaint or a request in so many words."""
    return _PETITION.search(text) is not None


def verdict(matcher: Matcher, found: Found, address: Location) -> Verdict:
    """Weigh the vetoes that a text holds. `address` are the numbers that it names (`location.numbers`)."""
    struck = matcher.vetoes(found)
    if not struck:
        return NONE
    text = found.text
    weights: dict[str, float] = {}
    rules: list[str] = []
    away = 0.0
    for veto, where in struck:
        if veto.kind in ("done", "thanks") and _open(text, *where[-1]):
            continue
        weights[veto.kind] = weights.get(veto.kind, 0.0) + veto.weight
        if veto.kind == "elsewhere" and veto.weight > _HINT:
            away += veto.weight
        rules.append(f"veto:{veto.kind}:{veto.term}"[:60])
    kinds = frozenset(kind for kind, weight in weights.items() if weight >= 1)
    if not kinds:
        return Verdict(rules=tuple(rules))
    standing = set(kinds)
    here: bool | None = None

    def is_here() -> bool:
        nonlocal here
        if here is None:
            here = bool(address) or _HERE.search(text) is not None
        return here

    if standing & _YIELD_TO_PLACE and any(setting.weight >= 1 for setting in matcher.settings(found)):
        # 听说他们小区: their place is not ours
        standing -= _YIELD_TO_PLACE if away < _FAR_AWAY else _YIELD_TO_HERE
    elif standing & _YIELD_TO_HERE and is_here():
        standing -= _YIELD_TO_HERE
    if "how_to" in standing and not _DUTY.search(text) and (is_here() or _LAMENT.search(text)):
        standing.discard("how_to")
    if "past" in standing and _STILL.search(text):
        standing.discard("past")
    if standing & {"done", "thanks"} and _STILL.search(text):
        standing -= {"done", "thanks"}
    if "rumour" in standing and _VERIFY.search(text) and "谣言" not in text:
        standing.discard("rumour")
    doubt = ""
    if "notice" in standing and weights["notice"] < 2 and _STILL.search(text):
        standing.discard("notice")
        doubt = "notice"
    if "ad" in standing and weights["ad"] < 2 and len(text) <= _SHORT:
        standing.discard("ad")
        doubt = doubt or "ad"
    if standing & _YIELD_TO_PETITION and is_petition(text):
        doubt = doubt or min(standing & _YIELD_TO_PETITION)
        standing -= _YIELD_TO_PETITION
    if "how_to" in standing and _FORMAL_QUESTION.search(text):
        doubt = doubt or "how_to"
        standing.discard("how_to")
    reason = next((kind for kind in (*_ORDER, *_LAST) if kind in standing), "")
    absent = bool(standing & _ABSENT)
    if (
        absent
        and standing <= _YIELD_TO_CALL
        and away < _FAR_AWAY
        and weights.get("notice", 0) < 2
        and _CALL.search(text)
    ):
        absent = False
    return Verdict(reason, doubt, absent, tuple(rules), kinds)
