"""The keyboard, read without blocking the loop; the terminal is put back as it was."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LONGEST = 200  # characters of a typed line
ENTER, ERASE, CLEAR, CANCEL, ESCAPE = "\r\n", "\x7f\x08", "\x15", "\x03\x04", "\x1b"


@dataclass(slots=True)
class LineEditor:
    """A line being typed. `feed` returns the lines that were finished; `done` is set by q on an empty line."""

    text: str = ""
    done: bool = False
    _escape: str = field(default="", repr=False)

    def feed(self, typed: str) -> list[str]:
        """Take in characters as they come from the terminal."""
        return [line for character in typed if (line := self._key(character)) is not None]

    def _key(self, character: str) -> str | None:
        if self._escape or character == ESCAPE:
            self._swallow(character)
        elif character in ENTER:
            line, self.text = self.text.strip(), ""
            if line in ("q", "Q"):
                self.done = True
            elif line:
                return line
        elif character in ERASE:
            self.text = self.text[:-1]
        elif character in CLEAR:
            self.text = ""
        elif character in CANCEL or (character in "qQ" and not self.text):
            self.done = True
        elif character.isprintable() and len(self.text) < LONGEST:
            self.text += character
        return None

    def _swallow(self, character: str) -> None:
        """Arrow and function keys come as ESC [ … letter: they mean nothing here."""
        if character == ESCAPE:
            self._escape = ESCAPE
        elif self._escape == ESCAPE and character in "[O":
            self._escape += character
        elif self._escape == ESCAPE or character.isalpha() or character == "~":
            self._escape = ""


@contextmanager
def keyboard(typed: Callable[[str], None]) -> Iterator[bool]:
    """Call `typed` with what is typed, from the running loop. Yields False where stdin is no terminal."""
    try:
        number = sys.stdin.fileno()
        if not os.isatty(number):
            raise OSError
        import termios
        import tty
    except (OSError, ValueError, AttributeError, ImportError):
        # Closed, redirected, or a system without terminals: there is nobody to type.
        yield False
        return
    loop = asyncio.get_running_loop()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
    before = termios.tcgetattr(number)

    def read() -> None:
        data = os.read(number, 1024)
        if data:
            typed(decoder.decode(data))
        else:
            loop.remove_reader(number)  # the terminal hung up

    try:
        tty.setcbreak(number)
        loop.add_reader(number, read)
        yield True
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)
