"""Which days a date names: 6月12日, 30号, 大前天, 上周五, 周末, 月底, 去年. The calendar part of `timeexpr`."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Literal

Prefer = Literal["past", "future"]

DIGITS = "零〇一二两三四五六七八九十"
NUMBER = rf"(?:\d{{1,2}}|[{DIGITS}]{{1,3}})"
TO = r"\s?[到至~\-]\s?"
_NO_DAY = (
    r"(?![\d楼线门栋幢岗房院桌球车口路店充机通人位]|居民|住宅|公寓|单元|出口|入口|地铁|电梯|桥|坑|井|(?:晚?上)?线)"
)
# A pattern with groups of its own, to be part of a larger one; `days` reads its match.
NAMED = (
    rf"(?:(?P<year>\d{{4}}|今|明|去|前)年)?(?P<month>{NUMBER})月(?:(?P<from_day>{NUMBER})[日号]?{TO})?(?P<day>{NUMBER})(?:[日号]|(?={TO}|\s|$))"
    r"|(?<![\d.])(?P<dot_month>0?[1-9]|1[0-2])\.(?P<dot_day>[0-3]?\d)(?=\s?(?:[上下]午|[早晚中凌日号]|\d{1,2}[点:]))[日号]?"
    r"|(?P<iso>(?<!\d)(?P<y>20\d\d)[\-/.年](?P<m>\d{1,2})[\-/.月](?P<d>\d{1,2})日?(?!\d))"
    rf"|(?P<which_month>上上|上|这|本|下)个?月(?:(?P<its_day>{NUMBER})[日号]|(?P<its_part>[底初末中]))?"
    rf"|(?P<bare_month>(?<![\d个]){NUMBER})月(?P<month_part>[底初末中]|份|(?=[停就开起以到至,。\s]|$))"
    r"|(?<![\u4e00-\u9fff])(?P<this_part>月[底初末])|(?<=[到前于在])(?P<this_part2>月[底初末])"
    rf"|(?<![\d月第.*{DIGITS}])(?:(?P<first_day>{NUMBER})[号日]?{TO})?(?P<day_only>{NUMBER})[号日]{_NO_DAY}"
    r"|(?P<relative>大前天|前天|昨天|昨日|今天|今日|今儿|明天|明日|明儿|大后天|后天|第二天|次日|[昨今明前后](?=[早晚夜晨]))"
    r"|(?P<which_week>上上|上|这|本|下下|下|每)?个?(?<![一二两三四五六七八九十\d半几整])(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天末1-7])(?![个次天年岁遍圈])"
    r"|(?P<whole_week>上上|上|这|本|下下|下)个?(?:周|星期|礼拜)(?![一二三四五六日天末1-7])"
    r"|(?P<whole_year>[今去前明])年(?P<year_part>[底初])?|(?P<year_end>年[底初])"
)

DIGIT = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_RELATIVE = {"大前": -3, "前": -2, "昨": -1, "今": 0, "明": 1, "后": 2, "大后": 3}
_WEEKDAY = {character: number for number, character in enumerate("一二三四五六日")} | {"天": 6}
_WHICH = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}
_YEAR = {"前": -2, "去": -1, "今": 0, "明": 1}


def days(match: re.Match[str], today: date, prefer: Prefer, behind: date | None) -> tuple[date, date] | None:
    """From the first day to, without, the last; None for a date that there is not. `match` is one of `NAMED`, `behind`
    the first day of the range that it ends, `prefer` the side of today on which a day lies that could be on both."""
    one = timedelta(days=1)
    if match["iso"]:
        return _one(int(match["y"]), int(match["m"]), int(match["d"]))
    if match["month"] or match["dot_month"]:
        return _month_day(match, today, prefer, behind)
    if match["day_only"]:
        return _day_only(match, today, prefer, behind)
    if match["relative"]:
        if match["relative"] in ("第二天", "次日"):
            day = (behind if behind is not None else today) + one
        else:
            day = today + timedelta(days=_RELATIVE[match["relative"].rstrip("天日儿")])
        return day, day + one
    if match["weekday"]:
        return _weekday(match, today, prefer, behind)
    if match["whole_week"]:
        monday = today + timedelta(days=7 * _WHICH[match["whole_week"]] - today.weekday())
        return monday, monday + timedelta(days=7)
    if match["whole_year"] or match["year_end"]:
        year = today.year + (_YEAR[match["whole_year"]] if match["whole_year"] else 0)
        end = match["year_part"] or (match["year_end"] or "")[1:]
        return date(year, 12 if end == "底" else 1, 1), date(year + 1, 1, 1) if end != "初" else date(year, 2, 1)
    return _month(match, today, prefer)


def _month(match: re.Match[str], today: date, prefer: Prefer) -> tuple[date, date] | None:
    if match["bare_month"]:
        month = number(match["bare_month"])
        if not 1 <= month <= 12:
            return None
        year, part = today.year, match["month_part"]
        if prefer == "future" and month < today.month:
            year += 1
        elif prefer == "past" and month > today.month + 1:
            year -= 1
    else:
        which = match["which_month"]
        steps = _WHICH[which] if which else 0
        year, month = divmod(today.year * 12 + today.month - 1 + steps, 12)
        month += 1
        if match["its_day"]:
            return _one(year, month, number(match["its_day"]))
        part = match["its_part"] or (match["this_part"] or match["this_part2"] or "")[1:]
    last = date(year, month, monthrange(year, month)[1])
    first = {"初": 1, "中": 11, "底": last.day - 4, "末": last.day - 4}.get(part, 1)
    end = {"初": date(year, month, 11), "中": date(year, month, 21)}.get(part, last + timedelta(days=1))
    return date(year, month, first), end


def _one(year: int, month: int, day: int) -> tuple[date, date] | None:
    try:
        return date(year, month, day), date(year, month, day) + timedelta(days=1)
    except (ValueError, OverflowError):  # 6月31日, the end of the year 9999
        return None


def _month_day(match: re.Match[str], today: date, prefer: Prefer, behind: date | None) -> tuple[date, date] | None:
    month, day = number(match["month"] or match["dot_month"]), number(match["day"] or match["dot_day"])
    written = match["year"]
    if written:
        years = [int(written) if written.isdigit() else today.year + _YEAR[written]]
    elif behind is not None:
        years = [behind.year, behind.year + 1]
    else:
        years = [today.year - 1, today.year, today.year + 1]
    found = [days for year in years if (days := _one(year, month, day)) is not None]
    if behind is not None:
        chosen = next((days for days in found if days[1] > behind), None)
    elif written:
        chosen = found[0] if found else None
    elif prefer == "future":
        chosen = next((days for days in found if days[0] >= today - timedelta(days=30)), None)
    else:
        chosen = next((days for days in reversed(found) if days[0] <= today + timedelta(days=30)), None)
    if chosen is None or not match["from_day"]:
        return chosen
    first = _one(chosen[0].year, month, number(match["from_day"]))
    return (first[0], chosen[1]) if first is not None and first[0] < chosen[0] else None


def _day_only(match: re.Match[str], today: date, prefer: Prefer, behind: date | None) -> tuple[date, date] | None:
    day = number(match["day_only"])
    around = behind if behind is not None else today
    months = [divmod(around.year * 12 + around.month - 1 + n, 12) for n in (-1, 0, 1, 2)]
    found = [days for year, month in months if (days := _one(year, month + 1, day)) is not None]
    if behind is not None:
        chosen = next((days for days in found if days[0] >= behind), None)
    elif prefer == "future":
        chosen = next((days for days in found if days[0] >= today), None)
    else:
        chosen = min(found, key=lambda days: abs(days[0] - today), default=None)
    if chosen is None or not match["first_day"]:
        return chosen
    first = _one(chosen[0].year, chosen[0].month, number(match["first_day"]))
    return (first[0], chosen[1]) if first is not None and first[0] < chosen[0] else None


def _weekday(match: re.Match[str], today: date, prefer: Prefer, behind: date | None) -> tuple[date, date]:
    which, written = match["which_week"], match["weekday"]
    end_of_week = written == "末"
    number = 5 if end_of_week else int(written) - 1 if written.isdigit() else _WEEKDAY[written]
    length = timedelta(days=2 if end_of_week else 1)
    if which in _WHICH:
        day = today + timedelta(days=7 * _WHICH[which] + number - today.weekday())
    elif behind is not None:
        day = behind + timedelta(days=(number - behind.weekday()) % 7)
    elif prefer == "future":
        day = today + timedelta(days=(number - today.weekday()) % 7)
        if end_of_week and today.weekday() == 6:
            day = today - timedelta(days=1)
    else:
        day = today - timedelta(days=(today.weekday() - number) % 7)
    return day, day + length


def number(written: str) -> int:
    """`12`, `十二`, `二十`, `两`; digits side by side (三零) are read one by one."""
    if written.isdigit():
        return int(written)
    if "十" in written:
        tens, _, ones = written.partition("十")
        return (number(tens) if tens else 1) * 10 + (number(ones) if ones else 0)
    value = 0
    for character in written:
        value = value * 10 + DIGIT[character]
    return value
