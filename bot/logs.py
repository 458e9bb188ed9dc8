"""Logs for people or for machines, with an action and ids, never with what somebody said.

Code logs no text in the first place. What stands here is the last line of defence: keys that could hold words are
dropped, long numbers are masked, and libraries of others are heard only as warnings, without their arguments.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import structlog

from bot.settings import Log

OURS = ("xiaoge", "bot", "handlers", "nlp", "storage")
WORDS = frozenset({"text", "content", "nick", "name", "topic", "body", "payload", "words", "contact", "phone"})
# They log payloads whole, and some of them have handlers of their own.
SILENCED = (
    "wechaty",
    "Wechaty",
    "wechaty_puppet",
    "wechaty_puppet_service",
    "PuppetService",
    "Puppet",
    "jieba",
    "quart",
)

_PARAMETERS = re.compile(r"^\[(?:SQL|parameters): .*?\]$|^DETAIL: .*$", re.MULTILINE | re.DOTALL)
_PHONE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9]|@chatroom)")
_ID_NUMBER = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])"
)

Event = MutableMapping[str, Any]


def configure(settings: Log, stream: TextIO | None = None, *, shown: str | None = None) -> None:
    """Send the logs of this program to `stream` (standard error, there from the level `shown` on where that is given)
    and, where configured, into a file of mode 600. Raises OSError where the file cannot be written."""
    stream = stream or sys.stderr
    structlog.configure(
        processors=[*_shared(settings), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_level(settings.level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(stream)]
    handlers[0].setLevel(_level(shown or settings.level))
    if settings.file is not None:
        handlers.append(_file_handler(Path(settings.file)))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    for handler in handlers:
        colors = settings.format == "console" and isinstance(handler, logging.StreamHandler) and handler.stream.isatty()
        handler.setFormatter(_formatter(settings, colors=colors))
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(_level(settings.level))
    for name in SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def kept_in(path: Path) -> Iterator[None]:
    """Write the log into one more file for a while, as JSON lines. Raises OSError where it cannot be written."""
    handler = _file_handler(path)
    handler.setFormatter(_formatter(Log(format="json"), colors=False))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def _shared(settings: Log) -> list[structlog.types.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=settings.format == "json"),
        structlog.processors.format_exc_info,
        drop_words,
    ]


def _formatter(settings: Log, *, colors: bool) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_without_arguments, *_shared(settings)],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(settings, colors)],
    )


def drop_words(_logger: Any, _method: str, event: Event) -> Event:  # noqa: ANN401 - structlog's signature
    """The last line of defence: no key that could hold words, no long number of a person."""
    for key in WORDS & event.keys():
        del event[key]
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = without_words(value)
    return event


def without_words(text: str) -> str:
    """A line or a traceback without SQL parameters, phone and ID numbers."""
    return _ID_NUMBER.sub("#", _PHONE.sub("#", _PARAMETERS.sub("[SQL left out]", text)))


def _without_arguments(_logger: Any, _method: str, event: Event) -> Event:  # noqa: ANN401
    """A library's message keeps its pattern and loses what was filled in: that may be anything off the wire."""
    record: logging.LogRecord = event["_record"]
    if record.name.split(".")[0] not in OURS:
        event["event"] = f"{record.name}: {record.msg if record.args else str(record.msg)[:200]}"
    return event


def _file_handler(path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    # Watched, so that logrotate may move it away.
    from logging.handlers import WatchedFileHandler

    return WatchedFileHandler(path, encoding="utf-8")


def _renderer(settings: Log, colors: bool) -> structlog.types.Processor:
    if settings.format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def _level(name: str) -> int:
    return logging.getLevelNamesMapping()[name.upper()]
