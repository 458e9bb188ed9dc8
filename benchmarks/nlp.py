"""How fast the classifier hears, against jieba cutting the same texts with its hidden Markov model off.

    python benchmarks/nlp.py [--messages 20000]

Mixed chat: 97% chit-chat, 3% appeals; the labelled messages of XIAOGE_DEV_DATA (default ../shared/data/nlp) where they
are, else what the simulated crowd says. One run prints, best of several: the prefilter alone, the whole decision with
jieba and with rjieba, two processes at once, `xiaoge classify` with its start, what starting costs in time and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # in its own folder nlp.py would hide the package

from bot.demo.crowd import day
from nlp import lexicon
from nlp.matching import Matcher
from nlp.normalize import normalise
from nlp.pipeline import Classifier

ROOT = Path(__file__).resolve().parents[1]
LABELLED = Path(os.environ.get("XIAOGE_DEV_DATA", ROOT.parent / "shared" / "data" / "nlp"))
CHIT_CHAT = 0.97
STARTED = """
import sys, time
from nlp.pipeline import Classifier
Classifier.load(fast=sys.argv[1] == "rjieba").analyse("3栋2单元电梯又坏了")
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(time.process_time(), int(status["VmHWM"].split()[0]) / 1024)
"""


def mixed(amount: int) -> tuple[list[str], str]:
    """The messages, and where they come from."""
    if LABELLED.is_dir():
        source = f"labelled messages in {LABELLED}"
        rows = [json.loads(line) for file in sorted(LABELLED.glob("*.jsonl")) for line in file.open("rb")]
        chat = [row["text"] for row in rows if row["label"] == "chat"]
        appeals = [row["text"] for row in rows if row["label"] == "appeal" and "cat" in row]
    else:
        source = "the simulated crowd"
        said = [one for one in day(3, 200, 2 * amount, appeals=0.1) if one.text]
        chat = [one.text for one in said if not one.appeal]
        appeals = [one.text for one in said if one.appeal]
    dice = random.Random(1)
    return [dice.choice(chat if dice.random() < CHIT_CHAT else appeals) for _ in range(amount)], source


def best(times: int, measure: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of the fastest of several runs."""
    spent = []
    for _ in range(times):
        begun = clock()
        measure()
        spent.append(clock() - begun)
    return min(spent)


def decide(classifier: Classifier, texts: Sequence[str]) -> None:
    for text in texts:
        classifier.analyse(text)


_worker: Classifier


def _start(fast: bool) -> None:
    global _worker
    _worker = Classifier.load(fast=fast)


def _work(texts: Sequence[str]) -> None:
    decide(_worker, texts)


def two_processes(texts: Sequence[str], times: int, *, fast: bool) -> float:
    """Wall seconds for two processes that share the texts, once both are up."""
    halves = [texts[::2], texts[1::2]]
    with ProcessPoolExecutor(2, initializer=_start, initargs=(fast,)) as pool:
        list(pool.map(_work, halves))
        return best(times, lambda: list(pool.map(_work, halves)), time.perf_counter)


def command(texts: Sequence[str], times: int, *options: str) -> float:
    """Seconds of processor time of `xiaoge classify`, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "messages.jsonl"
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        line = [sys.executable, "-m", "bot", "classify", str(file), *options]

        def run() -> None:
            subprocess.run(line, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)  # noqa: S603

        return best(times, run, _children)


def _children() -> float:
    """Processor time of the processes that have been waited for."""
    spent = os.times()
    return spent.children_user + spent.children_system


def start(tokenizer: str, times: int) -> tuple[float, float]:
    """Processor seconds of a new process until its first decision, and the most memory it had, in MiB (Linux)."""
    line = [sys.executable, "-c", STARTED, tokenizer]
    runs = [subprocess.check_output(line, cwd=ROOT, text=True).split() for _ in range(times)]  # noqa: S603
    return min(float(seconds) for seconds, _ in runs), min(float(memory) for _, memory in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=5, help="each side runs so often; the fastest counts")
    args = parser.parse_args()
    texts, source = mixed(args.messages)

    import jieba

    jieba.setLogLevel("WARNING")
    jieba.initialize()
    unit = best(args.times, lambda: [jieba.lcut(text, HMM=False) for text in texts])

    def show(what: str, seconds: float) -> None:
        print(f"{what:34}{len(texts) / seconds:10,.0f} messages/s   : jieba = {unit / seconds:6.2f}")

    matcher = Matcher(lexicon.load())
    promising = sum(matcher.find(normalise(text)).promising for text in texts)
    print(f"{len(texts):,} messages, {source}; the prefilter lets {promising / len(texts):.1%} through")
    show("jieba.lcut, HMM off", unit)
    show("prefilter", best(args.times, lambda: [matcher.find(normalise(text)).promising for text in texts]))
    known = {"jieba": Classifier.load(), "rjieba": Classifier.load(fast=True)}
    for name, classifier in known.items():
        show(f"whole decision, {name}", best(args.times, lambda: decide(classifier, texts)))  # noqa: B023 - called here
    for name in known:
        show(f"two processes, {name}", two_processes(texts, args.times, fast=name == "rjieba"))
    show("xiaoge classify, with its start", command(texts, min(args.times, 3)))
    show("xiaoge classify --fast", command(texts, min(args.times, 3), "--fast"))
    for name in known:
        seconds, memory = start(name, args.times)
        print(f"start with {name:23}{seconds:10.2f} s     {memory:8.0f} MiB")


if __name__ == "__main__":
    main()
