# The ways to set up, try and test xiaoge. Needs: make, a C compiler, Python 3.11 or newer. `make test` also needs Node.js.
SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: help install dev demo test test-long lint bench lock clean

VENV := .venv
BIN := $(VENV)/bin
# A name on the PATH may be a shim that fails when it is run, so each candidate is run.
FIND_PYTHON = for p in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	  if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python="$$p"; break; fi; done; \
	if [ -z "$${python:-}" ]; then echo 'xiaoge needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3.11' >&2; exit 2; fi
HAVE_UV = [ -z "$(NO_UV)" ] && uv --version >/dev/null 2>&1
# uv trusts the machine's certificates as pip does: an office network may have one of its own.
export UV_SYSTEM_CERTS := true
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
# jieba and wechaty's relatives come as source archives: setuptools goes in first, and they are built with that one,
# not with whatever an isolated build would fetch. uv where it is on the PATH, else pip, which obeys pip's own mirror.
FIRST = awk '/^setuptools==/ {on=1} on {print} on && !/\\$$/ {exit}' $(1) > $(VENV)/first.lock
WITH = $(2) --require-hashes -r $(VENV)/first.lock && $(2) --require-hashes --no-build-isolation -r $(1)
INSTALL_LOCK = $(call FIRST,$(1)); \
	if $(HAVE_UV) && $(call WITH,$(1),uv pip install --quiet --python $(BIN)/python); then :; else $(call WITH,$(1),$(PIP)); fi
SELF = --no-deps --no-build-isolation -e .
INSTALL_SELF = if $(HAVE_UV) && uv pip install --quiet --python $(BIN)/python $(SELF); then :; else $(PIP) $(SELF); fi

help:
	@echo 'make install    .venv with the locked dependencies and the command .venv/bin/xiaoge'
	@echo 'make demo       a fictional community talks; ARGS="--for 20s --plain" for machines'
	@echo 'make test       lint, types and all tests but the long ones'
	@echo 'make test-long  the tests with full repetition counts, and the unit tests on every Python there is'
	@echo 'make lint       ruff and mypy alone'
	@echo 'make bench      the benchmarks, as ratios'
	@echo 'make lock       compile the lock files anew (needs uv)'
	@echo 'make clean      remove .venv and caches; var/ is never touched'

install: $(VENV)/installed
dev: $(VENV)/dev

$(VENV)/bin/python:
	@set -eu; $(FIND_PYTHON); \
	rm -rf $(VENV); echo "making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV) || { echo 'no venv module (Debian: apt install python3-venv); trying uv' >&2; \
	  uv venv --quiet --clear --seed --python "$$python" $(VENV); }

$(VENV)/installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo 'installing the locked dependencies'
	@set -eu; $(call INSTALL_LOCK,requirements.lock); $(INSTALL_SELF)
	@touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/installed
	@echo 'installing the tools for tests'
	@set -eu; $(call INSTALL_LOCK,requirements-dev.lock)
	@touch $@

demo: install
	$(BIN)/xiaoge demo $(ARGS)

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What kills programs and watches clocks has the machine to itself; the rest runs on two cores: what takes longest first,
# many short files last. Of the chaos tests, those INSIDE live in time of their own.
INSIDE := tests/chaos/test_broadcast.py tests/chaos/test_privacy.py
ALONE := tests/chaos tests/integration $(INSIDE:%=--ignore %)
test: lint
	$(BIN)/pytest tests/unit/test_imports.py
	$(BIN)/pytest -m 'not long' $(ALONE) $(ARGS)
	$(BIN)/pytest -m 'not long' -n 2 --dist loadfile --no-loadscope-reorder $(INSIDE) tests/scenes tests/unit tests/upstream tests/contract $(ARGS)

test-long: dev
	$(BIN)/pytest -m long $(ALONE) tests/contract $(ARGS)
	$(BIN)/pytest -m long -n 2 --dist loadgroup --no-loadscope-reorder $(INSIDE) tests/scenes tests/unit tests/upstream $(ARGS)
	.ci/pythons

bench: dev
	@set -eu; for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv .venv-* build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find bot handlers nlp storage tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
