"""The errors of the store. What is wrong where, and the cure, in one line."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be used; the text names the place and the cure."""


class LeaseLostError(Exception):
    """Another process serves this account by now: whoever meets this stops acting for it, and tries nothing again."""
