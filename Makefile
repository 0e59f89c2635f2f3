# make run: everything a fresh machine needs, then the dashboard on a virtual class. make test: the whole suite.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
PYTEST_FLAGS ?=

.PHONY: run test check bench lock clean

run: $(STAMP)
	@$(BIN)/python -m dashboard.install
	@$(BIN)/engage models fetch || true
	@$(BIN)/engage db upgrade
	@$(BIN)/engage serve --demo || [ $$? -eq 130 ]

test: $(DEV_STAMP) check
	@$(BIN)/python -m dashboard.install
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

check: $(DEV_STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy

bench: $(DEV_STAMP)
	@$(BIN)/engage bench live --json

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: Python 3.11 is needed; give its name with make PYTHON=..."; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet "pip>=25"

# -c pins every version; the CPU build of PyTorch is used where the package index offers it.
$(STAMP): pyproject.toml requirements.lock | $(VENV)/bin/python
	@echo "Installing; the first time this takes a few minutes."
	@$(BIN)/python -m pip install --quiet -c requirements.lock -e .
	@touch $@

$(DEV_STAMP): $(STAMP)
	@$(BIN)/python -m pip install --quiet -c requirements.lock -e ".[dev,train]"
	@touch $@

lock: $(DEV_STAMP)
	@$(BIN)/python -m pip freeze --exclude-editable | grep -v " @ " | sed "s/+cpu$$//" > requirements.lock

clean:
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dashboard/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
