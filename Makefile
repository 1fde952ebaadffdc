# Every target does its own set-up: a bare clone and a Python of 3.12 or later are enough.
SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
READY := .venv/ready
TESTS ?= tests
WORKERS ?= 2
PROOFS ?=
CASES ?= 300

ENGINES := .venv-engines/bin

.PHONY: help reproduce test long test-engines fuzz slow lint notebooks lab docs lock sample coverage bench setup clean

help:  ## what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "make %-12s %s\n", $$1, $$2}'

# A Python in $$found, by running each: a version manager's shim may stand in the path and still refuse to run.
define FIND_PYTHON
for p in python3.13 python3.12 python3.14 python3; do \
		if "$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then found="$$p"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "cxlink needs Python 3.12 or later with its venv module, and none of python3.13, python3.12, python3.14, python3 is that. Install one (on Debian and Ubuntu: python3 and python3-venv), then repeat the command." >&2; exit 1; \
	fi
endef

$(READY): requirements.lock pyproject.toml
	@$(FIND_PYTHON); \
	echo "Setting up .venv with $$("$$found" --version) (once; a few minutes) ..."; \
	"$$found" -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

setup: $(READY)  ## make .venv from the lock (every target below does it by itself)

reproduce: $(READY)  ## the published study on cohorts with a known truth -> reports/reproduction/report.pdf
	@$(BIN)/cxlink reproduce --overwrite

PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -p no:nbmake -p no:zarr -n $(WORKERS) --dist loadfile

test: $(READY)  ## the test suite
	@$(PYTEST) -m "not slow and not long" $(TESTS)

long: $(READY)  ## the tests of some seconds each (a few minutes; every change must pass them)
	@$(PYTEST) -m long $(TESTS)

# From a lock of its own: the drivers of engines are no dependency of the package.
.venv-engines/ready: requirements-engines.lock pyproject.toml
	@$(FIND_PYTHON); \
	echo "Setting up .venv-engines with $$("$$found" --version) (once; a few minutes) ..."; \
	"$$found" -m venv --clear .venv-engines
	@$(ENGINES)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-engines.lock
	@$(ENGINES)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

test-engines: .venv-engines/ready  ## tables in a Postgres and a Spark of their own (installs both's needs by apt where missing)
	@.ci/engines $(ENGINES)/python

fuzz: $(READY)  ## 300 tables and specs drawn at random, counted by plain loops too (CASES=10000: over an hour)
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m validation.fuzz --cases $(CASES)

slow: $(READY)  ## the tests that take longer still
	@$(BIN)/python -m pytest -q -m slow $(TESTS)

lint: $(READY)  ## ruff (check and format) and mypy strict on src and validation
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

notebooks: $(READY)  ## run every notebook from top to bottom, and keep its output
	@$(BIN)/python -m pytest -q --nbmake --nbmake-timeout=1200 --overwrite notebooks
	@$(BIN)/jupyter nbconvert --log-level=ERROR --to notebook --inplace --ClearMetadataPreprocessor.enabled=True --ClearMetadataPreprocessor.clear_notebook_metadata=False --ClearMetadataPreprocessor.preserve_cell_metadata_mask="[('tags')]" notebooks/*.ipynb

lab: $(READY)  ## JupyterLab on the notebooks
	@$(BIN)/jupyter lab notebooks

docs: $(READY)  ## the documentation, warnings are errors -> build/docs/index.html
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo build/docs/index.html

sample: $(READY)  ## remake reports/sample/, the committed example
	@$(BIN)/cxlink reproduce --replications 500 --out reports/sample --overwrite
	@$(BIN)/python docs/page_one.py reports/sample/report.pdf docs/_static/page-one.png

coverage: $(READY)  ## how often intervals hold the truth -> reports/coverage/ (some ten hours; goes on where it stopped)
	@OMP_NUM_THREADS=1 $(BIN)/python -m validation $(PROOFS)

bench: $(READY)  ## timed comparisons, 1 to 100 million customers -> benchmarks/README.md (an hour; 0.6 GB of disk)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@$(BIN)/python -m benchmarks

LOCK := uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.12 --extra dev pyproject.toml

lock:  ## remake requirements.lock and requirements-engines.lock (needs uv)
	$(LOCK) -o requirements.lock
	$(LOCK) --extra postgres --extra spark --constraints requirements.lock -o requirements-engines.lock

clean:  ## remove .venv and .venv-engines
	rm -rf .venv .venv-engines
