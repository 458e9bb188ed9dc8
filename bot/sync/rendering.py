"""A ticket as the platforms above read it: the JSON schema `bot/data/ticket-1.schema.json`, rendered when it is sent.

No person's name, nick, phone or IM id is in it, unless the upstream's `reporter` says so, and never of what is
confidential; that leaves without its words, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from bot.register import said
from bot.sync.mapping import Item
from handlers import steps
from handlers.texts import callbacks as texts
from nlp import contact
from nlp.categories import Category
from storage.dossiers import Dossier
from storage.model import OPEN_STATES, Place, Ticket, TicketState, Urgency

SCHEMA = "xiaoge.ticket/1"


class Reason(StrEnum):
    """Why a ticket is not, or no longer, the upstream's business."""

    WITHDRAWN = "withdrawn"
    ERASED = "erased"
    MERGED = "merged"
    ANSWERED = "answered"  # 答复即办: it stays in the grid
    FILTERED = "filtered"  # another upstream's


@dataclass(frozen=True, slots=True)
class Labels:
    """What turns codes into names, and instants into local time."""

    categories: Mapping[str, Category]
    timezone: ZoneInfo


def withheld(dossier: Dossier) -> Reason | None:
    """Why the ticket goes to no upstream at all. An open 应急 goes on even without its words: help is on its way."""
    ticket = dossier.ticket
    if ticket.state is TicketState.MERGED:
        return Reason.MERGED
    if ticket.state is TicketState.WITHDRAWN:
        return Reason.WITHDRAWN
    if ticket.state is TicketState.CLOSED and ticket.result == texts.ANSWERED:
        return Reason.ANSWERED
    if dossier.erased and not (ticket.open and ticket.urgency is Urgency.EMERGENCY):
        return Reason.ERASED
    return None


def undecided(ticket: Ticket) -> bool:
    """Whether it was answered in the group and waits for the leader, or a day to pass: likely 答复即办."""
    return ticket.open and ticket.handled_at is not None and ticket.state is not TicketState.CALLBACK


def render(dossier: Dossier, labels: Labels, *, reporter: bool = False) -> Item:
    """The item of a ticket, without its hash. `reporter`: with who reported it, unless that is confidential."""
    ticket = dossier.ticket
    discreet = steps.discreet(ticket)
    category = labels.categories.get(ticket.category)

    def local(at: datetime | None) -> str | None:
        return None if at is None else at.astimezone(labels.timezone).isoformat(timespec="seconds")

    def words(text: str | None) -> str | None:
        return None if discreet or not text else contact.mask(text)

    item: Item = {
        "id": ticket.id,
        "version": ticket.version,
        "deleted": False,
        "state": ticket.state.value,
        "status": "open" if ticket.state in OPEN_STATES else "closed",
        "level": ticket.level.value,
        "category": {
            "code": ticket.category,
            "name": category.name if category is not None else None,
            "mapped": ticket.category,
        },
        "urgency": ticket.urgency.value,
        "nature": ticket.nature.value,
        "list": ticket.listed.value if ticket.listed is not None else None,
        "flagged": ticket.flagged,
        "proactive": ticket.proactive,
        "confidential": discreet,
        "grid": None if ticket.grid is None else {"code": ticket.grid, "name": dossier.grid_name},
        "place": _place(ticket.place, discreet=discreet),
        "text": words("\n".join(said(dossier.texts))),
        "times": {
            "reported": local(ticket.reported_at),
            "filed": local(ticket.filed_at),
            "acknowledged": local(ticket.acknowledged_at),
            "assigned": local(ticket.assigned_at),
            "accepted": local(ticket.accepted_at),
            "due": local(ticket.due),
            "handled": local(ticket.handled_at),
            "closed": local(ticket.closed_at),
        },
        "owner": None
        if ticket.owner_role is None
        else {"role": ticket.owner_role.value, "org": dossier.owner_org or None},
        "counts": {"reporters": ticket.reporters, "reopened": ticket.reopened},
        "result": {
            "text": words(ticket.result),
            "founded": ticket.founded,
            "out_of_remit": ticket.out_of_remit,
            "contacted": ticket.contacted,
            "solved": ticket.solved,
            "unsolved_reason": words(ticket.unsolved_reason),
            "public_answer": words(ticket.public_answer),
        },
        "callback": {
            "outcome": ticket.outcome.value if ticket.outcome is not None else None,
            "rating": ticket.rating,
        },
    }
    if reporter:
        known = not discreet and not dossier.erased
        item["reporter"] = {"name": dossier.reporter, "phone": dossier.contact} if known else None
    return item


def tombstone(number: int, version: int, reason: Reason, merged_into: int | None = None) -> Item:
    """What is left to say of a ticket that is not the upstream's business any more."""
    item: Item = {"id": f"S{number}", "version": version, "deleted": True, "reason": reason.value}
    if merged_into is not None:
        item["merged_into"] = f"S{merged_into}"
    return item


def canonical(item: Mapping[str, Any]) -> bytes:
    """The item without its hash in the one spelling that is hashed."""
    bare = {name: value for name, value in item.items() if name != "hash"}
    return json.dumps(bare, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(item: Mapping[str, Any]) -> str:
    """SHA-256 of the item in hex."""
    return hashlib.sha256(canonical(item)).hexdigest()


def sealed(item: Item) -> Item:
    """The item with its hash: nothing may be changed in it afterwards."""
    return {**item, "hash": digest(item)}


def _place(place: Place, *, discreet: bool) -> Item:
    """Of what is confidential no home is named, and nothing at all that was read off the reporter's own nick."""
    if discreet:
        own = place.located_by == "nick"
        place = Place() if own else Place(building=place.building, unit=place.unit, place=place.place)
    return {
        "building": place.building,
        "unit": place.unit,
        "floor": place.floor,
        "room": place.room,
        "place": place.place,
    }
