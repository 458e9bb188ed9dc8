"""How people write that they come, and what only sounds like it."""

from __future__ import annotations

from datetime import time

import pytest

from handlers.commands import Command, Name, parse
from handlers.signup_forms import Party, party, without_title


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", Party()),
        (" 2人", Party(2)),
        ("两个人", Party(2)),
        (" 2", Party(2)),
        ("２个", Party(2)),
        ("，我和老伴两个", Party(2)),
        ("一家三口", Party(3)),
        ("我家两个人", Party(2)),
        ("2大1小", Party(3)),
        ("三个大人一个小孩", Party(4)),
        ("带1个娃娃", Party(2)),
        ("我们两口子", Party(2)),
        ("+1", Party(1)),
        ("十个人", Party(10)),
        ("0人", Party(0)),
        ("300人", Party(300)),
        ("2人，谢谢", Party(2)),
        ("我要参加 2人", Party(2)),
        ("代张三", Party(names=("张三",))),
        ("2人 代 张三", Party(2, ("张三",))),
        ("代 张三、李四", Party(names=("张三", "李四"))),
        ("帮我妈报名", Party(names=("我妈",))),
        ("帮王孃孃报一个", Party(1, ("王孃孃",))),
        ("第二场 1人", Party(1, slot=2)),
        ("9:00-10:00那场", Party(clock=time(9))),
        ("上午9点那场 2人", Party(2, clock=time(9))),
        ("下午2点半的", Party(clock=time(14, 30))),
        ("3-2-1502 2人", Party(2, home="3-2-1502")),
        ("3栋 2人", Party(2, home="3栋")),
        ("2人 138****5678", Party(2)),
    ],
)
def test_who_comes(text: str, wanted: Party) -> None:
    assert party(text, free=False) == wanted


@pytest.mark.parametrize(
    "text", ["了", "了的举手", "在哪里报", "费多少钱", "名单在哪", "成功了吗", "的人好多", "截止没得", "张三 2人"]
)
def test_what_is_no_part_of_it(text: str) -> None:
    assert party(text, free=False) is None


def test_a_name_may_stand_behind_an_id() -> None:
    assert party("张三 2人", free=True) == Party(2, own_name="张三")
    assert party("怎么报", free=True) is None


@pytest.mark.parametrize(
    ("text", "name", "item", "rest"),
    [
        ("报名", Name.SIGN, None, ""),
        ("报名H12", Name.SIGN, 12, ""),
        ("報名 ｈ12，2人", Name.SIGN, 12, "2人"),
        ("报名 H1 代 张三", Name.SIGN, 1, "代 张三"),
        ("我要报名 2人", Name.SIGN, None, "2人"),
        ("报名 张三 2人", Name.SIGN, None, "张三 2人"),
        ("报名，3栋李孃孃", Name.SIGN, None, "3栋李孃孃"),
        ("取消报名", Name.UNSIGN, None, ""),
        ("取消报名 H3 代 张三", Name.UNSIGN, 3, "代 张三"),
        ("名单H3", Name.ROSTER, 3, ""),
        ("签到 H3 张三", Name.ATTEND, 3, "张三"),
        ("结束 H3", Name.END, 3, ""),
        ("取消活动 H3 下雨", Name.CALL_OFF, 3, "下雨"),
        ("改活动 H3 周日9:00", Name.CHANGE_ACTIVITY, 3, "周日9:00"),
        ("发活动 包粽子 周六9:00", Name.ACTIVITY, None, "包粽子 周六9:00"),
        ("发活动这周六上午九点义诊", Name.ACTIVITY, None, "这周六上午九点义诊"),
    ],
)
def test_commands(text: str, name: Name, item: int | None, rest: str) -> None:
    command = parse(text, addressed=False)
    assert isinstance(command, Command)
    assert (command.name, command.item, command.text) == (name, item, rest)


@pytest.mark.parametrize(
    "text",
    [
        "报名了",
        "报名费好多钱",
        "报名 太火爆了",
        "报名 帮我看下",
        "报名 帮我问一下",
        "报名的人多不多",
        "名单出来没有",
        "签到的时候喊我一声",
        "签到了",
        "取消报名怎么弄",
        "发活动的时候喊我",
        "发活动没得嘛？周六",
        "发活动通知了没",
        "活动几点",
        "结束了",
        "结束得好早",
    ],
)
def test_talk_is_no_command(text: str) -> None:
    said = parse(text, addressed=False)
    assert said is None or (isinstance(said, Command) and said.in_words), "only where it is the title of an activity"


@pytest.mark.parametrize(
    ("text", "name", "item", "rest", "in_words"),
    [
        ("帮我妈报一个", Name.SIGN, None, "帮我妈报一个", False),
        ("给我报个名 2人", Name.SIGN, None, "2人", False),
        ("我报一个", Name.SIGN, None, "一个", False),
        ("报名包粽子 2人", Name.SIGN, None, "包粽子 2人", True),
        ("取消 H3", Name.UNSIGN, 3, "", False),
        ("退出H3", Name.UNSIGN, 3, "", False),
        ("取消报名 H3 1人", Name.UNSIGN, 3, "1人", False),
        ("取消 T3", Name.CANCEL, 3, "", False),
    ],
)
def test_what_people_type_for_it(text: str, name: Name, item: int | None, rest: str, in_words: bool) -> None:
    said = parse(text, addressed=False)
    assert isinstance(said, Command)
    assert (said.name, said.item, said.text, said.in_words) == (name, item, rest, in_words)


@pytest.mark.parametrize(
    "text", ["帮我看下", "给我转发一下", "替我谢谢刘姐", "帮我报修一下电梯", "报名费好多", "退出群聊", "我报警了"]
)
def test_what_only_begins_like_it(text: str) -> None:
    assert parse(text, addressed=False) is None


def test_a_title_may_be_cut_short() -> None:
    assert without_title("理发 2人", "助老理发") == " 2人"
    assert without_title("助老理发活动 2人", "助老理发") == " 2人"
    assert without_title("理财 2人", "助老理发") is None
