"""A deployment's own rows: read from CSV or a workbook, checked as a whole, kept in one canonical form.

Staff do not edit the shipped tables. Their rows lie over them (nlp/lexicon.py), so an update keeps what they did.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nlp import golden, lexicon, normalize, tables, wording, workbook
from nlp.categories import Category
from nlp.lexicon import SHAPES, Shape
from nlp.matching import Matcher
from nlp.pipeline import Classifier
from nlp.tables import Line, Report, Row, refuse
from nlp.tokens import Tokens

TABLES: Mapping[str, Shape] = {**SHAPES, "golden": golden.SHAPE}

BIGGEST = 20  # MB of one file
CODE_DIGITS = 4
_OFF = frozenset(("停用", "off", "x", "是", "1"))
_SHORT = frozenset(("requests", "topics", "settings", "follows", "objects", "problems"))


@dataclass(frozen=True, slots=True)
class Own:
    """The rows by table. `version` is a hash over them; nothing at all has none."""

    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    @property
    def golden(self) -> Sequence[Row]:
        return self.rows.get("golden", ())

    @property
    def lexicon(self) -> lexicon.OwnRows:
        return {name: rows for name, rows in self.rows.items() if name in SHAPES}

    @property
    def version(self) -> str:
        files = canonical(self)
        if not files:
            return ""
        digest = hashlib.sha256()
        for name in sorted(files):
            digest.update(name.encode() + b"\0" + files[name] + b"\0")
        return digest.hexdigest()[:12]

    def over(self, other: Own) -> Own:
        """These tables, and those of `other` that are not among them."""
        return Own({**other.rows, **self.rows})

    def laying(self, name: str, cells: Mapping[str, str], source: str = "review") -> Own:
        """With one more row, in the place of the one that is about the same."""
        shape = TABLES[name]
        row = Row(source, 1, {column: cells.get(column, "") for column in _columns(shape)}.items(), own=True)
        key = tuple(row[column] for column in shape.key)
        others = [one for one in self.rows.get(name, ()) if tuple(one[column] for column in shape.key) != key]
        return Own({**self.rows, name: [*others, row]})


def read(path: Path, *, report: Report = refuse) -> Own:
    """The tables of a workbook, a CSV file or a folder of them, as many as there are. Raises `LexiconError`, or tells
    `report`; raises OSError."""
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.suffix.lower() == ".csv" and one.stem in TABLES)
        if not files:
            report(tables.fault(path, "no_tables", names=_file_names()))
        return Own({one.stem: _table(one, one.stem, _csv(one, report), report) for one in files})
    size = path.stat().st_size / 1024**2
    if size > BIGGEST:
        report(tables.fault(path, "too_big", size=f"{size:.0f}", most=BIGGEST))
        return Own()
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return Own(
            {name: _table(place, name, found, report) for name, place, found in workbook.read(path, TABLES, report)}
        )
    name = next((one for one in TABLES if path.stem in (one, wording.table(one))), None)
    if name is None or path.suffix.lower() != ".csv":
        report(tables.fault(path, "not_own", names=_file_names()))
        return Own()
    return Own({name: _table(path, name, _csv(path, report), report)})


def check(own: Own, categories: Mapping[str, Category], *, report: Report = refuse) -> None:
    """Whether these rows fit the shipped tables and each other. Raises `LexiconError`, or tells `report`."""
    for name, rows in own.rows.items():
        _check_table(name, rows, report)
    codes = frozenset(categories)
    lexicon.load(codes=codes, own=own.lexicon, report=report)
    golden.load(own=own.golden, codes=codes, report=report)


def make(
    own: Own,
    categories: Mapping[str, Category],
    *,
    fast: bool = False,
    tokens: Tokens | None = None,
    base: lexicon.OwnRows | None = None,
) -> Classifier:
    """The classifier with these rows over the shipped tables. `fast` asks for rjieba; `tokens` and the shipped rows
    `base`, where given, are those of an earlier one: they take most of the time.

    Raises `LexiconError`, `TokenizerError`."""
    matcher = Matcher(lexicon.load(codes=categories, own=own.lexicon, version=own.version, base=base))
    return Classifier(matcher, tokens or Tokens(matcher.words, fast=fast), categories)


def proven(own: Own, categories: Mapping[str, Category], *, fast: bool = False) -> Classifier:
    """The same, once it understands every golden sentence. Raises `LexiconError`, `TokenizerError`."""
    classifier = make(own, categories, fast=fast)
    golden.prove(classifier, golden.load(own=own.golden, codes=categories))
    return classifier


def canonical(own: Own) -> dict[str, bytes]:
    """The rows as CSV files, by file name: what is kept, and what the version is a hash of. Empty tables leave none."""
    files = {}
    for name, rows in own.rows.items():
        if rows:
            out = io.StringIO(newline="")
            writer = csv.writer(out, lineterminator="\n")
            columns = _columns(TABLES[name])
            writer.writerow(columns)
            writer.writerows([row.get(column, "") for column in columns] for row in rows)
            files[f"{name}.csv"] = out.getvalue().encode()
    return files


def different(own: Own) -> tuple[Own, int]:
    """Without the rows that say what the shipped ones say, and how many these were."""
    left: dict[str, list[Row]] = {}
    same = 0
    for name, rows in own.rows.items():
        known = _shipped(name)
        left[name] = []
        for row in rows:
            twin = known.get(tuple(row[column] for column in TABLES[name].key))
            if twin is not None and not row.off and all(row[column] == twin[column] for column in TABLES[name].all):
                same += 1
            else:
                left[name].append(row)
    return Own(left), same


def _columns(shape: Shape) -> tuple[str, ...]:
    return (*shape.all, "off", "note")


def _shipped(name: str) -> dict[tuple[str, ...], Row]:
    """The shipped rows of a table by their key; of golden sentences none, they are judged one by one."""
    if name not in SHAPES:
        return {}
    return {tuple(row[column] for column in SHAPES[name].key): row for row in lexicon.shipped(normalize.DATA, name)}


def _file_names() -> str:
    return ", ".join(f"{name}.csv" for name in TABLES)


def _table(source: Path | str, name: str, found: Iterable[Line], report: Report) -> list[Row]:
    shape = TABLES[name]
    rows = tables.rows(source, found, _columns(shape), (*shape.optional, "off", "note"), own=shape.key, report=report)
    for row in rows:
        for column in ("category", "demoted"):
            if row.get(column, "").isdigit():
                row[column] = row[column].zfill(CODE_DIGITS)  # a spreadsheet takes 0101 for a number
        if row["off"] and row["off"].lower() not in _OFF:
            report(row.error("off", "off_word"))
    return rows


def _csv(path: Path, report: Report) -> list[Line]:
    """The rows of a file as spreadsheet programs save it: UTF-8 with or without a mark, UTF-16, GB18030."""
    try:
        return list(tables.lines(path, _decoded(path)))
    except tables.LexiconError as error:
        report(error)
        return [(1, ())]


def _decoded(path: Path) -> str:
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Most of a damaged UTF-8 file can still be read as such; then it is none of Excel's GB18030.
        beyond = sum(byte > 0x7F for byte in raw)
        kept = sum(byte > 0x7F for byte in raw.decode("utf-8", "ignore").encode())
        try:
            if kept * 2 < beyond:
                return raw.decode("gb18030")
        except UnicodeDecodeError:
            pass
        raise tables.fault(path, "not_text", byte=error.start + 1) from None


def _check_table(name: str, rows: Sequence[Row], report: Report) -> None:
    """What is asked of staff's rows beyond what the shipped ones obey."""
    shape = TABLES[name]
    known = _shipped(name)
    seen: dict[tuple[str, ...], int] = {}
    terms = _terms() if name in ("typos", "dialect") else ()
    for row in rows:
        key = tuple(row[column] for column in shape.key)
        first = shape.key[0]
        if key in seen:
            report(row.error(first, "twice", row=seen[key]))
        seen[key] = row.number
        if row.off:
            if key not in known and name in SHAPES:
                report(row.error(first, "off_nothing"))
            continue
        if key not in known and _everywhere(name, row.get("term", "")):
            report(row.error("term", "one_character"))
        if terms:
            _check_spelling(row, terms, report)


def _check_spelling(row: Row, terms: Sequence[str], report: Report) -> None:
    written = row["written"]
    if len(written) == 1:
        report(row.error("written", "one_character"))
    elif written == row["meant"]:
        report(row.error("written", "same_meant"))
    else:
        hidden = next((term for term in terms if written in term), None)
        if hidden is not None:
            report(row.error("written", "hides", term=hidden))


def _everywhere(name: str, term: str) -> bool:
    """Whether single characters alone can make it up, 他…了: nearly every message would be looked at, and many met."""
    if name in _SHORT:
        return len(term) == 1
    return bool(term) and all(any(len(word) == 1 for word in part.split("/")) for part in term.split("…"))


def _terms() -> list[str]:
    return [term for name in SHAPES if "term" in SHAPES[name].columns for (term, *_) in _shipped(name)]
