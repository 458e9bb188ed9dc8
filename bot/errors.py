"""Faults in one line: what is wrong, and the cure. Expected ones end a command with code 2 and no traceback."""

from __future__ import annotations

import errno
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from bot.logs import without_words

# Errors whose text is written for people. Named and not imported: a command pays only for the modules that it uses,
# and a module that was never imported has raised nothing.
SPEAKING = (
    ("bot.settings", "ConfigError"),
    ("bot.scene", "SceneError"),
    ("bot.importing.tables", "ImportFault"),
    ("bot.transports.base", "TransportError"),
    ("storage.errors", "StoreError"),
    ("nlp.categories", "CategoryError"),
    ("nlp.tables", "LexiconError"),
    ("nlp.tokens", "TokenizerError"),
    ("nlp.classify", "InputError"),
)
CURES = {
    errno.ENOENT: "check the path",
    errno.EACCES: "give it to the user who runs xiaoge, or choose another path",
    errno.EPERM: "give it to the user who runs xiaoge, or choose another path",
    errno.ENOSPC: "free some space and repeat",
    errno.EDQUOT: "free some space and repeat",
    errno.EROFS: "choose a path on a disk that can be written",
    errno.EISDIR: "name a file, not a directory",
    errno.ENOTDIR: "check the path: a part of it is not a directory",
    errno.EEXIST: "name another file or remove it",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.EADDRINUSE: "stop the other program or choose another port",
}


def explain(error: BaseException) -> str | None:
    """The line for an expected error, None for one that nobody foresaw."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, BaseExceptionGroup):
        lines = [explain(one) for one in error.exceptions]
        known = [line for line in lines if line is not None]
        return "\n".join(dict.fromkeys(known)) if len(known) == len(lines) else None
    if isinstance(error, _speaking()):
        words = str(error)
        if type(error).__name__ == "Rejected" and ": " not in words:
            return f"{words}: put the gateway's own token into [[accounts]], `xiaoge doctor` tells which account"
        return words
    if isinstance(error, UnicodeDecodeError):
        return "the input is not UTF-8 text; save it as UTF-8"
    if isinstance(error, OSError) and error.errno is not None:
        words = (error.strerror or str(error)).lower()
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{words}; {CURES.get(error.errno, 'check the path and its rights')}"
    return None


def _speaking() -> tuple[type[BaseException], ...]:
    found = (getattr(sys.modules.get(module), name, None) for module, name in SPEAKING)
    return tuple(kind for kind in found if isinstance(kind, type))


def keep_trace(error: BaseException) -> Path | None:
    """Write an unforeseen error's traceback to a file of its own, without what may hold people's words.
    Returns None where no file can be written."""
    now = datetime.now(UTC)
    text = without_words("".join(traceback.format_exception(error)))
    for folder in (Path("var"), Path(tempfile.gettempdir())):
        try:
            path = folder / f"xiaoge-error-{now:%Y%m%dT%H%M%S}.log"
            path.touch(mode=0o600)
            path.write_text(f"{now.isoformat()}\n{text}", encoding="utf-8")
        except OSError:
            continue
        return path
    return None
