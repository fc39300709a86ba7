# On a fresh Debian machine with Python 3.11 or newer, `make demo` and `make test` do all the set-up themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
RECIPE ?= recipes/pretrain-cromss-mid.yaml
OUT    ?= runs/pretrain
JOBS   ?= 2

# Some images forbid Python to keep compiled modules; each of a build's processes would compile all it imports again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup browser openssh demo notebooks docs test lint pretrain compare clean
.DEFAULT_GOAL := help

help:  ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## Make .venv with everything in it (about 7 GB, most of it torch)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'make: Python 3.11 or newer is needed; name one with PYTHON=python3.12'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { apt-get update && apt-get install -y python3-venv && $(PYTHON) -m venv --clear $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@touch $@

browser:  # The report's tests look at the page in a real browser.
	@command -v chromium >/dev/null || { apt-get update -q && apt-get install -q -y --no-install-recommends chromium; }

openssh:  # Manifests are signed, in the tests too, by ssh-keygen.
	@command -v ssh-keygen >/dev/null || { apt-get update -q && apt-get install -q -y --no-install-recommends openssh-client; }

demo: $(READY)  ## Build NoLDO-S12 in miniature on the local Earth Engine and pretrain CromSS on it
	$(BIN)/noldo build recipes/demo.yaml --out runs/demo

notebooks: $(READY)  ## Execute all notebooks on the local Earth Engine; their copies with outputs come to runs/notebooks
	$(BIN)/noldo build recipes/demo.yaml --out runs/demo
	test -d runs/experts || $(BIN)/noldo emulator experts runs/experts
	$(BIN)/noldo build recipes/demo-dw.yaml --out runs/demo-dw --workers 2
	mkdir -p runs/notebooks
	$(BIN)/jupyter-execute --output='../runs/notebooks/{notebook_name}' notebooks/*.ipynb

docs: $(READY)  ## Build the documentation into runs/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo 'open runs/docs/index.html; with search: $(BIN)/python -m http.server -d runs/docs'

test: $(READY) browser openssh  ## Lint, types, import contract and the whole test suite
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict containers
	$(BIN)/mypy --strict documentation
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

lint: $(READY)  ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pretrain: $(READY)  ## Pretrain on a store: make pretrain STORE=runs/demo [RECIPE=...] [OUT=...]
	@test -n '$(STORE)' || { echo 'make: name the store, for example: make pretrain STORE=runs/demo'; exit 2; }
	$(BIN)/noldo pretrain $(RECIPE) --store $(STORE) --out $(OUT) --resume

compare: $(READY)  ## Pretrain all variants and transfer each to three small downstream sets, on the local Earth Engine
	$(BIN)/noldo build recipes/demo.yaml --out runs/demo
	test -d runs/experts || $(BIN)/noldo emulator experts runs/experts
	$(BIN)/noldo build recipes/demo-dw.yaml --out runs/demo-dw --workers 2
	$(BIN)/noldo build recipes/demo-osm.yaml --out runs/demo-osm
	test -d runs/dfc2020-files || $(BIN)/noldo emulator dfc2020 runs/dfc2020-files
	$(BIN)/noldo import dfc2020 runs/dfc2020-files --out runs/demo-dfc2020
	$(BIN)/noldo compare recipes/compare-demo.yaml --out runs/compare

release-demo: $(READY)  ## Build the demo anew, verify it, and file its manifest under manifests/
	@test -z "$$(git status --porcelain --untracked-files=no)" || { echo 'make: a released manifest names the commit that made it: commit your changes first'; exit 1; }
	rm -rf runs/release-demo
	$(BIN)/noldo build recipes/demo.yaml --out runs/release-demo --until manifest
	$(BIN)/noldo manifest verify runs/release-demo
	version=$$($(BIN)/noldo manifest publish runs/release-demo manifests/demo --dry-run --json | $(BIN)/python -c 'import json, sys; print(json.load(sys.stdin)["version"])') \
	&& rm -rf manifests/demo/$$version && mkdir -p manifests/demo/$$version \
	&& cp -r runs/release-demo/manifest manifests/demo/$$version/
	rm -rf runs/release-demo

clean:  ## Remove what was built, the environment included
	rm -rf $(VENV) runs build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
