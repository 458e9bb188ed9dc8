"""What neighbours talk over: topics of the monthly meeting and opinion polls. Both are V to people, of one sequence."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant, Words
from storage.tables.base import Id, digits, index, metadata

# `supporters` is counted when a topic is closed; until then its rows in `topic_supporters` are.
topics = sa.Table(
    "topics",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("grid", sa.Text),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("closed_at", Instant),
    sa.Column("supporters", sa.Integer, nullable=False),
    sa.CheckConstraint("state IN ('open', 'discussed', 'dropped')", name="state"),
    sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
    sa.CheckConstraint("number > 0 AND supporters >= 0", name="counts"),
    digits("grid"),
)
index("topics_open", topics.c.grid, where=topics.c.state == "open")

# One row a person. `text` is how they put it, masked; empty for who only supports it. The topic goes by the oldest.
topic_supporters = sa.Table(
    "topic_supporters",
    metadata,
    sa.Column("topic", Id, sa.ForeignKey("topics.number", ondelete="CASCADE"), nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("topic", "person_id"),
)
index("topic_supporters_person", topic_supporters.c.person_id)
index("topic_supporters_message", topic_supporters.c.account, topic_supporters.c.message_id)

# `entitled` people or households may vote, where the leader said how many. `result` is the count of each option once it
# is closed, as a JSON list: then nobody's vote is kept.
polls = sa.Table(
    "polls",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id"), nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("options", Words, nullable=False),
    sa.Column("entitled", sa.Integer),
    sa.Column("counted_in", sa.Text, nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("closes_at", Instant, nullable=False),
    sa.Column("closed_at", Instant),
    sa.Column("result", sa.Text, nullable=False),
    sa.CheckConstraint("counted_in IN ('people', 'households')", name="counted_in"),
    sa.CheckConstraint("number > 0 AND entitled > 0", name="counts"),
    digits("grid"),
)
index("polls_open", polls.c.closes_at, where=polls.c.closed_at.is_(None))

# The key makes it one vote a person, whatever account they vote from. `choice` counts from 1.
votes = sa.Table(
    "votes",
    metadata,
    sa.Column("poll", Id, sa.ForeignKey("polls.number", ondelete="CASCADE"), nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("choice", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("account", sa.Text),  # the message that said so, should it be taken back
    sa.Column("message_id", sa.Text),
    sa.PrimaryKeyConstraint("poll", "person_id"),
    sa.CheckConstraint("choice > 0", name="choice"),
)
index("votes_person", votes.c.person_id)
