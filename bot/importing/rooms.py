"""The table of groups: which of our accounts sits in which group, and for which grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bot.importing import texts
from bot.importing.plans import Kind, Plan, Scopes, Setting, refuse
from bot.importing.tables import Column, Row
from storage import rooms, standbys
from storage.engine import Tx
from storage.model import COMMUNITY_DIGITS, Origin, Room, RoomKind, RoomState
from storage.standbys import Standby

ACCOUNT, IM, TOPIC, CODE, KIND, ENABLED = "微信号", "群ID", "群名", "网格码", "类型", "启用"
STANDBY, TAGS = "备用微信号", "标签"
LONGEST_TAG = 20
NONE = "无"  # takes away what an earlier table said
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
    Column(
        STANDBY,
        "群里我们的另一个号，掉线时接着管；群 id 不同的写 wx2:群id；留空：不变；无：去掉",
        ("wx2", ""),
        width=18,
    ),
    Column(TAGS, "几个用顿号隔开，“通知 @#独居老人 …”用；留空：不变；无：去掉", ("独居老人、沿河", ""), width=18),
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
    standby: dict[str, str] | None = None  # account → the id by which it knows the group; None: as it is
    tags: set[str] | None = None
    old: Room | None = None


async def compare(tx: Tx, rows: Sequence[Row], setting: Setting) -> Plan:
    """What the table would change. Raises ImportFault with everything that is wrong with it."""
    scopes, stored = await Scopes.load(tx), await rooms.every(tx)
    standing_by, labelled = await standbys.every(tx), await rooms.tags(tx, Origin.IMPORT)
    groups = [_group(row, scopes, setting) for row in rows]
    _identify(groups, stored, standing_by)
    refuse(rows)
    plan, new, changed, beside = Plan(), [], [], []
    for group in groups:
        if group.old is None:
            state = group.state or RoomState.DORMANT
            new.append(Room(0, group.account, group.im_id, group.topic, group.kind, state, group.grid))
            plan.new.append((_label(new[-1]), group.grid))
            beside.append(group)
            continue
        room = replace(
            group.old,
            topic=group.topic or group.old.topic,
            grid=group.grid,
            kind=group.kind,
            # A room that is gone is not there to be enabled.
            state=group.state if group.state and group.old.state is not RoomState.GONE else group.old.state,
        )
        what = _differences(group.old, room)
        if what:
            changed.append(room)
        others = {one.account: one.im_id for one in standing_by.get(group.old.id, ())}
        if more := _beside(group, others, labelled.get(group.old.id, set())):
            beside.append(group)
            what += more
        if what:
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
        for group in beside:
            await _put_beside(tx, group, setting.now)
        for group in groups:
            if group.im_id:
                await standbys.learn(tx, group.im_id, at=setting.now)

    plan.apply = apply
    return plan


async def _put_beside(tx: Tx, group: _Group, at: datetime) -> None:
    """Who stands by and the labels, of a room that is there by now."""
    room = group.old or await rooms.find(tx, group.account, group.im_id)
    assert room is not None, "it was put"  # noqa: S101
    if group.tags is not None:
        await rooms.tag(tx, room.id, group.tags, Origin.IMPORT)
    if group.standby is None:
        return
    known = {one.account: one.im_id for one in await standbys.of_room(tx, room.id)}
    for account, im_id in known.items():
        if account not in group.standby:
            await standbys.remove(tx, account, im_id)
    for account, im_id in group.standby.items():
        if known.get(account) != im_id:
            await standbys.add(tx, room.id, account, im_id, at=at)


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
    group = _Group(row, account, im_id, topic, grid, kind, _choice(row, ENABLED, STATES))
    group.standby, group.tags = _standby(row, account, setting), _tags(row)
    return group


def _standby(row: Row, account: str, setting: Setting) -> dict[str, str] | None:
    """account → id, empty where it knows the group by the same id as the one that answers."""
    words = row.several(STANDBY)
    found: dict[str, str] = {}
    for word in words if words != [NONE] else ():
        name, _, im_id = word.partition(":")
        if name not in setting.accounts:
            row.fault(STANDBY, texts.NO_ACCOUNT, value=name, known="、".join(setting.accounts))
        elif name == account:
            row.fault(STANDBY, texts.STANDBY_ITSELF, value=name)
        found[name] = im_id
    return found if words else None


def _tags(row: Row) -> set[str] | None:
    words = [word.strip("#＃") for word in row.several(TAGS)]
    for word in words:
        if not 0 < len(word) <= LONGEST_TAG:
            row.fault(TAGS, texts.BAD_TAG, value=word, most=LONGEST_TAG)
    return (set(words) if words != [NONE] else set()) if words else None


def _choice(row: Row, column: str, words: Mapping[str, W]) -> W | None:
    value = row.plain(column)
    if value and value not in words:
        row.fault(column, texts.NOT_ONE_OF, value=value, known="、".join(words))
    return words.get(value)


def _identify(groups: Sequence[_Group], stored: Sequence[Room], standing_by: Mapping[int, Sequence[Standby]]) -> None:
    """Which known room each row is: by its id, else by its topic where the account has one such room. A row that names
    the account from which another took over, in a table that does not name that one, is the group as it is by now."""
    taken = {
        (one.account, key): room
        for room in stored
        if room.taken_at is not None
        for one in standing_by.get(room.id, ())
        for key in (one.im_id, room.topic)
    }
    named = {(group.account, key) for group in groups for key in (group.im_id, group.topic) if key}
    by_id = {(room.account, room.im_id): room for room in stored}
    by_topic: dict[tuple[str, str], list[Room]] = {}
    for room in stored:
        if room.state is not RoomState.GONE:
            by_topic.setdefault((room.account, room.topic), []).append(room)
    seen: dict[tuple[str, str], Row] = {}
    for group in groups:
        now = taken.get((group.account, group.im_id or group.topic))
        if now is not None and not named & {(now.account, now.im_id), (now.account, now.topic)}:
            _follow(group, now, standing_by)
        elif group.im_id:
            group.old = by_id.get((group.account, group.im_id))
        elif group.topic and not group.row.faults:
            fitting = by_topic.get((group.account, group.topic), [])
            if len(fitting) == 1:
                group.old, group.im_id = fitting[0], fitting[0].im_id
            else:
                what = texts.ROOM_AMBIGUOUS if fitting else texts.ROOM_UNKNOWN
                group.row.fault(TOPIC, what, account=group.account, topic=group.topic, count=len(fitting))
        if group.standby is not None:
            group.standby = {account: im_id or group.im_id for account, im_id in group.standby.items()}
        if group.im_id:
            first = seen.setdefault((group.account, group.im_id), group.row)
            if first is not group.row:
                group.row.fault(IM, texts.SAME_ROW, row=first.number)


def _follow(group: _Group, room: Room, standing_by: Mapping[int, Sequence[Standby]]) -> None:
    """The row's account and one that it names to stand by have changed places."""
    if group.standby is not None:
        before = next(one for one in standing_by[room.id] if one.account == group.account)
        group.standby.pop(room.account, None)
        group.standby[before.account] = before.im_id
    group.old, group.account, group.im_id = room, room.account, room.im_id


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


def _beside(group: _Group, others: Mapping[str, str], labels: set[str]) -> list[str]:
    what = []
    if group.standby is not None and group.standby != others:
        what.append(f"{STANDBY} {'、'.join(others) or '—'} → {'、'.join(group.standby) or '—'}")
    if group.tags is not None and group.tags != labels:
        what.append(f"{TAGS} {'、'.join(sorted(labels)) or '—'} → {'、'.join(sorted(group.tags)) or '—'}")
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
