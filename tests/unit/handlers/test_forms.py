"""The forms of the commands that take a ticket further: glued, in traditional characters, with what is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from handlers.commands import Command, Name, parse


@pytest.mark.parametrize(
    ("text", "name", "fields"),
    [
        ("退回 S12 不归我们管", Name.RETURN, {"number": 12, "text": "不归我们管"}),
        ("退回S12", Name.RETURN, {"number": 12}),
        ("延期 S12 2天 等配件", Name.EXTEND, {"number": 12, "span": timedelta(days=2), "text": "等配件"}),
        ("延期S12两天，等配件", Name.EXTEND, {"number": 12, "span": timedelta(days=2), "text": "等配件"}),
        ("延期 S12 3小时", Name.EXTEND, {"number": 12, "span": timedelta(hours=3)}),
        ("延期 S12 等配件", Name.EXTEND, {"number": 12, "text": "等配件"}),
        ("不受理 S12 超职责", Name.REFUSE, {"number": 12, "text": "超职责"}),
        ("不予受理 S12 重复", Name.REFUSE, {"number": 12, "text": "重复"}),
        ("督辦 S12", Name.SUPERVISE, {"number": 12}),
        ("督办 S12 三天内", Name.SUPERVISE, {"number": 12, "text": "三天内"}),
        ("吹哨S12要街道协调", Name.WHISTLE, {"number": 12, "text": "要街道协调"}),
        ("合并 S12 S15", Name.MERGE, {"number": 12, "other": 15}),
        ("合併S12、S15", Name.MERGE, {"number": 12, "other": 15}),
        ("合并 S12", Name.MERGE, {"number": 12}),
        ("撤並 S15", Name.UNMERGE, {"number": 15}),
        ("改類 S12 供水", Name.RECATEGORIZE, {"number": 12, "text": "供水"}),
        ("改址 Ｓ12 3栋2单元", Name.RELOCATE, {"number": 12, "text": "3栋2单元"}),
        (
            "交办 @青禾社区 排查 楼道飞线充电 3天",
            Name.TASK,
            {"code": "青禾社区", "remark": "排查", "text": "楼道飞线充电", "span": timedelta(days=3)},
        ),
        (
            "交办 @519999001001\u2005走访 3天没出门的老人",
            Name.TASK,
            {"code": "519999001001", "remark": "走访", "text": "3天没出门的老人"},
        ),
        ("完成 J3 清理2处", Name.COMPLETE, {"item": 3, "letter": "J", "text": "清理2处"}),
        ("完成J3", Name.COMPLETE, {"item": 3, "letter": "J"}),
        ("查询 J3", Name.QUERY, {"item": 3, "letter": "J"}),
        ("问答 增 几点停水 => 每周二9点", Name.FAQ, {"text": "几点停水", "remark": "每周二9点"}),
        ("問答 增 几点停水 → 每周二9点", Name.FAQ, {"text": "几点停水", "remark": "每周二9点"}),
        ("问答 删 3", Name.FAQ, {"item": 3}),
        ("问答 刪3", Name.FAQ, {"item": 3}),
        ("呼叫 S12", Name.CALL, {"number": 12}),
        ("网格呼叫S12", Name.CALL, {"number": 12}),
        ("应答S12，马上到", Name.RESPOND, {"number": 12}),
        ("清单 S12 项目", Name.LISTS, {"number": 12, "code": "项目"}),
        ("清单 S12 移出", Name.LISTS, {"number": 12, "code": "移出"}),
        ("清单 需求清单", Name.LISTS, {"code": "需求"}),
    ],
)
def test_as_people_type_them(text: str, name: Name, fields: dict[str, Any]) -> None:
    assert parse(text, addressed=False) == Command(name, **fields)


@pytest.mark.parametrize(
    ("text", "name", "fields"),
    [
        ("调解 楼上漏水谈不拢", Name.MEDIATE, {"text": "楼上漏水谈不拢"}),
        ("清单", Name.LISTS, {}),
        ("清单 资源 会议室周末可用", Name.LISTS, {"code": "资源", "text": "会议室周末可用"}),
        ("退回 不归我们管", Name.RETURN, {"text": "不归我们管"}),
    ],
)
def test_some_only_where_the_bot_is_meant(text: str, name: Name, fields: dict[str, Any]) -> None:
    assert parse(text, addressed=False) is None
    assert parse(text, addressed=True) == Command(name, explicit=True, **fields)


@pytest.mark.parametrize(
    "text",
    [
        "退回押金要好久",
        "延期两天交物业费可以不",
        "不受理就打12345",
        "督办一下嘛",
        "吹哨人都睡着了",
        "合并两个群算了",
        "改类似的地方也看看",
        "改址通知发了没",
        "交办的事情做完没得",
        "完成了吗",
        "完成 3栋的登记",
        "问答环节好有意思",
        "呼叫转移打不通",
        "应答不了",
        "调解了半天没用",
        "清单发群里了",
        "清单 项目 都发群里了",
        "网格呼叫是啥子意思",
    ],
)
def test_chat_that_begins_like_one_stays_chat(text: str) -> None:
    assert parse(text, addressed=False) is None
