"""Until when an account listened, on every database."""

from datetime import UTC, datetime, timedelta

from storage import presence
from storage.engine import Store

NOON = datetime(2025, 6, 12, 4, 0, 0, 123456, tzinfo=UTC)


async def test_the_last_moment_of_each_account(store: Store) -> None:
    assert await store.read(lambda tx: presence.last_listened(tx, "a")) is None
    for minute in range(3):
        await store.write(lambda tx, at=NOON + timedelta(minutes=minute): presence.listened(tx, "a", at))
    await store.write(lambda tx: presence.listened(tx, "b", NOON))
    assert await store.read(lambda tx: presence.last_listened(tx, "a")) == NOON + timedelta(minutes=2)
    assert await store.read(lambda tx: presence.last_listened(tx, "b")) == NOON
