"""Which grid a private message is about: there is no room that tells."""

from __future__ import annotations

from storage import grids
from storage.engine import Tx
from storage.model import COMMUNITY_DIGITS


async def named(tx: Tx, text: str) -> str | None:
    """The code of the grid whose name stands in the text: the longest name that does."""
    found = [(len(name), code) for code, name in (await grids.names(tx)).items() if name and name in text]
    return max(found)[1] if found else None


async def only_community(tx: Tx) -> str | None:
    """The community of all grids, where it is one."""
    communities = {code[:COMMUNITY_DIGITS] for code in await grids.names(tx) if len(code) >= COMMUNITY_DIGITS}
    return communities.pop() if len(communities) == 1 else None
