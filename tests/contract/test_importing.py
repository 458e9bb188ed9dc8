"""Imports against both databases: what is new, changed, the same, gone; and every fault at once."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.importing import tables
from bot.importing.plans import Plan, Setting
from bot.importing.running import KINDS
from bot.importing.tables import ImportFault
from bot.registry import KnownPerson, Registry
from nlp import categories
from storage import binding, duty, grids, owners, people, registry, rooms, roster, standbys
from storage.engine import Store, Tx
from storage.model import Alias, DutyKind, Grant, Origin, Owner, Role, RoomKind, RoomState
from tests.contract.conftest import Database
from tests.contract.fill import COMMUNITY, GRID, MICRO, NOW

HEADS = {
    "grids": ("网格码", "名称", "上级网格码", "原网格码"),
    "people": ("姓名", "角色", "网格码", "电话", "单位", "编号", "微信"),
    "rooms": ("微信号", "群ID", "群名", "网格码", "类型", "启用", "备用微信号", "标签"),
    "owners": ("事项", "网格码", "角色", "单位", "承办人"),
    "duty": ("人员", "类别", "网格码", "开始", "结束"),
}
TREE = [(COMMUNITY, "示例社区"), (GRID, "第一网格"), (MICRO, "一号微网格"), (GRID + "002", "二号微网格")]


class Desk:
    """Somebody who imports tables."""

    def __init__(self, store: Store, home: Path) -> None:
        self.store, self.home = store, home

    async def bring(self, kind: str, rows: list[tuple[str, ...]], *, dry: bool = False, **setting: object) -> Plan:
        path = self.home / f"{kind}.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([HEADS[kind], *rows])
        wish = Setting(
            now=NOW,
            timezone=ZoneInfo("Asia/Shanghai"),
            accounts={"wx1": 3, "wx2": 200},
            categories=categories.load(),
            **setting,  # type: ignore[arg-type]
        )
        table = tables.read(path, KINDS[kind].columns)

        async def work(tx: Tx) -> Plan:
            plan = await KINDS[kind].compare(tx, table, wish)
            assert plan.apply is not None
            if not dry:
                await plan.apply(tx)
            return plan

        return await self.store.write(work)

    async def faults(self, kind: str, rows: list[tuple[str, ...]], **setting: object) -> list[str]:
        """The faults, short: `row column: what`."""
        with pytest.raises(ImportFault) as caught:
            await self.bring(kind, rows, **setting)
        return [f"{fault.row} {fault.column}: {fault.what}" for fault in caught.value.faults]


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> Desk:
    made = Desk(store, tmp_path)
    await made.bring("grids", TREE)
    return made


def counts(plan: Plan) -> tuple[int, int, int, int]:
    return len(plan.new), len(plan.changed), plan.same, len(plan.gone)


# --- grids ---
async def test_the_tree_is_there_and_a_second_time_changes_nothing(desk: Desk) -> None:
    assert await desk.store.read(grids.names) == dict(TREE)
    assert counts(await desk.bring("grids", TREE)) == (0, 0, 4, 0)
    renamed = [*TREE[:3], (GRID + "002", "新名字"), ("", "三号", GRID)]
    assert counts(await desk.bring("grids", renamed, dry=True)) == (1, 1, 3, 0)
    assert await desk.store.read(grids.names) == dict(TREE)
    await desk.bring("grids", renamed)
    assert (await desk.store.read(grids.names))[GRID + "003"] == "三号"
    assert counts(await desk.bring("grids", renamed)) == (0, 0, 5, 0)  # the row without a code keeps the one it got


async def test_every_fault_of_a_table_of_grids_is_told_at_once(desk: Desk) -> None:
    found = await desk.faults(
        "grids",
        [
            ("51999900100100", "太短"),
            (GRID + "010", "甲"),
            (GRID + "010", "乙"),
            (GRID + "011", "甲"),
            ("519999001009001", "没有上级"),
            (GRID + "012", "一号微网格"),
            (GRID + "013", ""),
            ("", "两样都没有"),
            (GRID + "014", "上级不符", COMMUNITY),
            ("5.2E+17", "丢了位数"),
        ],
    )
    assert [line.split(":")[0] for line in found] == [
        "2 网格码", "4 网格码", "5 名称", "6 网格码", "7 名称", "8 名称", "9 网格码", "10 上级网格码", "11 网格码",
    ]  # fmt: skip
    assert "第 3 行重复" in found[1]
    assert "文本" in found[-1]
    assert await desk.store.read(grids.names) == dict(TREE)


async def test_a_grid_is_split_and_two_are_merged(desk: Desk) -> None:
    two = GRID + "002"
    split = [*TREE[:3], ("", "东", GRID, two), ("", "西", GRID, two)]
    plan = await desk.bring("grids", split)
    assert counts(plan) == (2, 1, 3, 0)
    assert await desk.store.read(grids.moves) == {two: {GRID + "003", GRID + "004"}}
    assert counts(await desk.bring("grids", split)) == (0, 0, 5, 0)
    merged = [*TREE[:2], (GRID + "005", "合并", "", f"{MICRO}、{GRID}003")]
    await desk.bring("grids", [*merged, (GRID + "004", "西")])
    moves = await desk.store.read(grids.moves)
    assert moves[MICRO] == {GRID + "005"}
    assert moves[two] == {GRID + "003", GRID + "004", GRID + "005"}


async def test_what_cannot_have_become_something_else(desk: Desk) -> None:
    found = await desk.faults(
        "grids",
        [
            *TREE[:3],
            (GRID + "003", "甲", "", MICRO),  # still in the table
            (GRID + "004", "乙", "", GRID + "777"),
            (GRID + "005", "丙", "", COMMUNITY),
            (COMMUNITY + "002", "丁", "", GRID + "002"),
        ],
    )
    assert [line.split(":")[0] for line in found] == ["5 原网格码", "6 原网格码", "7 原网格码", "8 原网格码"]
    await desk.bring("grids", [*TREE[:3], (GRID + "003", "甲", "", GRID + "002")])
    (reused,) = await desk.faults("grids", [*TREE, (GRID + "003", "甲")])
    assert "不再重用" in reused


async def test_children_may_not_be_left_behind(desk: Desk) -> None:
    (orphan,) = await desk.faults("grids", [TREE[0], (COMMUNITY + "002", "第二网格", "", GRID)])
    assert f"下面还有 {MICRO}" in orphan


async def test_gone_is_told_and_only_on_request_retired(desk: Desk) -> None:
    assert counts(await desk.bring("grids", TREE[:3])) == (0, 0, 3, 1)
    assert set(await desk.store.read(grids.names)) == {code for code, _ in TREE}
    await desk.bring("people", [("李", "微网格长", GRID + "002", "13800000007")])
    (used,) = await desk.faults("grids", TREE[:3], take_gone=True)
    assert "有权限的人" in used
    await desk.bring("people", [("李", "微网格长", MICRO, "13800000007")])
    await desk.bring("grids", TREE[:3], take_gone=True)
    assert GRID + "002" not in await desk.store.read(grids.names)
    assert counts(await desk.bring("grids", TREE)) == (0, 1, 3, 0)  # nothing came after it: it may come back


async def test_a_table_for_a_part_speaks_only_of_it(desk: Desk) -> None:
    other = "519999001002"
    await desk.bring("grids", [*TREE, (other, "别的社区")])
    assert counts(await desk.bring("grids", [(other, "别的社区")], scope=other)) == (0, 0, 1, 0)
    (outside,) = await desk.faults("grids", [(COMMUNITY, "示例社区")], scope=other)
    assert "--grid" in outside


# --- people ---
STAFF = [
    ("刘示例", "微网格长", MICRO, "13800000001", "", "A1", ""),
    ("刘示例", "党员", COMMUNITY, "", "", "A1", "wx1:wxid_liu"),
    ("王示例", "物业", COMMUNITY, "028-88880001", "示例物业", "", ""),
]


async def person(desk: Desk, name: str) -> roster.Entry:
    (found,) = [entry for entry in await desk.store.read(roster.every) if entry.name == name]
    return found


async def test_people_are_there_with_their_roles_and_phones_are_sealed(desk: Desk, backend: Database) -> None:
    assert counts(await desk.bring("people", STAFF)) == (2, 0, 0, 0)
    liu = await person(desk, "刘示例")
    assert liu.grants == {(Role.MICRO_LEADER, MICRO), (Role.PARTY_MEMBER, COMMUNITY)}
    assert (liu.ref, liu.phone, liu.accounts) == ("A1", "13800000001", {("wx1", "wxid_liu")})
    known = await desk.store.read(lambda tx: people.find(tx, "wx1", "wxid_liu"))
    assert known is not None
    assert [alias.friend for alias in known.aliases] == [True]
    assert b"13800000001" not in backend.on_disk()
    assert counts(await desk.bring("people", STAFF)) == (0, 0, 2, 0)


async def test_only_what_changed_is_changed(desk: Desk) -> None:
    await desk.bring("people", STAFF)
    plan = await desk.bring("people", [STAFF[0], ("王示例", "物业", GRID, "028-88880001", "", "", "")])
    assert counts(plan) == (0, 2, 0, 0)
    assert plan.changed[0] == ("刘示例", f"收回 党员 {COMMUNITY}")
    assert (await person(desk, "王示例")).org == "示例物业"  # an empty cell takes nothing away
    assert (await person(desk, "王示例")).grants == {(Role.PROPERTY, GRID)}


async def test_who_is_not_in_the_table_keeps_the_rights_until_they_are_taken(desk: Desk) -> None:
    await desk.bring("people", STAFF)
    assert counts(await desk.bring("people", STAFF[2:])) == (0, 0, 1, 1)
    liu = await person(desk, "刘示例")
    assert liu.grants
    code = await desk.store.write(lambda tx: binding.new_code(tx, liu.id or 0, NOW + timedelta(days=1)))
    await desk.bring("people", STAFF[2:], take_gone=True)
    gone = await person(desk, "刘示例")
    assert (gone.grants, gone.phone) == (frozenset(), None)
    assert await desk.store.write(lambda tx: binding.bind(tx, code, "wx1", "wxid_new", NOW)) is None


async def test_the_same_person_under_another_phone_or_name(desk: Desk) -> None:
    await desk.bring("people", STAFF)
    before = {entry.name: entry.id for entry in await desk.store.read(roster.every)}
    plan = await desk.bring(
        "people",
        [("刘新名", "微网格长", MICRO, "", "", "A1", ""), ("王示例", "物业", COMMUNITY, "028-88880009", "", "", "")],
    )
    assert counts(plan) == (0, 2, 0, 0)
    assert (await person(desk, "刘新名")).id == before["刘示例"]
    assert (await person(desk, "王示例")).id == before["王示例"]


async def test_a_name_alone_gives_nobody_another_ones_rights(desk: Desk) -> None:
    await desk.bring("people", STAFF)
    plan = await desk.bring("people", [("王示例", "民警", MICRO, "13900000000", "", "", "")])
    assert counts(plan) == (1, 0, 0, 2)
    assert sum(entry.name == "王示例" for entry in await desk.store.read(roster.every)) == 2


async def test_every_fault_of_a_table_of_people_is_told_at_once(desk: Desk) -> None:
    found = await desk.faults(
        "people",
        [
            ("甲", "组长", MICRO, "138"),
            ("", "党员", "519999009"),
            ("乙", "党员", MICRO),
            ("乙", "网格员", GRID),
            ("丙", "党员", MICRO, "13800000003", "", "", "wx9:a"),
            ("丙", "党员", MICRO, "13800000003", "", "", "abc"),
            ("丁", "党员", MICRO, "", "", "B1", "wx1:x"),
            ("戊", "党员", MICRO, "", "", "B1"),
            ("己", "党员", MICRO, "13800000004", "", "C1", "wx1:x"),
            ("己", "网格员", GRID, "13800000005", "", "C1"),
        ],
    )
    assert [line.split(":")[0] for line in found] == [
        "2 电话", "2 角色", "3 姓名", "3 网格码", "4 姓名", "6 微信", "7 ", "7 微信", "9 编号", "10 微信", "11 电话",
    ]  # fmt: skip
    assert "13800000004" not in "".join(found)
    assert [entry.name for entry in await desk.store.read(roster.every)] == []


async def test_a_scope_of_a_grid_that_moved_is_told_where_it_went(desk: Desk) -> None:
    await desk.bring("grids", [*TREE[:3], (GRID + "003", "新二号", "", GRID + "002")])
    (moved,) = await desk.faults("people", [("李", "网格员", GRID + "002")])
    assert f"已变为 {GRID}003" in moved


async def test_the_config_and_an_import_do_not_take_from_each_other(desk: Desk) -> None:
    config = Registry(people=[KnownPerson("刘示例", (Grant(Role.MICRO_LEADER, MICRO),), (Alias("wx1", "wxid_liu"),))])
    await desk.store.write(lambda tx: config.store(tx, NOW))
    await desk.bring("people", STAFF)
    assert len(await desk.store.read(roster.every)) == 2  # the same person in both
    await desk.store.write(lambda tx: config.store(tx, NOW))  # the next start
    liu = await person(desk, "刘示例")
    assert liu.others == {(Role.MICRO_LEADER, MICRO)}
    assert liu.grants == {(Role.MICRO_LEADER, MICRO), (Role.PARTY_MEMBER, COMMUNITY)}
    assert (await person(desk, "王示例")).grants == {(Role.PROPERTY, COMMUNITY)}
    await desk.store.write(lambda tx: Registry().store(tx, NOW))  # nobody is in the config any more
    assert (await person(desk, "刘示例")).others == frozenset()
    assert len((await person(desk, "刘示例")).grants) == 2
    await desk.bring("people", STAFF[2:], take_gone=True)
    assert not (await person(desk, "刘示例")).grants


async def test_an_import_does_not_revoke_what_the_config_gave(desk: Desk) -> None:
    config = Registry(people=[KnownPerson("周", (Grant(Role.COMMUNITY, COMMUNITY),))])
    await desk.store.write(lambda tx: config.store(tx, NOW))
    assert counts(await desk.bring("people", STAFF, take_gone=True)) == (2, 0, 0, 0)
    assert (await person(desk, "周")).others == {(Role.COMMUNITY, COMMUNITY)}


# --- rooms ---
GROUPS = [("wx1", "r1", "一号群", MICRO, "", "是"), ("wx1", "r2", "网格长群", GRID, "工作群", "")]


async def test_rooms_are_bound(desk: Desk) -> None:
    assert counts(await desk.bring("rooms", GROUPS)) == (2, 0, 0, 0)
    one, two = await desk.store.read(rooms.every)
    assert (one.topic, one.kind, one.state, one.grid) == ("一号群", RoomKind.RESIDENT, RoomState.ENABLED, MICRO)
    assert (two.kind, two.state, two.grid) == (RoomKind.LEADER, RoomState.DORMANT, GRID)
    assert counts(await desk.bring("rooms", GROUPS)) == (0, 0, 2, 0)


async def test_what_a_leader_ruled_stays_unless_the_table_rules_on_it(desk: Desk) -> None:
    await desk.bring("rooms", GROUPS)
    one, two = await desk.store.read(rooms.every)
    await desk.store.write(lambda tx: rooms.update(tx, one.id, state=RoomState.DORMANT))
    silent = [(*row[:5], "") for row in GROUPS]
    assert counts(await desk.bring("rooms", silent)) == (0, 0, 2, 0)
    assert counts(await desk.bring("rooms", GROUPS)) == (0, 1, 1, 0)
    moved = [(*GROUPS[0][:3], GRID + "002", "", ""), GROUPS[1]]
    assert counts(await desk.bring("rooms", moved)) == (0, 1, 1, 0)
    assert [room.grid for room in await desk.store.read(rooms.every)] == [GRID + "002", GRID]
    assert two.id


async def test_a_group_is_known_by_its_name(desk: Desk) -> None:
    await desk.store.write(lambda tx: rooms.ensure(tx, "wx1", "r1", "一号群", at=NOW))
    by_name = [("wx1", "", "一号群", MICRO, "", "是")]
    assert counts(await desk.bring("rooms", by_name)) == (0, 1, 0, 0)
    (unknown,) = await desk.faults("rooms", [("wx1", "", "没见过", MICRO)])
    assert "还没见过" in unknown
    await desk.store.write(lambda tx: rooms.ensure(tx, "wx1", "r9", "一号群", at=NOW))
    (several,) = await desk.faults("rooms", by_name)
    assert "2 个群" in several


async def test_every_fault_of_a_table_of_rooms_is_told_at_once(desk: Desk) -> None:
    found = await desk.faults(
        "rooms",
        [
            ("wx9", "r1", "", MICRO),
            ("wx1", "", "", MICRO),
            ("wx1", "r2", "", "519999001"),
            ("wx1", "r3", "", MICRO, "大群", "可以"),
            ("wx1", "r4", "", MICRO),
            ("wx1", "r4", "", MICRO),
        ],
    )
    places = [line.split(":")[0] for line in found]
    assert places == ["2 微信号", "3 群ID", "4 网格码", "5 类型", "5 启用", "7 群ID"]


async def test_one_account_answers_a_room_and_takes_no_more_than_it_may(desk: Desk) -> None:
    await desk.bring("rooms", GROUPS)
    (twice,) = await desk.faults("rooms", [("wx2", "r1", "一号群", MICRO, "", "是")])
    assert "wx1" in twice
    await desk.bring("rooms", [("wx2", "r1", "一号群", MICRO, "", "")])
    (many,) = await desk.faults("rooms", [("wx1", f"x{n}", "", MICRO) for n in range(2)])
    assert "4 个群，超过上限 3" in many


async def test_a_room_that_is_gone_from_the_table_is_closed_on_request(desk: Desk) -> None:
    await desk.bring("rooms", GROUPS)
    assert counts(await desk.bring("rooms", GROUPS[1:])) == (0, 0, 1, 1)
    assert (await desk.store.read(rooms.every))[0].state is RoomState.ENABLED
    await desk.bring("rooms", GROUPS[1:], take_gone=True)
    assert (await desk.store.read(rooms.every))[0].state is RoomState.DORMANT


async def test_who_stands_by_and_the_labels(desk: Desk) -> None:
    row = ("wx1", "r1", "一号群", MICRO, "", "是")
    assert counts(await desk.bring("rooms", [(*row, "wx2", "独居老人、#沿河")])) == (1, 0, 0, 0)

    async def found() -> tuple[list[tuple[str, str]], dict[int, set[str]]]:
        (room,) = await desk.store.read(rooms.every)
        others = await desk.store.read(lambda tx: standbys.of_room(tx, room.id))
        return [(one.account, one.im_id) for one in others], await desk.store.read(rooms.tags)

    assert await found() == ([("wx2", "r1")], {1: {"独居老人", "沿河"}})
    assert counts(await desk.bring("rooms", [(*row, "wx2", "沿河 独居老人")])) == (0, 0, 1, 0)
    assert counts(await desk.bring("rooms", [row])) == (0, 0, 1, 0)  # what is left out stays
    plan = await desk.bring("rooms", [(*row, "wx2:id-of-wx2", "沿河")])
    assert plan.changed == [("wx1:一号群", "备用微信号 wx2 → wx2，标签 沿河、独居老人 → 沿河")]
    assert await found() == ([("wx2", "id-of-wx2")], {1: {"沿河"}})
    assert counts(await desk.bring("rooms", [(*row, "无", "无")])) == (0, 1, 0, 0)
    assert await found() == ([], {})


async def test_faults_of_who_stands_by_and_of_labels(desk: Desk) -> None:
    rows = [
        ("wx1", "r1", "", MICRO, "", "", "wx9"),
        ("wx1", "r2", "", MICRO, "", "", "wx1"),
        ("wx1", "r3", "", MICRO, "", "", "", "这个标签写得实在太长了长到没有人能记得住它的全名"),
    ]
    found = await desk.faults("rooms", rows)
    assert [fault.partition(":")[0] for fault in found] == ["2 备用微信号", "3 备用微信号", "4 标签"]


@pytest.mark.parametrize("im_id", ["r1", ""])
async def test_a_table_from_before_another_account_took_over_undoes_nothing(desk: Desk, im_id: str) -> None:
    await desk.bring("rooms", [("wx1", "r1", "一号群", MICRO, "", "是", "wx2")])
    (room,) = await desk.store.read(rooms.every)
    to = standbys.Standby(room.id, "wx2", "r1", NOW)
    taken = await desk.store.write(lambda tx: rooms.hand_over(tx, room, to, at=NOW, stays=True))
    await desk.store.write(lambda tx: rooms.ensure(tx, "wx1", "r1", "一号群", at=NOW))  # it is back, and hears
    row = ("wx1", im_id, "一号群", MICRO, "", "是", "wx2")
    assert counts(await desk.bring("rooms", [row])) == (0, 0, 1, 0)
    assert (await desk.store.read(rooms.every))[0] == taken
    (still,) = await desk.store.read(lambda tx: standbys.of_room(tx, room.id))
    assert (still.account, still.im_id) == ("wx1", "r1")
    both = [("wx1", "r1", "一号群", MICRO, "", ""), ("wx2", "r1", "一号群", MICRO, "", "是")]
    await desk.bring("rooms", both)
    assert (await desk.store.read(rooms.every))[0] == taken


# --- owners, duty ---
async def test_owners_by_code_group_name_and_for_all(desk: Desk) -> None:
    await desk.bring("people", STAFF)
    rows = [
        ("全部", "", "网格员"),
        ("01", COMMUNITY, "物业", "示例物业"),
        ("设施维修/电梯故障", COMMUNITY, "物业", "", "王示例"),
    ]
    assert counts(await desk.bring("owners", rows)) == (3, 0, 0, 0)
    wang = (await person(desk, "王示例")).id
    assert await desk.store.read(owners.every) == [
        Owner("", "", Role.GRID_WORKER),
        Owner("01", COMMUNITY, Role.PROPERTY, "示例物业"),
        Owner("0101", COMMUNITY, Role.PROPERTY, None, wang),
    ]
    assert counts(await desk.bring("owners", rows)) == (0, 0, 3, 0)
    assert counts(await desk.bring("owners", [("全部", "", "社区"), *rows[1:]])) == (0, 1, 2, 0)
    assert counts(await desk.bring("owners", rows[:1], take_gone=True)) == (0, 1, 0, 2)
    assert len(await desk.store.read(owners.every)) == 1


async def test_faults_of_owners(desk: Desk) -> None:
    await desk.bring("people", STAFF)
    found = await desk.faults(
        "owners",
        [
            ("天气", "", "物业"),
            ("01", "", "物业", "", "王示例"),
            ("02", COMMUNITY, "物业", "", "没有人"),
            ("03", "", "物业"),
            ("03", "", "民警"),
        ],
    )
    assert [line.split(":")[0] for line in found] == ["2 事项", "3 承办人", "4 承办人", "6 "]


async def test_the_roster(desk: Desk) -> None:
    await desk.bring("people", STAFF)
    rows = [
        ("A1", "应急", GRID, "2026-11-20 08:00", "2026-11-20 20:00"),
        ("王示例", "网格呼叫", GRID, "2026/11/20 20:00", "2026年11月21日8时"),
    ]
    assert counts(await desk.bring("duty", rows)) == (2, 0, 0, 0)
    noon = NOW.replace(hour=4, minute=0)  # in UTC
    on = await desk.store.read(lambda tx: duty.on_duty(tx, DutyKind.EMERGENCY, MICRO, noon))
    assert [one.name for one in on] == ["刘示例"]
    assert counts(await desk.bring("duty", rows)) == (0, 0, 2, 0)
    longer = [rows[0], (*rows[1][:4], "2026-11-21 09:00")]
    assert counts(await desk.bring("duty", longer)) == (0, 1, 1, 0)
    assert counts(await desk.bring("duty", longer[:1], take_gone=True)) == (0, 0, 1, 1)
    assert len(await desk.store.read(lambda tx: duty.from_then(tx, noon))) == 1


async def test_faults_of_the_roster(desk: Desk) -> None:
    await desk.bring("people", STAFF)
    found = await desk.faults(
        "duty",
        [
            ("谁", "应急", GRID, "2026-11-20 08:00", "2026-11-20 20:00"),
            ("A1", "白班", GRID, "今天", "2026-11-20 20:00"),
            ("A1", "应急", GRID, "2026-11-20 20:00", "2026-11-20 08:00"),
            ("A1", "应急", GRID, "2026-11-31 20:00", "2026-12-01 08:00"),
            ("A1", "应急", GRID, "", "2026-12-01 08:00"),
        ],
    )
    assert [line.split(":")[0] for line in found] == ["2 人员", "3 类别", "3 开始", "4 结束", "5 开始", "6 开始"]


async def test_where_a_row_comes_from_is_kept(desk: Desk, backend: Database) -> None:
    await desk.bring("rooms", GROUPS)
    assert set(backend.rows("SELECT DISTINCT origin FROM grids")) == {(Origin.IMPORT.value,)}
    assert set(backend.rows("SELECT DISTINCT origin FROM rooms")) == {(Origin.IMPORT.value,)}


async def test_a_running_bot_can_tell_that_the_registry_changed(store: Store) -> None:
    assert await store.read(registry.version) == 0
    await store.write(registry.touch)
    await store.write(registry.touch)
    assert await store.read(registry.version) == 2
