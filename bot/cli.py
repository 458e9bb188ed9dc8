"""The command `xiaoge`. Everything heavy is imported by the command that needs it, so that help comes at once."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer

from bot import accounts as fleet
from bot import broadcasts, records, vocabulary
from bot.alerts import cli as alerting
from bot.errors import explain, keep_trace
from bot.importing import cli as importing
from bot.sync import cli as sync
from bot.terminal import BROKEN, CONFIG, ConfigOption, duration, load, plain, progress, table

MonitorOption = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where the bot's monitor is, in place of [monitor].", show_default=False),
]
EXPECTED, UNFORESEEN = 2, 70  # exit codes: a fault with its cure in the line; a bug

app = typer.Typer(
    name="xiaoge",
    help="小格: listens in micro-grid WeChat groups and turns appeals into tickets that people close.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"xiaoge {version('xiaoge')}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


app.add_typer(records.app)
app.add_typer(importing.app, name="import")
app.add_typer(vocabulary.app, name="lexicon")
app.add_typer(broadcasts.app, name="notices")
app.add_typer(fleet.app, name="accounts")
app.add_typer(sync.app, name="sync")
app.add_typer(alerting.app, name="alerts")


@app.command()
def demo(
    seconds: Annotated[str | None, typer.Option("--for", metavar="TIME", help="End after that time: 20s, 2m.")] = None,
    simple: Annotated[bool, typer.Option("--plain", help="No live view: a summary at the end.")] = False,
    seed: Annotated[int, typer.Option(help="Another number, another day.")] = 1,
) -> None:
    """A fictional community talks; see tickets appear, and join in.

    Needs no account and no configuration and keeps nothing. Without a terminal it runs 20 s and prints a summary.

    \b
    Examples:
      xiaoge demo
      xiaoge demo --for 20s --plain
    """
    from bot.demo import demo as show

    limit = duration(seconds).total_seconds() if seconds is not None else None
    if not sys.stdout.isatty():
        simple, limit = True, 20.0 if limit is None else limit
    raise typer.Exit(show(seconds=limit, plain=simple, seed=seed))


@app.command()
def run(
    accounts: Annotated[str, typer.Option(metavar="NAMES", help="Serve these only: wx1,wx2. Else all.")] = "all",
    monitor: MonitorOption = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Run the bot until SIGTERM or Ctrl-C. It ends within 5 s and loses nothing.

    On PostgreSQL any number of processes and machines may run on one database: they share the accounts, and those of
    one that dies are served by the others within a minute.

    \b
    Examples:
      xiaoge run
      xiaoge run --config /srv/xiaoge/config.toml
      xiaoge run --accounts wx1,wx2 --monitor 127.0.0.1:9465
    """
    from bot import logs, options

    settings = options.monitored(load(config), monitor)
    wanted = options.accounts(settings, accounts)
    logs.configure(settings.log)
    from bot.app import run as live

    asyncio.run(live(settings, wanted))


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Scenes, one JSON object a line.")],
    keep: Annotated[Path | None, typer.Option(help="Keep each scene's database, logs and export here.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log, too.")] = False,
) -> None:
    """Play recorded chat through the bot in virtual time and print what would have become of it.

    Nothing is sent and no configuration is needed. One JSON object a scene goes to standard output.

    \b
    Examples:
      xiaoge replay scenes.jsonl > outcome.jsonl
      xiaoge replay scenes.jsonl --keep var/replay
    """
    from bot import logs
    from bot.replay import replay as play
    from bot.settings import Log

    logs.configure(Log(level="info" if verbose or keep is not None else "error"), shown=None if verbose else "error")
    total = _lines(file)
    with progress("replaying", total) as step:
        asyncio.run(play(file, sys.stdout, keep=keep, played=lambda done: step(done, total)))


@app.command()
def classify(
    file: Annotated[Path | None, typer.Argument(help="JSON lines with `text`, optional `nick`.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Cut words with rjieba: pip install 'xiaoge[fast]'.")] = False,
) -> None:
    """Say for each message whether it is an appeal, and which. Reads JSON lines, writes JSON lines, keeps nothing.

    \b
    Examples:
      xiaoge classify messages.jsonl > decisions.jsonl
      echo '{"text": "3栋2单元电梯又坏了"}' | xiaoge classify
    """
    from nlp.classify import classify_lines
    from nlp.pipeline import Classifier

    total = _lines(file) if file is not None else None
    classifier = Classifier.load(fast=fast)
    source = file.open(encoding="utf-8") if file is not None else nullcontext(_utf8(sys.stdin))
    with source as lines, progress("classifying", total) as step:
        for done, decision in enumerate(classify_lines(lines, classifier), 1):
            sys.stdout.write(decision + "\n")
            if total is not None and done % 1000 == 0:
                step(done, total)
    sys.stdout.flush()


@app.command()
def evaluate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Labelled messages, JSON lines; a folder: its *.jsonl.")
    ],
    floors: Annotated[Path | None, typer.Option(help="What must be reached, in TOML; else code 1.")] = None,
    errors: Annotated[int, typer.Option(min=0, help="Wrong decisions to show of each kind.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Hold the classifier against labelled messages: what it finds, what it misses, what it takes for an appeal.

    \b
    Examples:
      xiaoge evaluate labelled.jsonl
      xiaoge evaluate labelled/ --floors floors.toml --errors 0
    """
    from bot.evaluation import show
    from nlp.evaluate import evaluate as measure
    from nlp.evaluation.floors import broken
    from nlp.evaluation.floors import load as bounds

    demanded = bounds(floors) if floors is not None else []
    with progress("evaluating") as step:
        report = measure(files, errors=errors, step=step)
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        show(report, demanded)
    faults = broken(demanded, report.measured)
    for fault in faults:
        typer.echo(f"xiaoge: below its floor: {fault}", err=True)
    if faults:
        raise typer.Exit(BROKEN)


@app.command()
def doctor(config: ConfigOption = CONFIG) -> None:
    """Check configuration, database, gateways, lexicon, disk, key and clock; name the cure for each fault.

    \b
    Examples:
      xiaoge doctor
      xiaoge doctor --config /srv/xiaoge/config.toml && systemctl restart xiaoge
    """
    from bot.doctor import Finding, State, examine

    async def gather() -> list[Finding]:
        return [finding async for finding in examine(config, lambda: datetime.now(UTC))]

    with progress("examining"):
        findings = asyncio.run(gather())
    signs = {State.OK: "[green]ok[/]", State.WARNING: "[yellow]warning[/]", State.FAULT: "[red]fault[/]"}
    table(
        ("what", "state", "found", "cure"),
        [(plain(one.what), signs[one.state], plain(one.found), plain(one.cure)) for one in findings],
    )
    faults = sum(finding.state is State.FAULT for finding in findings)
    if faults:
        raise typer.Exit(BROKEN)


@app.command()
def status(monitor: MonitorOption = None, config: ConfigOption = CONFIG) -> None:
    """Ask a running bot how it is: each account's link, the database, what waits, and who else runs on that database.
    Code 1 where it is not ready.

    \b
    Examples:
      xiaoge status
      xiaoge status --config /srv/xiaoge/config.toml
      xiaoge status --monitor 127.0.0.1:9465
    """
    from bot import options
    from bot.status import accounts, ask, rest

    page = ask(options.monitored(load(config), monitor))
    columns = ("account", "link", "since", "last message", "messages waiting", "last error")
    table(columns, accounts(page, datetime.now(UTC)))
    table(("what", "found"), rest(page))
    if not page["ready"]:
        raise typer.Exit(BROKEN)


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for line in lines if line.strip())


def _utf8(stream: TextIO) -> TextIO:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8")
    return stream


def main() -> None:
    """The entry point: expected faults are one line and code 2; others go to a file and leave one line, too."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read us has gone, `xiaoge classify | head` for one; say nothing, also not at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last one to catch anything
        line = explain(error)
        if line is not None:
            sys.stderr.write("".join(f"xiaoge: {part}\n" for part in line.splitlines()))
            sys.exit(EXPECTED)
        kept = keep_trace(error)
        where = f"; the details are in {kept}, please report them" if kept else ""
        sys.stderr.write(f"xiaoge: something nobody foresaw: {type(error).__name__}{where}\n")
        sys.exit(UNFORESEEN)


if __name__ == "__main__":
    main()
