# `make` prints what there is. Every target first sets up what it needs, in .venv.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# `make test PYTHON=python3.13 VENV=.venv-3.13` tests another version beside the first.
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test torture bench bench-full check lint types audit format clean

help:  ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/demo  ## Store a tree search, kill it, go on, draw the tree (embedded servers)
	$(BIN)/python examples/demo.py $(DEMO)

test: $(VENV)/dev  ## Run all tests on embedded servers
	$(BIN)/python -m pytest

torture: $(VENV)/dev  ## Put a fault at every step, and write docs/explanation/torture.md (long)
	$(BIN)/python -m tests.faults.torture --report docs/explanation/torture.md $(TORTURE)

bench: $(VENV)-bench/made  ## Measure beside the drivers and peers, and write docs/benchmarks (half an hour)
	$(VENV)-bench/bin/python benchmarks/run.py $(BENCH)

bench-full: $(VENV)-bench/made  ## The same up to 2.6 million nodes (long)
	$(VENV)-bench/bin/python benchmarks/run.py --full $(BENCH)

check: lint types audit  ## Lint, formatting, types, audit of what is installed

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev
	$(BIN)/mypy
	$(BIN)/pyright

audit: $(VENV)/dev $(VENV)-audit  ## Look for withdrawn and vulnerable packages in what is installed
	$(BIN)/python .ci/audit.py $(VENV) $(VENV)-audit

format: $(VENV)/dev  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Forget the virtual environment and the caches in this folder
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache

# setuptools warns about any editable install; it is noise to a newcomer.
INSTALL := PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --editable

$(VENV)-audit:
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet 'pip-audit>=2.10' || { rm -rf $@; exit 1; }

$(VENV)/demo: pyproject.toml | $(VENV)/made
	$(INSTALL) '.[demo]'
	@touch $@

$(VENV)/dev: pyproject.toml | $(VENV)/made
	$(INSTALL) '.[dev]'
	@touch $@ $(VENV)/demo

# Apart from the rest, since neomodel asks for an older driver than Sapwood; it works with this one.
$(VENV)-bench/made: pyproject.toml
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(VENV)-bench/bin/pip install --quiet --editable '.[bench]'
	$(VENV)-bench/bin/pip install --quiet --no-deps neomodel==7.0.0
	@touch $@

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "Sapwood needs Python 3.11 or later; set PYTHON=/path/to/it"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@
