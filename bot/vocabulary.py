"""`xiaoge lexicon`: the words of a deployment, as data that staff edit. What it says is in nlp/data/wording.toml.

Every way in, a file or a proposal of `review`, ends in the same: checked as a whole, proven on the golden sentences,
kept as a version, brought into force. The running bot notices by itself.
"""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.settings import ConfigError
from bot.terminal import BROKEN, CONFIG, ConfigOption, load, plain, progress, table

if TYPE_CHECKING:
    from bot.config import Config
    from bot.lessons import Trial
    from bot.lexicons import Shelf
    from nlp.categories import Category
    from nlp.editing import Own
    from nlp.pipeline import Classifier
    from nlp.review import Proposal

app = typer.Typer(
    help="The deployment's own words: check, try, install, roll back.", no_args_is_help=True, rich_markup_mode=None
)

File = Annotated[Path, typer.Argument(help="An .xlsx workbook, a .csv named like its table, or a folder of these.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decided it; else the user of this machine.")]
_SHORT = 60  # characters of a message in a table


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A new .xlsx file; any other name is a new folder of CSV tables.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Write the own words to a workbook, the shipped ones behind them to look at. Empty, it is the template.

    \b
    Examples:
      xiaoge lexicon export 词库.xlsx
    """
    from nlp import editing, wording, workbook

    _, known, shelf = _opened(config)
    own = shelf.own(shelf.present())
    if file.exists():
        raise ConfigError(f"{file}: is there already; name another file, or remove it")
    if file.suffix.lower() == ".xlsx":
        workbook.write(file, editing.TABLES, own.rows, known)
    else:
        file.mkdir(parents=True)
        for name, content in editing.canonical(own).items():
            (file / name).write_bytes(b"\xef\xbb\xbf" + content)  # for Excel
    typer.echo(wording.said("said", "exported", file=file, rows=_amount(own)))


@app.command()
def check(file: File, config: ConfigOption = CONFIG) -> None:
    """Say everything that is wrong with a file, with sheet, row, column and cure. Code 1 where something is.

    \b
    Examples:
      xiaoge lexicon check 词库.xlsx
      xiaoge lexicon check events.csv
    """
    from nlp import golden, wording

    settings, known, shelf = _opened(config)
    own = _sound(file, known, shelf)
    _proven(own, known, settings)
    sentences = len(golden.load(own=own.golden, codes=known))
    typer.echo(wording.said("said", "well", file=file, rows=_amount(own), golden=sentences))


@app.command("dry-run")
def dry_run(
    file: File,
    limit: Annotated[int, typer.Option(min=1, help="Show so many of the changes.")] = 50,
    config: ConfigOption = CONFIG,
) -> None:
    """Judge everything that is kept of past tickets, candidates and false alarms once more, and show what changes.

    \b
    Examples:
      xiaoge lexicon dry-run 词库.xlsx
    """
    from nlp import editing

    settings, known, shelf = _opened(config)
    own = _sound(file, known, shelf)
    old = editing.make(shelf.own(shelf.present()), known, fast=settings.nlp.fast)
    new = editing.make(own, known, fast=settings.nlp.fast)
    _show(_tried(settings, old, new), known, limit)


@app.command()
def install(file: File, by: By = "", config: ConfigOption = CONFIG) -> None:
    """Bring a file into force, once it has no fault and every golden sentence is understood.

    Tables that are in the file replace the own ones of today, the others stay as they are.

    \b
    Examples:
      xiaoge lexicon install 词库.xlsx
      xiaoge lexicon install events.csv --by 周主任
    """
    settings, known, shelf = _opened(config)
    own = _sound(file, known, shelf)
    _proven(own, known, settings)
    _bring(shelf, own, by, file.name)


@app.command("list")
def list_versions(config: ConfigOption = CONFIG) -> None:
    """Show every version that was in force: when, by whom, out of what.

    \b
    Examples:
      xiaoge lexicon list
    """
    from bot.lexicons import ROLLBACK
    from nlp import lexicon, wording

    settings, _, shelf = _opened(config)
    history = shelf.history()
    if not history:
        typer.echo(wording.said("said", "no_history"))
        return
    called = {ROLLBACK: wording.said("list", "rollback"), "review": wording.said("list", "review")}
    mark = lexicon.shipped_version()
    rows = [
        (
            plain(entry.version or wording.said("said", "shipped")),
            f"{mark}+{entry.version}" if entry.version else mark,
            f"{entry.at.astimezone(settings.timezone):%Y-%m-%d %H:%M}",
            plain(entry.by),
            plain(called.get(entry.origin, entry.origin)),
            wording.said("list", "present") if entry is history[-1] else "",
        )
        for entry in reversed(history)
    ]
    table(wording.columns("list"), rows)


@app.command()
def rollback(
    version: Annotated[str, typer.Argument(help="As `xiaoge lexicon list` shows it; else the one before.")] = "",
    by: By = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Go back to an earlier version; `shipped` is the shipped lexicon alone.

    \b
    Examples:
      xiaoge lexicon rollback
      xiaoge lexicon rollback 9b1c22aa01ff
    """
    from bot.lexicons import ROLLBACK
    from nlp import wording

    settings, known, shelf = _opened(config)
    wanted = "" if version == "shipped" else version or shelf.earlier()
    called = wanted or wording.said("said", "shipped")
    if wanted == shelf.present():
        typer.echo(wording.said("said", "already", version=called))
        return
    _proven(shelf.own(wanted), known, settings)
    shelf.choose(wanted, at=datetime.now(UTC), by=by or getpass.getuser(), origin=ROLLBACK)
    typer.echo(wording.said("said", "rolled_back", version=called))


@app.command()
def review(
    yes: Annotated[list[int] | None, typer.Option("--yes", metavar="N", help="Accept that proposal, unasked.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only print the proposals, as JSON.")] = False,
    by: By = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Propose the changes that would mend most of what people corrected with 误报, 受理 and 改类; accept one by one.

    \b
    Examples:
      xiaoge lexicon review
      xiaoge lexicon review --json
      xiaoge lexicon review --yes 1 --yes 3
    """
    from bot import lessons
    from nlp import editing, wording
    from nlp import review as reviewing

    settings, known, shelf = _opened(config)
    own = shelf.own(shelf.present())
    with progress("reviewing") as step:
        cases = asyncio.run(lessons.cases(settings))
        proposals = reviewing.propose(cases, own, known, tried=step)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in proposals], ensure_ascii=False, indent=2))
        return
    if not proposals:
        amounts = {str(kind): sum(case.verdict is kind for case in cases) for kind in reviewing.Verdict}
        typer.echo(wording.said("said", "nothing_to_review", **amounts))
        return
    table(wording.columns("review"), [_proposal(number, one) for number, one in enumerate(proposals, 1)])
    unknown = [number for number in yes or () if not 1 <= number <= len(proposals)]
    if unknown:
        raise ConfigError(wording.said("said", "no_such_proposal", number=unknown[0], count=len(proposals)))
    accepted = _accepted(own, proposals, yes, known, settings)
    if accepted.version == own.version:
        return
    old = editing.make(own, known, fast=settings.nlp.fast)
    _show(_tried(settings, old, _proven(accepted, known, settings)), known, 20)
    _bring(shelf, accepted, by, "review")


# ---------------------------------------------------------------- what they share
def _opened(config: Path) -> tuple[Config, Mapping[str, Category], Shelf]:
    from bot.lexicons import Shelf
    from nlp import categories

    settings = load(config)
    known = categories.load(Path(settings.nlp.categories) if settings.nlp.categories else None)
    return settings, known, Shelf(Path(settings.nlp.lexicon))


def _sound(file: Path, known: Mapping[str, Category], shelf: Shelf) -> Own:
    """The file's rows over those of today. Ends the command with every fault where there is one."""
    from nlp import editing, wording
    from nlp.tables import LexiconError

    faults: list[LexiconError] = []
    own = editing.read(file, report=faults.append).over(shelf.own(shelf.present()))
    editing.check(own, known, report=faults.append)
    if faults:
        for line in dict.fromkeys(map(str, faults)):
            typer.echo(line)
        typer.echo(wording.said("said", "faults", count=len(set(map(str, faults)))), err=True)
        raise typer.Exit(BROKEN)
    own, same = editing.different(own)
    if same:
        typer.echo(wording.said("said", "same", count=same), err=True)
    return own


def _proven(own: Own, known: Mapping[str, Category], settings: Config) -> Classifier:
    """Raises LexiconError, which ends the command with what failed."""
    from nlp import editing

    return editing.proven(own, known, fast=settings.nlp.fast)


def _bring(shelf: Shelf, own: Own, by: str, origin: str) -> None:
    """Keep it as a version and bring it into force."""
    from nlp import wording

    version = shelf.put(own)
    if version == shelf.present():
        typer.echo(wording.said("said", "unchanged"))
        return
    shelf.choose(version, at=datetime.now(UTC), by=by or getpass.getuser(), origin=origin)
    if version:
        typer.echo(wording.said("said", "installed", version=version, rows=_amount(own)))
    else:
        typer.echo(wording.said("said", "rolled_back", version=wording.said("said", "shipped")))


def _amount(own: Own) -> int:
    return sum(len(rows) for rows in own.rows.values())


def _tried(settings: Config, old: Classifier, new: Classifier) -> Trial:
    from bot import lessons

    with progress("comparing") as step:
        return asyncio.run(lessons.trial(settings, old, new, step))


def _show(trial: Trial, known: Mapping[str, Category], limit: int) -> None:
    """What changes, as a table; on standard error how much was looked at."""
    from nlp import wording
    from nlp.decision import Decision, Label

    def called(decision: Decision) -> str:
        label = wording.names("labels")[decision.label]
        return label if decision.label is Label.DROP else f"{label} {known[decision.category].short_name}"

    typer.echo(wording.said("said", "compared", texts=trial.texts), err=True)
    if not trial.differences:
        typer.echo(wording.said("said", "none"))
        return
    rows = [
        (
            wording.said("dry_run", one.change),
            one.id,
            called(one.old),
            called(one.new),
            plain(one.text[:_SHORT]) or wording.said("said", "hidden"),
        )
        for one in trial.differences[:limit]
    ]
    table(wording.columns("dry_run"), rows)
    if len(trial.differences) > limit:
        typer.echo(wording.said("said", "more", count=len(trial.differences) - limit), err=True)


def _proposal(number: int, one: Proposal) -> tuple[str, ...]:
    from nlp import wording
    from nlp.review import Kind

    shared = one.kind in (Kind.VETO, Kind.WORD)
    return (
        str(number),
        plain(_words(one)),
        wording.said("review", "evidence_shared" if shared else "evidence", errors=one.errors, right=one.right),
        wording.said("review", "trial", mends=one.mends, kept=one.kept, harms=one.harms)
        if one.kept
        else wording.said("review", "no_trial"),
    )


def _words(one: Proposal) -> str:
    from nlp import wording

    values = {"word": one.word, "added": one.added, "category": one.cells.get("category", "")}
    return wording.said("review", one.kind, table=wording.table(one.table), **values)


def _accepted(
    own: Own, proposals: list[Proposal], yes: list[int] | None, known: Mapping[str, Category], settings: Config
) -> Own:
    """The rows with what a person accepts, each proven with those before it."""
    from nlp import wording
    from nlp.tables import LexiconError

    for number, one in enumerate(proposals, 1):
        if yes:
            if number not in yes:
                continue
        else:
            answer = typer.prompt(f"{number}. {_words(one)}\n{wording.said('said', 'accept')}", default="n")
            if answer.strip().lower() == "q":
                break
            if answer.strip().lower() not in ("y", "yes"):
                continue
        changed = own.laying(one.table, one.cells)
        try:
            classifier = _proven(changed, known, settings)
        except LexiconError as error:
            typer.echo(f"{wording.said('said', 'refused')}\n{error}")
            continue
        own = changed if yes else _with_sentence(changed, classifier, one, known)
    return own


def _with_sentence(own: Own, classifier: Classifier, one: Proposal, known: Mapping[str, Category]) -> Own:
    """The rows with the golden sentence that a person types, if any."""
    from nlp import golden, wording
    from nlp.decision import Label
    from nlp.review import Kind
    from nlp.tables import LexiconError

    text = typer.prompt(wording.said("said", "golden_prompt"), default="", show_default=False).strip()
    if not text:
        return own
    heard = one.kind in (Kind.RAISE, Kind.WORD, Kind.CATEGORY)
    likely = wording.names("labels")[Label.TICKET if heard else Label.DROP]
    label = typer.prompt(wording.said("said", "golden_label"), default=likely).strip()
    changed = own.laying("golden", {"text": text, "label": label})
    try:
        failures = golden.failures(classifier, golden.load(own=changed.golden, codes=known))
    except LexiconError as error:
        typer.echo(str(error))
        return own
    if failures:
        typer.echo(wording.said("said", "golden_wrong"))
        return own
    return changed
