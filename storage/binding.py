"""One-time codes by which an IM account becomes a registered person's, and the wrong ones that somebody tries."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa

from storage import people
from storage.engine import Tx, insert, purged, sealer_of
from storage.model import Alias, Person
from storage.tables.registry import aliases, bind_codes
from storage.tables.registry import bind_failures as failures_table

# Without 0 O 1 I L: a code is read aloud and typed on a phone.
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8

_PLACE = "bind_codes.digest"


async def new_code(tx: Tx, person_id: int, expires_at: datetime, *, only: bool = False) -> str:
    """A one-time code for the person, in place of any older one; only its keyed hash is stored. With `only` the IM
    account that uses it becomes the only one of the person: for a phone that was lost, or an id that changed."""
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    latest = {"digest": sealer_of(tx).digests(_PLACE, code)[0], "expires_at": expires_at, "only": only}
    statement = insert(tx, bind_codes).values(person_id=person_id, **latest)
    await tx.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=latest))
    return code


async def bind(tx: Tx, code: str, account: str, im_id: str, at: datetime) -> Person | None:
    """The alias goes to the code's person (from the resident record that held it, if any, with its tickets).

    None for a wrong, used or expired code. Small letters and spaces around do no harm."""
    digests = sealer_of(tx).digests(_PLACE, code.strip().upper())
    used = (
        sa.delete(bind_codes)
        .where(bind_codes.c.digest.in_(digests), bind_codes.c.expires_at > at)
        .returning(bind_codes.c.person_id, bind_codes.c.only)
    )
    bound = (await tx.execute(used)).one_or_none()
    if bound is None:
        return None
    person_id: int = bound.person_id
    await people.give_alias(tx, person_id, Alias(account, im_id))
    if bound.only:
        this = sa.and_(aliases.c.account == account, aliases.c.im_id == im_id)
        await tx.execute(sa.delete(aliases).where(aliases.c.person_id == person_id, sa.not_(this)))
    return await people.get(tx, person_id)


async def burn(tx: Tx, code: str) -> int | None:
    """Everybody could read the code: nobody can use it any more. The id of the person it was for, None for no code."""
    digests = sealer_of(tx).digests(_PLACE, code.strip().upper())
    burnt = sa.delete(bind_codes).where(bind_codes.c.digest.in_(digests)).returning(bind_codes.c.person_id)
    person_id: int | None = await tx.scalar(burnt)
    return person_id


async def failures(tx: Tx, account: str, im_id: str, since: datetime) -> int:
    """How many wrong codes came from that IM account since then."""
    table = failures_table.c
    query = sa.select(sa.func.count()).where(table.account == account, table.im_id == im_id, table.at >= since)
    return await tx.scalar(query) or 0


async def record_failure(tx: Tx, account: str, im_id: str, at: datetime) -> None:
    """Note a wrong code."""
    await tx.execute(sa.insert(failures_table).values(account=account, im_id=im_id, at=at))


async def purge_failures(tx: Tx, before: datetime) -> None:
    """Forget the wrong codes that came before then, and with them whose they were."""
    if (await tx.execute(sa.delete(failures_table).where(failures_table.c.at < before))).rowcount:
        purged(tx)
