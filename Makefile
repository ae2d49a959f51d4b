# SENT: `make run` shows it, `make test` proves it. Everything below needs only make and Python >= 3.11.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
STAMP := .venv/.sent-setup

.PHONY: setup run test check bench soak shot package format lock clean
.DEFAULT_GOAL := setup

setup: $(STAMP)

$(STAMP): requirements/dev.lock pyproject.toml build/setup.py build/debian.txt build/assets.py
	@$(PYTHON) build/setup.py
	@touch $(STAMP)

run: setup
	@$(BIN)/sent demo $(ARGS)

test: setup
	@QT_QPA_PLATFORM=offscreen SENT_TEST_SCRATCH=memory $(BIN)/pytest -n 2 --dist loadfile -m "not bench and not soak" $(ARGS)

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: setup
	@QT_QPA_PLATFORM=offscreen $(BIN)/pytest -m bench -q -s --timeout=900 tests/bench $(ARGS)

soak: setup
	@QT_QPA_PLATFORM=offscreen $(BIN)/pytest -m soak --timeout=3600 $(ARGS)

# Everything one hands on, in out/: archive, Debian package, wheel, sdist, bills of materials, checksums.
package: setup
	@$(BIN)/python build/build.py --fresh-only
	@$(BIN)/python build/smoke.py
	@$(BIN)/python build/package.py

shot: setup
	@$(BIN)/sent shot $(ARGS)

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Needs uv: the locks carry hashes and no index address.
lock:
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 requirements/base.in -o requirements/base.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -c requirements/base.lock requirements/dev.in -o requirements/dev.lock

clean:
	rm -rf out .venv sent/ui/assets
