# Two commands do it all on a fresh machine:
#   make demo   installs into .venv, writes a labelled sample of logs and scans it
#   make test   lint, types and tests
#
# Without a GPU, PyTorch's CPU build is enough and gigabytes smaller. pip takes it where its
# configuration knows a place that has it; otherwise name PyTorch's own index of CPU builds:
#   make demo PIP_EXTRA_INDEX_URL=...
# With an NVIDIA GPU nothing needs to be said.

PYTHON ?= python3
VENV   ?= .venv
DEMO   ?= demo
BIN    := $(VENV)/bin
TORCH  ?= torch==2.13.0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint types check bench bench-short clean help

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/installed ## Simulate a day of labelled logs, scan them, show what was found
	rm -rf $(DEMO)
	$(BIN)/enricher simulate --out $(DEMO)/logs --seed 7 --hours 6
	$(BIN)/enricher scan $(DEMO)/logs --out $(DEMO)/found --state $(DEMO)/state
	@echo "Look at $(DEMO)/found/report.html, eve.json and summary.json"

test: lint types check ## Lint, types and tests

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/tested
	$(BIN)/mypy

check: $(VENV)/tested
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

bench: $(VENV)/tested ## Measure everything that docs/performance.md states (BENCH_ARGS=--write)
	$(BIN)/python -m tests.bench.speed $(BENCH_ARGS)

bench-short: $(VENV)/tested ## Measure shortly; fails where a ratio falls to half
	$(BIN)/python -m tests.bench.speed.short

$(VENV)/installed: setup.cfg pyproject.toml
	@sh .ci/make-venv "$(PYTHON)" "$(VENV)"
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $@

clean: ## Remove what was made here
	rm -rf $(VENV) $(DEMO) build *.egg-info
