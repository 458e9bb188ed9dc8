"""From an id to its message: calls at the gateways, and the ids that cannot be had now and wait for another try."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import structlog

from bot.transports.base import Offline, Transport, TransportError
from storage.model import Arrival, Message

log = structlog.get_logger(__name__)

FETCHES = 32  # calls in flight
FETCH_TRIES = 2
LONGEST_WAIT = 60  # minutes between two tries
BROKEN_OFF_TRIES = 5  # then the message is at fault, not the link


class Unfetched(Enum):
    BROKEN_OFF = "the link broke"  # it comes as soon as there is a link again
    REFUSED = "refused"


class Fetcher:
    """Fetches messages, so many at a time over all accounts."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(FETCHES)
        self.failures = 0  # defects of ours in reading a message

    async def fetch(self, transport: Transport, arrival: Arrival) -> Message | Unfetched:
        async with self._slots:
            for _ in range(FETCH_TRIES):
                try:
                    return await transport.fetch(arrival.message_id)
                except TransportError as error:
                    log.info("not fetched", action="fetch", account=arrival.account, error=type(error).__name__)
                    if isinstance(error, Offline):
                        return Unfetched.BROKEN_OFF
                except Exception:
                    # One message that cannot be read waits, the others go on.
                    self.failures += 1
                    log.exception(
                        "fetch failed", action="fetch", account=arrival.account, message_id=arrival.message_id
                    )
                    break
        return Unfetched.REFUSED


@dataclass(frozen=True, slots=True)
class _Parked:
    tries: int
    again_at: datetime
    broken_off: bool


class Parking:
    """An account's ids that stay in the inbox and are tried again later, ever more rarely."""

    def __init__(self) -> None:
        self._parked: dict[str, _Parked] = {}

    def __len__(self) -> int:
        return len(self._parked)

    def park(self, message_id: str, now: datetime, *, broken_off: bool) -> None:
        """`broken_off`: it can be had as soon as the account's link is up, or answers, again."""
        before = self._parked.get(message_id)
        tries = before.tries + 1 if before is not None else 1
        broken_off = broken_off and tries <= BROKEN_OFF_TRIES
        self._parked[message_id] = _Parked(tries, now + timedelta(minutes=min(2**tries, LONGEST_WAIT)), broken_off)

    def leave(self, message_id: str) -> None:
        """Finished, or given up."""
        self._parked.pop(message_id, None)

    def due(self, now: datetime, *, linked: bool) -> set[str]:
        """The ids to be tried now. `linked`: the account's link has come up."""
        return {
            message_id
            for message_id, parked in self._parked.items()
            if parked.again_at <= now or (linked and parked.broken_off)
        }
