# Everything here makes its own environment in .venv first, and again only when pyproject.toml changes.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test lint types check bench clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The interpreters to try, in this order; `make test PYTHON=/opt/python/bin/python3` names another.
PYTHON ?= python3.11 python3 python3.12 python3.13 python3.14 python3.10

export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r target text; do \
	    printf '%-14s%s\n' "$$target" "$$text"; done

# The last canary with the other form of its API, beside the environment: tests/canary runs both.
OLDER_CANARY := canary-wm==26.4.16 hpc-connect==26.3.26 jinja2 markupsafe

venv: $(READY)  ## make or refresh .venv with the package and its tools

# Running an interpreter is the only test that counts: a name on the PATH may be a shim for nothing, and
# Debian ships python3 without the parts of venv unless python3-venv is there.
$(READY): pyproject.toml
	@set -e; \
	if ! $(BIN)/python -c '' 2>/dev/null; then \
	    found=; \
	    for python in $(PYTHON); do \
	        if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; \
	        then found=$$python; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo 'make: no Python >= 3.10 with venv among: $(PYTHON) (on Debian: apt install python3-venv)' >&2; exit 1; \
	    fi; \
	    echo "making $(VENV) with $$found"; \
	    $$found -m venv --clear $(VENV); \
	fi; \
	echo 'installing exactfit and its tools'; \
	$(BIN)/python -m pip install --quiet --editable '.[dev]'; \
	rm -rf $(VENV)/canary-26.4; \
	$(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/canary-26.4 $(OLDER_CANARY); \
	touch $@

DEMO_JOBS := $(addprefix tests/cli/data/,climate.yaml insitu.yaml ensemble.yaml) \
    'slot=1/node=1/[core=8;gpu=1]' 'slot=1/node=1/[core=8;gpu=1]' slot=4/node 'slot=1/numa{x}' slot=1/core=4

demo: $(READY)  ## place jobs on RFC 49's cluster A, draw, show this machine where lstopo is, compare pools on a day
	@mkdir -p build
	$(BIN)/exactfit place rfc49-a $(DEMO_JOBS) --draw build/placement.png
	@echo 'drawn: build/placement.png'
	@if command -v lstopo >/dev/null; then \
	    echo; echo 'lstopo --of xml | exactfit topo -'; lstopo --of xml | $(BIN)/exactfit topo -; fi
	@echo
	$(BIN)/exactfit study rfc49-a lublin:days=1,load=0.4,longest=6 --snapshots 4 -o build/study

test: lint types check  ## lint, types and tests

lint: $(READY)  ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)  ## mypy --strict
	$(BIN)/mypy

check: $(READY)  ## the tests alone
	$(BIN)/pytest

bench: $(READY)  ## time one job on 10,000 nodes
	$(BIN)/python benchmarks/one_job.py

clean:  ## remove .venv, caches and build products
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
