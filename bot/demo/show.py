"""The demo from the first line to the summary, with a live picture or line by line."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import NoReturn

import structlog
from rich.columns import Columns
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bot.demo import community, script
from bot.demo.board import Board, Spoken, Step
from bot.demo.community import Community, Group, Speaker
from bot.demo.keys import LineEditor, keyboard
from bot.demo.play import Play, performance
from bot.demo.view import COLOURS, HINT, REASONS, TAKEN, View
from handlers import texts
from storage.model import RoomKind, Ticket, TicketState, Urgency

SPEED = 24.0  # seconds of the demo's time in one of ours
STORY = 1_080.0  # seconds of the demo's time in which the opening story is told
FASTEST = 120.0
PICTURES = 8  # a second
PLAIN_WIDTH = 100
EXAMPLES = 8
TYPED = re.compile(r"\s*([lp]?)\s*(g?\d{1,2})\s*[:：,， ]\s*(\S.*)", re.IGNORECASE)
USAGE = f"这样写：{HINT}"


def run(seconds: float | None, *, plain: bool, seed: int) -> int:
    """See `bot.demo.demo`."""
    with suppress(AttributeError, ValueError):  # a replaced stdout, as in tests, knows no reconfigure
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    with _quiet_logs():
        return asyncio.run(_show(seconds, plain=plain, seed=seed))


def pace(seconds: float | None) -> float:
    """How fast the demo's clock runs: fast enough that a short demo tells its story to the end."""
    return SPEED if seconds is None else min(FASTEST, max(SPEED, STORY / max(seconds, 0.1)))


async def _show(seconds: float | None, *, plain: bool, seed: int) -> int:
    people = community.load()
    speed = pace(seconds)
    over = asyncio.Event()
    with suppress(NotImplementedError, ValueError, RuntimeError):  # not in a main thread, or not on this system
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
    console = _Screen(over, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    plain = plain or not console.is_terminal or console.is_dumb_terminal
    console.print(f"[b]小格 demo[/b] · {people.name}, a community that does not exist · loading …")
    async with performance(people, script.stream(people, seed), speed=speed, seed=seed) as play:
        until = time.monotonic() + seconds if seconds is not None else None
        if plain:
            _print_events(console, play)
            await _wait(over, until)
        else:
            await _live(console, play, speed, over, until)
    summarise(console, play.board, play.failures)
    return 1 if play.failures else 0


class _Screen(Console):
    """Where the demo is seen. When nobody reads any more (`xiaoge demo | head`), the demo is over."""

    def __init__(self, over: asyncio.Event, *, width: int | None) -> None:
        super().__init__(width=width, highlight=False)
        self._over = over

    def on_broken_pipe(self) -> None:
        """Fall silent and end, in place of rich's exit from the middle of a task."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        self._over.set()


async def _wait(over: asyncio.Event, until: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(None if until is None else max(0.0, until - time.monotonic())):
            await over.wait()


# -------------------------------------------------------------------- the live picture
async def _live(console: Console, play: Play, speed: float, over: asyncio.Event, until: float | None) -> None:
    view = View(play.board, speed)
    editor = LineEditor()

    def typed(characters: str) -> None:
        view.note = ""
        for line in editor.feed(characters):
            view.note = say(play, line)
        view.typed = editor.text
        if editor.done:
            over.set()

    def answered(reason: str, numbers: tuple[int, ...]) -> None:
        kept = "、".join(f"S{number}" for number in numbers)
        if kept or reason in TAKEN:
            view.note = f"听到了 → {kept or REASONS.get(reason, reason)}"
        else:
            view.note = f"没有留下（{REASONS.get(reason, reason)}）"

    play.answered = answered
    with keyboard(typed) as there, Live(console=console, screen=True, auto_refresh=False) as live:
        if not there:
            view.typed = None
        while not over.is_set() and (until is None or time.monotonic() < until):
            view.left = until - time.monotonic() if until is not None else None
            live.update(view.render(*console.size), refresh=True)
            await _wait(over, time.monotonic() + 1 / PICTURES)


def say(play: Play, line: str) -> str:
    """Let the viewer speak: `3 …` as a resident of group 3, `l3 …` as its leader, `p3 …` as the property office.
    Returns what to tell the viewer, empty when all is well."""
    match = TYPED.fullmatch(line)
    if match is None:
        return USAGE
    who, key, text = match.groups()
    try:
        group = play.community.group(key)
    except KeyError:
        return f"没有 {key} 群，有 1–{len(play.community.resident_groups)} 和 G1、G2"
    play.type(group, _speaker(play.community, group, who.lower()), text)
    return ""


def _speaker(people: Community, group: Group, who: str) -> Speaker:
    if who == "p":
        return group.speaker("物")
    if who == "l" or group.kind is RoomKind.LEADER:
        return group.leader
    number = people.resident_groups.index(group) + 1
    return Speaker(f"viewer-{group.key}", f"{number}-1-0606 您")


# -------------------------------------------------------------------- line by line
def _print_events(console: Console, play: Play) -> None:
    board = play.board

    def stepped(step: Step) -> None:
        ticket, before = step.ticket, step.before
        line = Text.assemble((f"{step.at:%H:%M:%S}  ", "dim"), (f"{ticket.id:<4}", "bold"))
        if before is None:
            line.append(f"{texts.STATE[ticket.state]}  ", COLOURS.get(ticket.state, ""))
        elif before.state is not ticket.state:
            line.append(f"{texts.STATE[before.state]} → ")
            line.append(f"{texts.STATE[ticket.state]}  ", COLOURS.get(ticket.state, ""))
        else:
            line.append(f"+1 → {ticket.reporters} 人反映  ")
        if ticket.urgency is Urgency.EMERGENCY:
            line.append("应急 ", "bold red")
        line.append(f"{board.subject(ticket)}  [{board.origin.get(ticket.number, '')}群]")
        console.print(line, soft_wrap=True)

    def spoke(spoken: Spoken) -> None:
        arrow = "→" if spoken.public else "⇢"
        line = Text(f"{spoken.at:%H:%M:%S}  小格 {arrow} {spoken.place}：", "dim")
        words = " ".join(spoken.text.split())
        console.print(line.append(words, "default" if spoken.public else "dim"), soft_wrap=True)

    play.stepped, play.spoke = stepped, spoke


# -------------------------------------------------------------------- the end
def summarise(console: Console, board: Board, failures: int) -> None:
    """What the demo came to: counts, what was let pass and why, a few tickets, and where to go from here."""
    states = [ticket.state for ticket in board.filed]
    counts = Table.grid(padding=(0, 3, 0, 0))
    counts.add_row("messages heard", str(board.said))
    counts.add_row("tickets", f"{len(states)} ({states.count(TicketState.CLOSED)} closed)")
    counts.add_row("candidates", str(len(board.candidates)))
    counts.add_row("replies in groups", str(board.replies))
    counts.add_row("lines to leaders", str(board.leader_lines))
    passed = {reason: count for reason, count in board.heard.most_common() if reason not in TAKEN}
    counts.add_row("ignored, not kept", str(sum(passed.values())))
    console.print()
    console.rule("[b]summary[/b]", align="left")
    console.print(counts)
    console.print()
    console.print("by reason")
    console.print(Columns([f"{n:>4} {why} {REASONS.get(why, '')}" for why, n in passed.items()], padding=(0, 2)))
    console.print()
    examples = Table("ticket", "state", "matter", "group", "reporters", title="example tickets", title_justify="left")
    for ticket in _examples(board):
        urgent = "应急 " if ticket.urgency is Urgency.EMERGENCY else ""
        group = board.origin.get(ticket.number, "")
        examples.add_row(
            ticket.id, texts.STATE[ticket.state], urgent + board.subject(ticket), group, str(ticket.reporters)
        )
    console.print(examples)
    if failures:
        console.print(f"[red]{failures} messages could not be handled: this is a defect, please report it[/red]")
    console.print(
        "The demo's database is gone with it. With your own config: [b]xiaoge run --config config.toml[/b], "
        "then [b]xiaoge export tickets --format xlsx[/b]."
    )


def _examples(board: Board) -> list[Ticket]:
    """Those that came furthest, emergencies before others, so that the list shows the whole loop."""
    order = list(TicketState)
    ranked = sorted(
        board.tickets.values(),
        key=lambda ticket: (order.index(ticket.state), ticket.urgency is Urgency.EMERGENCY, ticket.reporters),
        reverse=True,
    )
    return sorted(ranked[:EXAMPLES], key=lambda ticket: ticket.number)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Log lines would run through the picture; what goes wrong is counted and told at the end."""
    before = structlog.get_config()
    scheduler = logging.getLogger("apscheduler")
    level = scheduler.level
    structlog.configure(processors=[_drop])
    scheduler.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        structlog.configure(**before)
        scheduler.setLevel(level)


def _drop(_logger: object, _method: str, _event: MutableMapping[str, object]) -> NoReturn:
    raise structlog.DropEvent
