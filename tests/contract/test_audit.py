"""The audit chain: whoever edits it behind the program's back is found out, and where."""
# ruff: noqa: S608 (the statements are the tampering)

from __future__ import annotations

import pytest

from storage import audit
from storage.columns import microseconds
from storage.engine import Store, Tx
from storage.model import AuditEntry
from tests.contract.conftest import Database
from tests.contract.fill import MINUTE, NOW

LENGTH = 9


@pytest.fixture
async def chain(store: Store) -> Store:
    async def write(tx: Tx) -> None:
        for number in range(1, LENGTH + 1):
            entry = AuditEntry(NOW + number * MINUTE, "assign", number, "grid_worker:5199", 12, "filed", "assigned")
            await audit.append(tx, entry)

    await store.write(write)
    return store


async def verdict(store: Store) -> tuple[bool, int | None]:
    found = await store.read(audit.verify)
    assert found.ok == (not found.reason)
    return found.ok, found.broken_at


async def test_an_untouched_chain_is_whole(chain: Store) -> None:
    assert await chain.read(audit.verify) == audit.Verdict(LENGTH, True)


async def test_an_empty_chain_is_whole(store: Store) -> None:
    assert await store.read(audit.verify) == audit.Verdict(0, True)


async def test_entries_come_back_as_they_were_written(store: Store) -> None:
    detail: dict[str, str | int | bool | None] = {"count": 2, "late": True, "why": None, "code": "张"}
    entry = AuditEntry(NOW, "denied", 7, "resident:", 12, "filed", None, "a", "m1", detail)
    await store.write(lambda tx: audit.append(tx, entry))
    await store.write(lambda tx: audit.append(tx, AuditEntry(NOW, "denied")))
    assert await store.read(lambda tx: audit.of_ticket(tx, 12)) == [entry]
    assert await store.read(lambda tx: audit.count(tx, "denied")) == 2
    assert await store.read(lambda tx: audit.count(tx, "filed")) == 0


async def test_the_chain_grows_on_over_a_restart(backend: Database) -> None:
    for opened in (backend.fresh, backend.again):
        async with await opened() as store:
            await store.write(lambda tx: audit.append(tx, AuditEntry(NOW, "start")))
            count = (await store.read(audit.verify)).count
    assert count == 2


@pytest.mark.parametrize(
    "change",
    [
        "actor = 99",
        "at = at + MOMENT",
        "action = 'close'",
        '"right" = NULL',
        "ticket = 13",
        "before = NULL",
        "\"after\" = 'closed'",
        "account = ''",
        "message_id = 'm'",
        "detail = '{ }'",
        "hash = replace(hash, substr(hash, 1, 1), 'x')",
    ],
)
@pytest.mark.parametrize("seq", [1, 5, LENGTH])
async def test_a_changed_entry_is_named(chain: Store, backend: Database, change: str, seq: int) -> None:
    change = change.replace("MOMENT", backend.moment)
    backend.tamper(f"UPDATE audit SET {change} WHERE seq = {seq}")
    assert await verdict(chain) == (False, seq)


@pytest.mark.parametrize("seq", [1, 5])
async def test_a_removed_entry_is_named(chain: Store, backend: Database, seq: int) -> None:
    backend.tamper(f"DELETE FROM audit WHERE seq = {seq}")
    assert await verdict(chain) == (False, seq)


@pytest.mark.parametrize("seq", [1, 5])
async def test_a_removed_entry_is_named_though_the_rest_was_renumbered(
    chain: Store, backend: Database, seq: int
) -> None:
    backend.tamper(
        f"DELETE FROM audit WHERE seq = {seq}",
        f"UPDATE audit SET seq = -seq WHERE seq > {seq}",
        "UPDATE audit SET seq = -seq - 1 WHERE seq < 0",
        "UPDATE audit_head SET count = count - 1",
    )
    assert await verdict(chain) == (False, seq)


@pytest.mark.parametrize("left", [0, 1, LENGTH - 1])
async def test_a_cut_off_tail_is_named(chain: Store, backend: Database, left: int) -> None:
    backend.tamper(f"DELETE FROM audit WHERE seq > {left}")
    assert await verdict(chain) == (False, left + 1)


async def test_a_head_that_was_reset_is_noticed(chain: Store, backend: Database) -> None:
    backend.tamper("DELETE FROM audit_head")
    assert await verdict(chain) == (False, 1)


def _forge(backend: Database, seq: int, prev: str, actor: int = 99) -> str:
    """Put an entry at `seq` with a hash that fits it, as somebody who read this code could."""
    unset = dict.fromkeys(("right", "ticket", "before", "after", "account", "message_id"))
    digest = audit.digest(
        {**unset, "at": microseconds(NOW), "action": "close", "actor": actor, "detail": "{}", "seq": seq, "prev": prev}
    )
    backend.tamper(
        "INSERT INTO audit (seq, at, action, actor, detail, prev, hash) "
        f"VALUES ({seq}, {backend.instant(NOW)}, 'close', {actor}, '{{}}', '{prev}', '{digest}')"
    )
    return digest


def _hash_of(backend: Database, seq: int) -> str:
    return str(backend.rows(f"SELECT hash FROM audit WHERE seq = {seq}")[0][0]) if seq else audit.GENESIS


@pytest.mark.parametrize("seq", [1, 5, LENGTH])
async def test_an_entry_put_in_between_is_named(chain: Store, backend: Database, seq: int) -> None:
    backend.tamper(
        f"UPDATE audit SET seq = -seq WHERE seq >= {seq}",
        "UPDATE audit SET seq = 1 - seq WHERE seq < 0",
        "UPDATE audit_head SET count = count + 1",
    )
    _forge(backend, seq, _hash_of(backend, seq - 1))
    assert await verdict(chain) == (False, seq)


async def test_an_entry_put_in_at_the_end_is_named(chain: Store, backend: Database) -> None:
    _forge(backend, LENGTH + 1, _hash_of(backend, LENGTH))
    assert await verdict(chain) == (False, LENGTH + 1)


@pytest.mark.parametrize("seq", [1, 5, LENGTH])
async def test_an_entry_that_was_replaced_with_a_fitting_hash_is_named(
    chain: Store, backend: Database, seq: int
) -> None:
    backend.tamper(f"DELETE FROM audit WHERE seq = {seq}")
    _forge(backend, seq, _hash_of(backend, seq - 1))
    assert await verdict(chain) == (False, seq)
