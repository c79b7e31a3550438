# `make lab` to learn, `make test` to test. Both build .venv once, and again only when pyproject.toml or the lock changed.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
LAB_ARGS ?=
PLAYS ?=
BENCH ?=
VENV := .venv
BIN := $(VENV)/bin
LOCK := binder/requirements.txt
UV := $(BIN)/python -m uv

# uv installs the locked versions in about a sixth of pip's time; where it cannot be had, pip does the same.
define install
	@if $(UV) --version >/dev/null 2>&1; then \
		$(UV) pip install --quiet --python $(BIN)/python --constraint $(LOCK) $(1); \
	else \
		echo "uv is not to be had; installing with pip, which takes longer"; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) $(1); \
	fi
endef

# Most tests wait for a server. A file's tests stay together, because they may share what took long to make.
# The notebooks, which take longest, come first: one of them alone at the end would keep one core waiting.
TWO_AT_ONCE := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.PHONY: help
help:
	@echo "make lab    open the course in JupyterLab (LAB_ARGS='...' are handed on to it)"
	@echo "make test   lint, types, tests and every notebook"
	@echo "make chaos  the tests of faults, larger, for some minutes (LOYALTY_CHAOS_SEED=7 repeats one of its plans)"
	@echo "make bench  measure how fast and lean it is, side by side (BENCH='replay fleet': only these); takes two hours"
	@echo "make binder build and run the course as Binder does, without Docker (Linux, as root); says what it takes there"
	@echo "make lock   choose the newest versions that pyproject.toml allows, and pin them"
	@echo "make histories  record the event histories that the tests replay (PLAYS='...': only these)"
	@echo "make figure draw the README's picture anew, by a real run"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit(f"Python {v[0]}.{v[1]} cannot run this course; possible are 3.11 to 3.13, e.g. make lab PYTHON=python3.12")'
	@echo "Making the environment in $(VENV), once ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || true

$(VENV)/.lab: pyproject.toml $(LOCK) | $(BIN)/python
	@echo "Installing the locked versions into $(VENV) ..."
	@date +%s > $(VENV)/.started
	$(call install,--editable .)
	@echo "Installed in $$(( $$(date +%s) - $$(cat $(VENV)/.started) )) s."
	@touch $@

$(VENV)/.test: $(VENV)/.lab
	@echo "Installing the test tools ..."
	$(call install,--editable '.[test]')
	@touch $@

.PHONY: lab
lab: $(VENV)/.lab
	@exec $(BIN)/python -I -X utf8 -m loyalty.lab $(LAB_ARGS)

.PHONY: test
test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=1000 --durations=25 $(TWO_AT_ONCE) notebooks tests

.PHONY: chaos
chaos: $(VENV)/.test
	LOYALTY_CHAOS=long $(BIN)/python -m pytest --timeout=7200 tests/test_faults.py tests/test_model.py

.PHONY: bench
bench: $(VENV)/.test
	$(BIN)/python -m tests.bench $(BENCH)

.PHONY: binder
binder: $(VENV)/.test
	$(BIN)/python -m tests.binder_replay

# No index address, and markers instead of one file per platform: the same pins serve Linux, macOS, Windows and Binder.
.PHONY: lock
lock: | $(BIN)/python
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --extra test --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --output-file $(LOCK) pyproject.toml

# After a change that old histories cannot follow: guard it with workflow.patched, then record anew.
.PHONY: histories
histories: $(VENV)/.test
	$(BIN)/python -m tests.record_histories $(PLAYS)

.PHONY: figure
figure: $(VENV)/.test
	$(BIN)/python -m tests.readme_figure
