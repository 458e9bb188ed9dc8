"""`xiaoge evaluate` for people: the report as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.terminal import heading, plain, table
from nlp.decision import Label
from nlp.evaluate import ALL, Error, Report, SourceReport
from nlp.evaluation.floors import Floor
from nlp.evaluation.measures import PREVALENCES, Point, f1_scores

_CONFUSED = 4  # wrong answers that are named for each category


def show(report: Report, floors: Sequence[Floor]) -> None:
    """Print the report; each measure that has a floor with it."""
    bounds = {(floor.source, floor.measure): floor for floor in floors}
    for name, source in report.sources.items():
        _source(name, source, bounds)
    heading(f"{report.messages:,} messages, lexicon {report.lexicon}")
    _measures(ALL, report.measured[ALL], bounds)


def _source(name: str, source: SourceReport, bounds: Mapping[tuple[str, str], Floor]) -> None:
    heading(f"{name}: {source.messages:,} messages")
    table(
        ("label", *(kind.value for kind in Label)),
        [(label, *(str(row[kind.value]) for kind in Label)) for label, row in source.confusion.items()],
    )
    _measures(name, source.measures, bounds)
    if source.sweep:
        heading("thresholds" + (f", against {source.against}" if source.against else ""))
        table(
            ("score at least", "recall", "false per 1,000", *(f"precision at {one:.0%}" for one in PREVALENCES)),
            [
                (name, *_point(point))
                for name, point in (
                    *((f"as set: {name}", point) for name, point in source.points.items()),
                    *((f"{at:g}", point) for at, point in source.sweep.items()),
                )
            ],
        )
    for field, matrix in source.categories.items():
        heading(f"categories: {field}")
        table(("meant", "messages", "right", "F1", "said instead"), _categories(matrix))
    for kind, errors in source.errors.items():
        heading(f"{kind}: {source.wrong[kind]}")
        table(("message", "meant", "decided", "score", "category", "rules and terms"), map(_error, errors))


def _measures(name: str, measures: Mapping[str, float], bounds: Mapping[tuple[str, str], Floor]) -> None:
    rows = []
    for measure, value in measures.items():
        floor = bounds.get((name, measure))
        state = "" if floor is None else "[green]holds[/]" if floor.holds(value) else "[red]broken[/]"
        rows.append((measure, f"{value:,.0f}" if value >= 1000 else f"{value:.3f}", str(floor or ""), state))
    table(("measure", "value", "floor", ""), rows)


def _point(point: Point) -> tuple[str, ...]:
    precisions = ("–" if one is None else f"{one:.3f}" for one in point.precisions)
    return (f"{point.recall:.3f}", f"{1000 * point.false_rate:.2f}", *precisions)


def _categories(matrix: Mapping[str, Mapping[str, int]]) -> Iterable[tuple[str, ...]]:
    scores = f1_scores(matrix)
    for meant, row in matrix.items():
        others = [f"{said} {count}" for said, count in row.items() if said != meant]
        named = ", ".join(others[:_CONFUSED]) + (" …" if len(others) > _CONFUSED else "")
        yield plain(meant), str(sum(row.values())), str(row.get(meant, 0)), f"{scores[meant]:.3f}", plain(named)


def _error(error: Error) -> tuple[str, ...]:
    rules = " ".join((*error.rules, *error.terms))
    cells = (error.text, error.meant, f"{error.label} ({error.reason})", f"{error.score:g}", error.category, rules)
    return tuple(map(plain, cells))
