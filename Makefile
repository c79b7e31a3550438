# `make lab` to learn, `make test` to test. Both make or repair .venv, and install changes of pyproject.toml and of the lock.
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

# Python 3.11 and 3.12 read the path of this folder in the locale's encoding. Under LC_ALL=C, a path with an umlaut fails.
ifneq ($(shell locale charmap 2>/dev/null),UTF-8)
export LC_ALL := $(if $(filter Darwin,$(shell uname)),en_US.UTF-8,C.UTF-8)
endif

# Many containers set this variable. Then each worker and each kernel compiles all its imports, and starts half as fast.
unexport PYTHONDONTWRITEBYTECODE

# The environment's own Python checks .venv. If this Python does not run, the machine's Python checks .venv.
# `make lab PYTHON=python3.12` makes .venv again if it has another Python.
ASKED := $(if $(filter file,$(origin PYTHON)),,--asked)
OWN = own=$(BIN)/python; "$$own" -c '' 2>/dev/null || own='$(PYTHON)'; "$$own" -I -X utf8
INSTALL = $(OWN) .install --python '$(PYTHON)' $(ASKED)

# Most tests wait for a server, so two processes run tests. The tests of a file run in one process and share its fixtures.
# The notebooks and the slow files run first (tests/conftest.py): a slow file at the end would leave one core idle.
TWO_AT_ONCE := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.PHONY: help
help:
	@echo "make lab    open the course in JupyterLab (LAB_ARGS='...' are its arguments)"
	@echo "make update get the newest course, and keep the notebooks that you have changed"
	@echo "make check  lint, types and the quick tests, in less than a minute"
	@echo "make test   make check, then the slow tests and every notebook"
	@echo "make chaos  test for some minutes with killed processes and random messages (LOYALTY_CHAOS_SEED=7 repeats a plan)"
	@echo "make bench  measure time and memory (BENCH='replay fleet': only these measurements); takes two hours"
	@echo "make binder build and run the course like Binder, without Docker (Linux, as root); print time and memory"
	@echo "make lock   pin the newest versions that pyproject.toml allows"
	@echo "make histories  record the event histories that the tests replay (PLAYS='...': only these histories)"
	@echo "make figure draw the README's picture again, from a real run"

# Check .venv at each call: it may have been moved, copied or half installed, or its Python may be missing.
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

# The lock has no index address, and has markers for each platform: Linux, macOS, Windows and Binder use the same file.
.PHONY: lock
lock:
	@$(INSTALL) uv
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --extra test --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --output-file $(LOCK) pyproject.toml

# If a change breaks the replay of old histories, guard the change with workflow.patched, then record new histories.
.PHONY: histories
histories: $(VENV)/.test
	$(BIN)/python -m tests.support.record_histories $(PLAYS)

.PHONY: figure
figure: $(VENV)/.test
	$(BIN)/python -m tests.support.readme_figure
