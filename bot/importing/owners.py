"""The table 事项 → 承办: who usually deals with a category in a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.importing import texts
from bot.importing.plans import Kind, Plan, Roster, Scopes, Setting, refuse, role
from bot.importing.tables import Column, Row
from handlers.texts import ROLE
from nlp.categories import Category
from storage import owners
from storage.engine import Tx
from storage.model import Owner

MATTER, CODE, ROLE_, ORG, PERSON = "事项", "网格码", "角色", "单位", "承办人"
ALL = "全部"
COLUMNS = (
    Column(
        MATTER, "类别编号（0101）、前两位（01）、名称，或“全部”", ("设施维修/电梯故障", "07"), required=True, width=24
    ),
    Column(CODE, "网格码或它的前几位；留空为全部网格", ("519999001001", ""), width=20),
    Column(ROLE_, "由这个角色的人承办", ("物业", "执法"), required=True, width=14, choices=tuple(ROLE.values())),
    Column(ORG, "这个角色里只要某单位的人", ("示例物业公司", "示例执法中队"), width=20),
    Column(PERSON, "只要某一个人：姓名或编号，须有这个角色", ("", ""), width=14),
)


async def compare(tx: Tx, rows: Sequence[Row], setting: Setting) -> Plan:
    """What the table would change. Raises ImportFault with everything that is wrong with it."""
    scopes, roster = await Scopes.load(tx), await Roster.load(tx)
    matters = _matters(setting.categories)
    wanted: dict[tuple[str, str], Owner] = {}
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        owner = _owner(row, matters, scopes, roster, setting)
        if owner is None:
            continue
        key = owner.category, owner.scope
        if key in wanted:
            row.fault("", texts.SAME_ROW, row=first[key])
        wanted[key] = owner
        first.setdefault(key, row.number)
    refuse(rows)
    stored = {(owner.category, owner.scope): owner for owner in await owners.every(tx)}
    plan, put = Plan(), []
    for key, owner in wanted.items():
        if key not in stored:
            plan.new.append((_label(owner, setting), _who(owner, roster)))
        elif stored[key] != owner:
            change = f"{_who(stored[key], roster)} → {_who(owner, roster)}"
            plan.changed.append((_label(owner, setting), change))
        else:
            plan.same += 1
            continue
        put.append(owner)
    gone = [key for key in stored if key not in wanted and key[1].startswith(setting.scope)]
    plan.gone = [(_label(stored[key], setting), _who(stored[key], roster)) for key in gone]

    async def apply(tx: Tx) -> None:
        await owners.put(tx, put)
        if setting.take_gone:
            await owners.drop(tx, gone)

    plan.apply = apply
    return plan


def _matters(categories: Mapping[str, Category]) -> dict[str, str]:
    """What may stand for a category, and the beginning of the codes that it means."""
    found = {ALL: ""}
    for code, category in categories.items():
        group, _, short = category.name.partition("/")
        found |= {code: code, code[:2]: code[:2], category.name: code, group: code[:2]}
        found.setdefault(short, code)
    return found


def _owner(row: Row, matters: Mapping[str, str], scopes: Scopes, roster: Roster, setting: Setting) -> Owner | None:
    word, held = row.plain(MATTER), role(row, ROLE_)
    if word and word not in matters:
        row.fault(MATTER, texts.NO_CATEGORY, value=word)
    scope = scopes.check(row, CODE, setting)
    if not row.plain(CODE) and setting.scope:
        row.fault(CODE, texts.OUTSIDE, code=texts.EVERYWHERE, scope=setting.scope)
    org = row.text(ORG) or None
    person_id = roster.find(row, PERSON, held, scope) if row.plain(PERSON) else None
    if row.faults or held is None:
        return None
    return Owner(matters[word], scope, held, org, person_id)


def _label(owner: Owner, setting: Setting) -> str:
    category = setting.categories.get(owner.category)
    name = category.name if category is not None else owner.category or ALL
    return f"{name} @ {owner.scope or texts.EVERYWHERE}"


def _who(owner: Owner, roster: Roster) -> str:
    return " ".join(part for part in (ROLE[owner.role], owner.org, roster.name(owner.person_id)) if part)


TABLE = Kind(
    name="owners",
    title="承办",
    columns=COLUMNS,
    gone="表里没有的对应关系照旧保留；加 --take-gone 则删除（以后的新单不再自动派，已派的不变）",
    compare=compare,
)
