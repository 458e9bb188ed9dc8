"""When: the time expressions of a text, relative to the moment at which it was said.

Expects normal text (`normalize.normalise`). Looked for a library first: dateparser does not know 后天 nor 下午3点, the
Time-NLP ports answer with naive strings and guess what they cannot know, JioNLP brings a word segmenter with numpy. So
it is written here: one pass of a linear regex finds the parts of an expression, then they are put together.

How the language was read: 前 and 截止 include the day they name. A part of the day without a clock is its usual
hours. What cannot be told (好几天, 一直) has no start, it is not guessed. Lunar dates and holidays are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice

from nlp import dates
from nlp.dates import Prefer

_LONGEST = 2000  # who writes more says when at the beginning
_RECENTLY = timedelta(days=31)
_MOST = 40  # parts of expressions in one text


class Kind(StrEnum):
    MOMENT = "moment"  # 今晚8点: `start`
    SPAN = "span"  # 明早9点-12点, 周末: from `start` up to, without, `end`
    SINCE = "since"  # 停水三天了, 上周五起: `start`, and still going on
    UNTIL = "until"  # 截止周五18点, 月底前: `end`
    DURATION = "duration"  # 两个小时: `length`
    REPEATED = "repeated"  # 每天晚上: the nearest time of it


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """One expression. `start` and `end` are aware, in the zone of the message's time; None where nothing is said.
    `text` is how it was said, `at` where in the text it stands."""

    kind: Kind
    start: datetime | None
    end: datetime | None
    text: str
    at: tuple[int, int]
    length: timedelta | None = None


_NO_CLOCK = r"(?!建议|意见|要求|问题|原因|希望|想法|说明|注意|疑|共识|点|心|评|赞|儿|也|都不|没)"
_ATOM = re.compile(
    rf"(?P<date>{dates.NAMED})"
    r"|(?P<part>凌晨|大清早|清晨|清早|一大早|早上|早晨|上午|中午|正午|午间|下午|午后|傍晚|黄昏|晚上|晚间|深更半夜|大半夜|半夜|深夜|午夜"
    rf"|夜里|夜间|夜晚|白天|(?<=[昨今明前后每当])[早晚夜晨]上?|(?<=[周期拜][一二三四五六日天])[早晚夜]上?|[早晚](?=\d{{1,2}}[点时:]))"
    rf"|(?P<clock>(?:(?P<from_hour>(?<!\d)(?:\d{{1,2}}|[{dates.DIGITS}]{{1,3}}))(?:点|时)?{dates.TO})?(?<![\d.第])(?P<hour>{dates.NUMBER})(?:点|(?<=\d)时(?!间|候))"
    rf"(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>\d{{2}}(?!\s?[人名位户元块个])|[{dates.DIGITS}]{{2,3}}(?!个?人|名)|零?五)分?|钟|整)?{_NO_CLOCK}"
    r"|(?<![\d:.])(?P<hh>[01]?\d|2[0-4]):(?P<mm>[0-5]\d)(?::\d\d)?(?![\d:]))"
    rf"|(?P<length>(?P<amount>(?<![\d.{dates.DIGITS}])\d{{1,3}}(?:\.5)?|(?<![\d{dates.DIGITS}])[{dates.DIGITS}]{{1,3}}|百|半|好几|十几|几)\s?(?P<several>多)?(?P<of>个)?(?P<more>半|多|来)?"
    r"(?P<measure>分钟|刻钟|小时|钟头|天(?![花台然线气井])|晚上?|夜|(?:周|星期|礼拜)(?![一二三四五六日天末年边围])|(?<=[个半多来])月"
    r"|年(?![级代龄轻纪底初货会费卡]))(?P<rest>半|多)?)"
    r"|(?P<now>现在|刚才|刚刚|方才|此刻|目前)|(?P<always>一直|始终|长期|常年)"
)
_MAYBE = re.compile(r"[点时天日号月周年早晚夜晨午昏现刚一始长常星礼此目方今明昨后前:]|分钟|刻钟|钟头|20\d\d")
_GLUE = re.compile(r"[\s的,()]{0,2}")
_DASHES = str.maketrans("–—―−", "----")
_RANGE = re.compile(r"\s?(?:左右|多|开始|起)?\s?(?:一直|持续)?(?:到了?|至|直到|[~\-]{1,2})\s?")
_EVERY = re.compile(r"(?:每|天天|每天|每日|每到|每逢|每个|隔天)\s?$")
_FROM = re.compile(r"(?:从|自从?|打从)\s?$")
_DUE = re.compile(r"(?:截止(?:到|至|时间|日期)?[为是::]?|截至|最晚|最迟|不晚于|停[到在]|直到|持续到|延长到|为止到)\s?$")
_UP_TO = re.compile(r"(?<![改迟前移挪])(?:到|至)\s?$")  # 改到周日: then, and not until then
_SINCE_BEHIND = re.compile(r"\s?(?:左右)?(?:开始|起(?![床来])|以来|到现在|至今|到今天为?止?|就(?!行|好|可)|后就)")
_BEFORE = re.compile(r"\s?(?:之前|以前|前(?![面后门院排边])|为止|截止)")
_AGO = re.compile(r"\s?(?:之前|以前|前(?![面后门院排边台]))")
_LATER = re.compile(r"\s?(?:之后|以后|后(?![面门院排边台天]))")
_WITHIN = re.compile(r"\s?(?:之内|以内|内)")
_LASTING = re.compile(r"\s?(?:了|没|都没|都不|还没|不来|未|一直)")
_LASTED = re.compile(r"(?:已经?|都|快|连续|持续|超过|整整|接连|足足|将近|前后)\s?(?:有|快|停了?|等了?|超过)?\s?$")
_LASTS = re.compile(r"了(?:快|大概|差不多|将近|整整|足足)?\s?$")  # 黑了一个礼拜
# How long somebody has lived here or paid for is not how long it has been broken: 住了三年, 交了一年物业费.
_OF_LIFE = re.compile(
    r"(?:住|搬来|入住|交房|买|用|租|交|付|收|花|缴|充|开|工作|退休|保修|质保)(?:了|满|在?这(?:里|儿)?)?(?:快|都|已经|有)?\s?$"
)
_RECENT = re.compile(r"(?:最近|近|过去|这|前)\s?$")
_IDIOM = re.compile(r"(?:第|另|哪|那|某|每隔?|三天两头)$")

_UNIT = {
    "分钟": timedelta(minutes=1),
    "刻钟": timedelta(minutes=15),
    "小时": timedelta(hours=1),
    "钟头": timedelta(hours=1),
    "天": timedelta(days=1),
    "晚": timedelta(days=1),
    "晚上": timedelta(days=1),
    "夜": timedelta(days=1),
    "周": timedelta(weeks=1),
    "星期": timedelta(weeks=1),
    "礼拜": timedelta(weeks=1),
    "月": timedelta(days=30),
    "年": timedelta(days=365),
}
# The usual hours of a part of the day; an end over 24 is after midnight.
_HOURS = {
    "凌晨": (0, 6),
    "清晨": (5, 8),
    "早": (6, 9),
    "上午": (8, 12),
    "中午": (11, 13),
    "下午": (12, 18),
    "傍晚": (17, 19),
    "晚": (18, 24),
    "深夜": (22, 29),
    "白天": (8, 18),
}
_PART = {
    **dict.fromkeys(("大清早", "清晨", "清早"), "清晨"),
    **dict.fromkeys(("一大早", "早上", "早晨", "早", "晨"), "早"),
    **dict.fromkeys(("中午", "正午", "午间"), "中午"),
    **dict.fromkeys(("下午", "午后"), "下午"),
    **dict.fromkeys(("傍晚", "黄昏"), "傍晚"),
    **dict.fromkeys(("晚上", "晚间", "夜里", "夜间", "夜晚", "晚", "夜"), "晚"),
    **dict.fromkeys(("深更半夜", "大半夜", "半夜", "深夜", "午夜"), "深夜"),
    "凌晨": "凌晨",
    "上午": "上午",
    "白天": "白天",
}


def may_tell(text: str) -> bool:
    """Whether a text has a character that a time expression needs; quick to say no."""
    return _MAYBE.search(text) is not None


def find(text: str, at: datetime, *, prefer: Prefer = "past") -> tuple[TimeExpression, ...]:
    """The time expressions of a normal text, in order.

    `at` is the moment of the message; `prefer` says on which side of it an expression lies that could be on both (8点,
    周五, 30号): past for what somebody complains of, future for an appointment. Raises `ValueError` for a naive `at`.
    """
    if at.tzinfo is None:
        raise ValueError("timeexpr.find needs an aware datetime: give the message's time with its zone")
    text = text[:_LONGEST]
    if not may_tell(text):
        return ()
    found = _expressions(text.translate(_DASHES), at, prefer)
    return tuple(replace(expression, text=text[slice(*expression.at)]) for expression in found)


def since(text: str, at: datetime) -> datetime | None:
    """Since when a trouble lasts, by the words of its reporter. What is said to go on (三天了, 昨晚开始) tells it; else
    the earliest time of the last month that is named. None where the text says nothing of it."""
    lasting, named = [], []
    for found in find(text, at):
        if found.start is None or found.start > at:
            continue
        if found.kind is Kind.SINCE:
            lasting.append(found.start)
        elif found.kind in (Kind.MOMENT, Kind.SPAN) and at - found.start <= _RECENTLY:
            named.append(found.start)
    return min(lasting or named, default=None)


@dataclass(frozen=True, slots=True)
class _Point:
    """Neighbouring parts of one expression: a date, a part of the day, a clock."""

    start: int
    end: int
    date: re.Match[str] | None = None
    part: str = ""
    clock: re.Match[str] | None = None

    @property
    def carries_a_range(self) -> bool:
        return self.clock is not None and self.clock["from_hour"] is not None


@dataclass(frozen=True, slots=True)
class _Time:
    """A point put on the calendar: from `start` to, without, `end`; `sharp` where a clock was named."""

    start: datetime
    end: datetime
    sharp: bool
    day: date


def _expressions(text: str, at: datetime, prefer: Prefer) -> Iterator[TimeExpression]:
    parts = _points(text)
    index = done = 0
    while index < len(parts):
        part = parts[index]
        index += 1
        if isinstance(part, re.Match):
            found = _single(text, part, at)
        else:
            second = parts[index] if index < len(parts) else None
            if isinstance(second, _Point) and _RANGE.fullmatch(text[part.end : second.start]):
                index += 1
                found = _between(text, part, second, at, prefer)
            else:
                found = _alone(text, part, at, prefer)
        if found is not None and found.at[0] >= done:  # the 现在 of 到现在 is told already
            done = found.at[1]
            yield found


def _points(text: str) -> list[_Point | re.Match[str]]:
    """The parts of expressions in order, those put together that belong together."""
    result: list[_Point | re.Match[str]] = []
    for match in islice(_ATOM.finditer(text), _MOST):
        if match["length"] or match["now"] or match["always"]:
            result.append(match)
            continue
        last = result[-1] if result else None
        joins = isinstance(last, _Point) and _GLUE.fullmatch(text[last.end : match.start()]) is not None
        fresh = _Point(match.start(), match.end())
        if match["date"]:
            if joins and isinstance(last, _Point) and last.date is not None and text[match.start() - 1] == "(":
                result[-1] = replace(last, end=match.end())  # 6月14日(周六): said twice
            else:
                result.append(replace(fresh, date=match))
        elif match["part"]:
            part = _PART[match["part"]]
            if joins and isinstance(last, _Point) and not last.part and last.clock is None:
                result[-1] = replace(last, end=match.end(), part=part)
            else:
                result.append(replace(fresh, part=part))
        elif joins and isinstance(last, _Point) and last.clock is None:
            result[-1] = replace(last, end=match.end(), clock=match)
        elif _is_clock(text, match, last):
            result.append(replace(fresh, clock=match))
    return result


def _is_clock(text: str, match: re.Match[str], last: _Point | re.Match[str] | None) -> bool:
    """Whether a clock without a day is one: 一点 mostly is a little, 三点 may be three points."""
    if match["hour"] is None or match["from_hour"] or match["half"] or match["quarter"] or match["minute"]:
        return True
    if match[0].endswith(("钟", "整")) or match["hour"].isdigit() or text.startswith(("多", "左右", "过"), match.end()):
        return True
    in_range = isinstance(last, _Point) and _RANGE.fullmatch(text[last.end : match.start()]) is not None
    return in_range or (
        match["hour"] not in ("一", "两", "二") and not re.search(r"[有提共这几]$", text[: match.start()])
    )


def _single(text: str, match: re.Match[str], at: datetime) -> TimeExpression | None:
    """A length of time, 刚才, 一直."""
    where, words = match.span(), match[0]
    if match["always"]:
        return TimeExpression(Kind.SINCE, None, None, words, where)
    if match["now"]:
        return TimeExpression(Kind.MOMENT, at, None, words, where)
    before = text[max(0, match.start() - 8) : match.start()]
    if _IDIOM.search(before) or text.startswith(("两头", "到晚"), match.end()):
        return None
    length = _length(match)
    if match["amount"] == "半" and match["measure"] in ("天", "日", "晚", "晚上", "夜"):
        return None  # 等了半天: for long, as everybody says
    end, lasted = match.end(), _LASTED.search(before) is not None
    if behind := _AGO.match(text, end):
        start = at - length if length is not None else None
        return TimeExpression(
            Kind.MOMENT, start, None, text[match.start() : behind.end()], (match.start(), behind.end())
        )
    if behind := _WITHIN.match(text, end):
        due = at + length if length is not None else None
        return TimeExpression(Kind.UNTIL, None, due, text[match.start() : behind.end()], (match.start(), behind.end()))
    if not lasted and (behind := _LATER.match(text, end)):
        start = at + length if length is not None else None
        return TimeExpression(
            Kind.MOMENT, start, None, text[match.start() : behind.end()], (match.start(), behind.end())
        )
    if _OF_LIFE.search(before):
        return TimeExpression(Kind.DURATION, None, None, words, where, length) if length is not None else None
    if _RECENT.search(before):
        return TimeExpression(Kind.SPAN, at - length if length is not None else None, at, words, where, length)
    if lasted or _LASTS.search(before) or _LASTING.match(text, end):
        return TimeExpression(Kind.SINCE, at - length if length is not None else None, None, words, where, length)
    return TimeExpression(Kind.DURATION, None, None, words, where, length) if length is not None else None


def _length(match: re.Match[str]) -> timedelta | None:
    """How long; None where the number is not said (好几天). 两三天 is at least two."""
    written = match["amount"]
    if written in ("几", "好几", "十几", "百"):
        return None
    if written == "半":
        amount = 0.5
    elif written.replace(".", "").isdigit():
        amount = float(written)
    elif len(written) == 2 and all(c in dates.DIGIT for c in written):
        amount = float(dates.DIGIT[written[0]])
    else:
        amount = float(dates.number(written))
    if match["more"] == "半" or match["rest"] == "半":
        amount += 0.5
    return amount * _UNIT[match["measure"]]


def _alone(text: str, point: _Point, at: datetime, prefer: Prefer) -> TimeExpression | None:
    if point.date is not None and point.date["relative"] in ("第二天", "次日"):
        return None  # the day after what was told before
    where, words = (point.start, point.end), text[point.start : point.end]
    before = text[max(0, point.start - 8) : point.start]
    found = _resolve(point, at, prefer)
    if found is None:
        return None
    own_range = point.carries_a_range or _names_days(point)
    if (each := _EVERY.search(before)) or (point.date is not None and point.date["which_week"] == "每"):
        begin = point.start - len(each[0]) if each else point.start
        end = None if found.sharp else found.end
        return TimeExpression(Kind.REPEATED, found.start, end, text[begin : point.end], (begin, point.end))
    if own_range and found.start < found.end:
        return TimeExpression(Kind.SPAN, found.start, found.end, words, where)
    if _DUE.search(before):
        return TimeExpression(Kind.UNTIL, None, found.start if found.sharp else found.end, words, where)
    if behind := _SINCE_BEHIND.match(text, point.end):
        return _kind_behind(Kind.SINCE, found, text, point.start, behind.end())
    if _FROM.search(before):
        return TimeExpression(Kind.SINCE, found.start, None, words, where)
    if behind := _BEFORE.match(text, point.end):
        return _kind_behind(Kind.UNTIL, found, text, point.start, behind.end())
    if _UP_TO.search(before):
        return TimeExpression(Kind.UNTIL, None, found.start if found.sharp else found.end, words, where)
    if found.sharp:
        return TimeExpression(Kind.MOMENT, found.start, None, words, where)
    return TimeExpression(Kind.SPAN, found.start, found.end, words, where)


def _kind_behind(kind: Kind, found: _Time, text: str, start: int, end: int) -> TimeExpression:
    if kind is Kind.SINCE:
        return TimeExpression(kind, found.start, None, text[start:end], (start, end))
    return TimeExpression(kind, None, found.start if found.sharp else found.end, text[start:end], (start, end))


def _between(text: str, first: _Point, second: _Point, at: datetime, prefer: Prefer) -> TimeExpression | None:
    where, words = (first.start, second.end), text[first.start : second.end]
    start = _resolve(first, at, prefer)
    if start is None:
        return None
    end = _resolve(second, at, prefer, behind=start)
    if end is None:
        return None
    finish = end.start if end.sharp else end.end
    if finish <= start.start:
        return None
    before = text[max(0, first.start - 8) : first.start]
    each = _EVERY.search(before)
    if each or (first.date is not None and first.date["which_week"] == "每"):
        begin = first.start - len(each[0]) if each else first.start
        return TimeExpression(Kind.REPEATED, start.start, finish, text[begin : second.end], (begin, second.end))
    return TimeExpression(Kind.SPAN, start.start, finish, words, where)


def _names_days(point: _Point) -> bool:
    return point.date is not None and (point.date["from_day"] is not None or point.date["first_day"] is not None)


def _resolve(point: _Point, at: datetime, prefer: Prefer, behind: _Time | None = None) -> _Time | None:
    """Put a point on the calendar; `behind` is the beginning of the range that it ends."""
    if point.date is not None:
        days = dates.days(point.date, at.date(), prefer, behind.day if behind is not None else None)
        if days is None:
            return None
        return _on(point, days, at, behind)
    if behind is not None:
        return _on(point, (behind.day, behind.day + timedelta(days=1)), at, behind)
    # No day is named: the nearest on the preferred side.
    days_around = [at.date() + timedelta(days=n) for n in (-1, 0, 1)]
    found = [
        time
        for day in days_around
        for half in _halves_of_day(point, prefer)
        if (time := _on(point, (day, day + timedelta(days=1)), at, None, afternoon=half)) is not None
    ]
    found.sort(key=lambda time: time.start)
    if prefer == "past":
        return next((time for time in reversed(found) if time.start <= at), None)
    return next((time for time in found if (time.start if time.sharp else time.end) >= at), None)


def _halves_of_day(point: _Point, prefer: Prefer) -> tuple[bool, ...]:
    """Whether a clock is meant in the morning (False), in the afternoon (True) or may be both: 8点, not 18点, 8:00,
    晚上8点. Nobody is asked to come at 3点 in the night."""
    if point.clock is None or point.part or not _twelve_hours(point.clock):
        return (False,)
    return (True,) if prefer == "future" and dates.number(point.clock["hour"]) < 6 else (False, True)


def _twelve_hours(clock: re.Match[str]) -> bool:
    """Whether a clock may be one of twelve hours: 8点 is, 18点, 0点, 8:00 and 8时 are not."""
    return clock["hour"] is not None and "时" not in clock[0] and 0 < dates.number(clock["hour"]) < 12


def _on(
    point: _Point, days: tuple[date, date], at: datetime, behind: _Time | None, *, afternoon: bool | None = None
) -> _Time | None:
    day, after = days
    zone = at.tzinfo
    if point.clock is None:
        if not point.part:
            return _Time(datetime.combine(day, time(), zone), datetime.combine(after, time(), zone), False, day)
        first, last = _HOURS[point.part]
        midnight = datetime.combine(day, time(), zone)
        start, end = midnight + timedelta(hours=first), midnight + timedelta(hours=last)
        if behind is not None and end <= behind.start:
            start, end = start + timedelta(days=1), end + timedelta(days=1)
        return _Time(start, end, False, day)
    hour, minute = _clock(point.clock)
    if hour > 24 or minute > 59:
        return None
    hour = _in_part(hour, point, afternoon=afternoon, behind=behind)
    start = datetime.combine(day, time(), zone) + timedelta(hours=hour, minutes=minute)
    if behind is not None and point.date is None:
        while start <= behind.start:
            start += timedelta(days=1)
    if not point.carries_a_range:
        return _Time(start, start, True, day)
    early = dates.number(point.clock["from_hour"])
    if early > 24:
        return None
    early = _in_part(early, point, afternoon=afternoon, behind=None)
    midnight = datetime.combine(day, time(), zone)
    begin = midnight + timedelta(hours=early)
    named, _ = _clock(point.clock)
    late = next(hours for hours in (named, named + 12, named + 24, named + 36) if hours * 60 + minute > early * 60)
    start = midnight + timedelta(hours=late, minutes=minute)
    return _Time(begin, start, False, day)


def _in_part(hour: int, point: _Point, *, afternoon: bool | None, behind: _Time | None) -> int:
    """The hour of 24 (over 24: after midnight) that a number means in its part of the day."""
    part = point.part
    if hour > 12:
        return hour
    if part in ("下午", "傍晚"):
        return hour + 12 if hour < 12 else hour
    if part == "中午":
        return hour + 12 if hour < 4 else hour
    if part == "晚":
        return hour + 24 if hour < 5 else hour + 12
    if part == "深夜":
        return hour + 24 if hour < 6 and point.date is not None else (hour % 12 if hour < 6 else hour + 12)
    if part == "凌晨":
        return hour % 12
    if part or point.clock is None:
        return hour
    if behind is not None:
        late = behind.start.hour + behind.start.minute / 60
        return hour + 12 if hour < 12 and hour <= late < hour + 12 else hour
    if not _twelve_hours(point.clock):
        return hour
    if afternoon is not None:
        return hour + 12 if afternoon and hour < 12 else hour
    return hour + 12 if hour < 7 else hour  # 明天3点: in the afternoon


def _clock(match: re.Match[str]) -> tuple[int, int]:
    if match["hh"]:
        return int(match["hh"]), int(match["mm"])
    if match["half"]:
        minute = 30
    elif match["quarter"]:
        minute = 15 if match["quarter"] == "一" else 45
    else:
        minute = dates.number(match["minute"]) if match["minute"] else 0
    return dates.number(match["hour"]), minute
