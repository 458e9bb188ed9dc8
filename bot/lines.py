"""The commands about lines that perhaps never arrived: look at them, and decide. The bot may be running.

A decision is one short transaction beside the bot's own (storage/beside.py): the bot keeps no line in memory, it asks
the table each time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.terminal import BROKEN, CONFIG, ConfigOption, load, plain, read, short, table, write

if TYPE_CHECKING:
    from pathlib import Path

    from storage.byhand import Decision
    from storage.engine import Tx
    from storage.model import Outgoing, Room

app = typer.Typer(help="Lines that perhaps never arrived.", no_args_is_help=True, rich_markup_mode=None)

Ids = Annotated[list[int], typer.Argument(help="As `xiaoge outbox list` shows them.", metavar="ID...")]


@app.command("list")
def outbox_list(
    every: Annotated[bool, typer.Option("--all", help="Also what is queued or being sent.")] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Show sends that failed, or whose outcome nobody knows. Words are not shown.

    \b
    Examples:
      xiaoge outbox list
      xiaoge outbox list --all
    """
    from storage import outbox, rooms
    from storage.model import SendState

    states = [SendState.UNKNOWN, SendState.FAILED]
    if every:
        states += [SendState.SENDING, SendState.QUEUED]

    async def look(tx: Tx) -> tuple[list[Outgoing], dict[tuple[str, str], Room]]:
        lines = [line for state in states for line in await outbox.by_state(tx, state)]
        return lines, {(room.account, room.im_id): room for room in await rooms.every(tx)}

    lines, known = read(load(config), look)
    if not lines:
        typer.echo("nothing waits, nothing failed, nothing unknown" if every else "nothing failed, nothing unknown")
        return
    now = datetime.now(UTC)
    rows = []
    for line in lines:
        room = known.get((line.account, line.conversation))
        to = f"{room.kind} room {room.topic or room.im_id}" if room is not None else f"person {line.conversation}"
        age = short(now - (line.sending_at or line.created_at))
        cells = (str(line.id), line.state, line.account, to, line.kind, line.key, age, line.error or "")
        rows.append([plain(cell) for cell in cells])
    table(("id", "state", "account", "to", "kind", "key", "age", "why"), rows)


@app.command()
def settle(
    ids: Ids,
    sent: Annotated[bool, typer.Option("--sent/--not-sent", help="What you saw in the room.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Say what became of a line of unknown fate, after a look into the room. Not sent, it counts as failed.

    \b
    Examples:
      xiaoge outbox settle 12 --sent
      xiaoge outbox settle 13 14 --not-sent
    """
    from storage.byhand import Decision

    _decide(config, ids, Decision.SENT if sent else Decision.NOT_SENT)


@app.command()
def retry(ids: Ids, config: ConfigOption = CONFIG) -> None:
    """Send a failed or unknown line again. If it had arrived after all, people will read it twice: look first.

    \b
    Examples:
      xiaoge outbox retry 12
    """
    from storage.byhand import Decision

    _decide(config, ids, Decision.RETRY)


@app.command()
def drop(ids: Ids, config: ConfigOption = CONFIG) -> None:
    """Give a line up that is queued, failed or unknown: it is never sent, its words are erased.

    \b
    Examples:
      xiaoge outbox drop 12 13
    """
    from storage.byhand import Decision

    _decide(config, ids, Decision.DROP)


def _decide(config: Path, ids: list[int], decision: Decision) -> None:
    """Decide for each line by itself and say what came of it; code 1 where one was refused."""
    from storage import byhand

    async def every(tx: Tx) -> list[tuple[Outgoing | None, bool]]:
        now = datetime.now(UTC)
        return [await byhand.decide(tx, one, decision, now) for one in ids]

    refused = False
    for one, (line, done) in zip(ids, write(load(config), every), strict=True):
        refused = refused or not done
        typer.echo(f"line {one}: {_outcome(decision, line, done=done)}", err=not done)
    if refused:
        raise typer.Exit(BROKEN)


def _outcome(decision: Decision, line: Outgoing | None, *, done: bool) -> str:
    from storage.byhand import ALLOWED, Decision

    if line is None:
        return "there is none; `xiaoge outbox list --all` shows them"
    if done:
        return {
            Decision.SENT: "sent",
            Decision.NOT_SENT: "not sent, so failed; `retry` sends it, `drop` gives it up",
            Decision.RETRY: "queued; a running bot sends it within a minute, at its pace",
            Decision.DROP: "dropped",
        }[decision]
    if line.state in ALLOWED[decision]:
        return "its words are gone (48 h), so it cannot be sent; drop it"
    allowed = " or ".join(sorted(ALLOWED[decision]))
    return f"it is {line.state}, this is for a line that is {allowed}"
