"""启用, 停用, 静音, and what becomes of groups and of our accounts in them: the latter goes to leaders and staff, never
to residents' groups, but for the answer to `启用`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from handlers.texts import clock

NAMED = 3  # groups that are named in one line; the others are counted


def account_full(account: str, most: int) -> str:
    """The answer to 启用 in a group."""
    return f"这个号（{account}）管的群已满 {most} 个，没有启用。请社区换另一个小格号进群，再发“启用”。"


def account_full_told(account: str, most: int, topic: str) -> str:
    """To staff: somebody tried to enable one more group."""
    return (
        f"【号满了】{account} 管的群已满 {most} 个，“{topic}”没能启用。"
        "请拉另一个小格号进这个群再发“启用”，或先停用不用的群。"
    )


def invite_full(account: str, most: int) -> str:
    """To who invited the account into a group."""
    return f"这个号（{account}）进的群已到 {most} 个，不能再进群。请拉另一个小格号，或先把它移出不用的群。"


def gone_but_heard(topic: str, account: str) -> str:
    """The account was removed from a group in which another one of ours is."""
    return f"【移出】小格的一个号被移出“{topic}”，已由另一个号（{account}）接着听、接着答。"


def account_dead(account: str, mute: Sequence[str], moved: int) -> str:
    """To who answers for these groups: the account that answered there is dead. `moved`: of their groups those that
    another account of ours took over."""
    taken = f"{moved} 个群已由别的号接着听、接着答。" if moved else ""
    if not mute:
        return f"【号掉线】小格的 {account} 号掉线了，{taken}私聊请找群里现在的小格号。"
    return (
        f"【号掉线】小格的 {account} 号掉线了，{named(mute)}现在听不到、也发不出通知，急事请打电话。"
        f"要先用别的号，请拉另一个小格号进群并发“启用”。{taken}"
    )


def account_back(account: str, topics: Sequence[str]) -> str:
    """To who was told that it is dead."""
    return f"【号恢复】小格的 {account} 号恢复了，{named(topics)}又能听到了；掉线期间群里说的没有听到。"


def named(topics: Sequence[str]) -> str:
    """Some groups by name: “甲群”“乙群”等 5 个群."""
    shown = "".join(f"“{topic}”" for topic in topics[:NAMED] if topic)
    if not shown:
        return f"它管的 {len(topics)} 个群"
    return shown if len(topics) <= NAMED else f"{shown}等 {len(topics)} 个群"


def enabled(grid_name: str) -> str:
    return f"已启用，本群对应{grid_name}。停用请发“停用”。"


def enabled_already(grid_name: str) -> str:
    return f"本群已经启用，对应{grid_name}。"


ENABLE_WITH_CODE = "本群还没有对应的网格，请发“启用 网格码”。"


def no_such_grid(code: str) -> str:
    return f"没有网格 {code}，请核对网格码。"


DISABLED = "已停用，我不再看本群的消息。再用请发“启用”。"
HUSHED = "好的，本群我先安静{span}，急事除外。"
HUSHED_TOLD = "【静音】{topic}：有居民嫌吵，已静音到{until}。恢复请在该群发“恢复”。"
NO_HUSH_HERE = "工作群里的提醒不能静音。"
RESUMED = "已恢复。"
NOT_HUSHED = "本群没有静音。"
ROOM_GONE = "【移出】小格已被移出{topic}，那里的诉求收不到了。"


def hushed(hours: float) -> str:
    """`hours` of silence, as the room reads it."""
    span = f"{hours:g}小时" if hours >= 1 else f"{round(hours * 60)}分钟"
    return HUSHED.format(span=span)


def hushed_told(topic: str, until: datetime, timezone: ZoneInfo) -> str:
    return HUSHED_TOLD.format(topic=f"“{topic}”" if topic else "一个群", until=clock(until, timezone))


def enabled_again(grid_name: str) -> str:
    """The group has another id than before, and goes on as it was."""
    return f"已启用，接着原来的群，对应{grid_name}，以前的诉求都在。"


OTHER_ACCOUNT_ANSWERS = "同名同网格的群已由另一个小格号回应。若不是同一个群，请先改群名再发“启用”。"


def room_id_changed(topic: str) -> str:
    return f"【群号变了】“{topic}”换了群号，现在听不到那里的诉求。确是原来的群，请在群里发“启用”。"


def room_not_moved(topic: str) -> str:
    return f"【群还在】原来的“{topic}”又有人说话，与换号的不是同一个群，现在听不到。请在这个群里发“启用 网格码”。"


def room_gone(topic: str) -> str:
    return ROOM_GONE.format(topic=f"“{topic}”" if topic else "一个群")
