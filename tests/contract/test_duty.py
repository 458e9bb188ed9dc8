"""The duty roster."""

from __future__ import annotations

from storage import duty, people
from storage.engine import Store
from storage.model import DutyKind, Grant, Role, Shift
from tests.contract.fill import COMMUNITY, GRID, MICRO, MINUTE, NOW


async def someone(store: Store, name: str) -> int:
    grants = [Grant(Role.PARTY_MEMBER, COMMUNITY)]
    return (await store.write(lambda tx: people.import_person(tx, name, grants, []))).id


async def test_who_is_on_duty_here_and_now_the_nearest_first(store: Store) -> None:
    far, near, later = [await someone(store, name) for name in ("远", "近", "晚")]
    shifts = [
        Shift(far, DutyKind.CALL, COMMUNITY, NOW, NOW + 2 * MINUTE),
        Shift(near, DutyKind.CALL, MICRO, NOW, NOW + 2 * MINUTE),
        Shift(later, DutyKind.CALL, MICRO, NOW + 2 * MINUTE, NOW + 4 * MINUTE),
        Shift(far, DutyKind.EMERGENCY, GRID, NOW, NOW + MINUTE),
    ]
    await store.write(lambda tx: duty.put(tx, shifts))

    async def found(kind: DutyKind, grid: str, minutes: int) -> list[int]:
        at = NOW + minutes * MINUTE
        return [person.id for person in await store.read(lambda tx: duty.on_duty(tx, kind, grid, at))]

    assert await found(DutyKind.CALL, MICRO, 0) == [near, far]
    assert await found(DutyKind.CALL, GRID + "002", 1) == [far]
    assert await found(DutyKind.CALL, MICRO, 2) == [later]  # a shift ends where the next begins
    assert await found(DutyKind.EMERGENCY, MICRO, 0) == [far]
    assert await found(DutyKind.EMERGENCY, MICRO, 1) == []
    assert await found(DutyKind.MODE, MICRO, 0) == []
    assert await found(DutyKind.CALL, "519999002", 0) == []


async def test_a_shift_gets_another_end_or_goes(store: Store) -> None:
    person = await someone(store, "李")
    shift = Shift(person, DutyKind.MODE, GRID, NOW, NOW + MINUTE)
    longer = Shift(person, DutyKind.MODE, GRID, NOW, NOW + 2 * MINUTE)
    await store.write(lambda tx: duty.put(tx, [shift]))
    await store.write(lambda tx: duty.put(tx, [longer]))
    assert await store.read(lambda tx: duty.from_then(tx, NOW)) == [longer]
    assert await store.read(lambda tx: duty.from_then(tx, NOW + 2 * MINUTE)) == []
    await store.write(lambda tx: duty.drop(tx, [longer]))
    assert await store.read(lambda tx: duty.from_then(tx, NOW)) == []
