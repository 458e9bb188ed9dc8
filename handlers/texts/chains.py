"""What people read of 接龙: the group next to nothing, the organiser what was understood and who meddled."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from handlers.texts.signups import heading, moment, name, quota
from storage.signups import Signup

MOST_NAMED = 5


def taken(signup: Signup, timezone: ZoneInfo) -> str:
    """To those who lead the group, once: the list counts as a sign-up from now on."""
    due = f"，{moment(signup.deadline, timezone)}截止" if signup.deadline is not None else ""
    limit = f"，限{quota(signup.capacity)}" if signup.capacity is not None else ""
    return f"群里的接龙已记成活动：{heading(signup, timezone)}{limit}{due}。名单请发“名单 {signup.id}”。"


def joined(signup: Signup) -> str:
    """To those who lead a group in which the list of another group goes on, once."""
    return f"群里的接龙和{name(signup)}是同一份，记在一份名单里。如果是另一个活动，请换个题目重新接龙。"


def full(signup: Signup) -> str:
    """In the group, once."""
    return f"{signup.id} 已满{signup.capacity}人，后面接龙的先排候补，有人退出就递补。"


def meddled(signup: Signup, who: str, removed: Sequence[str], changed: Sequence[str], *, retitled: bool) -> str:
    """To the organiser or those who lead the group: what stands in a copy and has no effect."""
    parts = []
    if removed:
        parts.append(f"少了{_some(removed)}")
    if changed:
        parts.append(f"改了{_some(changed)}的内容")
    if retitled:
        parts.append("改了标题")
    cure = f"确要取消请发“取消报名 {signup.id} 代 {removed[0]}”。" if removed else ""
    return f"{name(signup)}：{who or '有人'}发的接龙{'，'.join(parts)}，名单没有变。{cure}"


def _some(names: Sequence[str]) -> str:
    more = f"等{len(names)}人" if len(names) > MOST_NAMED else ""
    return f"{'、'.join(names[:MOST_NAMED])}{more}"
