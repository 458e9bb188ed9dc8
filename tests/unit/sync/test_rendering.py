"""What leaves for the platforms above: the schema's fields, and nobody's name, number or confidence."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import ValidationError

from bot.sync import mapping, rendering
from bot.sync.courier import rendered
from bot.sync.filters import kept_back
from bot.sync.rendering import Reason
from storage import dossiers, tickets
from storage.model import (
    CallbackOutcome,
    Level,
    Listing,
    Nature,
    Place,
    Role,
    TicketState,
    Urgency,
)
from tests.unit.sync.house import (
    LABELS,
    NICK,
    NOON,
    OWNER,
    PATHS,
    PATHS_WITH_REPORTER,
    PHONE,
    WORDS,
    House,
    every_path,
    upstream,
    validator,
)


async def item_of(house: House, number: int, **keys: Any) -> dict[str, Any]:
    above = upstream(**keys)
    found = await house.store.read(lambda tx: dossiers.read(tx, [number], with_reporter=above.reporter))
    item = rendered(above, found[number], LABELS)
    validator().validate(item)
    return item


async def full(house: House, **values: Any) -> int:
    """A ticket of which everything is known."""
    ticket = await house.file(category="0501", **values)
    await house.change(
        ticket.number,
        state=TicketState.CLOSED,
        owner_role=Role.PROPERTY,
        owner_id=house.worker,
        acknowledged_at=NOON + timedelta(minutes=1),
        assigned_at=NOON + timedelta(minutes=2),
        accepted_at=NOON + timedelta(minutes=3),
        handled_at=NOON + timedelta(hours=1),
        closed_at=NOON + timedelta(hours=2),
        result=f"换了主板，联系电话{PHONE}",
        public_answer="已修好",
        unsolved_reason="无",
        listed=Listing.DEMAND,
        founded=True,
        out_of_remit=False,
        contacted=True,
        solved=True,
        outcome=CallbackOutcome.SOLVED,
        rating=5,
        remark=f"谢谢，我是{NICK}",
    )
    return ticket.number


async def test_every_field_of_the_schema_is_rendered(house: House) -> None:
    item = await item_of(house, await full(house))
    assert every_path(item) == PATHS
    schema = validator().schema["$defs"]["ticket"]["properties"]
    assert item.keys() == schema.keys() - {"reporter"}
    assert (item["id"], item["version"], item["state"], item["status"]) == ("S1", 2, "closed", "closed")
    assert item["times"]["reported"] == "2026-11-21T12:00:00+08:00"
    assert item["category"]["code"] == item["category"]["mapped"] == "0501"
    assert item["grid"]["name"] == "12微网格"
    assert item["text"] == WORDS
    assert item["callback"] == {"outcome": "solved", "rating": 5}


async def test_it_names_nobody(house: House) -> None:
    said = json.dumps(await item_of(house, await full(house)), ensure_ascii=False)
    for word in (NICK, "李示例", PHONE, "wxid_li", OWNER, "谢谢"):
        assert word not in said


async def test_what_is_confidential_has_no_words_and_no_home(house: House) -> None:
    for values in ({"confidential": True}, {"nature": Nature.REPORT}):
        item = await item_of(house, await full(house, **values), reporter=True)
        assert item["confidential"] is True
        assert (item["text"], item["result"]["text"], item["result"]["public_answer"]) == (None, None, None)
        assert (item["place"]["floor"], item["place"]["room"], item["place"]["building"]) == (None, None, "3")
        assert item["reporter"] is None
    own = Place("3", "2", "15", "1502", None, "nick")
    item = await item_of(house, (await house.file(confidential=True, place=own)).number)
    assert set(item["place"].values()) == {None}


async def test_the_reporter_goes_along_where_the_upstream_says_so(house: House) -> None:
    item = await item_of(house, await full(house), reporter=True)
    assert every_path(item) == PATHS_WITH_REPORTER
    assert item["reporter"] == {"name": "李示例", "phone": PHONE}


async def test_the_hash_is_of_everything_else_in_one_spelling(house: House) -> None:
    item = await item_of(house, await full(house))
    bare = {key: value for key, value in item.items() if key != "hash"}
    spelt = json.dumps(bare, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert item["hash"] == hashlib.sha256(spelt).hexdigest()
    assert rendering.digest(dict(reversed(item.items()))) == item["hash"]


@given(st.dictionaries(st.text(max_size=3), st.none() | st.booleans() | st.integers() | st.text(max_size=5)))
def test_a_changed_field_changes_the_hash(fields: dict[str, Any]) -> None:
    item = rendering.tombstone(1, 2, Reason.WITHDRAWN)
    same = not (fields.keys() - {"hash"}) or {**item, **fields} == item
    assert (rendering.digest({**item, **fields}) == rendering.digest(item)) == same


async def test_what_stays_in_the_grid_and_what_is_gone(house: House) -> None:
    async def reason(number: int, **keys: Any) -> Reason | None:
        found = await house.store.read(lambda tx: dossiers.read(tx, [number]))
        return kept_back(upstream(**keys), found[number])

    number = (await house.file()).number
    assert await reason(number) is None
    await house.change(number, state=TicketState.CLOSED, result="答复即办", closed_at=NOON)
    assert await reason(number) is Reason.ANSWERED
    await house.change(number, state=TicketState.CLOSED, result="已修好")
    assert await reason(number) is None
    await house.change(number, state=TicketState.WITHDRAWN, result=None)
    assert await reason(number) is Reason.WITHDRAWN
    other = (await house.file()).number
    await house.change(other, state=TicketState.MERGED, merged_into=number)
    assert await reason(other) is Reason.MERGED


async def test_erased_is_what_nobody_reported_any_more(house: House) -> None:
    from storage import erasure

    number = (await house.file()).number
    urgent = (await house.file(urgency=Urgency.EMERGENCY)).number
    for each in (number, urgent):
        await house.store.write(lambda tx, each=each: tickets.erase_text(tx, each))
        await house.store.write(lambda tx, each=each: erasure.from_ticket(tx, each, house.resident))
    found = await house.store.read(lambda tx: dossiers.read(tx, [number, urgent]))
    assert kept_back(upstream(), found[number]) is Reason.ERASED
    assert kept_back(upstream(), found[urgent]) is None  # help is on its way
    item = await item_of(house, urgent, reporter=True)
    assert (item["text"], item["reporter"]) == (None, None)


@pytest.mark.parametrize(
    ("keys", "through"),
    [
        ({}, True),
        ({"levels": ("grid",)}, True),
        ({"levels": ("street", "community")}, False),
        ({"categories": ("05",)}, True),
        ({"categories": ("06", "0502")}, False),
        ({"grids": ("519999001001003",)}, True),
        ({"grids": ("519999001002",)}, False),
        ({"natures": ("help",)}, True),
        ({"natures": ("complaint",)}, False),
        ({"natures": ("help",), "grids": ("5",), "categories": ("0501",), "levels": ("grid",)}, True),
    ],
)
async def test_filters(house: House, keys: dict[str, Any], through: bool) -> None:
    number = (await house.file(level=Level.GRID)).number
    found = await house.store.read(lambda tx: dossiers.read(tx, [number]))
    assert kept_back(upstream(**keys), found[number]) is (None if through else Reason.FILTERED)


async def test_a_candidate_is_no_ticket_yet(house: House) -> None:
    number = (await house.file(state=TicketState.CANDIDATE)).number
    found = await house.store.read(lambda tx: dossiers.read(tx, [number]))
    assert kept_back(upstream(), found[number]) is Reason.FILTERED


async def test_codes_are_mapped_by_the_longest_prefix(house: House) -> None:
    number = (await house.file(category="0501")).number
    for codes, theirs in (
        ({"05": "A", "0501": "B"}, "B"),
        ({"05": "A", "06": "B"}, "A"),
        ({"06": "A", "default": "Z"}, "Z"),
    ):
        assert (await item_of(house, number, codes=codes))["category"]["mapped"] == theirs
    with pytest.raises(mapping.Unmapped, match=r'add "0501" \(or "default"\) under \[upstreams.codes\] of street'):
        await item_of(house, number, codes={"06": "A"})


async def test_what_is_left_out_does_not_go_along_with_its_group(house: House) -> None:
    """Whichever of the two stands first in the file."""
    number = await full(house)
    for fields in ({"place": "where", "place.room": ""}, {"place.room": "", "place": "where"}):
        where = (await item_of(house, number, fields=fields))["where"]
        assert where.keys() == {"building", "unit", "floor", "place"}


async def test_fields_are_renamed_left_out_and_added(house: House) -> None:
    fields = {"place.room": "", "text": "content", "grid.code": "area", "owner": "", "counts": "", "result.text": "how"}
    item = await item_of(house, await full(house), fields=fields, constants={"district": "519999"})
    assert "room" not in item["place"]
    assert not {"text", "owner", "counts"} & item.keys()
    assert (item["content"], item["district"], item["how"]) == (WORDS, "519999", "换了主板，联系电话139****1234")
    assert item["area"].startswith("519999")
    assert item["grid"] == {"name": "12微网格"}


def test_the_page_names_every_field_and_reason() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sync.md").read_text(encoding="utf-8")
    paths = (*mapping.FIELDS, *mapping.REPORTER_FIELDS, *mapping.TOMBSTONE_FIELDS, "hash", *Reason)
    assert [path for path in paths if f"`{path}`" not in page] == []


def test_the_schema_refuses_what_is_not_said_in_it() -> None:
    good = rendering.sealed(rendering.tombstone(1, 2, Reason.MERGED, 3))
    validator().validate(good)
    for bad in (
        {"version": 0},
        {"id": "12"},
        {"hash": "x"},
        {"reason": "moved"},
        {"text": "words"},
        {"deleted": False},
    ):
        with pytest.raises(ValidationError):
            validator().validate({**good, **bad})
