"""What 转平 puts away: needs, offers and check-ins of the scope that is no longer in 急时."""

from __future__ import annotations

from handlers.context import Effects
from handlers.texts import supplies as texts
from storage import modes, supplies
from storage.supplies import SupplyKind


async def close(effects: Effects, scope: str) -> str:
    """Close what is open over the scope, but where another 急时 goes on. Returns what there was, for the leaders; empty
    for nothing."""
    still = [mode.scope for mode in await modes.in_force(effects.tx)]
    left, said = await supplies.end(effects.tx, scope, still, effects.now)
    if not left and not said:
        return ""
    await effects.audit("supplies_over", actor=None, scope=scope, supplies=len(left), safe=len(said))
    needs = [
        texts.heading(one.id, texts.goods(one.kind, one.thing, one.amount, one.unit), texts.building(one.building))
        for one in left
        if one.kind is SupplyKind.NEED
    ]
    safe = sum(one.heads for one in said if not one.needs_help)
    return texts.told_over(needs, len(left) - len(needs), safe)
