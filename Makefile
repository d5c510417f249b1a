# Two commands do everything on a machine with Python 3.11+, make and git: `make demo`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help setup demo test test-all lint readme clean

help:
	@echo "make demo      install, then draw pictures, train, sample and walk (about 2 minutes)"
	@echo "make test      install with the test tools, run the suite"
	@echo "make test-all  the slow tests too"
	@echo "make lint      ruff and mypy"
	@echo "make readme    rewrite the generated tables of README.md"
	@echo "make setup     install only"
	@echo "make clean     remove the environment and everything built"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "artgan needs Python 3.11 or newer: set PYTHON=python3.11 (or newer)" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "this Python has no venv: install it first, e.g. apt install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.setup: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -q -c constraints.txt -e .
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -q -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/.setup

setup: $(VENV)/.setup

demo: $(VENV)/.setup
	$(BIN)/artgan demo --overwrite

test: $(VENV)/.test
	$(BIN)/python -m pytest

test-all: $(VENV)/.test
	$(BIN)/python -m pytest -m 'slow or not slow'

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

readme: $(VENV)/.test
	$(BIN)/python tests/readme_blocks.py

clean:
	rm -rf $(VENV) artgan-demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
