# Two commands: `make demo` and `make test`. `make help` lists all.

# Compiled once: the tests start some hundred processes, and four workers that read every test.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# uv takes a third of pip's time; where it cannot reach what pip is set up to reach, pip does it.
UV := $(BIN)/uv pip
INSTALL := --quiet --require-hashes -r requirements-dev.lock
LOCKED := $(UV) compile --quiet --universal --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --python-version 3.11
CODE := schemas desk runtime services cli deploy benchmarks tests

.PHONY: help install demo up down topics test check lint types imports schemas bench bench-router bench-consent \
  bench-rehearse bench-takeover soak-router format lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## Install from the lock file, hashes checked, into .venv

.venv/installed: requirements-dev.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Missing on this machine: Python 3.11 or newer (found: $$($(PYTHON) --version 2>&1)). Set PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv 2>/dev/null \
	  || { echo "Missing on this machine: Python's venv. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "  … Installing $$(grep -c '^[a-z]' requirements-dev.lock) packages into .venv, hashes checked"
	@begin=$$SECONDS; \
	  { $(PIP) install --quiet --require-hashes -r requirements-uv.lock \
	      && $(UV) install --python $(BIN)/python --compile-bytecode --link-mode copy $(INSTALL); } \
	    || { echo "  … uv could not; with pip" >&2; $(PIP) install $(INSTALL); }; \
	  PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation -e .; \
	  echo "  ✓ Installed ($$((SECONDS - begin)) s)"
	@touch $@

demo: install ## Run the whole system on a shipped sample, show the outcome, stay until Ctrl-C
	@$(BIN)/aiguillage demo

up: install ## Start the whole system; Ctrl-C stops it
	@$(BIN)/aiguillage up

down: install ## Stop a system that was left
	@$(BIN)/aiguillage down

topics: install ## Make Kafka's topics as declared, on AIGUILLAGE_KAFKA or the running system
	@$(BIN)/aiguillage topics

test: install ## Run every test; brings Kafka, MongoDB, a mail catcher and a browser itself
	@$(BIN)/python -m deploy.local.bring
	@$(BIN)/pytest -n 4 --no-loadscope-reorder $(ARGS)

check: lint types imports schemas test ## What the build server runs: lint, types, contracts, tests

lint: install ## Lint and format check
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

types: install ## Type check, strictly
	@$(BIN)/mypy
	@$(BIN)/mypy tests

imports: install ## Check who may import whom
	@$(BIN)/lint-imports

schemas: install ## Check that the generated schemas are those committed, and break nothing
	@$(BIN)/pytest -q tests/contract

bench bench-takeover soak-router: export KAFKA_JVM_PERFORMANCE_OPTS = -XX:+UseSerialGC
# With room: in the 384 MiB of the demo, a broker at 200 requests/s stands still for 20 ms every 1.4 s.
bench-router: export KAFKA_JVM_PERFORMANCE_OPTS = -XX:+UseSerialGC -Xms1g -Xmx1g -Xmn600m

bench: install ## Measure from POST to mail at 20 requests/s, beside a bare SMTP send
	@$(BIN)/python -m benchmarks.post_to_mail $(ARGS)

bench-router: install ## Measure requests to tickets, beside six other ways to write the router
	@$(BIN)/python -m benchmarks.router $(ARGS)

bench-consent: install ## Measure the authorization log: appends, beside three peers; screen; proofs
	@$(BIN)/python -m benchmarks.consent $(ARGS)

bench-rehearse: install ## Measure a rehearsal of 100,000 past requests
	@$(BIN)/python -m benchmarks.rehearse $(ARGS)

bench-takeover: install ## Measure how soon a router is ready that must remember a million tickets
	@$(BIN)/python -m benchmarks.takeover $(ARGS)

soak-router: install ## Try the router on three brokers: 100,000 requests, 300 faults, half an hour
	@$(BIN)/python -m tests.soak.router $(ARGS)

format: install ## Format the code
	@$(BIN)/ruff check --fix-only --quiet $(CODE)
	@$(BIN)/ruff format $(CODE)

lock: install ## Lock the dependencies anew
	@grep -o '^uv==[0-9.]*' requirements-uv.lock | $(LOCKED) - -o requirements-uv.lock
	@$(LOCKED) pyproject.toml -o requirements.lock
	@$(LOCKED) --extra dev --allow-unsafe pyproject.toml -o requirements-dev.lock
	@$(LOCKED) benchmarks/router/peers/quix/requirements.in \
	  -o benchmarks/router/peers/quix/requirements.lock

clean: ## Stop what runs; remove what was installed, fetched and written
	@! test -x $(BIN)/aiguillage || $(BIN)/aiguillage down
	@rm -rf .venv .local *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
