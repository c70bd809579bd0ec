# Everything a person or CI does here is one of these. `make help` lists them.
.DEFAULT_GOAL := help
N = 1,4
.PHONY: schemas help install run test check lint types unit e2e e2e-sip bench soak fmt lock clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Create .venv with Parley in it, and what it needs of the system
	@scripts/bootstrap

run: install ## Start Parley in the foreground (the page is at http://127.0.0.1:8080)
	@exec .venv/bin/parley serve

test: ## Everything that must hold: lint, types, imports, and every test
	@scripts/bootstrap --dev
	@scripts/test

check: lint types ## Lint and types, without the tests

lint: ## Style, mistakes, and which module may import which
	@scripts/bootstrap --dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports --no-logo

types: ## mypy, strict, on source and tests
	@scripts/bootstrap --dev
	.venv/bin/mypy

unit: ## The quick tests: no network, no process
	@scripts/bootstrap --dev
	@.venv/bin/python -m pytest -m "unit or contract"

e2e: ## The slow ones: a real browser talks with a running Parley
	@scripts/bootstrap --dev
	@.venv/bin/python -m pytest -m e2e

e2e-sip: ## A real SIP telephone calls through a real Asterisk (root on Debian; not part of the tests)
	@scripts/bootstrap --dev
	@.venv/bin/python -m scripts.e2e_sip

bench: ## Measure Parley beside a bare baseline, here and now (N=1,4 calls; ten phone calls)
	@scripts/bootstrap --dev
	@.venv/bin/python -m scripts.bench --calls $(N)

soak: ## A thousand callers of every kind, half of them ill-behaved: nothing may be left behind (ten minutes)
	@scripts/bootstrap --dev
	@.venv/bin/python -m scripts.soak

fmt: ## Put the code into its one format
	@scripts/bootstrap --dev
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

schemas: ## Write the JSON Schemas of the catalog's files anew, for editors
	@scripts/bootstrap --dev
	@.venv/bin/python scripts/schemas

lock: ## Pin every dependency anew, in requirements.lock and requirements-dev.lock
	scripts/lock

clean: ## Remove what was made here, .venv included; the data folder stays
	rm -rf .venv build dist media/native/*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
