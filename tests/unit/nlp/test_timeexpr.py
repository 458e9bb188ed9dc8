from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp import timeexpr
from nlp.normalize import normalise
from nlp.timeexpr import Kind

AT = datetime(2025, 6, 12, 15, 30, tzinfo=ZoneInfo("Asia/Shanghai"))  # a Thursday


def read(text: str, prefer: timeexpr.Prefer) -> list[tuple[str, str | None, str | None]]:
    def written(moment: datetime | None) -> str | None:
        return moment and moment.strftime("%m-%d %H:%M")

    return [
        (found.kind.value, written(found.start), written(found.end))
        for found in timeexpr.find(normalise(text), AT, prefer=prefer)
    ]


@pytest.mark.parametrize(
    ("text", "kind", "start", "end"),
    [
        ("停水三天了", "since", "06-09 15:30", None),
        ("垃圾两天没收", "since", "06-10 15:30", None),
        ("都两个多小时了", "since", "06-12 13:30", None),
        ("等了一个半小时了", "since", "06-12 14:00", None),
        ("快半个月了", "since", "05-28 15:30", None),
        ("黑了一个礼拜没人修", "since", "06-05 15:30", None),
        ("交了一年物业费", "duration", None, None),
        ("住这三年了", "duration", None, None),
        ("两三天了", "since", "06-10 15:30", None),
        ("上周五起没电", "since", "06-06 00:00", None),
        ("昨晚开始漏", "since", "06-11 18:00", None),
        ("从昨晚到现在", "since", "06-11 18:00", None),
        ("今早六点就在敲", "since", "06-12 06:00", None),
        ("五月份就坏了", "since", "05-01 00:00", None),
        ("一直没人管", "since", None, None),
        ("好几天了", "since", None, None),
        ("半小时前停的", "moment", "06-12 15:00", None),
        ("刚才听到响声", "moment", "06-12 15:30", None),
        ("昨天下午三点半", "moment", "06-11 15:30", None),
        ("凌晨三点", "moment", "06-12 03:00", None),
        ("昨晚十一点半", "moment", "06-11 23:30", None),
        ("8点停的", "moment", "06-12 08:00", None),
        ("4点停的", "moment", "06-12 04:00", None),
        ("18:30", "moment", "06-11 18:30", None),
        ("礼拜天下午三点多", "moment", "06-08 15:00", None),
        ("晚上11点到凌晨2点在施工", "span", "06-11 23:00", "06-12 02:00"),
        ("晚上8点-6点", "span", "06-11 20:00", "06-12 06:00"),
        ("从6月12号到15号", "span", "06-12 00:00", "06-16 00:00"),
        ("中午停的", "span", "06-12 11:00", "06-12 13:00"),
        ("傍晚", "span", "06-11 17:00", "06-11 19:00"),
        ("星期六晚上", "span", "06-07 18:00", "06-08 00:00"),
        ("大前天傍晚", "span", "06-09 17:00", "06-09 19:00"),
        ("这两天老停电", "span", "06-10 15:30", "06-12 15:30"),
        ("每天晚上都吵", "repeated", "06-11 18:00", "06-12 00:00"),
        ("每晚10点", "repeated", "06-11 22:00", None),
        ("停24小时", "duration", None, None),
    ],
)
def test_what_is_complained_of(text: str, kind: str, start: str | None, end: str | None) -> None:
    assert (kind, start, end) in read(text, "past")


@pytest.mark.parametrize(
    ("text", "kind", "start", "end"),
    [
        ("今晚8点", "moment", "06-12 20:00", None),
        ("明早9点-12点", "span", "06-13 09:00", "06-13 12:00"),
        ("后天下午3点半", "moment", "06-14 15:30", None),
        ("6月12日18:00", "moment", "06-12 18:00", None),
        ("2025年6月20日14:00", "moment", "06-20 14:00", None),
        ("6月14日（周六）上午9:30", "moment", "06-14 09:30", None),
        ("周五晚7点半", "moment", "06-13 19:30", None),
        ("明天3点", "moment", "06-13 15:00", None),
        ("两点一刻", "moment", "06-13 14:15", None),
        ("十二点半", "moment", "06-13 12:30", None),
        ("中午12点", "moment", "06-13 12:00", None),
        ("晚上12点", "moment", "06-13 00:00", None),
        ("20时30分", "moment", "06-12 20:30", None),
        ("三天后", "moment", "06-15 15:30", None),
        ("下个月5号", "span", "07-05 00:00", "07-06 00:00"),
        ("30号", "span", "06-30 00:00", "07-01 00:00"),
        ("5号", "span", "07-05 00:00", "07-06 00:00"),
        ("12月30日到1月2日", "span", "12-30 00:00", "01-03 00:00"),
        ("20-22号", "span", "06-20 00:00", "06-23 00:00"),
        ("周一至周五", "span", "06-16 00:00", "06-21 00:00"),
        ("本周六8:30—11:30", "span", "06-14 08:30", "06-14 11:30"),
        ("6.20上午9点", "moment", "06-20 09:00", None),
        ("今晚十点至明早六点", "span", "06-12 22:00", "06-13 06:00"),
        ("6月30号18时前", "until", None, "06-30 18:00"),
        ("这周末", "span", "06-14 00:00", "06-16 00:00"),
        ("下周二上午", "span", "06-17 08:00", "06-17 12:00"),
        ("9-12点", "span", "06-13 09:00", "06-13 12:00"),
        ("下午2:30-4:30", "span", "06-13 14:30", "06-13 16:30"),
        ("晚上8点到第二天6点", "span", "06-12 20:00", "06-13 06:00"),
        ("截止周五18点", "until", None, "06-13 18:00"),
        ("6月15日前", "until", None, "06-16 00:00"),
        ("月底前", "until", None, "07-01 00:00"),
        ("两小时内", "until", None, "06-12 17:30"),
        ("每周三下午", "repeated", "06-18 12:00", "06-18 18:00"),
    ],
)
def test_what_is_announced(text: str, kind: str, start: str | None, end: str | None) -> None:
    assert read(text, "future") == [(kind, start, end)]


@pytest.mark.parametrize(
    "text",
    [
        "有一点臭",
        "早点来",
        "三点建议",
        "三天两头坏",
        "等了半天",
        "第三天",
        "小时候",
        "12号楼",
        "3号门",
        "一天到晚",
        "周边环境",
        "6月31日",
        "13月5号",
        "99点",
        "3-2-1502",
        "2025年级",
        "9999年12月31日",
        "每平米2.30元",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert read(text, "past") == []


def test_the_words_are_told_with_their_place() -> None:
    text = "反映一下每天晚上10点都吵"
    (found,) = timeexpr.find(text, AT)
    assert (found.text, text[slice(*found.at)]) == ("每天晚上10点", "每天晚上10点")


def test_how_long() -> None:
    (found,) = timeexpr.find("停水两天半", AT)
    assert (found.kind, found.length) == (Kind.DURATION, timedelta(days=2.5))


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("昨天打了电话，停水三天了", AT - timedelta(days=3)),
        ("半小时前就停了", AT - timedelta(minutes=30)),
        ("昨天报修明天来修", AT.replace(day=11, hour=0, minute=0)),
        ("明天停水", None),
        ("每天晚上都吵", None),
        ("电梯坏了", None),
    ],
)
def test_since_when(text: str, start: datetime | None) -> None:
    assert timeexpr.since(normalise(text), AT) == start


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        timeexpr.find("今晚8点", AT.replace(tzinfo=None))


WORDS = [
    "今天",
    "昨",
    "下周",
    "周三",
    "晚上",
    "下午",
    "8点",
    "半",
    "30号",
    "2月",
    "到",
    "-",
    "3天",
    "了",
    "前",
    "12:30",
    "每",
    "从",
]


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(WORDS), max_size=9).map("".join)))
@pytest.mark.parametrize("prefer", ["past", "future"])
def test_anything_is_read(prefer: timeexpr.Prefer, text: str) -> None:
    for found in timeexpr.find(text, AT, prefer=prefer):
        assert found.text == text[slice(*found.at)]
        assert all(moment.tzinfo is not None for moment in (found.start, found.end) if moment is not None)
        if found.start is not None and found.end is not None:
            assert found.start < found.end


@pytest.mark.parametrize("text", ["一", "1-", "今天", "3天", "8点到", "周", "12月", " ", "每天晚上", "1:1"])
def test_hostile_input_is_read_in_time(spent, text: str) -> None:
    assert spent(lambda: timeexpr.find(text * 20_000, AT)) < 0.05
