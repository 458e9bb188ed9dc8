"""What people read: every state has a word, every line fits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import pytest

from handlers import texts
from storage.model import (
    CallbackOutcome,
    Level,
    Nature,
    Role,
    RoomKind,
    RoomState,
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
    assert texts.extent(since, households, AT.astimezone(UTC)) == told


@pytest.mark.parametrize(
    ("enum", "labels", "back"),
    [
        (Role, texts.ROLE, texts.ROLE_BY_LABEL),
        (TicketState, texts.STATE, texts.STATE_BY_LABEL),
        (Urgency, texts.URGENCY, texts.URGENCY_BY_LABEL),
        (Nature, texts.NATURE, texts.NATURE_BY_LABEL),
        (Level, texts.LEVEL, texts.LEVEL_BY_LABEL),
        (CallbackOutcome, texts.OUTCOME, texts.OUTCOME_BY_LABEL),
    ],
)
def test_every_value_has_a_word_of_its_own(
    enum: type[StrEnum], labels: Mapping[StrEnum, str], back: Mapping[str, StrEnum]
) -> None:
    assert set(labels) == set(enum)
    assert len(set(labels.values())) == len(labels)
    assert all(back[label] is value for value, label in labels.items())


def test_every_kind_and_state_of_a_room_has_a_word() -> None:
    assert set(texts.ROOM_KIND) == set(RoomKind)
    assert set(texts.ROOM_STATE) == set(RoomState)


def test_a_mention_ends_as_wechat_ends_it() -> None:
    assert texts.mention("李姐", "好的") == "@李姐\u2005好的"
    assert texts.mention("", "好的") == "好的"


def test_a_moment_as_people_say_it() -> None:
    assert texts.clock(datetime(2025, 6, 12, 10, 41, tzinfo=UTC), ZoneInfo("Asia/Shanghai")) == "6月12日18:41"


@pytest.mark.parametrize(
    "line",
    [
        *(texts.suggest(usage) for usage in texts.USAGE.values()),
        texts.ADD_ME_FOR_PRIVATE,
        texts.ONLY_IN_ROOM,
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
        texts.BIND_IN_PRIVATE,
        texts.BIND_WRONG,
        texts.BIND_TOO_OFTEN,
        texts.FORGOTTEN,
        texts.FORGOTTEN_ALREADY,
        texts.REMEMBERED,
        texts.REMEMBERED_ALREADY,
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
        assert named in texts.FORGOTTEN
