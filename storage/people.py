"""People are ours, ids are theirs: a person has an internal id and IM aliases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage import grids, points, registry
from storage.engine import Tx, insert
from storage.model import Alias, Grant, Origin, Person, Role
from storage.tables import metadata
from storage.tables.deliberation import topic_supporters, votes
from storage.tables.neighbours import signup_entries, signup_steps, wish_line
from storage.tables.registry import aliases, bind_codes, grants, grid_moves, people
from storage.tables.supplies import checkins
from storage.tables.tickets import dialogs, reporters, tickets

_PERSON = sa.select(people.c.id, people.c.name, people.c.opted_out_at)
_ids: sa.BindParameter[int] = sa.bindparam("ids", expanding=True)


def _granted() -> sa.CompoundSelect[Any]:
    """The grants of people, once each where the config and an import say the same. With them what follows from a grid
    that moved: who held the old code holds what it became, and who holds a code holds what was there before."""
    holder, role, scope = grants.c.person_id, grants.c.role, grants.c.scope
    became, before = grid_moves.alias("became"), grid_moves.alias("before")
    held = sa.select(holder, role, scope.label("scope"), sa.false().label("derived")).where(holder.in_(_ids))
    heir = sa.select(holder, role, became.c.new, sa.true()).join(became, became.c.old == scope)
    past = sa.select(holder, role, before.c.old, sa.true())
    past = past.join(before, sa.and_(before.c.new >= scope, before.c.new < scope + ":"))
    heirs_past = sa.select(holder, role, before.c.old, sa.true()).join(became, became.c.old == scope)
    heirs_past = heirs_past.join(before, sa.and_(before.c.new == became.c.new, before.c.old != scope))
    derived = [query.where(holder.in_(_ids)) for query in (heir, past, heirs_past)]
    return sa.union(held, *derived).order_by("derived", "role", "scope")


_GRANTS = _granted()
_ALIASES = (
    sa.select(aliases.c.person_id, aliases.c.account, aliases.c.im_id, aliases.c.friend, aliases.c.nick)
    .where(aliases.c.person_id.in_(_ids))
    .order_by(aliases.c.account, aliases.c.im_id)
)
# Built once: every message that is looked at asks for its sender.
_FIND = _PERSON.join(aliases, aliases.c.person_id == people.c.id).where(
    aliases.c.account == sa.bindparam("of"), aliases.c.im_id == sa.bindparam("id")
)
_GET = _PERSON.where(people.c.id == sa.bindparam("id"))


async def _load(tx: Tx, query: sa.Select[Any], values: dict[str, Any] | None = None) -> list[Person]:
    """The people that `query` selects, with what hangs on them, by id."""
    rows = (await tx.execute(query, values)).all()
    ids = [row.id for row in rows]
    granted: dict[int, list[Grant]] = {id_: [] for id_ in ids}
    known: dict[int, list[Alias]] = {id_: [] for id_ in ids}
    if ids:
        for person_id, role, scope, derived in await tx.execute(_GRANTS, {"ids": ids}):
            granted[person_id].append(Grant(role, scope, derived))
        for person_id, *alias in await tx.execute(_ALIASES, {"ids": ids}):
            known[person_id].append(Alias(*alias))
    return [
        Person(row.id, row.name, tuple(granted[row.id]), tuple(known[row.id]), row.opted_out_at)
        for row in sorted(rows, key=lambda row: row.id)
    ]


async def find(tx: Tx, account: str, im_id: str) -> Person | None:
    """The person behind an IM id."""
    found = await _load(tx, _FIND, {"of": account, "id": im_id})
    return found[0] if found else None


async def get(tx: Tx, person_id: int) -> Person | None:
    """The person with our id."""
    found = await _load(tx, _GET, {"id": person_id})
    return found[0] if found else None


async def _get(tx: Tx, person_id: int) -> Person:
    person = await get(tx, person_id)
    if person is None:
        raise LookupError(f"no person {person_id}")
    return person


async def _create(tx: Tx, name: str) -> int:
    statement = sa.insert(people).values(name=name).returning(people.c.id)
    person_id: int = (await tx.execute(statement)).scalar_one()
    return person_id


async def ensure(tx: Tx, account: str, im_id: str, *, nick: str, friend: bool) -> Person:
    """The person behind an IM id, made (as a resident) where there is none.

    Nick and friend are kept up to date; an empty nick changes nothing."""
    query = sa.select(aliases.c.person_id, aliases.c.nick, aliases.c.friend)
    held = (await tx.execute(query.where(aliases.c.account == account, aliases.c.im_id == im_id))).one_or_none()
    if held is None:
        person_id = await _create(tx, nick)
        row = {"account": account, "im_id": im_id, "person_id": person_id, "friend": friend, "nick": nick}
        await tx.execute(sa.insert(aliases).values(row))
        return Person(person_id, nick, (), (Alias(account, im_id, friend, nick),))
    if (nick and nick != held.nick) or friend != held.friend:
        await tx.execute(
            sa.update(aliases)
            .where(aliases.c.account == account, aliases.c.im_id == im_id)
            .values(nick=nick or held.nick, friend=friend)
        )
    return await _get(tx, held.person_id)


async def known_alike(tx: Tx, account: str, other: str) -> None:
    """These accounts know people by the same ids: whom the one knows, the other does, but is no friend of yet. Who was
    known to both as two is one from now on, but for two who both hold an office; that one of them wished not to be
    recorded holds for both."""
    theirs = aliases.alias()
    row = sa.select(sa.literal(other), aliases.c.im_id, aliases.c.person_id, sa.false(), aliases.c.nick)
    row = row.where(aliases.c.account == account, sa.true())  # SQLite: ON CONFLICT after a SELECT needs a WHERE
    columns = ["account", "im_id", "person_id", "friend", "nick"]
    await tx.execute(insert(tx, aliases).from_select(columns, row).on_conflict_do_nothing())
    same = sa.and_(theirs.c.im_id == aliases.c.im_id, theirs.c.person_id != aliases.c.person_id)
    twice = sa.select(aliases.c.im_id, aliases.c.person_id, theirs.c.person_id.label("twin")).join(theirs, same)
    twice = twice.where(aliases.c.account == account, theirs.c.account == other)
    for im_id, person_id, twin_id in list(await tx.execute(twice)):
        person, twin = await _get(tx, person_id), await _get(tx, twin_id)
        if not twin.grants:
            await give_alias(tx, person_id, Alias(other, im_id))
        elif not person.grants:
            await give_alias(tx, twin_id, Alias(account, im_id))
        wishes = [one.opted_out_at for one in (person, twin) if one.opted_out_at is not None]
        for one in (person, twin) if wishes else ():
            await opt_out(tx, one.id, min(wishes))


async def set_friend(tx: Tx, account: str, im_id: str, friend: bool) -> None:
    """The contact was added or lost. Nothing happens for somebody who has no record."""
    await tx.execute(
        sa.update(aliases).where(aliases.c.account == account, aliases.c.im_id == im_id).values(friend=friend)
    )


async def with_role(tx: Tx, roles: Collection[Role], grid: str) -> list[Person]:
    """People who hold one of the roles over the grid, or over what it is today, the longest scope first."""
    return (await with_role_in(tx, roles, [grid]))[grid]


async def with_role_in(tx: Tx, roles: Collection[Role], over: Collection[str]) -> dict[str, list[Person]]:
    """The same for each of many grids, which are looked up together."""
    scopes = {
        grid: {beginning for code in codes for beginning in grids.prefixes(code)}
        for grid, codes in (await grids.today_of(tx, over)).items()
    }
    before: dict[str, set[str]] = {}  # what became a scope
    moved = grid_moves.c.new.in_(set().union(*scopes.values()))
    for old, new in await tx.execute(sa.select(grid_moves.c.old, grid_moves.c.new).where(moved)):
        before.setdefault(new, set()).add(old)
    for held in scopes.values():
        held.update(*(before[scope] for scope in held & before.keys()))
    holders: dict[str, set[int]] = {}
    query = sa.select(grants.c.scope, grants.c.person_id).where(grants.c.role.in_(roles))
    for scope, person_id in await tx.execute(query.where(grants.c.scope.in_(set().union(*scopes.values())))):
        holders.setdefault(scope, set()).add(person_id)
    persons = {person.id: person for person in await many(tx, set().union(*holders.values()))}
    found = {}
    for grid, held in scopes.items():
        near = {person: len(scope) for scope in sorted(held & holders.keys(), key=len) for person in holders[scope]}
        found[grid] = [persons[person] for person in sorted(near, key=lambda person: (-near[person], person))]
    return found


async def many(tx: Tx, ids: Iterable[int]) -> list[Person]:
    """The people with these ids, by id."""
    return await _load(tx, _PERSON.where(people.c.id.in_(list(ids))))


async def orgs(tx: Tx, ids: Iterable[int]) -> dict[int, str]:
    """The unit of each of these people of whom the registry names one."""
    query = sa.select(people.c.id, people.c.org).where(people.c.id.in_(list(ids)), people.c.org.is_not(None))
    return {person_id: org for person_id, org in await tx.execute(query)}  # noqa: C416 - typed rows


async def everyone_with_grants(tx: Tx) -> list[Person]:
    """All who are more than residents, by id."""
    return await _load(tx, _PERSON.where(people.c.id.in_(sa.select(grants.c.person_id))))


async def opt_out(tx: Tx, person_id: int, at: datetime | None) -> None:
    """别记我; None opts in again. Every process that serves an account at which they speak reads it anew."""
    await registry.touch_opt_outs(tx)
    await tx.execute(sa.update(people).where(people.c.id == person_id).values(opted_out_at=at))


async def known(tx: Tx, accounts: Collection[str] | None = None) -> set[tuple[str, str]]:
    """(account, im_id) of everybody of whom there is a record, at one of these accounts where they are given."""
    query = sa.select(aliases.c.account, aliases.c.im_id)
    if accounts is not None:
        query = query.where(aliases.c.account.in_(accounts))
    return {(account, im_id) for account, im_id in await tx.execute(query)}


async def opted_out(tx: Tx, accounts: Collection[str] | None = None) -> set[tuple[str, str]]:
    """(account, im_id) of all who do not want to be recorded, at one of these accounts where they are given."""
    who = sa.select(people.c.id).where(people.c.opted_out_at.is_not(None))
    query = sa.select(aliases.c.account, aliases.c.im_id).where(aliases.c.person_id.in_(who))
    if accounts is not None:
        query = query.where(aliases.c.account.in_(accounts))
    return {(account, im_id) for account, im_id in await tx.execute(query)}


async def silent(tx: Tx, account: str) -> list[Person]:
    """Those of them whom this account knows, as they are called there."""
    known_here = sa.select(aliases.c.person_id).where(aliases.c.account == account)
    return await _load(tx, _PERSON.where(people.c.opted_out_at.is_not(None), people.c.id.in_(known_here)))


# --- the registry from the config ---


async def import_person(tx: Tx, name: str, new_grants: Sequence[Grant], new_aliases: Sequence[Alias]) -> Person:
    """From the config: one who holds one of the aliases, else one with the same name and the same grants, is the same
    person. Grants are replaced; aliases are added, and taken from whoever held them."""
    person_id = await _registered(tx, name, new_grants, new_aliases)
    if person_id is None:
        person_id = await _create(tx, name)
    else:
        await tx.execute(sa.update(people).where(people.c.id == person_id).values(name=name))
        given = (grants.c.person_id == person_id, grants.c.origin == Origin.CONFIG)
        await tx.execute(sa.delete(grants).where(*given))
    row = {"person_id": person_id, "origin": Origin.CONFIG}
    rows = [{**row, "role": role, "scope": scope} for role, scope in _pairs(new_grants)]
    if rows:
        await tx.execute(sa.insert(grants), rows)
    for alias in new_aliases:
        await give_alias(tx, person_id, alias)
    return await _get(tx, person_id)


def _pairs(of: Iterable[Grant]) -> set[tuple[Role, str]]:
    return {(grant.role, grant.scope) for grant in of if not grant.derived}


async def _registered(tx: Tx, name: str, same: Sequence[Grant], known: Sequence[Alias]) -> int | None:
    for alias in known:
        holder = await find(tx, alias.account, alias.im_id)
        if holder is not None:
            return holder.id
    for person in await _load(tx, _PERSON.where(people.c.name == name)):
        if person.grants and _pairs(person.grants) >= _pairs(same):  # an import may have given them more
            return person.id
    return None


async def revoke_others(tx: Tx, kept: Collection[int]) -> list[int]:
    """Take from people who are not in `kept` what the config gave them: whoever left it has no rights any more, but for
    those that an import gave.

    Returns their ids."""
    given = sa.select(grants.c.person_id).where(grants.c.origin == Origin.CONFIG).distinct()
    gone = sorted(set(await tx.scalars(given)) - set(kept))
    if gone:
        await tx.execute(sa.delete(grants).where(grants.c.person_id.in_(gone), grants.c.origin == Origin.CONFIG))
        rightless = sa.and_(
            bind_codes.c.person_id.in_(gone), bind_codes.c.person_id.not_in(sa.select(grants.c.person_id))
        )
        await tx.execute(sa.delete(bind_codes).where(rightless))
    return gone


# --- one IM account more, and who was a resident until then ---


async def give_alias(tx: Tx, person_id: int, alias: Alias) -> None:
    """The IM account is this person's from now on; with a resident's record that had no other, what hung on it."""
    held = await find(tx, alias.account, alias.im_id)
    if held is None:
        row = {"account": alias.account, "im_id": alias.im_id, "friend": alias.friend, "nick": alias.nick}
        await tx.execute(sa.insert(aliases).values(person_id=person_id, **row))
    elif held.id != person_id:
        this = (aliases.c.account == alias.account, aliases.c.im_id == alias.im_id)
        await tx.execute(sa.update(aliases).where(*this).values(person_id=person_id))
        if alias.friend:
            await set_friend(tx, alias.account, alias.im_id, True)
        if not held.grants and len(held.aliases) == 1:
            await _absorb(tx, person_id, held)


# Every column that names a person and outlives them, in whatever table; those of keys are handled one by one.
_MENTIONS: tuple[sa.Column[Any], ...] = (
    tickets.c.first_id,
    *(
        column
        for table in metadata.sorted_tables
        for column in table.c
        for key in column.foreign_keys
        if key.column is people.c.id and key.ondelete is None and not column.primary_key
    ),
)


async def _absorb(tx: Tx, person_id: int, resident: Person) -> None:
    """A resident's record turns out to be this person: what hangs on it moves, the record goes."""
    old = resident.id
    twins = reporters.alias()
    both = sa.select(reporters.c.ticket).join(twins, twins.c.ticket == reporters.c.ticket)
    both = both.where(reporters.c.person_id == old, twins.c.person_id == person_id)
    await tx.execute(sa.update(tickets).where(tickets.c.number.in_(both)).values(reporters=tickets.c.reporters - 1))
    for table in (reporters, dialogs):
        # Where both are there for the same ticket (and step), the person's own row stays.
        twin = table.alias()
        key = [twin.c.ticket == table.c.ticket, twin.c.person_id == person_id]
        if "step" in table.c:
            key.append(twin.c.step == table.c.step)
        await tx.execute(sa.delete(table).where(table.c.person_id == old, sa.exists().where(*key)))
        await tx.execute(sa.update(table).where(table.c.person_id == old).values(person_id=person_id))
    place = wish_line.alias()  # nor in one line: the person's own place stays
    stands = sa.select(place.c.wish).where(place.c.person_id == person_id)
    moves = (wish_line.c.person_id == old, wish_line.c.wish.not_in(stands))
    await tx.execute(sa.update(wish_line).where(*moves).values(person_id=person_id))
    entry = signup_entries.alias()  # nobody is in one roster twice
    of_both = sa.select(entry.c.signup).where(entry.c.person_id == person_id)
    twice = (signup_entries.c.person_id == old, signup_entries.c.signup.in_(of_both))
    steps = sa.exists().where(
        *twice, signup_entries.c.signup == signup_steps.c.signup, signup_entries.c.seq == signup_steps.c.seq
    )
    await tx.execute(sa.delete(signup_steps).where(steps))
    await tx.execute(sa.delete(signup_entries).where(*twice))
    for table, item in ((topic_supporters, "topic"), (votes, "poll"), (checkins, None)):  # one voice a person
        twin = table.alias()
        same = [twin.c.person_id == person_id, *([twin.c[item] == table.c[item]] if item else [])]
        await tx.execute(sa.delete(table).where(table.c.person_id == old, sa.exists().where(*same)))
        await tx.execute(sa.update(table).where(table.c.person_id == old).values(person_id=person_id))
    await points.absorb(tx, old, person_id)
    for column in _MENTIONS:
        await tx.execute(sa.update(column.table).where(column == old).values({column: person_id}))
    if resident.opted_out_at is not None:
        wish = sa.func.coalesce(people.c.opted_out_at, sa.literal(resident.opted_out_at, people.c.opted_out_at.type))
        await tx.execute(sa.update(people).where(people.c.id == person_id).values(opted_out_at=wish))
    await tx.execute(sa.delete(people).where(people.c.id == old))
