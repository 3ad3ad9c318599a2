# Everything from a fresh clone, with Python 3.11 to 3.13 and make.
#
#   make run      set up what is missing and run the CRM
#   make setup    the virtual environment alone, with what development needs
#   make test     every test, browser tests included    (ARGS="-k name" picks some)
#   make check    lint, types, imports
#   make fuzz     10,000 random requests, others each time
#   make storm    kill everything 200 times over a stream of writes; nothing may be lost
#   make import-storm  kill an import's worker and database 50 times; every row is there once
#   make axe      every page looked at by axe, in both languages, light and dark, wide and narrow
#   make bench    measure                               (ARGS=--quick for under a minute)
#   make docs     write the generated pages of docs/ anew

VENV := .venv
BIN := $(VENV)/bin
# What an environment depends on; newer than the stamp means: set up again.
PARTS := pyproject.toml package-lock.json build_assets.py build_styles.py \
    app/screens/static/icons.txt app/screens/static/tabler.txt scripts/setup

.PHONY: run setup test fuzz storm import-storm axe check bench docs clean

# exec, so that a signal for make's shell reaches Trellis itself.
run: $(VENV)/.ready-run
	@exec $(BIN)/trellis run

setup: $(VENV)/.ready-dev

# The stamps lie in the environment, so that removing it removes them.
$(VENV)/.ready-run: $(PARTS)
	@scripts/setup $(VENV) run

$(VENV)/.ready-dev: $(PARTS)
	@scripts/setup $(VENV) dev

test: setup
	@scripts/browser
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

fuzz: setup
	@FUZZ=10000 $(BIN)/python -m pytest tests/integration/api/test_fuzz.py $(ARGS)

storm: setup
	@STORM=200 $(BIN)/python -m pytest -n 0 tests/jobs/test_storm.py --log-cli-level=INFO $(ARGS)

import-storm: setup
	@IMPORT_STORM=50 $(BIN)/python -m pytest -n 0 tests/integration/transfer/test_killed.py --log-cli-level=INFO $(ARGS)

axe: setup
	@scripts/browser
	@AXE=all $(BIN)/python -m pytest -n 0 tests/e2e/test_screens.py -k every_page $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy app
	$(BIN)/lint-imports

bench: setup
	@$(BIN)/python -m bench $(ARGS)

docs: setup
	@$(BIN)/python -m app.reference
	@$(BIN)/python -m app.definitions.reference
	@$(BIN)/python -m app.fields.reference
	@$(BIN)/python -m tests.plugins.hooks_page

# Not the data: that is only ever removed by hand.
clean:
	rm -rf $(VENV) node_modules app/screens/static/vendor
