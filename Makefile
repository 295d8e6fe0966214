# `make demo` shows it, `make test` proves it; each sets itself up in .venv.

PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c '' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
READY := .venv/.ready
BENCH := .benchmarks/venv

.PHONY: demo test soak check bench services clean

demo: $(READY)
	@rm -rf demo-output
	@echo "A recorded session of a coding agent, event by event; secrets are redacted:"
	@$(BIN)/eventbus run examples/demo.toml --reader codex-rollout \
		--input examples/recordings/rollout-small.jsonl
	@echo "The same events are in demo-output/session.jsonl; the first one:"
	@head -n 1 demo-output/session.jsonl

test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 -m "not slow"

soak: $(READY)
	$(BIN)/python -m pytest -m slow --timeout=3600

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright

bench: $(BENCH)/.ready
	$(BENCH)/bin/python -m benchmarks --compare benchmarks/baseline.json

services:
	$(PYTHON) tests/services/get.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt pip
	$(BIN)/python -m pip install -q -c constraints.txt --group dev
	$(BIN)/python -m pip install -q -c constraints.txt --no-build-isolation -e '.[all,testing]'
	@touch $(READY)

$(BENCH)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt pip
	$(BENCH)/bin/python benchmarks/_install.py
	$(BENCH)/bin/python -m pip install -q -c constraints.txt --no-build-isolation -e '.[cli,otlp]'
	@touch $@

clean:
	rm -rf .venv .services .benchmarks dist demo-output
