from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import similarity
from nlp.decision import Location
from nlp.similarity import Matter

AT = datetime(2025, 6, 12, 8, tzinfo=UTC)
LIFT, WATER, NOISE = "0101", "0102", "0401"


def said(
    building: str | None = None,
    unit: str | None = None,
    place: str | None = None,
    by: str = "text",
    others: tuple[str, ...] = (),
) -> Location:
    return Location(building, unit, None, None, place, by, others)


def matter(key: int, location: Location, category: str = LIFT, text: str = "", **more: object) -> Matter:
    known = Matter(key, "519999001001", category, category, location, AT, text)
    return replace(known, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("category", "here", "there", "merged", "reasons"),
    [
        (LIFT, said("3", "2"), said("3", "2"), True, ("same building", "same unit")),
        (LIFT, said("3", "2"), said("3"), True, ("same building",)),
        (LIFT, said("3"), said("3"), True, ("same building",)),
        (WATER, said("3", "1"), said("3", "2"), True, ("same building", "same outage")),
        (WATER, said("3", others=("4", "5")), said("5"), True, ("same building", "same outage")),
        (LIFT, said(), said("3"), False, ("one without a building",)),
        (LIFT, said(place="南门"), said(place="南门"), False, ("one without a building", "same place")),
    ],
)
def test_one_trouble(category: str, here: Location, there: Location, merged: bool, reasons: tuple[str, ...]) -> None:
    (found,) = similarity.candidates(matter(0, here, category), [matter(1, there, category)])
    assert (found.merge, found.reasons) == (merged, reasons)


@pytest.mark.parametrize(
    ("new", "known"),
    [
        (matter(0, said("3", "1")), matter(1, said("3", "2"))),  # a lift belongs to its unit
        (matter(0, said("3")), matter(1, said("5"))),
        (matter(0, said("3"), WATER), matter(1, said("5"), WATER)),
        (matter(0, said("3")), matter(1, said("3"), NOISE)),
        (matter(0, said("3")), matter(1, said("3"), community="519999001002")),
        (matter(0, said("3")), matter(1, said("3"), at=AT - timedelta(hours=73))),
        (matter(0, said("3"), "0901"), matter(1, said("3"), "0901")),
        (matter(0, said("3"), "9999"), matter(1, said("3"), "9999")),
        (matter(0, said("3", place="南门", by="nick")), matter(1, said("3", place="北门", by="nick"))),
    ],
)
def test_two_troubles(new: Matter, known: Matter) -> None:
    assert similarity.candidates(new, [known]) == []


def test_the_likest_comes_first_and_says_why() -> None:
    new = matter(0, said(), text="路灯不亮，一片漆黑")
    known = [
        matter(1, said("3"), text="电梯停了"),
        matter(2, said("5"), text="路灯不亮好几天"),
        matter(3, said("7"), text=""),
    ]
    found = similarity.candidates(new, known)
    assert [likeness.key for likeness in found] == [2, 1, 3]
    assert found[0].reasons == ("one without a building", f"overlap {found[0].overlap:.2f}")


def test_merging_goes_before_the_likest_words() -> None:
    new = matter(0, said("3", "2"), text="电梯又停了")
    found = similarity.candidates(new, [matter(1, said(), text="电梯又停了"), matter(2, said("3", "2"))])
    assert [(likeness.key, likeness.merge) for likeness in found] == [(2, True), (1, False)]


def test_alike_words_of_one_building_but_two_places_are_proposed() -> None:
    here, there = said("3", place="南门", by="nick"), said("3", place="北门", by="nick")
    found = similarity.candidates(matter(0, here, text="路灯不亮了"), [matter(1, there, text="路灯不亮了")])
    assert [likeness.merge for likeness in found] == [False]


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        (said("3", "1"), said("3", "2"), True),
        (said("3"), said("3", "2"), False),
        (said("3"), said("4"), True),
        (said("3", others=("4",)), said("4"), False),
        (said(place="南门"), said(place="北门"), True),
        (said(place="南门", by="nick"), said(place="北门"), False),
        (said("3", by="nick"), said("4"), False),
        (said(), said("4"), False),
    ],
)
def test_contradiction(here: Location, there: Location, expected: bool) -> None:
    assert similarity.contradicts(here, there) is expected
    assert similarity.contradicts(there, here) is expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_overlap_is_a_share(one: str, other: str) -> None:
    assert 0 <= similarity.overlap(one, other) == similarity.overlap(other, one) <= 1
    assert similarity.overlap(one, one) in (0.0, 1.0)
