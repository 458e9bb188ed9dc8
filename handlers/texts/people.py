"""What people read about themselves: what is kept of them, how they bind an account, stop it, see and erase it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from handlers.texts import ROLE
from storage.model import Role

PRIVACY_NOTICE = (
    "大家好，我是小格。群里说到的诉求我会登记并转给网格长，闲聊不保存。\n"
    "想专门反映请发“上报 内容”，不想被记录请发“别记我”，嫌吵请发“静音”。\n"
    "我不能代替报警：急事请直接打 119、110、120。"
)


def privacy_notice(named_to: Sequence[str]) -> str:
    """What a room reads once; `named_to` are the platforms that learn who reported."""
    return f"{PRIVACY_NOTICE}\n诉求{_named(named_to)}。" if named_to else PRIVACY_NOTICE


def _named(platforms: Sequence[str]) -> str:
    return f"连同称呼、电话报送{'、'.join(platforms)}，保密的除外"


BIND_IN_PRIVATE = "绑定请私聊我。码发在群里就作废了，请向社区换一个。"
BIND_WRONG = "绑定码不对、已用过或已过期，请向社区要一个新的。"
BIND_TOO_OFTEN = "输错次数多了，请一小时后再试。"


def bound(name: str, roles: Collection[Role]) -> str:
    """The answer to a bind code that was right."""
    labels = "、".join(ROLE[role] for role in ROLE if role in roles and role is not Role.RESIDENT)
    return f"绑定成功：{name}{f'（{labels}）' if labels else ''}。发“帮助”看能做什么。"


FORGOTTEN = "好的，不再记您说的话，险情也不记。急事打119、110、120；要反映发“上报 内容”，再记发“恢复记录”。"
FORGOTTEN_ALREADY = "已经没有在记您的话，险情也不记。急事打119、110、120；要反映发“上报 内容”。"
REMEMBERED = "好的，您说到的诉求我会继续登记。"
REMEMBERED_ALREADY = "您没有关闭过记录，说到的诉求我会登记。"

NOTHING_KEPT = "没有保存您的信息。"
ERASE_SURE = "将删除您说过的话、昵称和电话，不能恢复；没办完的单子只留事由。十分钟内发“确认删除”。"
ERASE_NOT_ASKED = "没有等您确认的删除。要删除请先发“删除我的信息”。"


def kept(
    *,
    still_open: int,
    closed: int,
    candidates: int,
    contact: bool,
    nick: str,
    heard: bool,
    office: str,
    also: Sequence[str] = (),
    named_to: Sequence[str] = (),
) -> str:
    """What is kept of somebody, for their eyes, in at most six lines. No number, no words of theirs."""
    doubtful = f"，待核实 {candidates} 条" if candidates else ""
    lines = [
        f"您的诉求：未办结 {still_open} 件，已办结 {closed} 件{doubtful}{''.join(f'；{words}' for words in also)}",
        "您的电话：加密保存，只用于办理" if contact else "您的电话：没有保存",
        f"您的昵称：{nick or '没有保存'}{f'。诉求{_named(named_to)}' if named_to else ''}",
        "群里的话：说到诉求会登记" if heard else "群里的话：按您的要求不登记",
        f"您的身份：{office}，由社区登记" if office else "",
        "要删除请发“删除我的信息”",
    ]
    return "\n".join(line for line in lines if line)


def kept_shared(topics: int, votes: int, supplies: int) -> str:
    """What somebody takes part in with others; empty for nothing."""
    parts = (("议题", topics), ("投票", votes), ("物资、平安登记", supplies))
    return "，".join(f"{label} {count} 件" for label, count in parts if count)


def erased(tickets: int, *, office: str, silent: bool) -> str:
    """The answer once it is done: what went, and what stays and why."""
    if office:
        gone = "您反映问题时说的话和留的电话已删除。" if tickets else ""
        return f"{gone}您的{office}身份由社区登记保管，要更改或注销请找社区工作人员。"
    gone = "您说过的话、昵称和电话都已删除" if tickets else "您的昵称已删除"
    return f"{gone}，账号只留着用来不记您说的话。" if silent else f"{gone}，账号也不再保存。"


ID_NUMBER_HINT = "群里别发身份证号，建议马上撤回那条消息。我没有保存它。"
