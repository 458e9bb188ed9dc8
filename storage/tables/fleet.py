"""Which processes are alive, and which of them serves what."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant, Words
from storage.tables.base import index, metadata

# `holder` is drawn anew for each life of a process. `place`: within what its pid means something, empty where nobody
# can tell. `wants`: the accounts that it was told to serve, NULL for all. All times are the database's own.
processes = sa.Table(
    "processes",
    metadata,
    sa.Column("holder", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("wants", Words),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
)

# A lease is worth what its holder's row is worth, so that a process renews one row and not thousands. `epoch` counts
# its owners: an older one is known by it for ever. `since`: when it was taken, or came free.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, sa.ForeignKey("processes.holder")),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("since", Instant, nullable=False),
)
index("leases_holder", leases.c.holder)

# `since`: the first login that was seen, NULL for an account that spoke before that was noted. `share` is what it came
# back with after its last throttle, of all that its budgets allow.
accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("since", Instant),
    sa.Column("stopped_until", Instant),
    sa.Column("throttled_at", Instant),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("dead_at", Instant),
    sa.Column("dead_why", sa.Text),
    sa.CheckConstraint("share > 0 AND share <= 1", name="share"),
)
index("accounts_dead", accounts.c.name, where=accounts.c.dead_at.is_not(None))
