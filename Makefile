# make demo | test | test-full | lint | reproduce | weights | clean. Everything lives in .venv; nothing is installed elsewhere.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEMO   := demo-output

# For make weights: the folder of cases, the minutes of each training, what users will call the file, the GPUs.
BRATS   ?=
MINUTES ?= 8
NAME    ?= small-brats-44
GPUS    ?= 0
BUILD   := weights-build
PACKS   := $(BUILD)/packs
CONFIG  := Training/configs/small.yaml
SPLIT   := Training/configs/split_44.json

# For make reproduce: the folder of cases, if they shall not be synthetic; the networks, the first against all others.
DATA         ?=
NETWORKS     ?= small segresnet-16 mednext-s
REPRODUCTION := reproduction

.PHONY: demo test test-full lint format reproduce weights clean

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

# Table 1, from the data to a page. Without DATA synthetic, some minutes on a CPU. MINUTES, if given, are those of a training.
reproduce: $(READY)
	$(BIN)/python Training/reproduce.py --output $(REPRODUCTION) --networks $(NETWORKS) --config $(CONFIG) \
	    $(if $(DATA),--data $(DATA)) $(if $(filter-out file,$(origin MINUTES)),--minutes $(MINUTES))

# The shipped weights, from the data: five folds for the limits, a held-out run for the figures, then a run on everything.
# Wants a GPU. What is finished is passed over, so it goes on where it stopped.
weights: $(READY)
	@test -n "$(BRATS)" || { echo "Name the folder of cases: make weights BRATS=DIR"; exit 1; }
	$(BIN)/python Training/prepare.py --data $(BRATS) --output $(PACKS)
	$(BIN)/python Training/cross_validate.py --data $(PACKS) --config $(CONFIG) --output $(BUILD)/folds \
	    --minutes $(MINUTES) --mode onepass --gpus $(GPUS) --run $(NAME)
	$(BIN)/python Training/train.py --config $(CONFIG) --data $(PACKS) --split $(SPLIT) --output $(BUILD)/held-out \
	    --minutes $(MINUTES) --resume
	$(BIN)/python Training/evaluate.py --model $(BUILD)/held-out/model.safetensors --data $(PACKS) --split $(SPLIT) \
	    --output $(BUILD)/held-out
	$(BIN)/python Training/robustness.py --model $(BUILD)/held-out/model.safetensors --data $(PACKS) --split $(SPLIT) \
	    --output $(BUILD)/held-out
	$(BIN)/python Training/train.py --config $(CONFIG) --data $(PACKS) --all --output $(BUILD)/all \
	    --minutes $(MINUTES) --resume
	$(BIN)/python Training/limits.py --model $(BUILD)/all/model.safetensors --data $(PACKS) \
	    --tables $(BUILD)/folds/$(NAME)/*/cases.csv --output $(BUILD)/all/model.safetensors
	$(BIN)/python Training/export.py --run $(BUILD)/all --evaluation $(BUILD)/held-out \
	    --robustness $(BUILD)/held-out --name $(NAME) --into-box

clean:
	rm -rf $(VENV) $(DEMO)

# constraints.txt holds the versions that the tests last passed with; pyproject.toml the lower bounds.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[training,test]"
	touch $@
