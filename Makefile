# adcanary: `make help` lists what there is.
SHELL := /bin/bash
UV_VERSION := 0.13.8
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
BIN := .venv/bin
# what a process compiles, the next one reads: tests and the demo start hundreds
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

setup: .venv/.synced ## Install the locked dependencies into .venv

demo: setup ## Run the whole loop on a simulated market and print the proposals
	@$(BIN)/adcanary sandbox demo

test: setup emulator analyzer ## Run the tests (the BigQuery emulator and Google's analyzer included)
	@$(BIN)/pytest -n logical --dist loadgroup

test-fast: setup ## Run the tests that start no emulator, no build, no browser and fit no model
	@$(BIN)/pytest -n logical --dist loadgroup --fast

bench: setup .bench/.ready ## Measure what docs/benchmarks.md tells; takes half an hour
	@$(BIN)/python -m tests.bench.landing
	@$(BIN)/python -m tests.bench.components
	@$(BIN)/python -m tests.bench.incremental_cost

check: setup ## Lint, format, types, import contracts, SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint --disable-progress-bar sql pipelines dbt

secure: .secure/.ready ## Look for secrets, audit what is locked, write build/sbom.json
	@git ls-files -z -- ':!*.lock' ':!*-lock.json' ':!*.png' ':!tests/unit/terraform_google_schema.json' | \
		xargs -0 .secure/venv/bin/detect-secrets-hook --no-verify --baseline .ci/secrets.json
	@.secure/venv/bin/python .ci/audit.py
	@mkdir -p build && .secure/venv/bin/python -W ignore -m cyclonedx_py requirements infra/docker/requirements.lock \
		--pyproject pyproject.toml --output-reproducible -o build/sbom.json
	@echo "build/sbom.json: what the image holds, as CycloneDX"

coverage: setup ## Measure branches of pipelines that the fast and wire tests run; at least 85%
	@$(BIN)/pytest -n logical --dist loadgroup tests/unit tests/wire --cov

fix: setup ## Mend what lint can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix --disable-progress-bar sql pipelines dbt

sources: setup ## Write dbt's sources anew, as the contracts of the raw tables say
	@$(BIN)/python -m pipelines.dbt_sources > dbt/models/sources/raw.yml.new
	@mv dbt/models/sources/raw.yml.new dbt/models/sources/raw.yml

statements: setup ## Write anew what a list of proposals asks, as DuckDB reads it
	@$(BIN)/python -m pipelines.proposals.shipped_statements > pipelines/warehouse/shipped.json.new
	@mv pipelines/warehouse/shipped.json.new pipelines/warehouse/shipped.json

emulator: .emulator/.ready ## Install the BigQuery emulator into an environment of its own

analyzer: .analyzer/.ready ## Install Google's SQL analyzer (ZetaSQL; needs npm)

# Playwright drives the system's own browser: nothing is downloaded but a package of the system.
chromium: ## Install Chromium for the tests of the review page, where apt-get can; they skip without it
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
		command -v google-chrome >/dev/null || \
		{ as_root=$$([ "$$(id -u)" = 0 ] || echo sudo -n); \
		$$as_root apt-get update -qq && \
		$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
			chromium >/dev/null; } || \
		echo "Chromium can't be installed here: the tests of the review page will skip, saying so"

lock: $(UV) ## Lock dependencies anew, without index addresses
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--group dev --python-version 3.11 pyproject.toml -o requirements.lock
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 -c requirements.lock pyproject.toml -o infra/docker/requirements.lock
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 -c requirements.lock infra/docker/worker-requirements.txt \
		-o infra/docker/worker-requirements.lock
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 tests/wire/emulator-requirements.txt -o tests/wire/emulator-requirements.lock
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 tests/bench/dlt-requirements.txt -o tests/bench/dlt-requirements.lock
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 .ci/secure-requirements.txt -o .ci/secure-requirements.lock
	@for peer in $(PEERS); do \
		$(UV) pip compile --no-config --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
			--python-version 3.12 tests/bench/$$peer-requirements.txt \
			-o tests/bench/$$peer-requirements.lock || exit 1; \
	done

# dbt's own page takes fifteen seconds more than the rest; a site without it is complete but for the lineage.
docs: setup ## Build the documentation into site/, with the models' lineage
	@$(BIN)/python docs/hooks/lineage.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "Open site/index.html; to search, serve it: $(BIN)/python -m http.server -d site"

clean: ## Remove everything that was installed or made here
	@rm -rf .venv .uv .emulator .analyzer .bench .secure build site .adcanary dbt/target dbt/logs

.uv/bin/uv:
	@echo "Bringing uv $(UV_VERSION) into .uv"
	@python3 -m venv .uv && .uv/bin/pip install --quiet uv==$(UV_VERSION)

.venv/.synced: $(UV) requirements.lock pyproject.toml
	@echo "Installing the locked dependencies into .venv (about 3.4 GB; the first time takes a while)"
	@test -d .venv || $(UV) venv --quiet --python '>=3.11,<3.13' .venv
	@VIRTUAL_ENV=.venv $(UV) pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --editable .
	@touch $@

.secure/.ready: $(UV) .ci/secure-requirements.lock
	@echo "Installing pip-audit, detect-secrets and cyclonedx-bom into .secure"
	@test -d .secure/venv || $(UV) venv --quiet --python '>=3.11,<3.13' .secure/venv
	@VIRTUAL_ENV=.secure/venv $(UV) pip sync --quiet --require-hashes .ci/secure-requirements.lock
	@touch $@

.emulator/.ready: $(UV) tests/wire/emulator-requirements.lock
	@echo "Installing the BigQuery emulator into .emulator"
	@test -d .emulator/venv || $(UV) venv --quiet --python '>=3.11,<3.13' .emulator/venv
	@VIRTUAL_ENV=.emulator/venv $(UV) pip sync --quiet --require-hashes tests/wire/emulator-requirements.lock
	@mkdir -p .emulator/home
	@HOME=$(CURDIR)/.emulator/home .emulator/venv/bin/python -c \
		'from duckdb_extensions import import_extension; import_extension("spatial")'
	@touch $@

# Of the package's 340 MB only this machine's server and the protocol are kept.
.analyzer/.ready: tests/conformance/package-lock.json tests/conformance/package.json
	@echo "Installing Google's SQL analyzer into .analyzer (about 90 MB)"
	@rm -rf .analyzer && mkdir .analyzer
	@cp tests/conformance/package.json tests/conformance/package-lock.json tests/conformance/.npmrc .analyzer/
	@npm ci --prefix .analyzer --ignore-scripts --no-audit --no-fund --loglevel=error
	@case "$$(uname -s) $$(uname -m)" in \
		"Linux x86_64") server=remote_server.so ;; \
		"Linux aarch64") server=remote_server_arm.so ;; \
		"Darwin arm64") server=remote_server_arm ;; \
		*) server=remote_server ;; \
	esac; \
	cd .analyzer && package=node_modules/@fivetrandevelopers/zetasql/lib/zetasql && \
	mv "$$package/$$server" server && mv "$$package/protos" protos && rm -rf node_modules
	@touch $@

.bench/.ready: $(UV) tests/bench/dlt-requirements.lock
	@echo "Installing dlt, which the benchmark compares with, into .bench"
	@test -d .bench/venv || $(UV) venv --quiet --python '>=3.11,<3.13' .bench/venv
	@VIRTUAL_ENV=.bench/venv $(UV) pip sync --quiet --require-hashes tests/bench/dlt-requirements.lock
	@touch $@

# The wheel is only unpacked: two of its modules are read as data (tests/bench/worlds.py).
.bench/worlds/.ready: $(UV)
	@echo "Unpacking mmm-framework, whose planted worlds the benchmark judges decisions on"
	@mkdir -p .bench
	@$(UV) pip install --quiet --no-deps --python-version 3.12 --target .bench/worlds mmm-framework==1.5.0
	@touch $@

# Peers of the media mix benchmarks: one environment each, as they don't resolve together (3 GB).
PEERS := framework pymc meridian
.bench/peers/.ready: $(UV) $(PEERS:%=tests/bench/%-requirements.lock)
	@echo "Installing $(PEERS), which the media mix benchmarks compare with, into .bench/peers"
	@for peer in $(PEERS); do \
		test -d .bench/peers/$$peer || \
			$(UV) venv --quiet --python '>=3.12,<3.13' .bench/peers/$$peer || exit 1; \
		VIRTUAL_ENV=.bench/peers/$$peer $(UV) pip sync --quiet --require-hashes \
			tests/bench/$$peer-requirements.lock || exit 1; \
	done
	@touch $@

.PHONY: help setup demo test test-fast bench check secure coverage fix sources statements docs emulator analyzer chromium lock clean
