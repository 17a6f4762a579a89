PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: bench-speed demo test test-oldest lint clean

demo: $(VENV)/demo
	$(BIN)/python benchmarks/demo.py

bench-speed: $(VENV)/demo
	$(BIN)/python benchmarks/speed.py

test: $(VENV)/dev
	$(BIN)/python -m pytest -n 2

# Packages that old warn of each other.
test-oldest: $(OLDEST)/test
	$(OLDEST)/bin/python -m pytest -n 2 -W default

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) $(OLDEST)

# torch comes first, so that its build is chosen by this version alone.
$(VENV)/torch: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	touch $@

$(VENV)/demo: $(VENV)/torch pyproject.toml
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[plot]"
	touch $@

$(VENV)/dev: $(VENV)/torch pyproject.toml
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

# The lowest version of each package that is declared; but not of torch, as an old one
# comes with gigabytes of CUDA.
$(OLDEST)/test: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(OLDEST)
	grep ^torch== constraints.txt > $(OLDEST)/constraints.txt
	grep -oE '"[a-z-]+>=[0-9.]+"' pyproject.toml | tr -d '"' | sed s/\>=/==/ \
		| grep -v ^torch >> $(OLDEST)/constraints.txt
	$(OLDEST)/bin/pip install --quiet --constraint $(OLDEST)/constraints.txt torch
	$(OLDEST)/bin/pip install --quiet --constraint $(OLDEST)/constraints.txt \
		--editable ".[test]"
	touch $@
