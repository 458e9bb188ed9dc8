"""Which other account of ours is in a group besides the one that answers there, and what groups are labelled."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant, Word
from storage.model import Origin
from storage.tables.base import Id, index, metadata, one_of

# `im_id`: by which that account knows the group; whatever it hears under it is the business of `room_id`.
standbys = sa.Table(
    "standbys",
    metadata,
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id"), nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("im_id", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.PrimaryKeyConstraint("room_id", "account"),
    sa.UniqueConstraint("account", "im_id"),
)

# A label stands as long as one source says so, like a grant.
room_tags = sa.Table(
    "room_tags",
    metadata,
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id"), nullable=False),
    sa.Column("tag", sa.Text, nullable=False),
    sa.Column("origin", Word(Origin), nullable=False),
    sa.PrimaryKeyConstraint("room_id", "tag", "origin"),
    one_of("origin", Origin),
)
index("room_tags_tag", room_tags.c.tag)
