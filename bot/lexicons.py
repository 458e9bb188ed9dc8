"""A deployment's lexicon: its versions on the disk, which of them is in force, and its change in a running bot.

    <folder>/history.jsonl      every version that came into force, the last line is the present one
    <folder>/<version>/*.csv    its own rows; the version is a hash over them, so a changed file is noticed

No history, or an empty version, is the shipped lexicon alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from nlp import editing, tables
from nlp.categories import Category
from nlp.editing import Own
from nlp.pipeline import Classifier
from nlp.tables import LexiconError

log = structlog.get_logger(__name__)

BOT = "xiaoge"  # who rolls back by itself
ROLLBACK = "rollback"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A version came into force: when, by whom, and out of what (a file's name, `review`, `rollback`)."""

    version: str
    at: datetime
    by: str
    origin: str


class Shelf:
    """The versions of a deployment. Every change is one replaced file, so a reader sees the old or the new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._history = folder / "history.jsonl"

    def history(self) -> list[Entry]:
        """What was in force, oldest first. Raises LexiconError, OSError."""
        try:
            lines = self._history.read_bytes().splitlines()
        except FileNotFoundError:
            if (self.folder / "objects.csv").exists():
                raise tables.fault(self.folder, "old_folder", folder=self.folder) from None
            return []
        entries = []
        for number, line in enumerate(lines, 1):
            try:
                entries.append(msgspec.json.decode(line, type=Entry))
            except msgspec.DecodeError:
                raise tables.fault(self._history, "bad_history", row=number) from None
        return entries

    def present(self) -> str:
        """The version in force. Raises LexiconError, OSError."""
        history = self.history()
        return history[-1].version if history else ""

    def earlier(self) -> str:
        """The version that the present one was put in the place of. Raises LexiconError where there is none."""
        history = self.history()
        for index in reversed(range(len(history))):
            if history[index].version == history[-1].version and history[index].origin != ROLLBACK:
                return history[index - 1].version if index else ""
        raise tables.fault(self.folder, "no_earlier")

    def own(self, version: str) -> Own:
        """The rows of a version. Raises LexiconError: no such version, or not what was put there."""
        if not version:
            return Own()
        folder = self.folder / version
        if not version.isalnum() or not folder.is_dir():
            raise tables.fault(self.folder, "no_version", version=version)
        own = editing.read(folder)
        if own.version != version:
            raise tables.fault(folder, "damaged", version=version)
        return own

    def put(self, own: Own) -> str:
        """Keep the rows; returns their version. What is there already stays. Raises OSError."""
        version = own.version
        target = self.folder / version
        if not version or target.exists():
            return version
        self.folder.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
        try:
            for name, content in editing.canonical(own).items():
                _durable(made / name, content)
            made.chmod(0o755)
            made.rename(target)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        return version

    def choose(self, version: str, *, at: datetime, by: str, origin: str, instead_of: str | None = None) -> bool:
        """Bring a version that was put here into force. With `instead_of`, only where that one still is; False where
        somebody was faster. Raises LexiconError, OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            history = self.history()
            if instead_of is not None and (history[-1].version if history else "") != instead_of:
                return False
            entry = Entry(version=version, at=at, by=by, origin=origin)
            lines = b"".join(msgspec.json.encode(one) + b"\n" for one in (*history, entry))
            fresh = self.folder / ".history.new"
            _durable(fresh, lines)
            fresh.replace(self._history)
        return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """A command and the running bot do not write at once."""
        with (self.folder / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise tables.fault(self.folder, "busy") from None
            yield


@dataclass(frozen=True, slots=True)
class Refusal:
    """A version that was not taken, and why: one line a fault."""

    version: str
    at: datetime
    why: str


class Keeper:
    """The lexicon of a running bot. A version that cannot be used, or does not understand the golden sentences, is not
    taken: the one before stays in force, and is written down as the present one again."""

    def __init__(self, shelf: Shelf, categories: Mapping[str, Category], *, fast: bool = False) -> None:
        """`fast` asks for rjieba."""
        self._shelf = shelf
        self._categories = categories
        self._fast = fast
        self.version = ""
        self.since: datetime | None = None
        self.refused: Refusal | None = None
        self._blocked: str | None = None  # what could not be rolled back on the disk is not tried again

    def load(self, now: datetime) -> Classifier:
        """The version in force, else the one before it, else the shipped lexicon alone: a bot with fewer words hears
        more than one that does not start. Raises LexiconError where the shipped one, too, cannot be used."""
        self.since = now
        try:
            wanted = self._shelf.present()
        except (LexiconError, OSError) as error:
            self._refuse("", now, error)
            return editing.make(Own(), self._categories, fast=self._fast)
        for version in dict.fromkeys((wanted, *self._before(wanted))):
            try:
                classifier = self._made(version)
            except LexiconError as error:
                if version == wanted:
                    self._refuse(version, now, error)
                continue
            if version != wanted:
                self._roll_back(wanted, version, now)
            self.version = version
            return classifier
        # The shipped lexicon does not understand its own sentences: better than none.
        classifier = editing.make(Own(), self._categories, fast=self._fast)
        if wanted:
            self._roll_back(wanted, "", now)
        return classifier

    async def step(self, now: datetime) -> Classifier | None:
        """The new classifier where another version has come into force. It is made in a thread: that takes a second."""
        try:
            wanted = await asyncio.to_thread(self._shelf.present)
            if wanted in (self.version, self._blocked):
                return None
            classifier = await asyncio.to_thread(self._made, wanted)
        except (LexiconError, OSError) as error:
            await asyncio.to_thread(self._refuse_and_roll_back, now, error)
            return None
        self.version, self.since, self.refused, self._blocked = wanted, now, None, None
        log.info("lexicon", action="lexicon", version=wanted, lexicon=classifier.version)
        return classifier

    def _made(self, version: str) -> Classifier:
        return editing.proven(self._shelf.own(version), self._categories, fast=self._fast)

    def _before(self, wanted: str) -> Iterator[str]:
        if wanted:
            with contextlib.suppress(LexiconError):
                yield self._shelf.earlier()
            yield ""

    def _refuse_and_roll_back(self, now: datetime, error: Exception) -> None:
        try:
            wanted = self._shelf.present()
        except (LexiconError, OSError):  # the history itself cannot be read, so nothing can be written back
            if self.refused is None or self.refused.why != str(error):
                self._refuse("", now, error)
            return
        if wanted != self.version:
            self._refuse(wanted, now, error)
            self._blocked = wanted
            self._roll_back(wanted, self.version, now)

    def _refuse(self, version: str, now: datetime, error: Exception) -> None:
        self.refused = Refusal(version, now, str(error))
        log.error("lexicon refused", action="lexicon", version=version or "shipped", error=str(error))

    def _roll_back(self, wanted: str, version: str, now: datetime) -> None:
        try:
            self._shelf.choose(version, at=now, by=BOT, origin=ROLLBACK, instead_of=wanted)
        except (LexiconError, OSError) as error:
            log.error("lexicon not rolled back", action="lexicon", version=wanted, error=str(error))


def _durable(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
