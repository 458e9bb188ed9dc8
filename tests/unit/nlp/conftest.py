import time
from collections.abc import Callable

import pytest

from nlp.pipeline import Classifier


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="session")
def spent() -> Callable[[Callable[[], object]], float]:
    """Seconds of processor time that something takes: the best of three, other work is not ours to measure."""

    def best(work: Callable[[], object]) -> float:
        seconds = []
        for _ in range(3):
            begin = time.process_time()
            work()
            seconds.append(time.process_time() - begin)
        return min(seconds)

    return best
