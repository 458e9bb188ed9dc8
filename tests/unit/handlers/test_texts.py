"""What people read: every state has a word, every line fits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import pytest

from handlers import texts as common
from handlers.texts import appeals as appeal_texts
from handlers.texts import people as people_texts
from handlers.texts import rooms as texts
from handlers.texts.commands import USAGE, suggest
from storage.model import (
    CallbackOutcome,
    Level,
    Nature,
    Role,
    TicketState,
    Urgency,
)

IN_PUBLIC = 60
AT = datetime(2025, 6, 12, 15, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("since", "households", "told"),
    [
        (AT.replace(day=9), None, "（6月9日起）"),
        (AT.replace(hour=8), None, "（08:30起）"),
        (AT.replace(hour=0, minute=0), None, "（6月12日起）"),
        (AT.replace(day=9), 12, "（6月9日起，至少12户）"),
        (None, 3, "（至少3户）"),
        (None, None, ""),
    ],
)
def test_since_when_and_how_many(since: datetime | None, households: int | None, told: str) -> None:
    assert appeal_texts.extent(since, households, AT.astimezone(UTC)) == told


@pytest.mark.parametrize(
    ("enum", "labels"),
    [
        (Role, common.ROLE),
        (TicketState, common.STATE),
        (Urgency, common.URGENCY),
        (Nature, common.NATURE),
        (Level, common.LEVEL),
        (CallbackOutcome, common.OUTCOME),
    ],
)
def test_every_value_has_a_word_of_its_own(enum: type[StrEnum], labels: Mapping[StrEnum, str]) -> None:
    assert set(labels) == set(enum)
    assert len(set(labels.values())) == len(labels)


@pytest.mark.parametrize(
    ("labels", "back"), [(common.ROLE, common.ROLE_BY_LABEL), (common.STATE, common.STATE_BY_LABEL)]
)
def test_a_word_that_is_typed_means_the_same(labels: Mapping[StrEnum, str], back: Mapping[str, StrEnum]) -> None:
    assert all(back[label] is value for value, label in labels.items())


def test_a_mention_ends_as_wechat_ends_it() -> None:
    assert common.mention("李姐", "好的") == "@李姐\u2005好的"
    assert common.mention("", "好的") == "好的"


def test_a_moment_as_people_say_it() -> None:
    assert common.clock(datetime(2025, 6, 12, 10, 41, tzinfo=UTC), ZoneInfo("Asia/Shanghai")) == "6月12日18:41"


@pytest.mark.parametrize(
    "line",
    [
        *(suggest(usage) for usage in USAGE.values()),
        common.ADD_ME_FOR_PRIVATE,
        common.ONLY_IN_ROOM,
        texts.enabled("青禾社区第3网格12微网格"),
        texts.enabled_already("青禾社区第3网格12微网格"),
        texts.ENABLE_WITH_CODE,
        texts.no_such_grid("519999001001003012"),
        texts.DISABLED,
        texts.hushed(24),
        texts.hushed(0.5),
        texts.NO_HUSH_HERE,
        texts.RESUMED,
        texts.NOT_HUSHED,
        people_texts.BIND_IN_PRIVATE,
        people_texts.BIND_WRONG,
        people_texts.BIND_TOO_OFTEN,
        people_texts.FORGOTTEN,
        people_texts.FORGOTTEN_ALREADY,
        people_texts.REMEMBERED,
        people_texts.REMEMBERED_ALREADY,
    ],
)
def test_what_is_said_in_public_is_short_and_without_emoji(line: str) -> None:
    assert 0 < len(line) <= IN_PUBLIC
    assert all(ord(char) < 0x1F000 for char in line)
    assert "{" not in line


def test_how_long_the_silence_lasts() -> None:
    assert "24小时" in texts.hushed(24)
    assert "1.5小时" in texts.hushed(1.5)
    assert "30分钟" in texts.hushed(0.5)


def test_opting_out_names_what_stops_and_whom_to_call() -> None:
    for named in ("险情", "119", "110", "120", "上报", "恢复记录"):
        assert named in people_texts.FORGOTTEN
