"""Tests speak through their assertions: the program's own log is kept to its errors, one plain line each. And no test
fails because its machine was busy or had bad luck: what is drawn by hypothesis has no clock to beat, and is the same in
every run."""

import gc
import logging

import structlog
from hypothesis import HealthCheck, settings

structlog.configure(
    processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()],
    wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
)
settings.register_profile(
    "patient", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: to look through it for garbage took a tenth of the processor's time."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
