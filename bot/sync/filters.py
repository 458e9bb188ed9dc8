"""Which tickets an upstream gets, and what it is to be told of one that it gets no more."""

from __future__ import annotations

from bot.settings import Upstream
from bot.sync.rendering import Reason, withheld
from storage.dossiers import Dossier
from storage.model import Ticket, TicketState


def lets_through(upstream: Upstream, ticket: Ticket) -> bool:
    """Whether the ticket fits the upstream's levels, categories, grids and natures. A candidate is no ticket yet."""
    return (
        ticket.state is not TicketState.CANDIDATE
        and (not upstream.levels or ticket.level.value in upstream.levels)
        and (not upstream.categories or ticket.category.startswith(upstream.categories))
        and (not upstream.grids or (ticket.grid is not None and ticket.grid.startswith(upstream.grids)))
        and (not upstream.natures or ticket.nature.value in upstream.natures)
    )


def kept_back(upstream: Upstream, dossier: Dossier) -> Reason | None:
    """Why this upstream does not get the ticket; None where it does."""
    reason = withheld(dossier)
    if reason is None and not lets_through(upstream, dossier.ticket):
        return Reason.FILTERED
    return reason
