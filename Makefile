# `make lab` to learn, `make test` to test. Both make .venv once, mend it, and install what pyproject.toml or the lock changed.
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

# Python 3.11 and 3.12 read the path of this folder in the locale's encoding. Under LC_ALL=C an umlaut in it stops them.
ifneq ($(shell locale charmap 2>/dev/null),UTF-8)
export LC_ALL := $(if $(filter Darwin,$(shell uname)),en_US.UTF-8,C.UTF-8)
endif

# Where this is set, as in many containers, each worker and kernel compiles all that it imports. That takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

# The environment's own Python looks whether it is fit, or, if it does not run, the machine's.
# An environment of another Python is made anew if PYTHON is given, by `make lab PYTHON=python3.12` for one.
ASKED := $(if $(filter file,$(origin PYTHON)),,--asked)
OWN = own=$(BIN)/python; "$$own" -c '' 2>/dev/null || own='$(PYTHON)'; "$$own" -I -X utf8
INSTALL = $(OWN) .install --python '$(PYTHON)' $(ASKED)

# Most tests wait for a server. A file's tests stay together, because they may share what took long to make.
# The notebooks and the files that take long come first (tests/conftest.py): one at the end would keep one core waiting.
TWO_AT_ONCE := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.PHONY: help
help:
	@echo "make lab    open the course in JupyterLab (LAB_ARGS='...' are handed on to it)"
	@echo "make update bring the newest course; notebooks that you have changed are kept"
	@echo "make check  lint, types and the quick tests, in less than a minute"
	@echo "make test   the same, then the slow tests and every notebook"
	@echo "make chaos  test for some minutes with killed processes and random messages (LOYALTY_CHAOS_SEED=7 repeats a plan)"
	@echo "make bench  measure how fast and lean it is, side by side (BENCH='replay fleet': only these); takes two hours"
	@echo "make binder build and run the course as Binder does, without Docker (Linux, as root); says what it takes there"
	@echo "make lock   choose the newest versions that pyproject.toml allows, and pin them"
	@echo "make histories  record the event histories that the tests replay (PLAYS='...': only these)"
	@echo "make figure draw the README's picture anew, by a real run"

# Looked at each time: an environment may be moved, copied, half installed, or lose its Python.
.PHONY: FORCE
FORCE:
$(VENV)/.lab: FORCE
	@$(INSTALL) .lab
$(VENV)/.test: FORCE
	@$(INSTALL) .test

.PHONY: lab
lab: $(VENV)/.lab
	@exec $(BIN)/python -I -X utf8 -m loyalty.lab $(LAB_ARGS)

.PHONY: update
update:
	@$(OWN) .install/update.py

.PHONY: check
check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not slow" $(TWO_AT_ONCE) tests

.PHONY: test
test: check
	$(BIN)/python -m pytest -m slow --nbmake --nbmake-timeout=1000 --durations=25 $(TWO_AT_ONCE) notebooks tests

.PHONY: chaos
chaos: $(VENV)/.test
	LOYALTY_CHAOS=long $(BIN)/python -m pytest --timeout=7200 tests/test_killed_*.py tests/test_storm.py tests/test_model*.py

.PHONY: bench
bench: $(VENV)/.test
	$(BIN)/python -m tests.bench $(BENCH)

.PHONY: binder
binder: $(VENV)/.test
	$(BIN)/python -m tests.support.binder_replay

# No index address, and markers instead of one file per platform: the same pins serve Linux, macOS, Windows and Binder.
.PHONY: lock
lock:
	@$(INSTALL) uv
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --extra test --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --output-file $(LOCK) pyproject.toml

# After a change that old histories cannot follow: guard it with workflow.patched, then record anew.
.PHONY: histories
histories: $(VENV)/.test
	$(BIN)/python -m tests.support.record_histories $(PLAYS)

.PHONY: figure
figure: $(VENV)/.test
	$(BIN)/python -m tests.support.readme_figure
