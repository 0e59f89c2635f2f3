# make run: everything a fresh machine needs, then the dashboard on a virtual class. make test: the whole suite.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
LABELS := .venv-labels
# Three at a time: browsers mostly wait. A file stays in one process, with what its tests share; the order is tests/conftest.py's.
PYTEST_FLAGS ?= -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: run test nightly check bench labels messages lock sbom audit clean

run: $(STAMP)
	@$(BIN)/python -m dashboard.install
	@$(BIN)/engage models fetch || true
	@$(BIN)/engage db upgrade
	@$(BIN)/engage serve --demo || [ $$? -eq 130 ]

test: $(DEV_STAMP) check
	@$(BIN)/python -m dashboard.install
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

# What takes too long for every change: many more requests made up from the API's document, longer lessons in a browser.
nightly: $(DEV_STAMP)
	@$(BIN)/python -m dashboard.install
	@$(BIN)/python -m pytest -m nightly $(PYTEST_FLAGS)
	@SCHEMATHESIS_EXAMPLES=200 $(BIN)/python -m pytest --timeout 7200 $(PYTEST_FLAGS) tests/dashboard/test_openapi.py

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

# Teachers' labels for `trainer fit-signals`, in an environment of its own: MediaPipe wants another OpenCV than the product.
# make labels ARGS="--data DIR --landmarker FILE --yunet FILE --out labels.npz"
labels: $(LABELS)/bin/mediapipe.ok
	@PYTHONPATH=. $(LABELS)/bin/python -m trainer label-signals $(ARGS)

$(LABELS)/bin/mediapipe.ok:
	@$(PYTHON) -m venv $(LABELS)
	@$(LABELS)/bin/python -m pip install --quiet "mediapipe>=1.2" click rich
	@touch $@

# Takes new texts into the catalogues of all languages; what is then untranslated fails a test.
messages: $(STAMP)
	@$(BIN)/python -m dashboard.messages

lock: $(DEV_STAMP)
	@$(BIN)/python -m pip freeze --exclude-editable | grep -v " @ " | sed "s/+cpu$$//" > requirements.lock

# What is installed, for people and scanners: CycloneDX 1.6. Written to build/, which is not committed.
sbom: $(DEV_STAMP)
	@mkdir -p build
	@$(BIN)/python -m cyclonedx_py environment --pyproject pyproject.toml --sv 1.6 --of JSON -o build/sbom.json $(BIN)/python
	@echo "build/sbom.json"

# Our own code by bandit, then the pinned packages against the published vulnerabilities (that needs the internet).
audit: $(DEV_STAMP)
	@$(BIN)/bandit -q -c pyproject.toml -r engage dashboard trainer migrations
	@$(BIN)/python -m dashboard.audit

clean:
	@rm -rf $(VENV) $(LABELS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dashboard/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
