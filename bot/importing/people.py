"""The table of people: one row a role, several rows a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.importing import texts
from bot.importing.plans import Kind, Plan, Scopes, Setting, refuse, role
from bot.importing.tables import Column, Row
from handlers.texts import ROLE
from storage import roster
from storage.engine import Tx
from storage.model import Role
from storage.roster import Account, Entry, Pair

NAME, ROLE_, CODE, PHONE, ORG, REF, IM = "姓名", "角色", "网格码", "电话", "单位", "编号", "微信"
COLUMNS = (
    Column(NAME, "一人几个角色就写几行", ("刘示例", "王示例"), required=True, width=12),
    Column(
        ROLE_, "、".join(ROLE.values()), ("微网格长", "物业"), required=True, width=14, choices=tuple(ROLE.values())
    ),
    Column(CODE, "管到哪里：网格码或它的前几位", ("519999001001003012", "519999001001"), required=True, width=22),
    Column(PHONE, "加密保存；同名的人靠它区分", ("13800000001", "028-88880001"), width=16),
    Column(ORG, "部门、物业公司等", ("", "示例物业公司"), width=20),
    Column(REF, "本单位自己的工号，每人一个", ("A001", ""), width=10),
    Column(IM, "已知才填：微信号名:联系人id；不知道就发绑定码", ("wx1:wxid_example", ""), width=26),
)

_PHONE = re.compile(r"(\+?86)?-?(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}|[2-9][0-9]{6,7})")


@dataclass(slots=True)
class _Someone:
    """What the rows of one person say."""

    row: Row  # the first of them
    name: str
    phone: str = ""
    org: str = ""
    ref: str = ""
    grants: dict[Pair, int] = field(default_factory=dict)  # and the row that says so
    accounts: set[Account] = field(default_factory=set)


async def compare(tx: Tx, rows: Sequence[Row], setting: Setting) -> Plan:
    """What the table would change. Raises ImportFault with everything that is wrong with it."""
    scopes = await Scopes.load(tx)
    people = _gathered(rows, scopes, setting)
    _check_accounts(people)
    stored = await roster.every(tx)
    refuse(rows)
    plan, put = Plan(), []
    matched = _matched(people, stored)
    for someone in people:
        old = matched.get(id(someone))
        entry = _entry(someone, old, setting)
        label = f"{someone.name} {_roles(someone.grants)}"
        if old is None:
            plan.new.append((label, ""))
        elif what := _differences(old, entry):
            plan.changed.append((someone.name, "，".join(what)))
        else:
            plan.same += 1
            continue
        put.append(entry)
    here = {entry.id for entry in matched.values()}
    gone = [entry for entry in stored if entry.id not in here and _within(entry.grants, setting)]
    plan.gone = [(f"{entry.name} {_roles(_within(entry.grants, setting))}", "") for entry in gone]

    async def apply(tx: Tx) -> None:
        await roster.put(tx, put)
        if setting.take_gone:
            left = [replace(entry, grants=entry.grants - _within(entry.grants, setting)) for entry in gone]
            await roster.put(tx, [entry for entry in left if entry.grants])
            await roster.revoke(tx, [entry.id for entry in left if not entry.grants and entry.id is not None])

    plan.apply = apply
    return plan


def _gathered(rows: Sequence[Row], scopes: Scopes, setting: Setting) -> list[_Someone]:
    """The rows of each person together: the same number, else the same name and phone, is the same person."""
    people: dict[tuple[str, str], _Someone] = {}
    named: dict[str, list[Row]] = {}
    vague: set[str] = set()
    for row in rows:
        name, phone, ref = row.text(NAME), _phone(row), row.plain(REF)
        held, scope = role(row, ROLE_), scopes.check(row, CODE, setting)
        key = ("ref", ref) if ref else (name, phone)
        someone = people.setdefault(key, _Someone(row, name))
        if ref and someone.name != name:
            row.fault(REF, texts.REF_TWICE, ref=ref, row=someone.row.number, name=someone.name)
            continue
        for column, attribute, value in ((PHONE, "phone", phone), (ORG, "org", row.text(ORG)), (REF, "ref", ref)):
            before = getattr(someone, attribute)
            if before and value and before != value:
                shown = texts.HIDDEN if column == PHONE else before
                row.fault(column, texts.DIFFERS, name=name, row=someone.row.number, other=shown)
            elif value:
                setattr(someone, attribute, value)
        if held is not None and scope:
            if (held, scope) in someone.grants:
                row.fault("", texts.SAME_ROW, row=someone.grants[held, scope])
            someone.grants.setdefault((held, scope), row.number)
        someone.accounts |= _accounts(row, setting)
        named.setdefault(name, []).append(row)
        if not phone and not ref:
            vague.add(name)
    for name in vague:
        if name and len(named[name]) > 1:
            named[name][0].fault(NAME, texts.TELL_APART, name=name)
    return list(people.values())


def _phone(row: Row) -> str:
    value = row.plain(PHONE)
    if value and not _PHONE.fullmatch(value):
        row.fault(PHONE, texts.BAD_PHONE, value=value)
        return ""
    return re.sub(r"^\+?86-?(?=1)", "", value)


def _accounts(row: Row, setting: Setting) -> set[Account]:
    found = set()
    for value in row.several(IM):
        account, _, im_id = value.partition(":")
        if not im_id:
            row.fault(IM, texts.BAD_IM, value=value)
        elif account not in setting.accounts:
            row.fault(IM, texts.NO_ACCOUNT, value=account, known="、".join(setting.accounts))
        else:
            found.add((account, im_id))
    return found


def _check_accounts(people: Iterable[_Someone]) -> None:
    holders: dict[Account, _Someone] = {}
    for someone in people:
        for account in sorted(someone.accounts):
            first = holders.setdefault(account, someone)
            if first is not someone:
                shown = ":".join(account)
                someone.row.fault(IM, texts.IM_TWICE, value=shown, row=first.row.number, name=first.name)


def _matched(people: Sequence[_Someone], stored: Sequence[Entry]) -> dict[int, Entry]:
    """Which stored person each of the table is, by `id()` of the latter: by number, else by an account, else by name
    and phone, else by name and the same role in the same place. Never by the name alone, for rights hang on it."""
    left = {entry.id: entry for entry in stored}
    found: dict[int, Entry] = {}

    def take(key: Mapping[object, list[Entry]], of: _Someone, *wanted: object) -> None:
        for one in wanted:
            fitting = [entry for entry in key.get(one, ()) if entry.id in left]
            if id(of) not in found and len(fitting) == 1 and not (of.ref and fitting[0].ref not in (None, of.ref)):
                found[id(of)] = left.pop(fitting[0].id)

    by_ref = _index((entry.ref, entry) for entry in stored if entry.ref)
    by_account = _index((account, entry) for entry in stored for account in entry.accounts)
    by_phone = _index(((entry.name, entry.phone), entry) for entry in stored if entry.phone)
    by_grant = _index(((entry.name, pair), entry) for entry in stored for pair in entry.grants | entry.others)
    for someone in people:
        take(by_ref, someone, someone.ref or object())
    for someone in people:
        take(by_account, someone, *sorted(someone.accounts))
    for someone in people:
        if someone.phone:
            take(by_phone, someone, (someone.name, someone.phone))
    for someone in people:
        take(by_grant, someone, *((someone.name, pair) for pair in someone.grants))
    return found


def _index(pairs: Iterable[tuple[object, Entry]]) -> dict[object, list[Entry]]:
    index: dict[object, list[Entry]] = {}
    for key, entry in pairs:
        index.setdefault(key, []).append(entry)
    return index


def _within(grants: frozenset[Pair], setting: Setting) -> frozenset[Pair]:
    return frozenset(pair for pair in grants if pair[1].startswith(setting.scope))


def _entry(someone: _Someone, old: Entry | None, setting: Setting) -> Entry:
    """The person as they are to be: an empty cell takes nothing away, the roles are those of the table."""
    grants = frozenset(someone.grants)
    if old is None:
        ref, org, phone = someone.ref or None, someone.org or None, someone.phone or None
        return Entry(None, someone.name, ref, org, phone, grants, accounts=frozenset(someone.accounts))
    return replace(
        old,
        name=someone.name,
        ref=someone.ref or old.ref,
        org=someone.org or old.org,
        phone=someone.phone or old.phone,
        grants=grants | (old.grants - _within(old.grants, setting)),
        accounts=old.accounts | someone.accounts,
    )


def _differences(old: Entry, new: Entry) -> list[str]:
    what = []
    if old.name != new.name:
        what.append(texts.RENAMED.format(old=old.name, new=new.name))
    if added := new.grants - old.grants:
        what.append(texts.GIVEN.format(roles=_roles(added)))
    if taken := old.grants - new.grants:
        what.append(texts.TAKEN.format(roles=_roles(taken)))
    for column, attribute in ((PHONE, "phone"), (ORG, "org"), (REF, "ref"), (IM, "accounts")):
        if getattr(old, attribute) != getattr(new, attribute):
            what.append(column)
    return what


def _roles(pairs: Iterable[tuple[Role, str]]) -> str:
    return "、".join(f"{ROLE[held]} {scope}" for held, scope in sorted(pairs, key=lambda pair: (pair[1], pair[0])))


TABLE = Kind(
    name="people",
    title="人员",
    columns=COLUMNS,
    gone="表里有的人，权限以表为准；表里没有的人照旧保留，加 --take-gone 则收回以前导入的权限（人和历史记录都在）",
    compare=compare,
)
