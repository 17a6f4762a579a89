PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
WHEEL := .venv-wheel
BENCH := .venv-bench
ECOSYSTEM := .venv-ecosystem
DISTRIBUTED := .venv-distributed
DOCS := .venv-docs
SITE := docs/_build/html
RELEASE := .venv-release
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: bench bench-quick bench-speed bench-cluster demo test test-oldest test-panel \
	test-wheel test-ecosystem test-distributed lint audit licenses clean docs docs-serve \
	docs-check

demo: $(VENV)/demo
	$(BIN)/python benchmarks/demo.py

bench: $(BENCH)/bench
	$(BENCH)/bin/python benchmarks/bench.py

bench-quick: $(BENCH)/bench
	$(BENCH)/bin/python benchmarks/bench.py --quick

bench-speed: $(VENV)/demo
	$(BIN)/python benchmarks/speed.py

bench-cluster: $(DISTRIBUTED)/test
	$(DISTRIBUTED)/bin/python benchmarks/cluster.py

test: $(VENV)/dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

# Packages that old warn of each other.
test-oldest: $(OLDEST)/test
	$(OLDEST)/bin/python -m pytest -n 2 -W default

# README's first example, by the wheel alone, outside the checkout.
test-wheel: constraints.txt pyproject.toml
	rm -rf $(WHEEL)
	$(PYTHON) -m venv $(WHEEL)
	$(WHEEL)/bin/pip wheel --quiet --no-deps --wheel-dir $(WHEEL)/dist .
	$(WHEEL)/bin/pip install --quiet --constraint constraints.txt torch
	$(WHEEL)/bin/pip install --quiet --constraint constraints.txt $(WHEEL)/dist/*.whl
	awk '/^```python/ {on = 1; next} /^```/ && on {exit} on' README.md \
		> $(WHEEL)/example.py
	cd / && "$(CURDIR)/$(WHEEL)/bin/python" -I -W error "$(CURDIR)/$(WHEEL)/example.py"

# Many series: more examples of each estimator.
test-panel: $(VENV)/dev
	SKTSDL_PANEL_EXAMPLES=500 $(BIN)/python -m pytest -n 2 tests/test_panel.py

# What the package does with other packages, the examples of docs/ecosystem.md, and the
# gallery; examples of files that SKTSDL_DATA does not have are skipped.
test-ecosystem: $(ECOSYSTEM)/test
	$(ECOSYSTEM)/bin/python -m pytest tests/ecosystem tests/test_time_index.py

# Searches on clusters, and one net in several processes, on the real engines.
test-distributed: $(DISTRIBUTED)/test
	$(DISTRIBUTED)/bin/python -m pytest tests/distributed \
		-o faulthandler_timeout=900 -o faulthandler_exit_on_timeout=true

# The site. Its source folder is the repository, so that links of pages to scripts and
# tables hold in both. The examples run on one thread, as in their texts.
docs: $(DOCS)/docs
	OMP_NUM_THREADS=1 $(DOCS)/bin/sphinx-build -W --keep-going -c docs \
		-d docs/_build/doctrees . $(SITE)

docs-serve: docs
	$(DOCS)/bin/python -m http.server --bind 127.0.0.1 --directory $(SITE) 8000

# Every page of the site, in Chromium.
docs-check: docs
	$(DOCS)/bin/python docs/check_site.py $(SITE)

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/python tools/check_words.py *.md docs examples sktsdl tests tools

# What pyright says of user code; mypy says it in `lint`.
.PHONY: types
types: $(VENV)/types
	$(BIN)/pyright --pythonpath $(BIN)/python

# What a release uploads: the sdist and the wheel, each checked and installed alone, and
# the tests of the sdist. TESTS are files of tests; none are all.
.PHONY: release-check
release-check: $(RELEASE)/tools
	rm -rf $(RELEASE)/dist $(RELEASE)/source $(RELEASE)/whl $(RELEASE)/tar.gz
	$(RELEASE)/bin/python -m build --outdir $(RELEASE)/dist .
	$(RELEASE)/bin/twine check --strict $(RELEASE)/dist/*
	$(RELEASE)/bin/check-wheel-contents $(RELEASE)/dist/*.whl
	mkdir $(RELEASE)/source
	tar -xzf $(RELEASE)/dist/*.tar.gz -C $(RELEASE)/source --strip-components 1
	awk '/^```python/ {on = 1; next} /^```/ && on {exit} on' \
		$(RELEASE)/source/README.md > $(RELEASE)/example.py
	for kind in whl tar.gz; do \
		env="$(CURDIR)/$(RELEASE)/$$kind" && $(PYTHON) -m venv $$env && \
		$$env/bin/pip install --quiet --constraint constraints.txt torch && \
		$$env/bin/pip install --quiet --constraint constraints.txt \
			$(RELEASE)/dist/*.$$kind && \
		(cd / && $$env/bin/python -I -W error "$(CURDIR)/$(RELEASE)/example.py") && \
		diff --recursive --exclude __pycache__ $(RELEASE)/source/sktsdl \
			$$env/lib/python3*/site-packages/sktsdl || exit 1; \
	done
	$(RELEASE)/tar.gz/bin/pip install --quiet --constraint constraints.txt \
		"$(RELEASE)/source[test]"
	cd $(RELEASE)/source && ../tar.gz/bin/python -m pytest -n 2 $(TESTS)

# Known vulnerabilities, asked of the package index: needs its JSON interface.
audit: $(VENV)/audit
	$(BIN)/pip check
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu//' > $(VENV)/audited.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip -r $(VENV)/audited.txt

licenses: $(VENV)/audit
	$(BIN)/pip-licenses --order=license --format=markdown

clean:
	rm -rf $(VENV) $(OLDEST) $(WHEEL) $(BENCH) $(ECOSYSTEM) $(DISTRIBUTED) $(DOCS)
	rm -rf $(RELEASE) docs/_build docs/gallery docs/generated sg_execution_times.rst

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

$(BENCH)/bench: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --constraint constraints.txt torch
	$(BENCH)/bin/pip install --quiet --constraint constraints.txt --editable ".[bench]"
	touch $@

$(VENV)/audit: $(VENV)/dev
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[audit]"
	touch $@

$(VENV)/types: $(VENV)/dev
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[types]"
	touch $@

$(RELEASE)/tools: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/pip install --quiet --constraint constraints.txt \
		build twine check-wheel-contents
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

# skforecast, mlforecast and sktime do not take pandas 3 yet.
$(ECOSYSTEM)/test: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(ECOSYSTEM)
	grep -v ^pandas== constraints.txt > $(ECOSYSTEM)/constraints.txt
	$(ECOSYSTEM)/bin/pip install --quiet --constraint $(ECOSYSTEM)/constraints.txt \
		torch
	$(ECOSYSTEM)/bin/pip install --quiet --constraint $(ECOSYSTEM)/constraints.txt \
		--editable ".[ecosystem]"
	touch $@

$(DISTRIBUTED)/test: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(DISTRIBUTED)
	$(DISTRIBUTED)/bin/pip install --quiet --constraint constraints.txt torch
	$(DISTRIBUTED)/bin/pip install --quiet --constraint constraints.txt \
		--editable ".[test,distributed]"
	touch $@

$(DOCS)/docs: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --constraint constraints.txt torch
	$(DOCS)/bin/pip install --quiet --constraint constraints.txt --editable ".[docs]"
	touch $@
