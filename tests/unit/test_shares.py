"""Shares are fair, and what follows from them comes to rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.shares import PATIENCE, Choice, View, choose, shares
from storage.leases import DUTY, lease_of
from tests.leasing import START, accounts, process


def test_everything_is_shared_alike_and_lists_are_heeded() -> None:
    both = [process("a"), process("b", wants=["wx0", "wx1", "elsewhere"])]
    assert shares(accounts(10), both) == {"a": Fraction(9), "b": Fraction(1)}
    assert shares(accounts(5), [process("a"), process("b")]) == {"a": Fraction(5, 2), "b": Fraction(5, 2)}
    assert shares(accounts(2), [process("a", wants=["wx0"]), process("b", wants=())]) == {"a": 1, "b": 0}


@given(
    st.integers(0, 40),
    st.lists(st.none() | st.sets(st.integers(0, 45).map("wx{}".format)), min_size=1, max_size=6),
)
def test_shares_add_up_to_what_anybody_wants(count: int, wants: list[set[str] | None]) -> None:
    names = accounts(count)
    fleet = [process(f"p{at}", wants=None if want is None else sorted(want)) for at, want in enumerate(wants)]
    wanted = {name for name in names if any(want is None or name in want for want in wants)}
    assert sum(shares(names, fleet).values()) == len(wanted)


ME, OTHER = process("me"), process("other")


def _choose(view: View, held: list[str], count: int = 4, **options: object) -> Choice:
    given = {"closing": 0, "benched": [], "back": START - timedelta(hours=1)} | options
    return choose(view, ME, accounts(count), held=held, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(("age", "taken"), [(timedelta(), 2), (PATIENCE, 4)])
def test_what_is_beyond_the_share_waits_for_others(age: timedelta, taken: int) -> None:
    free = dict.fromkeys(map(lease_of, accounts(4)), START - age)
    view = View(START, [ME, OTHER], free, {})
    assert len(_choose(view, []).claim) == taken
    assert len(_choose(view, [], back=START).claim) == 2  # nothing waited while nobody could be asked


def test_own_leases_come_first_and_what_is_benched_never() -> None:
    free = {lease_of("wx0"): START, DUTY: START}
    view = View(START, [ME, OTHER], free, {}, own={lease_of("wx3")})
    assert _choose(view, []).claim == [lease_of("wx3"), lease_of("wx0"), DUTY]
    assert _choose(view, [], benched=[lease_of("wx3"), DUTY]).claim == [lease_of("wx0")]


def test_what_is_too_much_goes_back_piece_by_piece_to_who_lacks_it() -> None:
    held = [DUTY, *map(lease_of, accounts(4))]
    view = View(START, [ME, OTHER], {}, {"me": 4})
    assert len(_choose(view, held).give) == 1
    assert DUTY not in _choose(view, held).give
    assert not _choose(view, held, closing=2).give  # enough is on its way
    uneven = View(START, [ME, OTHER], {}, {"me": 3, "other": 2})
    assert not _choose(uneven, held[:4], count=5).give
    many = list(map(lease_of, accounts(100)))
    assert len(_choose(View(START, [ME, OTHER], {}, {"me": 100}), many, count=100).give) == 5
    listed = process("other", wants=["wx1"])
    only = View(START, [process("me", wants=accounts(3)), listed], {}, {"me": 4})
    assert set(_choose(only, held).give) <= {lease_of("wx1")}


def test_nobody_is_sent_away_who_has_no_right_to_stay_and_nothing_goes_to_the_dead() -> None:
    third = process("third")
    held = list(map(lease_of, accounts(2)))
    uneven = View(START, [ME, OTHER, third], {}, {"me": 2, "other": 2})  # of 4: the third has a right to one
    assert len(_choose(uneven, held).give) == 1
    free = replace(uneven, free={lease_of("wx3"): START}, counts={"me": 1, "other": 2})
    assert not _choose(free, held[:1]).claim  # which is now on its way there
    fair = replace(uneven, counts={"me": 2, "other": 1, "third": 1})
    assert not _choose(fair, held).give
    silent = replace(third, seen_at=START - timedelta(seconds=11))
    assert not _choose(replace(uneven, processes=[ME, OTHER, silent]), held).give
