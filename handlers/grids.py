"""Which grid a private message is about: there is no room that tells."""

from __future__ import annotations

from os.path import commonprefix

from storage import grids
from storage.engine import Tx
from storage.model import COMMUNITY_DIGITS


async def named(tx: Tx, text: str) -> str | None:
    """The code of the grid whose name stands in the text. Names repeat, every community has its 第一网格: the one whose
    parents are named too wins. Where several are left it is what they have in common, within one community."""
    names = await grids.named_in(tx, text)
    weight = {
        code: sum(len(name) for above, name in names.items() if code.startswith(above))
        for code in names
        if len(code) >= COMMUNITY_DIGITS
    }
    if not weight:
        return None
    heaviest = max(weight.values())
    shared = commonprefix([code for code, heavy in weight.items() if heavy == heaviest])  # noqa: RUF071 - no paths
    whole = max((length for length in grids.LENGTHS if length <= len(shared)), default=0)
    return shared[:whole] if whole >= COMMUNITY_DIGITS else None


async def only_community(tx: Tx) -> str | None:
    """The community of all grids, where it is one."""
    communities = await grids.communities(tx, most=2)
    return communities[0] if len(communities) == 1 else None
