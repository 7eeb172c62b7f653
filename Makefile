# make train   trains the tuned team, from an empty folder
# make test    runs the tests           make check   adds lint, types, import contracts
# make docs    makes the site           make dist    builds the package, and tries it
# make setup   only installs            make clean   removes what these made

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup train test check lint types contracts docs dist clean
.DEFAULT_GOAL := help

help:
	@head -4 Makefile | sed 's/^# //'

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Lockstep needs Python 3.11 or newer; this is $$($(PYTHON) --version). Say PYTHON=python3.11 make $(MAKECMDGOALS)."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

train: $(STAMP)
	$(BIN)/lockstep train solve $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -n auto $(ARGS)

check: lint types contracts test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports
	$(BIN)/deptry lockstep

docs: $(STAMP)
	$(BIN)/python -m website

dist: $(STAMP)
	$(BIN)/python -m tests.dist $(PYTHONS)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
