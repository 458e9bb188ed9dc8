"""What a notice states once is quoted, everything else is not answered."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from nlp.stating import Asked, answer, asked

AT = datetime(2025, 6, 12, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
GAS = "接燃气公司通知，6月20日22:00至次日6:00检修管道，届时停气。用气前请先开窗。"
FAIR = "本周日上午在中心广场举办便民市集！磨刀、修鞋都免费。"
TWO = "周六9点在1号门集合，周日15点在2号门集合。"
VAGUE = "近期将更换路灯，请注意安全。"


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ("几点停气？", Asked.WHEN),
        ("哪天搞嘛", Asked.WHEN),
        ("在哪里集合", Asked.WHERE),
        ("地点是？", Asked.WHERE),
        ("要停多久", Asked.HOW_LONG),
        ("停几个小时啊", Asked.HOW_LONG),
        ("为什么又停", None),
        ("几点在哪里集合", None),  # two things at once
        ("我家的气什么时候通", None),  # one's own matter
        ("请问一下各位邻居上次那个维修师傅几点上门的大家还记得吗", None),
    ],
)
def test_what_is_asked(question: str, what: Asked | None) -> None:
    assert asked(question) is what


@pytest.mark.parametrize(
    ("question", "text", "sentence"),
    [
        ("几点停气？", GAS, "接燃气公司通知，6月20日22:00至次日6:00检修管道，届时停气。"),
        ("请问停气要停多久", GAS, "接燃气公司通知，6月20日22:00至次日6:00检修管道，届时停气。"),
        ("在哪里停气", GAS, None),  # it does not say
        ("市集在哪里", FAIR, "本周日上午在中心广场举办便民市集！"),
        ("什么时候？", FAIR, "本周日上午在中心广场举办便民市集！"),
        ("班车几点发车", FAIR, None),  # about something else
        ("几点集合", TWO, None),  # two times
        ("在哪里集合", TWO, None),  # two places
        ("哪天换路灯", VAGUE, None),
    ],
)
def test_only_what_is_stated_once_is_quoted(question: str, text: str, sentence: str | None) -> None:
    assert answer(question, text, AT) == sentence


def test_the_sentence_is_the_text_s_own_to_the_character() -> None:
    text = "【通知】\n（１）　周三　下午３：００　在居委会二楼领取体检表　　\n（2）逾期不候"
    assert answer("在哪里领", text, AT) == "（１）　周三　下午３：００　在居委会二楼领取体检表"
