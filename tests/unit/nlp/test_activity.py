"""Announcements as leaders write, dictate and paste them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import timeexpr
from nlp.activity import read

NOW = datetime(2025, 6, 12, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))  # a Thursday


def short(at: datetime | None) -> str:
    return f"{at:%m-%d %H:%M}" if at is not None else ""


@pytest.mark.parametrize(
    ("text", "title", "place", "starts", "capacity"),
    [
        ("助老理发 6月15日9:00 社区活动室 限10人", "助老理发", "社区活动室", "06-15 09:00", 10),
        ("亲子读书会 6月20日19:00 架空层 限8人", "亲子读书会", "架空层", "06-20 19:00", 8),
        ("限20人 周六上午9点 在党群服务中心 包粽子", "包粽子", "党群服务中心", "06-14 09:00", 20),
        ("社区活动室 6月15日9:00 20个名额 剪纸课", "剪纸课", "社区活动室", "06-15 09:00", 20),
        ("这周六上午九点在社区活动室搞个义诊限三十个人", "义诊", "社区活动室", "06-14 09:00", 30),
        ("包粽子，明天下午两点半，3栋架空层，最多15个人", "包粽子", "3栋架空层", "06-13 14:30", 15),
        ("广场舞教学 每周三晚上7点 中心广场 不限人数", "广场舞教学", "中心广场", "06-18 19:00", None),
        ("社区运动会 6月28日8:30开始 小学操场 限100名", "社区运动会", "小学操场", "06-28 08:30", 100),
        ("3人篮球赛 周日15:00 球场 12人", "3人篮球赛", "球场", "06-15 15:00", 12),
        ("党群服务中心 开放日 6月22日上午10点", "开放日", "党群服务中心", "06-22 10:00", None),
        ("限二十人，礼拜天早上八点半，坝坝头，坝坝会喝茶", "坝坝会喝茶", "坝坝头", "06-15 08:30", 20),
        ("讲座 9:00 6月15日 会议室", "讲座", "会议室", "06-15 09:00", None),
        ("下周日9:00-11:30 清理楼道 3栋楼下集合 招募10名志愿者", "清理楼道", "3栋楼下", "06-22 09:00", 10),
        ("包粽子 ６月１５日９：００ 活动室 限２０人", "包粽子", "活动室", "06-15 09:00", 20),
    ],
)
def test_in_whatever_order(text: str, title: str, place: str, starts: str, capacity: int | None) -> None:
    said = read(text, NOW)
    assert (said.title, said.place, short(said.starts), said.capacity) == (title, place, starts, capacity)
    assert said.sharp


@pytest.mark.parametrize(
    ("text", "starts", "ends"),
    [
        ("15号晚七点半到九点", "06-15 19:30", "06-15 21:00"),
        ("6月15号上午 9 点", "06-15 09:00", ""),
        ("6/15 9:00", "06-15 09:00", ""),
        ("20日9点", "06-20 09:00", ""),
        ("六月十五上午九点", "06-15 09:00", ""),
        ("2025年6月15日上午九时", "06-15 09:00", ""),
        ("周六9.30", "06-14 09:30", ""),
        ("6月14日（周六）9点", "06-14 09:00", ""),
        ("周六晚上12点", "06-15 00:00", ""),
    ],
)
def test_how_a_time_is_spelt(text: str, starts: str, ends: str) -> None:
    said = read(f"观影 {text} 架空层 限20人", NOW)
    assert (short(said.starts), short(said.ends), said.sharp, said.doubt) == (starts, ends, True, "")
    assert (said.title, said.place, said.capacity, said.note) == ("观影", "架空层", 20, "")


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("腊月初八 9点", "腊月初八"),
        ("农历五月初十 9点", "农历五月初十"),
        ("端午节上午9点", "端午节"),
        ("0615 9点", "0615"),
        ("十天后9点", "十天后"),
        ("下周晚7:30", "下周晚7:30"),
        ("月底", "月底"),
        ("6月15日（周六）9点", "6月15日(周六)9点"),  # it is a Sunday
        ("星期六、星期天上午9点", "星期六、星期天上午9点"),
        ("6月20日和6月21日 9点", "6月20日和6月21日 9点"),
    ],
)
def test_a_day_that_is_not_plain_is_no_day(text: str, doubt: str) -> None:
    said = read(f"观影 {text} 架空层", NOW)
    assert (said.doubt, said.starts, said.sharp) == (doubt, None, False)
    assert (said.title, said.place) == ("观影", "架空层")


def test_a_festival_in_the_title_is_no_doubt() -> None:
    said = read("端午包粽子 6月14日9:30 党群服务中心", NOW)
    assert (said.title, short(said.starts), said.doubt) == ("端午包粽子", "06-14 09:30", "")


def test_what_comes_again_is_said_with_the_note() -> None:
    assert read("太极 每周三晚上7点 广场 自带扇子", NOW).note == "每周三晚上7点 自带扇子"


@pytest.mark.parametrize(
    ("text", "deadline"),
    [
        ("义诊 周日9:00 活动室 截止周六18点", "06-14 18:00"),
        ("义诊 周日9:00 活动室 报名截止：6月14日", "06-14 23:59"),
        ("义诊 周日9:00 活动室 6月14日18:00截止", "06-14 18:00"),
        ("义诊 周日9:00 活动室 周五前报名", "06-13 23:59"),
        ("义诊 周日9:00 活动室 提前一天截止", "06-14 23:59"),
        ("义诊 周日9:00 活动室 提前2小时截止", "06-15 07:00"),
        ("义诊 周日9:00 活动室 报名到14号为止", "06-14 23:59"),
        ("义诊 周日9:00 活动室", ""),
    ],
)
def test_until_when(text: str, deadline: str) -> None:
    said = read(text, NOW)
    assert (short(said.deadline), short(said.starts), said.title) == (deadline, "06-15 09:00", "义诊")


@pytest.mark.parametrize(
    "text",
    [
        "疫苗接种 6月20日 8:00-9:00 30人 / 9:00-10:00 20人 卫生服务站",
        "疫苗接种 6月20日 8点到9点30人，9点到10点20人，卫生服务站",
        "疫苗接种 6月20日上午 第1场 8:00-9:00 限30人 第2场 9:00-10:00 限20人 卫生服务站",
        "6月20日 卫生服务站 疫苗接种\n8:00-9:00 30人\n9:00-10:00 20人",
    ],
)
def test_windows_each_with_its_quota(text: str) -> None:
    said = read(text, NOW)
    assert (said.title, said.place, said.capacity) == ("疫苗接种", "卫生服务站", None)
    windows = [(short(window.starts), short(window.ends), window.capacity) for window in said.windows]
    assert windows == [("06-20 08:00", "06-20 09:00", 30), ("06-20 09:00", "06-20 10:00", 20)]


def test_one_quota_for_each_window() -> None:
    said = read("流感疫苗 6月20日 8:00-9:00、9:00-10:00、10:00-11:00 每场30人 卫生站", NOW)
    assert [window.capacity for window in said.windows] == [30, 30, 30]


def test_windows_on_several_days() -> None:
    said = read("体检 6月20日8:00 30人 / 6月21日8:00 20人 卫生站", NOW)
    assert [(short(each.starts), each.capacity) for each in said.windows] == [("06-20 08:00", 30), ("06-21 08:00", 20)]


@pytest.mark.parametrize(
    ("text", "phone", "card"),
    [
        ("需登记电话", True, False),
        ("需登记身份证/电话", True, True),
        ("请携带身份证原件", False, True),
        ("要带身份证和电话", True, True),
        ("电话咨询物业", False, False),
    ],
)
def test_what_is_to_be_given_or_brought(text: str, phone: bool, card: bool) -> None:
    said = read(f"疫苗接种 6月20日8:00 卫生站 {text}", NOW)
    assert (said.asks_phone, said.brings_card) == (phone, card)


def test_labels_lines_and_what_is_left() -> None:
    text = "活动名称：消防演练\n时间：6月18日（周三）下午3点-5点\n地点：中庭\n名额：50人\n自带水杯\n欢迎大家报名"
    said = read(text, NOW)
    assert (said.title, said.place, short(said.starts), short(said.ends)) == (
        "消防演练",
        "中庭",
        "06-18 15:00",
        "06-18 17:00",
    )
    assert (said.capacity, said.note) == (50, "自带水杯")


def test_what_is_not_said_is_not_guessed() -> None:
    assert read("包粽子", NOW).starts is None
    day = read("义诊 周六 社区门口", NOW)
    assert (short(day.starts), day.sharp) == ("06-14 00:00", False)
    assert read("羽毛球 时间待定 体育馆 20人", NOW).undated
    assert read("包粽子 6月15日9:00 活动室 限0人", NOW).capacity == 0
    assert read("", NOW) == read("  \n", NOW)


def test_a_number_of_people_behind_an_hour_is_no_minute() -> None:
    found = timeexpr.find("明天8点到9点30人", NOW, prefer="future")
    assert [(short(each.start), short(each.end)) for each in found] == [("06-13 08:00", "06-13 09:00")]
    (minute,) = timeexpr.find("明天9点30到", NOW, prefer="future")
    assert short(minute.start) == "06-13 09:30"


@given(st.text(alphabet="包粽子周六9点:-/ ，限20人月日号第场截止前在室\n每地点时间：", max_size=60))
def test_anything_is_read_without_harm(text: str) -> None:
    said = read(text, NOW)
    assert len(said.title) <= 30
    assert all(window.starts.tzinfo is not None for window in said.windows)
