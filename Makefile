# make run · make test · make lint      each works alone on a fresh clone
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL := -m pip install --quiet --no-compile --constraint constraints.txt
STAMP  := $(VENV)/.installed

# What is not kept compiled, every process compiles anew: of lightning and torch that takes half a minute.
# pip would compile on one core; some packages have files that are no Python.
COMPILE := -m compileall -qq -j 0
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test faults lint format test-peer bench-peer clean
.DEFAULT_GOAL := run

setup: $(STAMP)

# torch comes first and under the constraints, so that no other package pulls a CUDA build
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python $(INSTALL) torch
	$(BIN)/python $(INSTALL) --editable . --group dev
	$(BIN)/python $(COMPILE) $(VENV)/lib || true
	touch $(STAMP)

run: setup      ## a small real search on built-in data
	$(BIN)/python train.py -m hparams_search=alignn_fusion fusion=middle experiment=quick

test: setup     ## every test, the slow ones too
	$(BIN)/python -m pytest -n auto

faults: setup   ## a running search broken in every way that we know of
	$(BIN)/python -m pytest --faults tests/faults tests/launchers

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The published alignn is compared with in an environment of its own: it brings other versions.
PEER       := .venv-peer
PEER_STAMP := $(PEER)/.installed

$(PEER_STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(PEER)
	$(PEER)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(PEER)/bin/python $(INSTALL) torch
	$(PEER)/bin/python $(INSTALL) --editable . --group dev
	$(PEER)/bin/python -m pip install --quiet pydantic-settings toolz xmltodict lmdb
	$(PEER)/bin/python -m pip install --quiet --no-deps alignn==2026.8.11 jarvis-tools==2026.6.12
	$(PEER)/bin/python $(COMPILE) $(PEER)/lib || true
	touch $@

test-peer: $(PEER_STAMP)    ## the same weights and the same graph give the published package's numbers
	$(PEER)/bin/python -m pytest -m peer tests/peer

bench-peer: $(PEER_STAMP)   ## speed and memory beside the published package's; ARGS=--quick to try it
	$(PEER)/bin/python -m benchmarks.peer $(ARGS)

clean:          ## what the program and the tools made; studies and runs stay
	rm -rf $(VENV) $(PEER) .cache .pytest_cache .mypy_cache .ruff_cache build src/*.egg-info
