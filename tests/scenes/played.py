"""A file of scenes, played once, and what became of it held against what the scenes expect."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.replay import replay
from tests.scenes import score_scenes


@dataclass(frozen=True)
class Played:
    outcomes: dict[str, dict[str, Any]]  # by scene id
    keep: Path  # where the scenes left their files, a folder each

    @classmethod
    def of(cls, file: Path, keep: Path) -> Played:
        out = io.StringIO()
        asyncio.run(replay(file, out, keep=keep))
        rows = [json.loads(line) for line in out.getvalue().splitlines()]
        return cls({row["id"]: row for row in rows}, keep)

    def check(self, scene: dict[str, Any]) -> None:
        """The outcome is what the scene expects, and what it forbids to store stands in no file."""
        stores = score_scenes.read_stores([self.keep / scene["id"]])
        diffs, missed, _, _ = score_scenes.judge(scene, self.outcomes.get(scene["id"]), stores)
        assert not diffs, scene["title"]
        assert not missed
