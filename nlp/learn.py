"""Content words from labelled messages, as a table for a person to review: `python -m nlp.learn`.

Models that may use every word learn how people write, not what about. So only content words count (a dictionary knows
their part of speech), each adds evidence and none takes any away, and no row is taken over that nobody kept.
Needs scikit-learn, which the bot does not. docs/learning.md says how to use it.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import re
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import ahocorasick_rs
import jieba
import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from nlp import contact, lexicon, normalize, tables
from nlp.categories import OTHER
from nlp.categories import load as load_categories
from nlp.decision import Label
from nlp.lexicon import Exclusions, Lexicon, Topic
from nlp.matching import BREADTH, TOPICAL, Matcher
from nlp.pipeline import Classifier
from nlp.tokens import Tokens

FOLDS = 5
LEAST_SUPPORT = 3  # appeals that must hold a word
LEAST_SINGLE = 5  # the same for a single character, which stands in many words
HEAVIEST = 1.6  # no word is enough by itself
LIGHTEST = 0.05
BUDGET = 2.0  # false candidates that topics may add among 1,000 messages of chat
PRIOR = 1.0  # where a word begins that somebody vouched for
VOUCHED = "vouched"  # the note of a word that a person adds of their own knowledge
ASK = "ask"  # the note of a word that asks (希望, 何时): it adds to a topic, though it tells nothing of it

COLUMNS = ("keep", "term", "weight", "category", "appeals", "others", "domains", "note")
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_PARTED = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
_CONTENT = ("n", "v", "a", "b", "j", "l", "i", "s", "z")  # parts of speech in jieba's dictionary
_NAMES = frozenset(("nr", "ns", "nt", "nrt", "nrfg", "nz"))
# Single characters and words that tell how people write and ask, whatever about.
_REGISTER = frozenset(
    "的了是我你他她它们这那不在有也就都还要会能可以吗吧呢啊哦嘛么呀哈啦和与及或但而且被把给让对从到向于为因所如果虽然一二三四五六七八九十两"
    "几多少个只些什怎哪谁何上下里外前后左右中内来去过起着得地之其很太更最好没又再才已将正请问望否想说看做"
) | {
    "关于",
    "是否",
    "有关",
    "请问",
    "希望",
    "为何",
    "能否",
    "何时",
    "可否",
    "有无",
    "疑问",
    "疑惑",
    "情况",
    "问题",
    "是不是",
    "有没有",
    "能不能",
    "会不会",
    "要不要",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled message in normal text. Samples of one `group` tell of one incident and stay in one fold."""

    text: str
    label: str
    source: str
    group: str
    domain: str = ""

    @property
    def fold(self) -> int:
        return zlib.crc32(self.group.encode()) % FOLDS


def read(paths: Iterable[Path]) -> list[Sample]:
    """JSONL with `text` and `label`; `cat7` or `domain` and `incident` where known. Raises `ValueError`."""
    samples = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                text, label = str(record["text"]), str(record["label"])
            except (ValueError, KeyError, TypeError):
                raise ValueError(f'{path}: line {number}: write {{"text": "…", "label": "appeal"}}') from None
            group = str(record.get("incident") or f"{path.name}:{number}")
            domain = str(record.get("domain") or record.get("cat7") or "")
            samples.append(Sample(normal(text), label, path.stem, group, domain))
    return samples


def normal(text: str) -> str:
    """A message as rules see it. Words that blanks keep apart are put together again."""
    text = _PARTED.sub("", text)
    text, _ = normalize.strip_mentions(normalize.strip_invisible(text), ())
    return normalize.normalise(contact.find(normalize.strip_emoji(text).strip()).text)


class Dictionary:
    """The content words of jieba's dictionary, and where they stand in a text."""

    def __init__(self) -> None:
        self._tokenizer = jieba.Tokenizer()
        with tempfile.TemporaryDirectory() as folder:  # jieba unmarshals what lies in its cache, so it gets none
            self._tokenizer.tmp_dir = folder
            self._tokenizer.initialize()
        with self._tokenizer.get_dict_file() as file:
            entries = [line.decode().split() for line in file]
        self._content = {word for word, _, kind in entries if kind.startswith(_CONTENT) and kind not in _NAMES}
        self._content = {word for word in self._content if _HAN.fullmatch(word) and word not in _REGISTER}
        self._words = sorted(word for word in self._content if len(word) > 1)
        self._automaton = ahocorasick_rs.AhoCorasick(self._words)

    def terms(self, texts: Iterable[str], least: int = LEAST_SUPPORT, least_single: int = LEAST_SINGLE) -> list[str]:
        """Words, pairs of adjacent words and single characters that enough of the texts hold, in stable order."""
        support: Counter[str] = Counter()
        singles: Counter[str] = Counter()
        for text in texts:
            found = {
                self._words[number] for number, _, _ in self._automaton.find_matches_as_indexes(text, overlapping=True)
            }
            support.update(found | set(self._pairs(text)))
            singles.update(set("".join(_HAN.findall(text))) - _REGISTER)
        words = [word for word, count in support.items() if count >= least]
        return sorted(words + [char for char, count in singles.items() if count >= least_single])

    def _pairs(self, text: str) -> Iterator[str]:
        for piece in _HAN.findall(text):
            words = self._tokenizer.lcut(piece, HMM=False)
            for left, right in itertools.pairwise(words):
                if left in self._content and right in self._content and 3 <= len(left) + len(right) <= 5:
                    yield left + right


def presence(texts: Sequence[str], terms: Sequence[str]) -> csr_matrix:
    """Which terms stand in which texts: one row a text."""
    automaton = ahocorasick_rs.AhoCorasick(list(terms))
    rows: list[int] = []
    columns: list[int] = []
    for row, text in enumerate(texts):
        found = sorted({number for number, _, _ in automaton.find_matches_as_indexes(text, overlapping=True)})
        rows += [row] * len(found)
        columns += found
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(terms)))


def weights(appeals: Sequence[str], others: Sequence[str], terms: Sequence[str], prior: Sequence[float]) -> list[float]:
    """Logistic regression with no weight below 0, in units of what it takes to tip the scale."""
    features = presence([*appeals, *others], terms)
    columns = features.T.tocsr()
    sign = np.r_[np.full(len(appeals), -1.0), np.ones(len(others))]
    start = np.array(prior)

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (features @ point[:-1] + point[-1])
        slope = sign / (1 + np.exp(-margin))
        away = point[:-1] - start
        return np.logaddexp(0, margin).sum() + away @ away / 2, np.r_[columns @ slope + away, slope.sum()]

    bounds = [(0.0, None)] * len(terms) + [(None, None)]
    best = minimize(loss, np.r_[start, -5.0], jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 150}).x
    return [float(weight) for weight in best[:-1] / max(-best[-1], 1e-9)]


def pieces(text: str) -> list[str]:
    """A long text in pieces as broad as the window in which topics count."""
    if len(text) <= BREADTH:
        return [text]
    return [text[at : at + BREADTH] for at in range(0, len(text) - BREADTH // 2, BREADTH // 2)]


@dataclass(frozen=True, slots=True)
class Judged:
    """A held-out message: its label without topics and with topics that are always enough, and what they weigh."""

    sample: Sample
    without: Label
    most: Label
    weight: float


class Trial:
    """Judges held-out messages by the classifier itself, with learned topics in place of its own."""

    def __init__(self, known: Lexicon) -> None:
        self._lexicon = known
        self._categories = load_categories()
        self._tokens = Tokens(Matcher(known).words)

    def labels(self, samples: Sequence[Sample], weights: Mapping[str, float]) -> list[Label]:
        """What is decided with topics of these weights."""
        classifier = Classifier(self._matcher(weights), self._tokens, self._categories)
        return [classifier.analyse(sample.text).best.label for sample in samples]

    def judge(self, samples: Sequence[Sample], weights: Mapping[str, float]) -> list[Judged]:
        matcher = self._matcher(weights)
        weighed = [matcher.topics(matcher.find(sample.text))[0] for sample in samples]
        without = self.labels(samples, {})
        most = self.labels(samples, {term: TOPICAL for term, weight in weights.items() if weight > 0})
        return [Judged(*one) for one in zip(samples, without, most, weighed, strict=True)]

    def _matcher(self, weights: Mapping[str, float]) -> Matcher:
        topics = tuple(Topic(term, OTHER, weight, Exclusions()) for term, weight in weights.items())
        return Matcher(replace(self._lexicon, topics=topics))


def threshold(judged: Sequence[Judged], budget: float) -> float:
    """The least weight at which topics add no more than `budget` false candidates to 1,000 messages of chat."""
    chat = [one for one in judged if one.sample.label == "chat"]
    raised = [one.weight for one in chat if one.without is Label.DROP and one.most is not Label.DROP]
    allowed = int(budget * len(chat) / 1000)
    heaviest = sorted(raised, reverse=True)
    return heaviest[allowed] * 1.001 if allowed < len(heaviest) else max(min(heaviest, default=1.0), 1e-3)


def scaled(weights: Mapping[str, float], least: float) -> dict[str, float]:
    """The weights in the units of the topics table, without what weighs next to nothing."""
    sized = {term: min(HEAVIEST, weight * TOPICAL / least) for term, weight in weights.items()}
    return {term: round(weight, 2) for term, weight in sized.items() if weight >= LIGHTEST}


def figures(samples: Sequence[Sample], labels: Sequence[Label]) -> str:
    """The share of appeals found, and the false tickets + candidates in 1,000 of every other source."""
    counts: dict[str, Counter[Label]] = {}
    for sample, label in zip(samples, labels, strict=True):
        source = "" if sample.label == "appeal" else sample.source
        counts.setdefault(source, Counter())[label] += 1
    said = []
    for source in sorted(counts):
        count, size = counts[source], counts[source].total()
        if source:
            said.append(f"{source} {1000 * count[Label.TICKET] / size:.1f}+{1000 * count[Label.CANDIDATE] / size:.1f}")
        else:
            said.append(f"found {1 - count[Label.DROP] / size:.4f}")
    return "; ".join(said)


def learn(
    samples: Sequence[Sample], known: Mapping[str, tables.Row], *, only_known: bool, budget: float
) -> Iterator[str | list[dict[str, str]]]:
    """Lines of the report, and last the rows for review."""
    dictionary = Dictionary()
    known_tables = lexicon.load(codes=load_categories())
    trial = Trial(known_tables)
    chat = [sample for sample in samples if sample.label == "chat"]
    appeals = [sample for sample in samples if sample.label == "appeal"]
    common = {setting.term for setting in known_tables.settings if setting.weight >= 1}  # said of everything there
    given = {term: row.get("note", "") for term, row in known.items() if row.get("note")}

    def fit(left_out: int | None) -> dict[str, float]:
        mine = [sample.text for sample in appeals if sample.fold != left_out]
        theirs = [piece for sample in chat if sample.fold != left_out for piece in pieces(sample.text)]
        terms = sorted({*dictionary.terms(mine), *given} - common)
        if only_known:
            terms = [term for term in terms if term in known]
        prior = [PRIOR if given.get(term) == VOUCHED else 0.0 for term in terms]
        return dict(zip(terms, weights(mine, theirs, terms, prior), strict=True))

    held = [[sample for sample in samples if sample.fold == fold] for fold in range(FOLDS)]
    learned = [fit(fold) for fold in range(FOLDS)]
    judged = [one for here, weights in zip(held, learned, strict=True) for one in trial.judge(here, weights)]
    least = threshold(judged, budget)
    labels = [trial.labels(here, scaled(weights, least)) for here, weights in zip(held, learned, strict=True)]
    yield "false tickets + candidates in 1,000, each fold judged by what the others taught:"
    for fold in range(FOLDS):
        yield f"fold {fold + 1}: {figures(held[fold], labels[fold])}"
    yield f"all folds: {figures([one for here in held for one in here], [one for here in labels for one in here])}"
    yield _rows(scaled(fit(None), least), samples, known)


def _rows(
    final: Mapping[str, float], samples: Sequence[Sample], known: Mapping[str, tables.Row]
) -> list[dict[str, str]]:
    terms = list(final)
    held = presence([sample.text for sample in samples], terms).tocsc()
    rows = []
    for column, term in enumerate(terms):
        holders = [samples[row] for row in held.indices[held.indptr[column] : held.indptr[column + 1]]]
        domains = Counter(sample.domain for sample in holders if sample.domain)
        row = known.get(term)
        rows.append(
            {
                "keep": "yes" if row is not None else "",
                "term": term,
                "weight": f"{final[term]:.2f}",
                "category": row["category"] if row is not None else OTHER,
                "appeals": str(sum(sample.label == "appeal" for sample in holders)),
                "others": str(sum(sample.label != "appeal" for sample in holders)),
                "domains": " ".join(f"{name}:{count}" for name, count in domains.most_common(3)),
                "note": row.get("note", "") if row is not None else "",
            }
        )
    return sorted(rows, key=lambda row: (-float(row["weight"]), row["term"]))


def write(path: Path, rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> None:
    """A CSV table; the same rows give the same bytes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def take_over(review: Path, table: Path) -> int:
    """Write the rows that the reviewer kept into a table of topics, with the exclusions that stand there. Returns how
    many. Raises `LexiconError`."""
    kept = [
        row for row in tables.read(review, ("term", "weight", "category", "keep"), optional=("keep",)) if row["keep"]
    ]
    before = {row["term"]: row.get("exclude", "") for row in tables.read(table, ("term",))}
    taken = [{**row, "exclude": before.get(row["term"], "")} for row in kept]
    write(table, taken, ("term", "category", "weight", "exclude", "note"))
    return len(kept)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nlp.learn", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    words = commands.add_parser("topics", help="learn the words of public life from labelled JSONL")
    words.add_argument("files", nargs="+", type=Path, help="JSONL with text and label (appeal, chat, ad …)")
    words.add_argument("--out", type=Path, required=True, help="the table for review")
    words.add_argument("--known", type=Path, default=normalize.DATA / "topics.csv", help="the table as it stands")
    words.add_argument("--only-known", action="store_true", help="learn weights only for the words that stand there")
    words.add_argument("--budget", type=float, default=BUDGET, help="false candidates added to 1,000 messages of chat")
    fields = commands.add_parser("domains", help="learn which words tell of which field of government")
    fields.add_argument("files", nargs="+", type=Path, help="JSONL with text, label and domain (or cat7)")
    fields.add_argument("--out", type=Path, required=True, help="the table, such as nlp/data/domains.csv")
    accept = commands.add_parser("accept", help="take over the rows that the reviewer kept")
    accept.add_argument("review", type=Path)
    accept.add_argument("--into", type=Path, default=normalize.DATA / "topics.csv")
    options = parser.parse_args(arguments)
    try:
        if options.command == "accept":
            print(f"{take_over(options.review, options.into)} rows in {options.into}")
            return 0
        if options.command == "domains":
            from nlp import learn_domains

            for line in learn_domains.learn(read(options.files)):
                if isinstance(line, str):
                    print(line, flush=True)
                else:
                    write(options.out, line[1], line[0])
                    print(f"{len(line[1])} rows in {options.out}")
            return 0
        known = {row["term"]: row for row in tables.read(options.known, ("term", "category", "weight"))}
        for said in learn(read(options.files), known, only_known=options.only_known, budget=options.budget):
            if isinstance(said, str):
                print(said, flush=True)
            else:
                write(options.out, said, COLUMNS)
                print(f"{len(said)} rows for review in {options.out}")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
