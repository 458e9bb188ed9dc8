"""What neighbours help each other with in 急时: needs and offers, what was handed over, who is safe."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant
from storage.tables.base import Id, digits, index, metadata

# One thing that somebody needs or offers. `thing` is its everyday name; `amount` NULL where nobody said how much;
# `note` what was said besides, masked.
supplies = sa.Table(
    "supplies",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("person_id", Id, sa.ForeignKey("people.id")),
    sa.Column("thing", sa.Text, nullable=False),
    sa.Column("amount", sa.Integer),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("building", sa.Text),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("closed_at", Instant),
    sa.CheckConstraint("kind IN ('need', 'offer')", name="kind"),
    sa.CheckConstraint("state IN ('open', 'done', 'withdrawn', 'over')", name="state"),
    sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
    sa.CheckConstraint("number > 0 AND amount > 0", name="counts"),
    digits("grid"),
)
index("supplies_open", supplies.c.grid, supplies.c.thing, where=supplies.c.state == "open")
index("supplies_person", supplies.c.person_id)
index("supplies_message", supplies.c.account, supplies.c.message_id)

# Which offer was proposed for which need, and what was handed over; one of the two is NULL where it came from, or went
# to, somebody who is not on the list.
handovers = sa.Table(
    "handovers",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("need", Id, sa.ForeignKey("supplies.number", ondelete="CASCADE")),
    sa.Column("offer", Id, sa.ForeignKey("supplies.number", ondelete="CASCADE")),
    sa.Column("amount", sa.Integer),
    sa.Column("proposed_at", Instant),
    sa.Column("done_at", Instant),
    sa.Column("person_id", Id, sa.ForeignKey("people.id")),
    sa.CheckConstraint("need IS NOT NULL OR offer IS NOT NULL", name="of_something"),
    sa.CheckConstraint("amount > 0", name="amount"),
)
index("handovers_need", handovers.c.need)
index("handovers_offer", handovers.c.offer)

# Who has said that they are safe, or that they need help, in the 急时 that is in force; `closed_at` when that ended.
checkins = sa.Table(
    "checkins",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("building", sa.Text),
    sa.Column("heads", sa.Integer, nullable=False),
    sa.Column("needs_help", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("closed_at", Instant),
    sa.Column("account", sa.Text),  # the message that said so, should it be taken back
    sa.Column("message_id", sa.Text),
    sa.Column("household", sa.Text),  # building, unit and room, where somebody named them all
    sa.PrimaryKeyConstraint("person_id"),
    sa.CheckConstraint("heads > 0", name="heads"),
    digits("grid"),
)
index("checkins_grid", checkins.c.grid)
