# Every target works on a fresh Debian or Ubuntu with Python 3.10 or newer, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install quickstart test messages lint lower-bounds bench clean test-fast

install: $(STAMP)

$(STAMP): pyproject.toml tools/install_system_libraries.sh
	PYTHON=$(PYTHON) sh tools/install_system_libraries.sh
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev,deploy,tao,pretrained,annotate]'
	touch $(STAMP)

quickstart: install
	$(BIN)/cpose quickstart

test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --durations=15

# Write what messages say to tests/messages.snapshot.txt, to be read in the diff.
messages: install
	UPDATE_MESSAGES=1 $(BIN)/python -m pytest -q tests/test_messages.py

test-fast: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m 'not slow'

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lower-bounds: install
	$(BIN)/python tools/check_lower_bounds.py

bench: install
	$(BIN)/python benchmarks/run_all.py --markdown docs/benchmarks.md

clean:
	rm -rf $(VENV) build dist
