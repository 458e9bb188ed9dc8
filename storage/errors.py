"""The one error of the store: what is wrong where, and the cure, in one line."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be used; the text names the place and the cure."""
