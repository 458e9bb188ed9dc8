"""Tests speak through their assertions: the program's own log is kept to its errors, one plain line each."""

import logging

import structlog

structlog.configure(
    processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()],
    wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
)
