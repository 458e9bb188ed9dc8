"""What the upward sync keeps."""

from __future__ import annotations
