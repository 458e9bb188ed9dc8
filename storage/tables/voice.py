"""What is broadcast: notices, the rooms each goes to, and who said 收到, as numbers only."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa

from storage.columns import Instant, Word
from storage.tables.base import Id, digits, index, metadata, one_of


class NoticeState(StrEnum):
    DRAFT = "draft"  # shown to its author, nothing decided
    SCHEDULED = "scheduled"  # confirmed; its time has not come
    SENDING = "sending"
    SENT = "sent"  # nothing of it waits any more, whatever became of each line
    CANCELLED = "cancelled"


class Skipped(StrEnum):
    """Why a room of the scope gets no line."""

    DORMANT = "dormant"  # nobody said 启用 there
    GONE = "gone"  # the account was removed from it
    CANCELLED = "cancelled"  # the notice was called back before its turn came
    NO_MEMBER = "no_member"  # the account that answers there is dead, and no other of ours is in it


# `scope`: what was typed behind the @, empty for the author's own. `salt`: of the receipts; NULL once they are over, so
# that nobody can ever tell whose they were. `announce`: as the announcement of each group, where the account may.
notices = sa.Table(
    "notices",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("wide", sa.Boolean, nullable=False),
    sa.Column("state", Word(NoticeState), nullable=False),
    sa.Column("author_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("approver_id", Id, sa.ForeignKey("people.id")),
    sa.Column("corrects", Id, sa.ForeignKey("notices.number")),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("send_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("announce", sa.Boolean, nullable=False, server_default=sa.false()),
    one_of("state", NoticeState),
)
index("notices_open", notices.c.state, where=sa.text("state IN ('draft', 'scheduled', 'sending')"))
index("notices_salted", notices.c.number, where=notices.c.salt.is_not(None))

# The picture or file of a notice. `data`: NULL while it is being fetched, and again once the notice is long over. Until
# then it is known by which message it came, should that be recalled.
notice_files = sa.Table(
    "notice_files",
    metadata,
    sa.Column("notice", Id, sa.ForeignKey("notices.number", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("mime", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary),
    sa.Column("account", sa.Text),
    sa.Column("message_id", sa.Text),
)
index("notice_files_shown", notice_files.c.message_id, where=notice_files.c.message_id.is_not(None))

# No foreign key to the room: one that comes to be known under another id keeps its line in the list.
notice_rooms = sa.Table(
    "notice_rooms",
    metadata,
    sa.Column("notice", Id, sa.ForeignKey("notices.number", ondelete="CASCADE"), nullable=False),
    sa.Column("room_id", Id, nullable=False),
    sa.Column("queued", sa.Boolean, nullable=False),
    sa.Column("skipped", Word(Skipped)),
    sa.PrimaryKeyConstraint("notice", "room_id"),
    one_of("skipped", Skipped),
)
index(
    "notice_rooms_waiting",
    notice_rooms.c.notice,
    notice_rooms.c.room_id,
    where=sa.text("NOT queued AND skipped IS NULL"),
)

receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("notice", Id, sa.ForeignKey("notices.number", ondelete="CASCADE"), nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("notice", "digest"),
)


class AlertLevel(StrEnum):
    """How grave a device says it is: the four colours of public warnings, mildest first."""

    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


# What a device said by its own id, and the ticket that it is part of. `told_cleared`: those who answer for the ticket
# believe it to be over; `told_at`: when they were last told so. `notice`: the draft that it gave rise to.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("alert_id", sa.Text, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("level", Word(AlertLevel), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("ticket", Id, sa.ForeignKey("tickets.number", ondelete="CASCADE"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("cleared", sa.Boolean, nullable=False),
    sa.Column("told_cleared", sa.Boolean, nullable=False),
    sa.Column("told_at", Instant),
    sa.Column("notice", Id),
    sa.PrimaryKeyConstraint("source", "alert_id"),
    one_of("level", AlertLevel),
    sa.CheckConstraint("count > 0", name="count"),
    digits("grid"),
)
index("alerts_device", alerts.c.source, alerts.c.device, alerts.c.kind, alerts.c.at)
index("alerts_ticket", alerts.c.ticket)
