"""The people of the registry in bulk: what an import compares with and what it writes. Phones are sealed on the way in
and opened on the way out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from storage import people as persons
from storage.engine import Tx, purged, sealer_of
from storage.model import Alias, Origin, Role
from storage.tables.registry import aliases, bind_codes, grants, people

_PHONE = "people.phone"
Pair = tuple[Role, str]  # role, scope
Account = tuple[str, str]  # our account, IM id


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of the registry. `grants` are those of imports; `others` those of the config."""

    id: int | None  # None: not stored yet
    name: str
    ref: str | None = None
    org: str | None = None
    phone: str | None = None
    grants: frozenset[Pair] = frozenset()
    others: frozenset[Pair] = frozenset()
    accounts: frozenset[Account] = field(default=frozenset())


async def every(tx: Tx) -> list[Entry]:
    """Everybody who holds a role or a number of the community's list, by id."""
    given: dict[int, dict[Origin, set[Pair]]] = {}
    for person_id, role, scope, origin in await tx.execute(
        sa.select(grants.c.person_id, grants.c.role, grants.c.scope, grants.c.origin)
    ):
        given.setdefault(person_id, {}).setdefault(origin, set()).add((role, scope))
    known: dict[int, set[Account]] = {}
    for person_id, account, im_id in await tx.execute(
        sa.select(aliases.c.person_id, aliases.c.account, aliases.c.im_id)
    ):
        known.setdefault(person_id, set()).add((account, im_id))
    sealer, found = sealer_of(tx), []
    registered = sa.or_(people.c.ref.is_not(None), people.c.id.in_(sa.select(grants.c.person_id)))
    query = sa.select(people.c.id, people.c.name, people.c.ref, people.c.org, people.c.phone).where(registered)
    for row in await tx.execute(query.order_by(people.c.id)):
        of = given.get(row.id, {})
        found.append(
            Entry(
                row.id,
                row.name,
                row.ref,
                row.org,
                None if row.phone is None else sealer.open(_PHONE, row.phone),
                frozenset(of.get(Origin.IMPORT, ())),
                frozenset(of.get(Origin.CONFIG, ())),
                frozenset(known.get(row.id, ())),
            )
        )
    return found


async def put(tx: Tx, entries: Sequence[Entry]) -> list[int]:
    """Write people as they are to be: their grants of imports are exactly these afterwards, accounts are added (and
    taken from whoever held them). Returns their ids, in order."""
    sealer = sealer_of(tx)
    rows = [
        {
            "name": entry.name,
            "ref": entry.ref,
            "org": entry.org,
            "phone": None if entry.phone is None else sealer.seal(_PHONE, entry.phone),
        }
        for entry in entries
    ]
    fresh = [row for row, entry in zip(rows, entries, strict=True) if entry.id is None]
    made: list[int] = []
    if fresh:
        statement = sa.insert(people).returning(people.c.id, sort_by_parameter_order=True)
        made = list(await tx.scalars(statement, fresh))
    numbers = iter(made)
    ids = [entry.id if entry.id is not None else next(numbers) for entry in entries]
    known = [(row, entry.id) for row, entry in zip(rows, entries, strict=True) if entry.id is not None]
    if known:
        await tx.execute(
            sa.update(people)
            .where(people.c.id == sa.bindparam("of"))
            .values({name: sa.bindparam(name) for name in rows[0]}),
            [{**row, "of": person_id} for row, person_id in known],
        )
        await _take_grants(tx, [person_id for _, person_id in known])
    given = [
        {"person_id": person_id, "role": role, "scope": scope, "origin": Origin.IMPORT}
        for person_id, entry in zip(ids, entries, strict=True)
        for role, scope in sorted(entry.grants)
    ]
    if given:
        await tx.execute(sa.insert(grants), given)
    for person_id, entry in zip(ids, entries, strict=True):
        for account, im_id in sorted(entry.accounts):
            # As with the config: whoever knows the id knows it from that account's own contacts.
            await persons.give_alias(tx, person_id, Alias(account, im_id, friend=True))
    return ids


async def revoke(tx: Tx, ids: Collection[int]) -> None:
    """Take from these people all that imports gave them. Of whoever is left without any right neither a bind code is
    kept nor the phone."""
    await _take_grants(tx, ids)
    held = sa.select(grants.c.person_id)
    for person_id in ids:
        await tx.execute(
            sa.delete(bind_codes).where(bind_codes.c.person_id == person_id, bind_codes.c.person_id.not_in(held))
        )
        await tx.execute(
            sa.update(people).where(people.c.id == person_id, people.c.id.not_in(held)).values(phone=None, org=None)
        )
    purged(tx)


async def _take_grants(tx: Tx, ids: Iterable[int]) -> None:
    statement = sa.delete(grants).where(grants.c.person_id == sa.bindparam("of"), grants.c.origin == Origin.IMPORT)
    rows = [{"of": person_id} for person_id in ids]
    if rows:
        await tx.execute(statement, rows)
