"""The tables, a file for each subject. What must never happen is forbidden there: keys, CHECKs and partial unique
indexes, not Python locks.

The migrations are the truth of a running database; a test proves that both say the same.
"""

from storage.tables import (
    deliberation,
    fleet,
    membership,
    neighbours,
    records,
    registry,
    supplies,
    tickets,
    upward,
    voice,
    wire,
    worklog,
)
from storage.tables.base import metadata

__all__ = [
    "deliberation",
    "fleet",
    "membership",
    "metadata",
    "neighbours",
    "records",
    "registry",
    "supplies",
    "tickets",
    "upward",
    "voice",
    "wire",
    "worklog",
]
