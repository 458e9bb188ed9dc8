"""Which program this is."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def version() -> str:
    """The version that was installed."""
    try:
        return metadata.version("xiaoge")
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
