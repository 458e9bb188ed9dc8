"""What people mean by `@范围`: a grid by its code or name."""

from __future__ import annotations

from storage import grids
from storage.engine import Tx

SHORTEST = 6  # digits: a district


async def named(tx: Tx, typed: str) -> str | None:
    """The code that was typed, or that of the grid of this name; of several whose name holds it none is meant."""
    known = await grids.names(tx)
    if typed.isdigit():
        fits = len(typed) >= SHORTEST and any(code.startswith(typed) for code in known)
        return typed if fits else None
    exact = [code for code, name in known.items() if name == typed]
    near = exact or [code for code, name in known.items() if typed in name]
    return near[0] if len(near) == 1 else None
