"""What a person can do about what stops a ticket or an upstream, by our code of it."""

from __future__ import annotations

from bot.settings import Upstream
from storage.upstreams import Delivery, Link

_PASSING = "nothing to do, it is tried again; if it lasts ask those who run it"
_OF_UPSTREAM = {
    "unauthorized": "put the secret agreed on with them into {place} secret and set the clocks by NTP, "
    "then restart the bot; mended on their side `xiaoge sync push {name}` will do",
    "wrong_address": "mend {place} url, then restart the bot",
    "refused_all": "they refuse every ticket: mend {place} url or its mapping, restart the bot, "
    "then `xiaoge sync replay {name} --parked`",
    "folder": "mend {place} folder: its rights, or free some space",
    "bad_answer": "this is not the interface of docs/upstream-api.md: check {place} url, ask those who run it",
    "untrusted": "their certificate is not trusted: put their CA (PEM) under {place} tls_ca, or set the clock",
    "unreachable": "check {place} url and the network; it is tried again",
}
_OF_TICKET = {
    "unmapped_category": "",  # its words say it
    "stale": "they hold a newer version, as after restoring a backup: see `xiaoge sync reconcile {name}`",
    "too_large": "ask them to allow larger requests, then `xiaoge sync replay {name} --parked`",
    "defect": "keep the log and report it",
}
_THEIRS = "mend what they say (their side, or the mapping), then `xiaoge sync replay {name} --ticket S{ticket}`"


def of_upstream(upstream: Upstream, code: str) -> str:
    """The cure for a failure of whole requests."""
    return _OF_UPSTREAM.get(code, _PASSING).format(place=upstream.place, name=upstream.name)


def of_ticket(upstream: Upstream, parked: Delivery) -> str:
    """The cure for a parked ticket."""
    return _OF_TICKET.get(str(parked.code), _THEIRS).format(name=upstream.name, ticket=parked.ticket)


def trouble(link: Link) -> str:
    """What the last request failed with; empty where it did not."""
    return "" if link.code is None else f"{link.code}: {link.message}"
