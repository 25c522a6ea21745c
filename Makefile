# clerkd: everything sets itself up in .venv, with the versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
RUN_READY := $(VENV)/.run-ready-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
PYTEST := $(BIN)/python -m pytest
# Of the exhaustive tests, those that break first where something is wrong: CI runs them at each change, in half an hour.
CORE := tests/acceptance tests/contract tests/knowledge tests/systemd tests/web \
	tests/agent tests/cli/test_commands.py tests/cli/test_web.py \
	tests/mail/test_maildir.py tests/mail/test_maildir_outbox.py \
	tests/integration/test_answers.py tests/integration/test_mirror.py tests/integration/test_notify.py \
	tests/integration/test_replay.py tests/integration/test_resume.py tests/integration/test_rollback.py \
	tests/integration/test_unsaid.py tests/integration/test_upkeep.py \
	tests/crash/test_kill.py tests/crash/test_sending.py tests/crash/test_reviewers.py \
	tests/crash/test_upkeep.py tests/crash/test_rollback.py

.DEFAULT_GOAL := help
.PHONY: help demo test test-core test-all coverage check bench clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(RUN_READY) ## Show the main job on a sample mailbox: no key, no account
	@$(BIN)/clerkd demo

# What decides is covered whole by its own tests. To count the other rooms' lines, too, costs a quarter of the time.
test: $(READY) ## Run the quick tests (under 8 minutes on 2 cores)
	$(PYTEST) tests/judgement -n 2 --cov=daemon/judgement --cov-fail-under=100 --cov-report=term-missing:skip-covered
	$(PYTEST) -m "not exhaustive" --ignore=tests/judgement -n 2 --dist worksteal

coverage: $(READY) ## Run the quick tests and count which lines of all rooms they reach
	$(PYTEST) -m "not exhaustive" -n 2 --dist worksteal --cov --cov-report=term-missing:skip-covered

test-core: $(READY) ## Run the core of the exhaustive tests: attacks, kill -9, contracts, systemd, pages
	$(PYTEST) -m exhaustive -n 2 --dist loadgroup $(CORE)

test-all: test ## Run the quick tests, then all of the exhaustive ones (two to three hours)
	$(PYTEST) -m exhaustive -n 2 --dist loadgroup

check: $(READY) ## Lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(READY) ## Run the benches; ONLY=name runs one. Rows are added to build/bench.json
	$(BIN)/python -m tests.bench $(ONLY)

clean: ## Remove the virtual environment and what was built
	rm -rf $(VENV) build

$(RUN_READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "clerkd needs Python 3.11 or newer; this is $$($(PYTHON) --version). Set PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 -m venv failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV), once ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(READY): $(RUN_READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
