"""The registry: grids, groups, people with their rights and accounts, duty and owners."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant, Word
from storage.model import DutyKind, Origin, Role, RoomKind, RoomState
from storage.tables.base import Id, digits, index, metadata, one_of

grids = sa.Table(
    "grids",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("retired_at", Instant),  # split, merged or dissolved: no new ticket gets this code
    sa.Column("origin", Word(Origin)),
    digits("code"),
)

# What became of a code that was split, merged or changed: every code that it is today, also over several steps. A
# ticket keeps the code of its day; by this it is found under today's.
grid_moves = sa.Table(
    "grid_moves",
    metadata,
    sa.Column("old", sa.Text, nullable=False),
    sa.Column("new", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("old", "new"),
    sa.CheckConstraint("old <> new", name="other"),
)
index("grid_moves_new", grid_moves.c.new)

rooms = sa.Table(
    "rooms",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("im_id", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("kind", Word(RoomKind), nullable=False),
    sa.Column("state", Word(RoomState), nullable=False),
    sa.Column("grid", sa.Text),
    sa.Column("silent_until", Instant),
    sa.Column("noticed_at", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("became", Id),  # the same group under its later id: this row is history
    sa.Column("origin", Word(Origin)),
    sa.Column("taken_at", Instant),  # until when another account of ours heard what was said, and answered
    sa.UniqueConstraint("account", "im_id"),
    one_of("kind", RoomKind),
    one_of("state", RoomState),
    digits("grid"),
)
index("rooms_grid", rooms.c.grid)
index("rooms_topic", rooms.c.topic)
index("rooms_im_id", rooms.c.im_id)
# Two of our accounts in one room: one answers.
ANSWERING = sa.text("state = 'enabled'")  # a literal: see QUEUED
index("rooms_answering", rooms.c.im_id, where=ANSWERING, unique=True)

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("opted_out_at", Instant),
    sa.Column("ref", sa.Text),  # the number that the community's own list gives them
    sa.Column("org", sa.Text),  # 单位
    sa.Column("phone", sa.LargeBinary),  # sealed (storage/crypto.py)
)
index("people_ref", people.c.ref, unique=True)
index("people_opted_out", people.c.id, where=people.c.opted_out_at.is_not(None))

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("role", Word(Role), nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    # A right stands as long as one source says so: the config takes back what it gave, an import what it gave.
    sa.Column("origin", Word(Origin), nullable=False),
    sa.PrimaryKeyConstraint("person_id", "role", "scope", "origin"),
    one_of("role", Role),
    one_of("origin", Origin),
    digits("scope"),
)
index("grants_scope", grants.c.scope)

# Who is on duty: for emergencies, for 急时, or to be called to a place near by.
duty = sa.Table(
    "duty",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("kind", Word(DutyKind), nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("start_at", Instant, nullable=False),
    sa.Column("end_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("person_id", "kind", "scope", "start_at"),
    one_of("kind", DutyKind),
    digits("scope"),
    sa.CheckConstraint("end_at > start_at", name="order"),
)
index("duty_scope", duty.c.scope, duty.c.end_at)

# 事项 → 承办: a category or the beginning of one ("" for all) × a grid prefix ("" for everywhere).
owners = sa.Table(
    "owners",
    metadata,
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("role", Word(Role), nullable=False),
    sa.Column("org", sa.Text),
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE")),
    sa.PrimaryKeyConstraint("category", "scope"),
    one_of("role", Role),
    digits("scope"),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("im_id", sa.Text, nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("friend", sa.Boolean, nullable=False),
    sa.Column("nick", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("account", "im_id"),
)
index("aliases_person", aliases.c.person_id)

# A person has one code that works; `digest` is keyed, so that the few possible codes cannot be tried out on a copy.
bind_codes = sa.Table(
    "bind_codes",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("only", sa.Boolean, nullable=False, server_default=sa.false()),  # all other IM accounts are let go
)

bind_failures = sa.Table(
    "bind_failures",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("im_id", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
index("bind_failures_who", bind_failures.c.account, bind_failures.c.im_id, bind_failures.c.at)
