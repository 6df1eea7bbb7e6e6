# Every target sets up what it needs in .venv by itself; a second call installs nothing.
#
#   PYTHON=python3.12   the interpreter to build .venv with (3.11, 3.12 or 3.13)
#   VENV=FOLDER         an environment beside .venv, say for another Python
#   TORCH_INDEX=URL     take PyTorch, and only PyTorch, from this package index
#   LAB_FLAGS="..."     passed on to JupyterLab by `make lab`
#   PYTEST_FLAGS="..."  passed on to pytest by `make test`
#   LESSONS="L2 deeper/L1"  what `make lessons` runs (all notebooks if not given)
#   SQUAD=FILE          SQuAD v1.1 for what is trained on it (from the hub if not given)
#   REPO=owner/name     the address that `make badges` writes

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help environment lab test lessons readme figures photograph heads adapters l4-adapters cross-encoder echo-ablation masked-lm retrieval bench lint badges

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@sed -n 's/^#  / /p' Makefile

environment:  ## make .venv and fill it; does nothing when it is up to date
	@VENV='$(VENV)' PYTHON='$(PYTHON)' TORCH_INDEX='$(TORCH_INDEX)' sh tools/environment.sh

# JupyterLab stops root unless told otherwise; a container's only user often is root.
lab: environment  ## open JupyterLab at the list of lessons
	$(PY) -m jupyterlab --ServerApp.ip=127.0.0.1 --ServerApp.root_dir='$(CURDIR)' \
		--LabApp.default_url=/lab/tree/README.md \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_FLAGS)

test: environment  ## run every test, every notebook included
	PYTHONPATH='$(CURDIR)/tests/sockets' $(PY) -m pytest -n 2 $(PYTEST_FLAGS)

lessons: environment  ## re-execute the notebooks, keep what did not change; then `readme`
	$(PY) tools/lessons.py $(LESSONS)
	$(PY) tools/readme.py

readme: environment  ## write the parts of README.md that are taken from notebooks and stored runs
	$(PY) tools/readme.py

figures: environment  ## measure and redraw the pictures of img/
	$(PY) -m img.draw

photograph: environment  ## take README.md's picture of the search desk, in JupyterLab in Chromium
	$(PY) -m tools.photograph

heads: environment  ## train both pairs of heads that come with the course; writes their cards
	$(PY) tools/heads.py

# SMOKE=1: a step or two of every recipe, on a handful of texts, to see that it runs.
adapters: environment  ## train everything that comes trained; SMOKE=1 tries each recipe in a minute
	$(if $(SMOKE),$(PY) -m tools.smoke,$(MAKE) heads cross-encoder masked-lm l4-adapters)

l4-adapters: environment  ## train the low-rank adapters whose run deeper/L4 shows
	$(PY) tools/adapter_run.py

cross-encoder: environment  ## train the cross-encoder that comes with the course; writes its card
	SQUAD='$(SQUAD)' $(PY) tools/cross_encoder.py

masked-lm: environment  ## train the masked language model that comes with the course; its card too
	SQUAD='$(SQUAD)' $(PY) tools/masked_lm.py

retrieval: environment  ## measure L5: a language model with what searches hand it; the searches
	$(PY) -m tools.retrieval_run

echo-ablation: environment  ## train a cross-encoder with and without questions among the negatives
	$(PY) -m tools.echo_ablation

bench: environment  ## measure `encode`, the training of L4 and the searches of L5 against peers
	$(PY) tools/bench.py
	$(PY) tools/bench_dual_encoder.py
	$(PY) -m tools.bench_retrieval
	$(PY) -m tools.bench_search

lint: environment  ## ruff: style and layout of all code, notebooks included
	$(PY) -m ruff check
	$(PY) -m ruff format --check

badges: environment  ## write the course's address (REPO=owner/name) wherever it stands
	$(PY) tools/badges.py $(REPO)
