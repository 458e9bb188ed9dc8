"""The command grammar: text → `Command`, pure (design/commands.md, "How a command is recognised").

A bare command word counts only when the whole message fits its grammar, so that chat which happens to begin with
one stays chat. `/`, `#` or `@小格` in front, or a private chat, make it explicit: then the id may be left out and a
near miss gets one suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from handlers import (
    deliberation_forms,
    forms,
    hearing,
    notice_forms,
    signup_forms,
    supply_forms,
    ticket_forms,
    wish_forms,
    work_forms,
)
from handlers.forms import LONGEST_HUSH, Command, Form, Name, Rest
from handlers.hearing import SEPARATORS
from handlers.texts.commands import USAGE

__all__ = ["LONGEST_HUSH", "Command", "Name", "NearMiss", "parse"]


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Said to the bot and nearly a command: `usage` is how it is written. `several`: two commands in one message, of
    which none is done, because the second would be lost in the first one's words."""

    name: Name
    word: str
    usage: str
    several: bool = False


_ANSWERS: Mapping[str, str] = {
    "1": "1",
    "1已解决": "1",
    "1 已解决": "1",
    "已解决": "1",
    "满意": "1",
    "2": "2",
    "2未解决": "2",
    "2 未解决": "2",
    "未解决": "2",
    "没解决": "2",
    "不满意": "2",
}
# An answer with a word behind it. `2 号楼停水了` and `2、电梯坏了` are none; without an open question nothing is.
_ANSWER_AND_MORE = re.compile(
    r"(?:1[\s,]*(?:谢|多谢|感谢|辛苦|好了|已经?好|修好|解决|搞好|弄好|可以了|没问题)[^\d]{0,20}"
    r"|2[\s,:]*(?![\s,:\d])(?:(?<=[\s,:])(?![号栋幢楼单期点个人天小斤袋元])|(?=还|没|未|不|又)).{2,200})",
    re.DOTALL,
)
# 未解决 in so many words. Of whom nothing is asked it is talk.
_UNSOLVED = re.compile(
    r"(?:不满意[\s,]"
    r"|(?:根本就?|压根就?|还是|还|仍然|依然|又)?没有?(?:修|弄|搞|处理|解决|办)(?:好|完|掉|干净)?[的啊呀呢嘛哦哇]{0,2}(?=$|[\s,])"
    r"|还是(?:坏|老样子|那样|一样|不行|不通|不亮|漏|堵)[的啊呀呢嘛哦哇了]{0,2}(?=$|[\s,]))"
    r".{0,200}(?<![?吗么])",
    re.DOTALL,
)
_ALSO_SAID: Mapping[str, Name] = {
    "帮助": Name.HELP,
    "职责": Name.DUTY,
    "help": Name.HELP,
    "菜单": Name.HELP,
    "功能": Name.HELP,
    "怎么用": Name.HELP,
    "你是谁": Name.HELP,
    "你是哪个": Name.HELP,
    "你是机器人吗": Name.HELP,
    "你是机器人": Name.HELP,
    "你是干什么的": Name.HELP,
    "你是做什么的": Name.HELP,
    "你能做什么": Name.HELP,
    "你会做什么": Name.HELP,
    "你会干什么": Name.HELP,
    "你可以做什么": Name.HELP,
    "太吵了": Name.HUSH,
    "别刷屏": Name.HUSH,
    "别吵": Name.HUSH,
    "安静": Name.HUSH,
}


def parse(text: str, *, addressed: bool, names: Sequence[str] = ("小格",)) -> Command | NearMiss | None:
    """The command that the whole message is; a near miss only where it was said to the bot, or where two commands with
    numbers stand in it; else None.

    `addressed`: the message mentions the bot or was said in private. Never raises."""
    if not addressed and _surely_none(text):
        return None
    heard = hearing.listen(text, addressed=addressed, names=names)
    if heard is None:
        return None
    folded = heard.folded
    core = folded.rstrip("。.!~… ")
    if core in _ANSWERS:
        return Command(Name.ANSWER, text=_ANSWERS[core], explicit=heard.explicit)
    also = _ALSO_SAID.get(core.lower().rstrip("?呀啊嘛哦呢 ")) if heard.explicit else None
    if also is not None:
        return Command(also, explicit=True)
    if _ANSWER_AND_MORE.fullmatch(core):
        return Command(Name.ANSWER, text=core[0], remark=heard.typed[1:].strip(SEPARATORS), explicit=heard.explicit)
    if _UNSOLVED.fullmatch(core):
        return Command(Name.ANSWER, text="2", remark=heard.typed, in_words=True, explicit=heard.explicit)
    numbered = list(_NUMBERED.finditer(folded))
    if len(numbered) > 1 and numbered[0].start() == 0 and len({match[2] for match in numbered}) > 1:
        return replace(_missed(numbered[0][1]), several=True)
    for word in _WORDS:
        if folded.startswith(word):
            name, form = _GRAMMAR[word]
            command = form(Rest(name, folded[len(word) :], heard.typed[len(word) :], heard.explicit))
            if command is not None:
                return command
    return _near_miss(folded, slash=heard.slash) if heard.explicit else None


def _surely_none(text: str) -> bool:
    """The hot path: nearly every line of chat fails at its first character."""
    for char in text:
        if char in _FIRST:
            return False
        if not char.isspace():
            return True
    return True


_GRAMMAR: Mapping[str, tuple[Name, Form]] = {
    "上报": (Name.REPORT, ticket_forms.report),
    "查询": (Name.QUERY, forms.query("HJVWX")),
    "补充": (Name.SUPPLEMENT, forms.id_and_text),
    "撤回": (Name.WITHDRAW, forms.id_or_item("VWX")),
    "受理": (Name.ACCEPT, forms.only_id),
    "误报": (Name.FALSE_ALARM, forms.only_id),
    "派单": (Name.ASSIGN, ticket_forms.assign),
    "接单": (Name.TAKE, ticket_forms.take),
    "处置中": (Name.PROGRESS, forms.id_and_text),
    "办结": (Name.FINISH, forms.id_and_text),
    "退回": (Name.RETURN, forms.id_and_text),
    "延期": (Name.EXTEND, ticket_forms.extend),
    "不受理": (Name.REFUSE, forms.id_and_text),
    "不予受理": (Name.REFUSE, forms.id_and_text),
    "督办": (Name.SUPERVISE, forms.id_and_text),
    "吹哨": (Name.WHISTLE, forms.id_and_text),
    "合并": (Name.MERGE, ticket_forms.two_ids),
    "撤并": (Name.UNMERGE, forms.only_id),
    "改类": (Name.RECATEGORIZE, forms.id_and_text),
    "改址": (Name.RELOCATE, forms.id_and_text),
    "交办": (Name.TASK, ticket_forms.task),
    "完成": (Name.COMPLETE, forms.item_or_alone("JWX")),
    "交接": (Name.COMPLETE, forms.item("W")),
    "心愿": (Name.WISH, wish_forms.wish),
    "微心愿": (Name.WISH, wish_forms.wish),
    "审核": (Name.REVIEW, wish_forms.review),
    "认领": (Name.CLAIM, wish_forms.claim),
    "我来认领": (Name.CLAIM, wish_forms.claim),
    "我要认领": (Name.CLAIM, wish_forms.claim),
    "我想认领": (Name.CLAIM, wish_forms.claim),
    "我认领": (Name.CLAIM, wish_forms.claim),
    "放弃": (Name.GIVE_UP, wish_forms.give_up),
    "实事": (Name.DEED, wish_forms.deed),
    "我的贡献": (Name.CONTRIBUTIONS, forms.alone),
    "问答": (Name.FAQ, forms.faq),
    "呼叫": (Name.CALL, forms.only_id),
    "网格呼叫": (Name.CALL, forms.only_id),
    "应答": (Name.RESPOND, ticket_forms.take),
    "调解": (Name.MEDIATE, forms.to_bot),
    "清单": (Name.LISTS, ticket_forms.lists),
    "议题": (Name.TOPIC, deliberation_forms.topic),
    "支持": (Name.SUPPORT, forms.only_item("V")),
    "+1": (Name.SUPPORT, forms.only_item("V")),
    "议事": (Name.POLL, deliberation_forms.poll),
    "投票": (Name.VOTE, deliberation_forms.vote),
    "我投票": (Name.VOTE, deliberation_forms.vote),
    "我投": (Name.VOTE, deliberation_forms.vote),
    "纪要": (Name.MINUTES, deliberation_forms.minutes),
    "物资": (Name.SUPPLY, supply_forms.supply),
    "平安": (Name.SAFE, supply_forms.safe),
    "走访": (Name.VISIT, work_forms.visit),
    "巡查": (Name.PATROL, work_forms.patrol),
    "我的工作": (Name.WORK, forms.alone),
    "工作记录": (Name.WORK, forms.alone),
    "积分": (Name.POINTS, forms.alone),
    "我的积分": (Name.POINTS, forms.alone),
    "查积分": (Name.POINTS, forms.alone),
    "兑换": (Name.REDEEM, work_forms.redeem),
    "冲正": (Name.REVERSE, forms.item("P")),
    "评价": (Name.RATE, ticket_forms.rate),
    "待办": (Name.TODO, forms.alone),
    "代办": (Name.TODO, forms.alone),  # as voice input writes it
    "日报": (Name.DAILY, forms.alone),
    "周报": (Name.WEEKLY, forms.alone),
    "转急": (Name.URGENT, forms.reason_and_span),
    "转平": (Name.CALM, forms.alone),
    "帮助": (Name.HELP, forms.alone),
    "职责": (Name.DUTY, forms.alone),
    "静音": (Name.HUSH, forms.hush),
    "恢复记录": (Name.REMEMBER_ME, forms.alone),
    "恢复": (Name.RESUME, forms.alone),
    "别记我": (Name.FORGET_ME, forms.alone),
    "我的信息": (Name.KEPT, forms.alone),
    "删除我的信息": (Name.ERASE, forms.alone),
    "确认删除": (Name.ERASE_SURELY, forms.alone),
    "启用": (Name.ENABLE, forms.enable),
    "停用": (Name.DISABLE, forms.alone),
    "绑定": (Name.BIND, forms.bind),
    "发活动": (Name.ACTIVITY, signup_forms.announce),
    "发起活动": (Name.ACTIVITY, signup_forms.announce),
    "改活动": (Name.CHANGE_ACTIVITY, signup_forms.with_text),
    "取消活动": (Name.CALL_OFF, signup_forms.with_text),
    "结束": (Name.END, forms.item("HV")),
    "报名": (Name.SIGN, signup_forms.sign),
    "我报名": (Name.SIGN, signup_forms.sign),
    "我也报名": (Name.SIGN, signup_forms.sign),
    "我要报名": (Name.SIGN, signup_forms.sign),
    "我报": (Name.SIGN, signup_forms.sign_plainly),
    "帮": (Name.SIGN, signup_forms.sign_for("帮")),
    "给": (Name.SIGN, signup_forms.sign_for("给")),
    "替": (Name.SIGN, signup_forms.sign_for("替")),
    "取消报名": (Name.UNSIGN, signup_forms.named),
    "退出报名": (Name.UNSIGN, signup_forms.named),
    "撤销报名": (Name.UNSIGN, signup_forms.named),
    "报名取消": (Name.UNSIGN, signup_forms.named),
    "退出": (Name.UNSIGN, signup_forms.leave),
    "名单": (Name.ROSTER, signup_forms.roster),
    "签到": (Name.ATTEND, signup_forms.named),
    "通知": (Name.NOTICE, notice_forms.notice(urgent=False)),
    "应急通知": (Name.NOTICE, notice_forms.notice(urgent=True)),
    "紧急通知": (Name.NOTICE, notice_forms.notice(urgent=True)),
    "应急 通知": (Name.NOTICE, notice_forms.notice(urgent=True)),
    "紧急 通知": (Name.NOTICE, notice_forms.notice(urgent=True)),
    **dict.fromkeys(notice_forms.SPOKEN, (Name.NOTICE, notice_forms.spoken)),
    "公告": (Name.ANNOUNCE, notice_forms.notice(urgent=False)),
    "附图": (Name.ATTACH, forms.only_item("T")),
    "附件": (Name.ATTACH, forms.only_item("T")),
    "模板": (Name.TEMPLATES, forms.to_bot),
    "更正": (Name.CORRECT, notice_forms.item_and_text),
    "确认": (Name.CONFIRM, forms.only_item("T")),
    "确定": (Name.CONFIRM, forms.only_item("T")),
    "定时": (Name.SCHEDULE, notice_forms.item_and_text),
    "取消": (Name.CANCEL, signup_forms.cancel),
    "回执": (Name.RECEIPTS, forms.only_item("T")),
}
_WORDS = tuple(sorted(_GRAMMAR, key=len, reverse=True))
_NUMBERED = re.compile(rf"(?<![\u4e00-\u9fff])({'|'.join(map(re.escape, _WORDS))}){forms.ID}")
_FIRST = hearing.spellings({word[0] for word in (*_WORDS, *_ANSWERS)} | set("/#@[根压还仍依又没"))


# --- near misses ---
_TOKEN = re.compile(r"[\u4e00-\u9fff]{1,5}")
_SHORT_REST = 3


def _near_miss(folded: str, *, slash: bool) -> NearMiss | None:
    """Only what cannot well be anything else: an appeal said to the bot must not be lost to a suggestion."""
    for word in _WORDS:
        rest = folded[len(word) :]
        if folded.startswith(word) and (slash or len(rest.strip()) <= _SHORT_REST or forms.ID_AND_TEXT.fullmatch(rest)):
            return _missed(word)
    token = _TOKEN.match(folded)
    if token is None:
        return None
    rest = folded[token.end() :]
    if not slash and not (forms.TAIL.fullmatch(rest) or forms.ONLY_ID.fullmatch(rest)):
        return None
    for word in _WORDS:
        if len(word) > 1 and abs(len(word) - len(token[0])) <= 1 and _one_apart(token[0], word):
            return _missed(word)
    return None


def _missed(word: str) -> NearMiss:
    name = _GRAMMAR[word][0]
    return NearMiss(name, word, USAGE[name.value])


def _one_apart(typed: str, word: str) -> bool:
    """One character changed, left out, added, or two neighbours swapped."""
    if len(typed) == len(word):
        differ = [at for at in range(len(word)) if typed[at] != word[at]]
        swapped = len(differ) == 2 and typed[differ[0]] == word[differ[1]] and typed[differ[1]] == word[differ[0]]
        return len(differ) == 1 or (swapped and differ[1] == differ[0] + 1)
    longer, shorter = (typed, word) if len(typed) > len(word) else (word, typed)
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))
