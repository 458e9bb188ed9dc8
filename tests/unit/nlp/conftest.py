import pytest

from nlp.pipeline import Classifier


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()
