"""Copies of one list from many editors at once, stale and meddled with, in any order: what becomes of the roster."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.copies import Meddling, Roster, gather, threads
from storage.chains import Copy, Line

START = datetime(2025, 6, 12, 9, tzinfo=UTC)
# name, building and what the nick tells: that of the second 张三 has the building, of 赵六 and 孙八 it says nothing.
PEOPLE = (
    ("王孃孃", "", True),
    ("张三", "3栋", True),
    ("张三", "5栋", True),
    ("李四", "", True),
    ("赵六", "", None),
    ("孙八", "2栋", None),
)
Row = tuple[str, str, int]  # name, building, heads


@dataclass
class Chat:
    """A group that writes a list. `wants` is what everybody said last of themselves, by (name, building)."""

    copies: list[Copy] = field(default_factory=list)
    rows: list[list[Row]] = field(default_factory=list)
    lines: dict[tuple[str, str, int], Line] = field(default_factory=dict)
    wants: dict[tuple[str, str], int] = field(default_factory=dict)
    meddlers: set[int] = field(default_factory=set)

    def send(self, sender: int, rows: Sequence[Row], *, title: str = "t", leads: bool = False, after: int = 60) -> int:
        """Somebody sends the list; the number of this copy."""
        numbers = [self.line(row) for row in rows]
        at = (self.copies[-1].sent_at if self.copies else START) + timedelta(seconds=after)
        self.copies.append(Copy("a", f"m{len(self.copies)}", 1, at, sender, title, tuple(numbers), leads))
        self.rows.append(list(rows))
        return len(self.copies) - 1

    def line(self, row: Row) -> int:
        name, building, heads = row
        known = self.lines.get(row)
        if known is None:
            known = Line(len(self.lines) + 1, f"{name}{building}{heads}", name, building, heads)
            self.lines[row] = known
        return known.number

    def roster(self, copies: Sequence[Copy] | None = None) -> Roster:
        return gather(self.lines.values(), self.copies if copies is None else copies, likes)

    def seated(self, copies: Sequence[Copy] | None = None) -> dict[tuple[str, str], int]:
        """Heads by name and building, of those who are in."""
        found: dict[tuple[str, str], int] = {}
        for seat in self.roster(copies).seats:
            if seat.heads:
                key = (seat.line.name, seat.line.building)
                assert key not in found, "somebody is in twice"
                found[key] = seat.heads
        return found


def likes(person: int, line: Line) -> bool | None:
    if person >= len(PEOPLE):
        return None
    name, building, known = PEOPLE[person]
    if not known:
        return None
    return name == line.name and (not building or not line.building or building == line.building)


def roster(*copies: tuple[int, Sequence[Row]], leads: frozenset[int] = frozenset()) -> dict[tuple[str, str], int]:
    chat = Chat()
    for sender, rows in copies:
        chat.send(sender, rows, leads=sender in leads)
    return chat.seated()


W, Z3, Z5, L, ZL, S = ((name, building) for name, building, _ in PEOPLE)


def row(who: tuple[str, str], heads: int = 1) -> Row:
    return (*who, heads)


# --- single rules ---
def test_two_who_both_are_the_fourth_are_both_in() -> None:
    first = [row(W)]
    assert roster((0, first), (3, [*first, row(L)]), (4, [*first, row(ZL, 3)])) == {W: 1, L: 1, ZL: 3}


def test_what_somebody_else_deletes_or_edits_stays_and_is_told_once() -> None:
    chat = Chat()
    first = [row(W), row(Z3), row(L, 2)]
    chat.send(4, first)
    chat.send(5, [row(W), row(L, 5), row(S)])
    chat.send(4, [row(W), row(L, 5), row(S), row(ZL)])  # goes on from there, and meddles with nothing
    assert chat.seated() == {W: 1, Z3: 1, L: 2, S: 1, ZL: 1}
    told = [(one.what, one.by, one.line and one.line.name) for one in chat.roster().incidents]
    assert told == [(Meddling.CHANGED, 5, "李四"), (Meddling.REMOVED, 5, "张三")]


def test_a_stale_copy_is_no_meddling() -> None:
    chat = Chat()
    chat.send(0, [row(W)])
    chat.send(3, [row(W), row(L)])
    chat.send(4, [row(W), row(ZL)])
    assert chat.roster().incidents == ()


def test_they_themselves_change_and_cancel() -> None:
    first = [row(W), row(L, 2)]
    assert roster((3, first), (3, [row(W), row(L, 3)])) == {W: 1, L: 3}
    assert roster((3, first), (3, [row(W)])) == {W: 1}
    assert roster((0, [row(W)]), (4, [row(W), row(ZL)]), (4, [row(W)])) == {W: 1}


def test_who_changes_their_mind_twice_is_in() -> None:
    chat = Chat()
    for rows in ([row(W)], [row(W), row(L)], [row(W)], [row(W), row(L, 2)]):
        chat.send(3, rows)
    assert chat.seated()[L] == 2
    assert [said.heads for said in chat.roster().seats[1].said] == [1, 0, 2]


def test_who_signs_up_somebody_else_from_a_stale_copy_stays() -> None:
    """Her copy never showed her own row, so its absence says nothing."""
    assert roster((0, [row(W)]), (3, [row(W), row(L)]), (3, [row(W), row(("张婆婆", ""))])).keys() == {
        W,
        L,
        ("张婆婆", ""),
    }


def test_who_sends_somebody_else_in_their_place_is_out() -> None:
    chat = Chat()
    chat.send(0, [row(W)])
    chat.send(3, [row(W), row(L)])
    chat.send(4, [row(W), row(L), row(ZL)])
    chat.send(3, [row(W), row(("李婆婆", "")), row(ZL)])
    assert chat.seated() == {W: 1, ("李婆婆", ""): 1, ZL: 1}
    assert next(seat.person for seat in chat.roster().seats if seat.line.name == "李婆婆") is None


def test_the_organiser_and_the_leader_cancel() -> None:
    start, full = [row(W)], [row(W), row(L), row(ZL)]
    assert roster((0, start), (3, full[:2]), (4, full), (0, [row(W), row(ZL)])) == {W: 1, ZL: 1}
    assert roster((3, full), (9, [row(W), row(ZL)]), leads=frozenset({9})) == {W: 1, ZL: 1}
    assert roster((3, full), (9, [row(W), row(ZL)])) == {W: 1, L: 1, ZL: 1}


def test_who_sends_the_first_row_has_started_it() -> None:
    for rows, organiser in (([], 4), ([row(ZL)], 4), ([row(W), row(L)], None), ([row(("张婆婆", ""))], 4)):
        chat = Chat()
        chat.send(4, rows)
        assert chat.roster().organiser == organiser


def test_namesakes_are_two() -> None:
    assert roster((1, [row(Z3)]), (2, [row(Z3), row(Z5, 2)])) == {Z3: 1, Z5: 2}
    chat = Chat()
    chat.send(0, [row(W)])
    same = lambda person, line: True if line.name == "张三" else None  # noqa: E731
    chat.send(1, [row(W), ("张三", "", 1)])
    chat.send(2, [row(W), ("张三", "", 1)])
    assert [seat.person for seat in gather(chat.lines.values(), chat.copies, same).seats] == [0, 1, 2]


def test_who_writes_their_row_twice_is_in_once_with_what_they_wrote_later() -> None:
    chat = Chat()
    chat.send(0, [row(W)])
    chat.send(3, [row(W), row(L)])
    chat.send(3, [row(W), row(L), row(L, 3)])
    chat.send(0, [row(W, 2), row(L), row(L, 3)])
    assert chat.seated() == {W: 2, L: 3}


def test_the_wire_tells_whose_a_row_is() -> None:
    chat = Chat()
    chat.lines[row(L)] = Line(1, "李四1", "李四", author=7, at=START)
    chat.lines[row(ZL)] = Line(2, "赵六1", "赵六", author=8)
    chat.send(8, [row(L), row(ZL)])
    seats = chat.roster().seats
    assert [(seat.person, seat.by, seat.said[0].at) for seat in seats] == [
        (7, 7, START),
        (8, 8, chat.copies[0].sent_at),
    ]
    chat.send(3, [row(ZL)])  # named like the first, and still not who wrote it
    assert chat.seated() == {L: 1, ZL: 1}


def test_a_title_is_the_organisers() -> None:
    chat = Chat()
    chat.send(0, [], title="周六")
    chat.send(3, [row(L)], title="周日")
    assert (chat.roster().title, chat.roster().incidents[0].what) == ("周六", Meddling.RETITLED)
    chat.send(0, [row(L)], title="周一")
    assert chat.roster().title == "周一"


# --- everything at once ---
@dataclass(frozen=True)
class Edit:
    """What one editor does with a copy that is `back` behind the last one."""

    who: int
    back: int
    what: str  # join, change, leave, bring, forward
    heads: int
    meddle: int | None  # with the row at this index, if it is not their own: deleted, or its heads changed
    delete: bool


edits = st.builds(
    Edit,
    st.integers(0, len(PEOPLE) - 1),
    st.sampled_from((0, 0, 0, 0, 1, 1, 2, 3, 5)),
    st.sampled_from(("join", "join", "join", "change", "leave", "bring", "forward")),
    st.integers(1, 4),
    st.one_of(st.none(), st.none(), st.none(), st.integers(0, 6)),
    st.booleans(),
)


def play(doings: Sequence[Edit]) -> Chat:
    """A chat that was started by the first person with an empty list."""
    chat = Chat()
    chat.send(0, [])
    for doing in doings:
        _edit(chat, doing)
    return chat


def _edit(chat: Chat, doing: Edit) -> None:
    own = PEOPLE[doing.who][:2]
    brought = (f"{own[0][0]}婆婆", own[1])
    wanted = dict(chat.wants)
    rows = list(chat.rows[max(0, len(chat.rows) - 1 - doing.back)])
    # Once, and where they see their own rows: else the copy reads, letter by letter, like one in which they cancelled.
    sees = {who for who in (own, brought) if chat.wants.get(who)} <= {one[:2] for one in rows}
    if doing.meddle is not None and doing.meddle < len(rows) and doing.who not in chat.meddlers and sees:
        chat.meddlers.add(doing.who)
        name, building, heads = rows[doing.meddle]
        if (name, building) not in (own, brought):
            changed = heads + 10 * (doing.who + 1)
            if not doing.delete:
                rows[doing.meddle] = (name, building, changed)
            else:
                del rows[doing.meddle]
            if doing.who == 0 and chat.wants[name, building]:  # they started it: that is no meddling
                chat.wants[name, building] = 0 if doing.delete else changed
    shown = next((at for at, one in enumerate(rows) if one[:2] == own), None)
    signed = chat.wants.get(own, 0) > 0
    if shown is None and (doing.what == "join" or (doing.what != "bring" and signed)):
        # WeChat puts the own row into every copy that one opens without it. Who is in does not write the same again.
        rows.append((*own, _other(doing.heads, chat.wants.get(own))))
        chat.wants[own] = rows[-1][2]
    elif doing.what == "change" and shown is not None and rows[shown][2] != doing.heads:
        rows[shown] = (*own, doing.heads)
        chat.wants[own] = doing.heads
    elif doing.what == "leave" and shown is not None:
        del rows[shown]
        chat.wants[own] = 0
    elif doing.what == "bring" and brought not in [one[:2] for one in rows]:
        rows.append((*brought, _other(doing.heads, chat.wants.get(brought))))
        chat.wants[brought] = rows[-1][2]
    theirs = {who for who in (own, brought) if chat.wants.get(who)}
    if rows not in chat.rows or theirs <= {one[:2] for one in rows}:
        chat.send(doing.who, rows)
    else:
        chat.wants = wanted  # an old copy without their rows, unchanged, is how one cancels: nobody forwards it


def _other(heads: int, standing: int | None) -> int:
    return heads + 4 if heads == standing else heads


@settings(max_examples=400)
@given(st.lists(edits, max_size=25), st.randoms(use_true_random=False))
def test_nobody_is_lost_and_the_order_of_arrival_changes_nothing(doings: list[Edit], order: random.Random) -> None:
    chat = play(doings)
    seated = chat.seated()
    for who, heads in chat.wants.items():
        assert heads == 0 or who in seated, "lost"
    arrived = [*chat.copies, *order.sample(chat.copies, len(chat.copies) // 2)]
    order.shuffle(arrived)
    assert chat.seated(list({copy.message_id: copy for copy in arrived}.values())) == seated


@settings(max_examples=300)
@given(st.lists(edits, max_size=25))
def test_who_edits_the_last_copy_gets_what_they_say(doings: list[Edit]) -> None:
    """Nobody at once, nobody meddling: the heads add up to what everybody said last."""
    chat = play([Edit(one.who, 0, one.what, one.heads, None, delete=False) for one in doings])
    assert chat.seated() == {who: heads for who, heads in chat.wants.items() if heads}
    assert chat.roster().incidents == ()


def test_a_group_goes_on_with_the_list_whose_rows_its_first_copy_brings() -> None:
    sent = [(1, (1,)), (2, (1, 2)), (3, ()), (1, (1, 3)), (3, (3,)), (2, (1, 2, 4))]
    copies = [
        Copy("a", f"m{at}", room, START + timedelta(minutes=at), 1, "t", rows) for at, (room, rows) in enumerate(sent)
    ]
    found = threads(random.Random(7).sample(copies, len(copies)))
    assert [[copy.message_id for copy in thread] for thread in found] == [["m0", "m1", "m3", "m5"], ["m2", "m4"]]
