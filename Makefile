# autoprof-ci: `make` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := examples/autopilot
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup tools sample demo test check format bench image lock bless clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with the command .venv/bin/autoprof-ci

$(STAMP): pyproject.toml tools/constraints.txt
	@tools/setup $(PYTHON) $(VENV)
	@touch $@

tools: ## Install perf, valgrind and a Rust toolchain from the distribution, where that is allowed
	@tools/system-tools

sample: tools ## Build both variants of the sample program
	@tools/build-sample

demo: setup sample ## The main job end to end on the sample program: a real slowdown, and the green case
	@tools/demo

test: setup ## Run every test that this machine can run; says what it skipped and how to get it
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup ## Format, lint, types, import rules: what CI runs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_imports.py

format: setup ## Reformat and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup sample ## Measure ourselves: start-up, reading, overhead, the Action, statistics (PARTS="commands action ...")
	@tools/bench $(PARTS)

image: ## Build the Action's image, for `sandbox = "container"` on this machine
	@docker build -t autoprof-ci:$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) .

lock: setup ## Pin what the image and `make setup` install
	@tools/lock $(VENV)

bless: setup ## Rewrite the golden files; look at the diff
	@AUTOPROF_BLESS=1 $(BIN)/python -m pytest -n auto -q

clean: ## Remove everything that was built or measured
	rm -rf $(VENV) out build $(SAMPLE)/target .cache .mypy_cache .ruff_cache .pytest_cache
