"""The table of groups: which of our accounts sits in which group, and for which grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.importing import texts
from bot.importing.plans import Kind, Plan, Scopes, Setting, refuse
from bot.importing.tables import Column, Row
from storage import rooms
from storage.engine import Tx
from storage.model import COMMUNITY_DIGITS, Room, RoomKind, RoomState

ACCOUNT, IM, TOPIC, CODE, KIND, ENABLED = "微信号", "群ID", "群名", "网格码", "类型", "启用"
KINDS = {"居民群": RoomKind.RESIDENT, "工作群": RoomKind.LEADER}
STATES = {texts.YES: RoomState.ENABLED, texts.NO: RoomState.DORMANT}
COLUMNS = (
    Column(ACCOUNT, "配置里 [[accounts]] 的 name", ("wx1", "wx1"), required=True, width=10),
    Column(IM, "网关给的群 id；不知道就填群名", ("12345678901@chatroom", ""), width=26),
    Column(TOPIC, "没有群ID时按群名认：小格要已在群里", ("示例花园12微网格群", "示例社区网格长群"), width=26),
    Column(
        CODE, "居民群填它的微网格；工作群填管到的网格", ("519999001001003012", "519999001001"), required=True, width=22
    ),
    Column(KIND, "居民群（默认）或工作群", ("居民群", "工作群"), width=10, choices=tuple(KINDS)),
    Column(ENABLED, "是：不用在群里说“启用”；否：停用；留空：不变", ("是", ""), width=8, choices=tuple(STATES)),
)

W = TypeVar("W", RoomKind, RoomState)


@dataclass(slots=True)
class _Group:
    row: Row
    account: str
    im_id: str
    topic: str
    grid: str
    kind: RoomKind
    state: RoomState | None
    old: Room | None = None


async def compare(tx: Tx, rows: Sequence[Row], setting: Setting) -> Plan:
    """What the table would change. Raises ImportFault with everything that is wrong with it."""
    scopes, stored = await Scopes.load(tx), await rooms.every(tx)
    groups = [_group(row, scopes, setting) for row in rows]
    _identify(groups, stored)
    refuse(rows)
    plan, new, changed = Plan(), [], []
    for group in groups:
        if group.old is None:
            state = group.state or RoomState.DORMANT
            new.append(Room(0, group.account, group.im_id, group.topic, group.kind, state, group.grid))
            plan.new.append((_label(new[-1]), group.grid))
            continue
        room = replace(
            group.old,
            topic=group.topic or group.old.topic,
            grid=group.grid,
            kind=group.kind,
            # A room that is gone is not there to be enabled.
            state=group.state if group.state and group.old.state is not RoomState.GONE else group.old.state,
        )
        if what := _differences(group.old, room):
            changed.append(room)
            plan.changed.append((_label(room), "，".join(what)))
        else:
            plan.same += 1
    _check_answering(groups, stored, new + changed)
    _check_amounts(groups, stored, setting)
    refuse(rows)
    here = {group.old.id for group in groups if group.old is not None}
    known = await rooms.imported(tx)
    gone = [
        room
        for room in stored
        if room.id in known - here and room.state is not RoomState.GONE
        if (room.grid or "").startswith(setting.scope)
    ]
    plan.gone = [(_label(room), room.grid or "") for room in gone]
    if setting.take_gone:
        changed += [replace(room, state=RoomState.DORMANT) for room in gone]

    async def apply(tx: Tx) -> None:
        await rooms.put(tx, new, changed, setting.now)

    plan.apply = apply
    return plan


def _label(room: Room) -> str:
    return f"{room.account}:{room.topic or room.im_id}"


def _group(row: Row, scopes: Scopes, setting: Setting) -> _Group:
    account, im_id, topic = row.plain(ACCOUNT), row.text(IM, most=200), row.text(TOPIC, most=100)
    if account and account not in setting.accounts:
        row.fault(ACCOUNT, texts.NO_ACCOUNT, value=account, known="、".join(setting.accounts))
    if not im_id and not topic and not row.wrong(IM, TOPIC):
        row.fault(IM, texts.ID_OR_TOPIC)
    kind = _choice(row, KIND, KINDS) or RoomKind.RESIDENT
    grid = scopes.check(row, CODE, setting, whole=True)
    if grid and kind is RoomKind.RESIDENT and len(grid) < COMMUNITY_DIGITS:
        row.fault(CODE, texts.ROOM_LEVEL)
    return _Group(row, account, im_id, topic, grid, kind, _choice(row, ENABLED, STATES))


def _choice(row: Row, column: str, words: Mapping[str, W]) -> W | None:
    value = row.plain(column)
    if value and value not in words:
        row.fault(column, texts.NOT_ONE_OF, value=value, known="、".join(words))
    return words.get(value)


def _identify(groups: Sequence[_Group], stored: Sequence[Room]) -> None:
    """Which known room each row is: by its id, else by its topic where the account has one such room."""
    by_id = {(room.account, room.im_id): room for room in stored}
    by_topic: dict[tuple[str, str], list[Room]] = {}
    for room in stored:
        if room.state is not RoomState.GONE:
            by_topic.setdefault((room.account, room.topic), []).append(room)
    seen: dict[tuple[str, str], Row] = {}
    for group in groups:
        if group.im_id:
            group.old = by_id.get((group.account, group.im_id))
        elif group.topic and not group.row.faults:
            named = by_topic.get((group.account, group.topic), [])
            if len(named) == 1:
                group.old, group.im_id = named[0], named[0].im_id
            else:
                what = texts.ROOM_AMBIGUOUS if named else texts.ROOM_UNKNOWN
                group.row.fault(TOPIC, what, account=group.account, topic=group.topic, count=len(named))
        if group.im_id:
            first = seen.setdefault((group.account, group.im_id), group.row)
            if first is not group.row:
                group.row.fault(IM, texts.SAME_ROW, row=first.number)


def _differences(old: Room, new: Room) -> list[str]:
    what = []
    if old.topic != new.topic:
        what.append(texts.RENAMED.format(old=old.topic, new=new.topic))
    if old.grid != new.grid:
        what.append(f"{CODE} {old.grid or '—'} → {new.grid}")
    if old.kind is not new.kind:
        what.append(KIND)
    if old.state is not new.state:
        what.append(f"{ENABLED} → {texts.YES if new.state is RoomState.ENABLED else texts.NO}")
    return what


def _check_answering(groups: Sequence[_Group], stored: Sequence[Room], planned: Sequence[Room]) -> None:
    """In one room one account answers."""
    after = {(room.account, room.im_id): room for room in (*stored, *planned)}
    answering: dict[str, list[str]] = {}
    for (account, im_id), room in after.items():
        if room.state is RoomState.ENABLED:
            answering.setdefault(im_id, []).append(account)
    for group in groups:
        others = [account for account in answering.get(group.im_id, ()) if account != group.account]
        if others and after[group.account, group.im_id].state is RoomState.ENABLED:
            group.row.fault(ENABLED, texts.TWO_ACCOUNTS, account="、".join(others))


def _check_amounts(groups: Sequence[_Group], stored: Sequence[Room], setting: Setting) -> None:
    held = {(room.account, room.im_id) for room in stored if room.grid and room.state is not RoomState.GONE}
    held |= {(group.account, group.im_id) for group in groups}
    counts = Counter(account for account, _ in held)
    told = set()
    for group in groups:
        account, most = group.account, setting.accounts[group.account]
        if counts[account] > most and account not in told:
            group.row.fault(ACCOUNT, texts.TOO_MANY_ROOMS, account=account, count=counts[account], most=most)
            told.add(account)


TABLE = Kind(
    name="rooms",
    title="群",
    columns=COLUMNS,
    gone="表里没有的群照旧保留；加 --take-gone 则停用（群里再说“启用”即可恢复）",
    compare=compare,
)
