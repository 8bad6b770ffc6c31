# Everything here makes its own environment in .venv first, and again only when pyproject.toml changes.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test lint types check docs links dist bench hard peers opinions proofs trust fuzz agree soak coverage mutants flux-plugin clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The interpreters to try, in this order; `make test PYTHON=/opt/python/bin/python3` names another.
PYTHON ?= python3.11 python3 python3.12 python3.13 python3.14 python3.10

export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r target text; do \
	    printf '%-20s%s\n' "$$target" "$$text"; done

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

demo: $(READY)  ## place jobs on RFC 49's cluster A, draw, show this machine where lstopo is, compare pools on twelve days
	@mkdir -p build
	$(BIN)/exactfit place rfc49-a $(DEMO_JOBS) --draw build/placement.png
	@echo 'drawn: build/placement.png'
	@if command -v lstopo >/dev/null; then \
	    echo; echo 'lstopo --of xml | exactfit topo -'; lstopo --of xml | $(BIN)/exactfit topo -; fi
	@echo
	$(BIN)/exactfit study rfc49-a lublin:days=1,load=0.8,longest=6 --pools exactfit,exactfit:future,Rv1Pool,TreePool --sweep seeds=12 --snapshots 4 -o build/study

docs: $(READY)  ## make the documentation in build/docs, warnings being errors
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html adapters/docs build/docs
	@echo 'made: build/docs/index.html'

links: $(READY)  ## ask every address outside that the documentation names; needs a network
	$(BIN)/python -m sphinx --quiet -b linkcheck adapters/docs build/links

dist: $(READY)  ## make wheel and sdist in dist, of a commit that bears the tag of its version
	@version=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml); \
	    git describe --exact-match --tags --dirty 2>/dev/null | grep -qx "v$$version" || \
	    { echo "make dist: this commit is not tagged v$$version, or has changes" >&2; exit 1; }
	$(BIN)/python -m build --no-isolation --outdir dist .

test: lint types check  ## lint, types and tests

lint: $(READY)  ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)  ## mypy --strict
	$(BIN)/mypy

check: $(READY)  ## the tests alone, on two cores and more
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

bench: $(READY)  ## the pools beside each other, on machines of 100 to 100,000 ranks
	$(BIN)/python -m benchmarks

hard: $(READY)  ## the hard kinds of requests by name, and random ones on fragmented nodes, judged (REQUESTS=1000)
	$(BIN)/python -m benchmarks.hard
	$(BIN)/python -m benchmarks.campaign $(REQUESTS)

# What the tests of tests/README.md take for hours instead of seconds. These need more tools than the tests do.
TRUST := $(VENV)/.trust
HERE = PYTHONPATH=tests/support $(BIN)/python -m

$(TRUST): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[dev,trust]'
	@touch $@

PEERS := exactfit Rv1Pool TreePool
STREAMS ?= 1000
CASES ?= 3000
SEED ?= 1

peers: $(READY)  ## the audit of our pool and of Flux's, with pages in build/peers (STREAMS=1000)
	@for pool in $(PEERS); do $(BIN)/exactfit audit $$pool --streams $(STREAMS) -o build/peers/$$pool; \
	    status=$$?; if [ $$status -gt 1 ] || [ $$pool = exactfit -a $$status -ne 0 ]; then exit $$status; fi; done

opinions: $(READY)  ## the second opinion on random placements, small ones and of real nodes (CASES=100000)
	$(HERE) opinions $(CASES)

proofs: $(READY)  ## the share of a day's decisions whose certificate rests on no solver (EVERY=1)
	$(HERE) day_proofs $(EVERY)

trust: $(READY)  ## the pool protocol in any order and faults at any line, new examples each time, half an hour
	HYPOTHESIS_PROFILE=explore $(BIN)/pytest tests/trust

fuzz: $(TRUST)  ## everything that reads text, by hypothesis and atheris (SECONDS=20 for each reader with each)
	$(HERE) fuzzing $(SECONDS)

agree: $(READY)  ## random small cases beside trying everything (CASES=3000 of each kind, SEED=1)
	$(HERE) agreement $(CASES) $(SEED)

soak: $(READY)  ## a million operations on 1,000 ranks, each answer checked (OPERATIONS=1000000)
	$(HERE) soak $(OPERATIONS)

coverage: $(TRUST)  ## branches of grammar, topology and solver that the tests take
	$(BIN)/python -m coverage run -m pytest
	@for layer in grammar topology solver; do \
	    printf '%s: ' $$layer; $(BIN)/python -m coverage report --include="$$layer/*" --format=total; done
	$(BIN)/python -m coverage report

mutants: $(TRUST)  ## small changes to checker and commit code: which do the tests not notice? (MUTANTS=100 of each)
	$(HERE) mutants $(MUTANTS)

# A plugin of Flux's shell, in C: for the Flux under PREFIX, with its headers, and those of hwloc and jansson.
PREFIX ?= /usr
FLUX_PC = PKG_CONFIG_PATH=$(PREFIX)/lib/pkgconfig:$(PREFIX)/lib64/pkgconfig:$$PKG_CONFIG_PATH pkg-config
FLUX_LIBS := flux-core flux-idset hwloc jansson
CFLAGS ?= -O2 -Wall -Wextra

flux-plugin:  ## build and install the plugin that binds tasks to their slots, for the Flux under PREFIX=/usr
	@mkdir -p build
	flags=$$($(FLUX_PC) --cflags --libs $(FLUX_LIBS)) && \
	    $(CC) $(CFLAGS) -fPIC -shared -o build/exactfit-bind.so adapters/flux/bind/exactfit-bind.c $$flags
	into=$(DESTDIR)$$($(PREFIX)/bin/flux config builtin shell_pluginpath) && \
	    mkdir -p "$$into" && install -m 755 build/exactfit-bind.so "$$into"

clean:  ## remove .venv, caches and build products
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
