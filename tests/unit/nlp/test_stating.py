"""What a notice states once is quoted, everything else is not answered."""

from __future__ import annotations

from datetime import datetime, timedelta
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
    assert answer(question, text, AT, AT) == sentence


@pytest.mark.parametrize(
    ("question", "text", "asked_at"),
    [
        ("什么时候来水", "各栋明天14点停水。", AT),  # the end is asked for, the beginning is stated
        ("到几点", "明早9点起在门口磨刀。", AT),
        ("几点开始", "请于本周五18点前把杂物清走。", AT),  # and the other way round
        ("几点来", "安检人员将于明天上门。", AT),  # the hour is not stated
        ("几号", "8点前把车挪走。", AT),  # nor the day
        ("多久", "早上8点半接种疫苗，下午休息。", AT),  # a part of the day is no length
        ("今天几点", "明天9点停水。", AT),  # another day
        ("几点", "昨天下午3点的停电已经恢复。", AT),  # over when it was said
        ("几点", "今天10点停水。", AT + timedelta(hours=3)),  # over when it was asked
        ("几点停气", "明天9点停水。", AT),
        ("5栋几点", "3栋明天9点停水。", AT),
        ("几点", "若下雨，活动改到周日9点。", AT),
        ("在哪里", "请勿在广场跳舞。", AT),
    ],
)
def test_what_does_not_answer_is_not_quoted(question: str, text: str, asked_at: datetime) -> None:
    assert answer(question, text, AT, asked_at) is None


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("什么时候来水", "明天9点到17点停水。"),
        ("几点结束", "最迟晚上8点前恢复供水。"),
        ("明天几点", "明天9点停水。"),
        ("5栋几点", "3栋、5栋明天9点停水。"),
        ("停电几点开始", "今天下午2点起停电。"),
    ],
)
def test_what_answers_is_quoted(question: str, text: str) -> None:
    assert answer(question, text, AT, AT) == text


def test_the_sentence_is_the_text_s_own_to_the_character() -> None:
    text = "【通知】\n（１）　周三　下午３：００　在居委会二楼领取体检表　　\n（2）逾期不候"
    assert answer("在哪里领", text, AT, AT) == "（１）　周三　下午３：００　在居委会二楼领取体检表"
