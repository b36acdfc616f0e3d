# make demo | test | test-full | lint | clean. Everything lives in .venv; nothing is installed elsewhere.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEMO   := demo-output

.PHONY: demo test test-full lint format clean

demo: $(READY)
	$(BIN)/python -m SegMambaCore sample $(DEMO)/case
	$(BIN)/python -m SegMambaCore segment $(DEMO)/case --output $(DEMO)/result
	@echo "Picture: $(DEMO)/result/overview.png"

test: $(READY)
	$(BIN)/python -m pytest -m "not slow"

test-full: $(READY)
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=SegMambaSlicer $(BIN)/mypy --package SegMambaLib

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(DEMO)

# constraints.txt holds the versions that the tests last passed with; pyproject.toml the lower bounds.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[training,test]"
	touch $@
