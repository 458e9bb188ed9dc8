"""Weights of words for each domain, learned from labelled texts: `python -m nlp.learn domains`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import sqrt

from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from nlp.domains import CONSTANT
from nlp.learn import FOLDS, Dictionary, Sample, presence

LEAST_SUPPORT = 3
LEAST_SINGLE = 10
STRICTNESS = 0.2  # of the support vector machine: less fits looser
HEAD = 20  # characters: the length of a title
LIGHTEST = 0.05  # a word whose domains weigh the same to this much tells nothing
# How people address an office and ask it for something, whatever about; and characters that stand in names alone.
_REGISTER = re.compile(
    r"尊敬|[您你们]好|敬上|领导|书记|[厅局市县省]长|感谢|谢谢|感激|致谢|请教|请问|请求|恳请|请领|求解|求助|诉求|咨询|反映|反应|投诉|举报|呼吁"
    r"|要求|建议|希望|盼|百忙|打扰|回复|答复|解答|看到|听说|听到|发现|没有|实在|不知|应该|能够|您们|你们|问下|想问|一下|事情|事宜|一事|关心|关注|重视"
)
_NAMES = frozenset(
    "丁伍余俞倪冯刁刘卢吕吴周唐姚姜孔孙孟宋尹岳崔廖彭徐戚戴曹朱李杜杨柳梁欧段沈涂潘熊王琼秦章罗胡舒苏莫董蒋蔡薛袁"
    "覃谢谭贺赖赵邓邱邵郑郭钟钱陆陈陶韩韦顾顿魏黄黎龙龚湘浏醴湄郴澧沅麓粤渝浙沪赣鄂皖豫冀晋吖呐喔嘉鑫尔芙"
)
OPENING = 45  # characters in which a text told twice is known again
ALIKE = 0.45


class Model:
    """A linear classifier over words, pairs of words and characters, each counted once, the rare ones more.

    It learns from the head of each longer text as well, so that it knows how little a title says. A small source weighs
    more, by the root of how much smaller it is: else the titles would drown in the petitions."""

    def __init__(self, dictionary: Dictionary, samples: Sequence[Sample]) -> None:
        found = dictionary.terms([sample.text for sample in samples], LEAST_SUPPORT, LEAST_SINGLE)
        self.terms = [term for term in found if term not in _NAMES and not _REGISTER.search(term)]
        taught = [*samples, *(replace(one, text=one.text[:HEAD]) for one in samples if len(one.text) > HEAD)]
        self._rarity = TfidfTransformer(sublinear_tf=True)
        features = self._rarity.fit_transform(presence([sample.text for sample in taught], self.terms))
        sizes = Counter(sample.source for sample in samples)
        weights = [sqrt(max(sizes.values()) / sizes[sample.source]) for sample in taught]
        self._machine = LinearSVC(C=STRICTNESS, class_weight="balanced", random_state=0)
        self._machine.fit(features, [sample.domain for sample in taught], sample_weight=weights)

    def predict(self, texts: Sequence[str]) -> list[str]:
        features: csr_matrix = self._rarity.transform(presence(texts, self.terms))
        return [str(name) for name in self._machine.predict(features)]

    def rows(self) -> tuple[list[str], list[dict[str, str]]]:
        """Columns and rows of the table. What all domains have in common is taken off, so no weight is below 0."""
        names = [str(name) for name in self._machine.classes_]
        rarity = self._rarity.idf_
        weights = self._machine.coef_.T * rarity[:, None]
        weights -= weights.min(axis=1, keepdims=True)
        constants = self._machine.intercept_ - self._machine.intercept_.min()
        rows = [{"term": CONSTANT, "rarity": "0", **dict(zip(names, map("{:.3f}".format, constants), strict=True))}]
        for term, rare, weight in zip(self.terms, rarity, weights, strict=True):
            if weight.max() >= LIGHTEST:
                cells = (f"{one:.2f}".rstrip("0").rstrip(".") for one in weight)
                rows.append({"term": term, "rarity": f"{rare:.1f}", **dict(zip(names, cells, strict=True))})
        return ["term", "rarity", *names], rows


def learn(samples: Sequence[Sample]) -> Iterator[str | tuple[list[str], list[dict[str, str]]]]:
    """Lines of the report, and last columns and rows of the table."""
    known = [sample for sample in samples if sample.domain]
    dictionary = Dictionary()
    told: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for fold in range(FOLDS):
        held = [sample for sample in known if sample.fold == fold]
        rest = _others(held, [sample for sample in known if sample.fold != fold])
        model = Model(dictionary, rest)
        said = model.predict([sample.text for sample in held])
        scores = []
        for source in sorted({sample.source for sample in held}):
            pairs = [(sample.domain, name) for sample, name in zip(held, said, strict=True) if sample.source == source]
            for index in (0, 1):
                told[source][index].extend(pair[index] for pair in pairs)
            scores.append(f"{source} {_score([a for a, _ in pairs], [b for _, b in pairs]):.4f}")
        yield f"fold {fold + 1}: macro-F1 {'; '.join(scores)}"
    yield f"all folds: macro-F1 {'; '.join(f'{source} {_score(*pair):.4f}' for source, pair in sorted(told.items()))}"
    yield Model(dictionary, known).rows()


def _score(truth: Sequence[str], said: Sequence[str]) -> float:
    return float(f1_score(truth, said, average="macro"))


def _others(held: Sequence[Sample], rest: Sequence[Sample]) -> list[Sample]:
    """The rest without what tells a held-out text once more: it may lie in two files."""
    openings = [_grams(sample.text) for sample in held]
    holders: dict[str, list[int]] = defaultdict(list)
    for number, grams in enumerate(openings):
        for gram in grams:
            holders[gram].append(number)
    result = []
    for sample in rest:
        shared = Counter(number for gram in _grams(sample.text) for number in holders.get(gram, ()))
        if not any(count >= ALIKE * len(openings[number]) for number, count in shared.most_common(5)):
            result.append(sample)
    return result


def _grams(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(min(len(text), OPENING) - 1)}
