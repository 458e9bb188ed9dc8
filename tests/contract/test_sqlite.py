"""What is SQLite's own: one owner of the file, text that is really gone, full disks, and faults in words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage import driver, inbox, negatives, outbox, people, tickets
from storage.engine import Store, StoreError, Tx, purged
from storage.model import Arrival
from storage.tables.tickets import negatives as negatives_table
from storage.tables.wire import outbox as outbox_table
from storage.testing import fresh_store, url_of
from tests.contract.conftest import Sqlite
from tests.contract.fill import KEY_FILE, NOW, PHONE, draft, message, new_ticket

ROOT = Path(__file__).parents[2]
WORDS = "电梯里有人被困住了"


@pytest.fixture
def file(tmp_path: Path) -> Sqlite:
    return Sqlite(tmp_path)


def _python(script: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", script, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE, **options
    )


# --- settings and files ---


async def test_the_settings_that_were_measured(file: Sqlite) -> None:
    async def pragma(tx: Tx) -> list[Any]:
        names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "wal_autocheckpoint", "busy_timeout")
        return [(await tx.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in names]

    async with await file.fresh() as store:
        assert await store.write(pragma) == ["wal", 2, 1, 1, 20000, 10000]


async def test_a_new_store_makes_its_directory_and_private_files(tmp_path: Path) -> None:
    path = tmp_path / "var" / "deep" / "xiaoge.db"
    async with await Store.open(url_of(path)) as store:
        await store.write(lambda tx: inbox.accept(tx, [Arrival("a", "m", NOW)]))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ["xiaoge.db", "xiaoge.db-wal", "xiaoge.db-shm", "xiaoge.db.lock", "xiaoge.key"], 0o600
    )


async def test_an_up_to_date_store_opens_without_alembic(file: Sqlite) -> None:
    await (await file.fresh()).close()
    script = (
        "import asyncio, sys\nfrom storage.engine import Store\n"
        "async def main():\n    await (await Store.open(sys.argv[1])).close()\n    print('alembic' in sys.modules)\n"
        "asyncio.run(main())"
    )
    answer, _ = await asyncio.to_thread(_python(script, file.url).communicate)
    assert answer == "False\n"


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "sqlite:///x.db", "var/xiaoge.db"]
)
async def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match=r"sqlite\+aiosqlite:///var/xiaoge\.db"):
        await Store.open(url)


async def test_a_backup_is_whole_private_and_does_not_overwrite(file: Sqlite, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    async with await file.fresh() as store:
        await store.write(lambda tx: inbox.accept(tx, [Arrival("a", "m", NOW)]))
        await store.backup(target)
        with pytest.raises(StoreError, match="there already"):
            await store.backup(target)
        with pytest.raises(StoreError, match="choose a directory"):
            await store.backup(tmp_path / "missing" / "copy.db")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not target.with_name("copy.db.part").exists()
    async with await Store.open(url_of(target), key_file=tmp_path / "xiaoge.key") as copy:
        assert [arrival.message_id for arrival in await copy.read(lambda tx: inbox.pending(tx, "a"))] == ["m"]


SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n"


class Turns:
    """How often others have their turn while a slow statement runs."""

    def __init__(self) -> None:
        self.count = 0

    async def pass_by(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)

    async def during(self, tx: Tx) -> int:
        await inbox.pending(tx, "a")  # the transaction has begun
        before = self.count
        assert (await tx.exec_driver_sql(SLOW)).scalar_one() == 300_000
        return self.count - before


async def test_a_statement_that_is_slow_again_and_again_no_longer_holds_up_the_loop(file: Sqlite) -> None:
    turns = Turns()
    async with await file.fresh() as store:
        beside = asyncio.create_task(turns.pass_by())
        *held_up, free = [await store.write(turns.during) for _ in range(4)]
        beside.cancel()
    assert held_up == [0, 0, 0]
    assert free > 1


async def test_a_slow_look_never_holds_up_the_loop(file: Sqlite) -> None:
    turns = Turns()
    async with await file.fresh() as store:
        beside = asyncio.create_task(turns.pass_by())
        free = [await store.read(turns.during) for _ in range(8)]
        beside.cancel()
    assert min(free) > 1


# --- purged text ---


async def _ticket_with_text(tx: Tx) -> int:
    person = await people.ensure(tx, "a", "u", nick="李姐", friend=False)
    ticket = await tickets.file(tx, new_ticket())
    await tickets.add_message(tx, message(ticket.number, "m", person.id, WORDS))
    await tickets.add_reporter(tx, ticket.number, person.id, None, NOW, nick="李姐")
    await outbox.put(tx, draft("k", WORDS + "，已登记", ticket=ticket.number))
    await negatives.add(tx, at=NOW, rules=[], terms=[], lexicon="", category="0503", text=WORDS + "？")
    return ticket.number


async def test_purged_text_is_nowhere_on_disk(file: Sqlite) -> None:
    async with await file.fresh() as store:
        number = await store.write(_ticket_with_text)
        assert WORDS.encode() in file.on_disk()

        async def recall(tx: Tx) -> None:
            await tickets.drop_message(tx, number, "a", "m")
            await outbox.drop_for_ticket(tx, number)
            await negatives.purge_text(tx, NOW.replace(year=2027))

        await store.write(recall)
        assert WORDS.encode() not in file.on_disk()
    assert WORDS.encode() not in file.on_disk()


async def _grow(tx: Tx) -> None:
    """Rows that grow and shift others: secure_delete alone leaves copies of them behind in the pages they left."""
    texts = [f"{WORDS}{number:04}" * (1 + number * 7 % 40) for number in range(400)]
    for text in texts:
        await negatives.add(tx, at=NOW, rules=[], terms=[], lexicon="", category="0503", text=text[:40])
    for number, text in enumerate(texts):
        where = negatives_table.c.id == (number * 211) % len(texts) + 1
        await tx.execute(sa.update(negatives_table).where(where).values(text=text))


async def test_text_that_moved_between_pages_is_purged_too(file: Sqlite) -> None:
    async with await file.fresh() as store:
        await store.write(_grow)
        await store.scrub()
        await store.write(lambda tx: tx.execute(sa.delete(negatives_table).where(negatives_table.c.id % 3 == 0)))
        await store.write(lambda tx: negatives.purge_text(tx, NOW.replace(year=2027)))
        assert WORDS.encode() not in file.on_disk()


async def test_wiped_pages_are_not_written_back_from_the_cache(file: Sqlite) -> None:
    """After a scrub, rows on the very pages that were wiped change; the log must not hold their old middle."""

    async def shrink(tx: Tx) -> None:
        await tx.execute(sa.delete(negatives_table).where(negatives_table.c.id % 3 == 0))
        await negatives.purge_text(tx, NOW.replace(year=2027))

    async with await file.fresh() as store:
        await store.write(_grow)
        await store.write(shrink)
        await store.write(lambda tx: tx.execute(sa.update(negatives_table).values(category="0401")))
        assert b"0401" in file.on_disk()
        assert WORDS.encode() not in file.on_disk()


async def test_a_reader_in_the_way_only_delays_the_scrub(file: Sqlite) -> None:
    async with await file.fresh() as store:
        number = await store.write(_ticket_with_text)
        reading, read_on = asyncio.Event(), asyncio.Event()

        async def long(tx: Tx) -> None:
            await tickets.get(tx, number)
            reading.set()
            await read_on.wait()

        reader = asyncio.create_task(store.read(long))
        await reading.wait()

        async def purge(tx: Tx) -> None:
            await tickets.drop_message(tx, number, "a", "m")
            await outbox.drop_for_ticket(tx, number)
            await negatives.purge_text(tx, NOW.replace(year=2027))

        await store.write(purge)  # is durable at once, though the old pages are still being read
        assert WORDS.encode() in file.on_disk()
        read_on.set()
        await reader
        await store.write(lambda tx: inbox.pending(tx, "a"))
        assert WORDS.encode() not in file.on_disk()


async def test_a_purge_that_is_rolled_back_purges_nothing(file: Sqlite) -> None:
    async def fail(tx: Tx) -> None:
        await negatives.purge_text(tx, NOW.replace(year=2027))
        purged(tx)
        raise KeyError

    async with await file.fresh() as store:
        await store.write(_ticket_with_text)
        with pytest.raises(KeyError):
            await store.write(fail)
        assert [negative.text for negative in await store.read(negatives.every)] == [WORDS + "？"]


async def test_a_sealed_contact_is_not_in_clear(file: Sqlite) -> None:
    async def report(tx: Tx) -> None:
        person = await people.ensure(tx, "a", "u", nick="", friend=False)
        ticket = await tickets.file(tx, new_ticket())
        await tickets.add_reporter(tx, ticket.number, person.id, None, NOW, contact=PHONE)

    async with await file.fresh() as store:
        await store.write(report)
        assert [who.contact for who in await store.read(lambda tx: tickets.reporters(tx, 1))] == [PHONE]
        assert PHONE.encode() not in file.on_disk()


async def test_no_log_holds_what_was_written(file: Sqlite, caplog: pytest.LogCaptureFixture) -> None:
    async def twice(tx: Tx) -> None:
        await outbox.put(tx, draft("k", WORDS))
        await tx.execute(sa.insert(outbox_table), [{"key": "k", "text": WORDS}])

    async def late(tx: Tx) -> None:
        gone.cancel()
        await outbox.put(tx, draft("k2", WORDS))
        await tx.exec_driver_sql("INSERT INTO negatives (text) VALUES (?)", (WORDS,))

    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="xiaoge"):  # whatever the program set
        async with await file.fresh() as store:
            with pytest.raises(sa.exc.IntegrityError) as failure:
                await store.write(twice)
            gone = asyncio.create_task(store.write(late))
            await asyncio.wait([gone])
    assert "after its caller had left" in caplog.text
    assert WORDS not in caplog.text + str(failure.value)


# --- full disks ---


async def test_a_full_disk_reaches_all_works_and_the_writer_goes_on(file: Sqlite) -> None:
    async with await file.fresh() as store:
        pages = (await store.read(lambda tx: tx.exec_driver_sql("PRAGMA page_count"))).scalar_one()

        async def limit(tx: Tx) -> None:
            await tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 4}")

        async def big(tx: Tx) -> None:
            await negatives.add(tx, at=NOW, rules=[], terms=[], lexicon="", category="", text="满" * 20_000)

        async def small(tx: Tx) -> None:
            await inbox.accept(tx, [Arrival("a", "small", NOW)])

        await store.write(limit)
        outcomes = await asyncio.gather(*(store.write(work) for work in (small, big, small)), return_exceptions=True)
        assert all(isinstance(outcome, StoreError) for outcome in outcomes), outcomes
        assert "disk full" in str(outcomes[0])
        assert await store.read(lambda tx: inbox.pending(tx, "a")) == []
        await store.write(small)
        await store.write(big)  # the limit went with the connection, as space comes back on a disk
        assert len(await store.read(negatives.every)) == 1


_OPEN_ON_A_FULL_DISK = """
import asyncio, resource, sys
from storage.engine import Store, StoreError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    asyncio.run(Store.open(sys.argv[1]))
except StoreError as error:
    print(error)
"""


async def test_opening_on_a_full_disk_is_one_clear_line(file: Sqlite) -> None:
    answer, _ = await asyncio.to_thread(_python(_OPEN_ON_A_FULL_DISK, file.url, "40000").communicate)
    assert str(file.path) in answer
    assert "space" in answer
    assert len(answer.splitlines()) == 1
    async with await file.again() as store:  # and with space it starts as if nothing had been
        assert await store.read(negatives.every) == []


# --- one owner ---

_HOLD = """
import asyncio, sys
from storage.engine import Store
async def main():
    async with await Store.open(sys.argv[1]):
        print("open", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(main())
"""


async def test_two_processes_never_share_a_file(file: Sqlite) -> None:
    await (await file.fresh()).close()
    holder = _python(_HOLD, file.url, stdin=subprocess.PIPE)
    assert holder.stdout is not None
    assert await asyncio.to_thread(holder.stdout.readline) == "open\n"
    with pytest.raises(StoreError, match=f"in use by process {holder.pid}"):
        await file.again()
    async with await Store.open(file.url, read_only=True) as beside:
        assert await beside.read(negatives.every) == []
        with pytest.raises(StoreError, match="reading only"):
            await beside.write(negatives.every)
    await asyncio.to_thread(holder.communicate, "\n")
    await (await file.again()).close()


async def test_a_lock_of_a_killed_process_is_free(file: Sqlite) -> None:
    await (await file.fresh()).close()
    holder = _python(_HOLD, file.url, stdin=subprocess.PIPE)
    assert holder.stdout is not None
    assert await asyncio.to_thread(holder.stdout.readline) == "open\n"
    holder.kill()
    await asyncio.to_thread(holder.communicate)
    await (await file.again()).close()


async def test_a_database_that_another_program_locks(file: Sqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.sqlite.BUSY_TIMEOUT", 0.05)
    store = await file.fresh()
    with contextlib.closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another program"):
            await store.write(_ticket_with_text)
        other.execute("ROLLBACK")
    assert await store.write(_ticket_with_text) == 1
    await store.close()


# --- faults at start ---


@pytest.mark.parametrize("content", [b"# just notes\n" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
async def test_what_is_no_database_is_left_alone(file: Sqlite, content: bytes) -> None:
    file.path.write_bytes(content)
    with pytest.raises(StoreError, match=r"not a database|damaged"):
        await file.again()
    assert file.path.read_bytes() == content


async def test_another_programs_database_is_left_alone(file: Sqlite) -> None:
    file.tamper("CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('other')")
    with pytest.raises(StoreError, match="newer than this program"):
        await file.again()
    assert not (file.home / "xiaoge.key").exists()


async def test_a_newer_schema_is_refused(file: Sqlite) -> None:
    await (await file.fresh()).close()
    file.tamper("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(StoreError, match="schema 0999, newer than this program"):
        await file.again()


async def test_the_lock_is_given_back_after_a_failed_start(file: Sqlite) -> None:
    await (await file.fresh()).close()
    file.tamper("UPDATE alembic_version SET version_num = '0999'")
    for _ in range(2):
        with pytest.raises(StoreError, match="newer"):
            await file.again()


async def test_a_key_that_others_can_read_is_refused(file: Sqlite) -> None:
    await (await file.fresh()).close()
    (file.home / "xiaoge.key").chmod(0o640)
    with pytest.raises(StoreError, match=r"mode 640\): chmod 600 .*xiaoge\.key"):
        await file.again()


async def test_a_missing_key_is_not_replaced(file: Sqlite) -> None:
    await (await file.fresh()).close()
    (file.home / "xiaoge.key").unlink()
    with pytest.raises(StoreError, match="missing"):
        await file.again()
    assert not (file.home / "xiaoge.key").exists()


async def test_the_key_of_another_database_is_refused(file: Sqlite) -> None:
    await (await file.fresh()).close()
    (file.home / "xiaoge.key").write_text(KEY_FILE)
    with pytest.raises(StoreError, match="is not the one of"):
        await file.again()


@pytest.mark.parametrize("content", ["", "hello\n", "aGVsbG8=\n", "电梯\n"])
async def test_what_is_no_key_file_is_refused(file: Sqlite, content: str) -> None:
    await (await file.fresh()).close()
    (file.home / "xiaoge.key").write_text(content)
    with pytest.raises(StoreError, match="not a key file"):
        await file.again()


async def test_a_start_that_fails_half_way_leaves_no_writer(file: Sqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(tx: Tx) -> None:
        raise KeyError

    with monkeypatch.context() as patched:
        patched.setattr("storage.engine._prove", fail)
        with pytest.raises(KeyError):
            await Store.open(file.url)
    assert "store-writer" not in {task.get_name() for task in asyncio.all_tasks()}
    await (await file.again()).close()


async def test_a_configured_key_file_is_made_there(file: Sqlite, tmp_path: Path) -> None:
    key = tmp_path / "elsewhere.key"
    async with await Store.open(file.url, key_file=key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not (file.home / "xiaoge.key").exists()


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file, not a directory")
    with pytest.raises(StoreError, match=r"directory .*/var cannot be written"):
        await Store.open(url_of(tmp_path / "var" / "xiaoge.db"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_read_only_directory_is_named(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o500)  # noqa: PTH101
    with pytest.raises(StoreError, match="cannot be written"):
        await Store.open(url_of(tmp_path / "xiaoge.db"))


async def test_reading_only_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        await Store.open(url_of(tmp_path / "xiaoge.db"), read_only=True)
    assert not (tmp_path / "xiaoge.db").exists()


async def test_fresh_stores_do_not_share_a_key(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with await fresh_store(tmp_path / "one") as one, await fresh_store(tmp_path / "two") as two:
        assert one.sealer.seal("t.c", "x") != two.sealer.seal("t.c", "x")


async def test_a_close_that_is_cancelled_ends(tmp_path: Path) -> None:
    """What SQLAlchemy does when a read is cancelled while its statement is under way: it closes, and stops as well."""
    connection = await driver.connect(tmp_path / "xiaoge.db", patience=1)
    busy, free = threading.Event(), threading.Event()

    def stall(*_: object) -> None:
        busy.set()
        assert free.wait(60)

    reading = asyncio.create_task(connection.do(stall, "SELECT 1", ()))
    await asyncio.to_thread(busy.wait, 60)
    reading.cancel()
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.stop()
    free.set()
    async with asyncio.timeout(60):
        await closing
    await asyncio.to_thread(connection._thread.join, 60)
    assert not connection._thread.is_alive()
