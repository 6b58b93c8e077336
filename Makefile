# Every routine of the project is a command here; CI calls the same ones.
#   make PYTHON=/path/to/python3.12 ...   another Python than the one found
#   MONGODB_URI=mongodb://... make ...    another server than the embedded one
#   MONGO_EMBEDDED_SERVER=rust|python|mongod make ...    a certain embedded server

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-check test django-tests lint format types bench matrix server build clean

PYTHON ?=
ARGS ?=
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

# Two stamps: the demo does not wait for what only tests need.
$(VENV)/.demo: pyproject.toml
	@python=$$(PYTHON="$(PYTHON)" scripts/find-python) && scripts/make-venv $(VENV) "$$python"
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "Installing what tests and tools need into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --editable '.[demo,openapi]' --group dev
	@touch $@

demo: $(VENV)/.demo  ## Atlas, the example site, on http://127.0.0.1:8000/ until Ctrl-C
	@$(BIN)/python example_project/manage.py demo $(ARGS)

demo-check: $(VENV)/.demo  ## the same, used by a script and stopped: is everything right?
	@$(BIN)/python scripts/demo_check.py $(ARGS)

test: $(VENV)/.dev  ## the whole suite; make test ARGS="tests/db -k uri"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

django-tests: $(VENV)/.dev  ## Django's own tests of what we replace, on ours
	@$(BIN)/python scripts/django_tests.py $(ARGS)

lint: $(VENV)/.dev  ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.dev  ## ruff: mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev  ## mypy on the package
	@$(BIN)/mypy

bench: $(VENV)/.dev  ## client CPU of every task against raw pymongo and the peers
	@$(BIN)/python -m benchmarks $(ARGS)

matrix:  ## the suite on the oldest and on the newest Django and Python
	@WORKERS=$(WORKERS) scripts/matrix $(ARGS)

server:  ## install the Rust server where cargo is
	@scripts/server

build: $(VENV)/.dev  ## sdist and wheel in dist/
	@$(BIN)/python -m build --quiet

clean:  ## remove environments and caches; data under var/ stays
	rm -rf .venv .venv-matrix-* build dist .pytest_cache .mypy_cache .ruff_cache
