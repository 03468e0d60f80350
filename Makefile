# Needs only make and a Python from 3.11 to 3.14; everything else goes into .venv.
#
#   make run          start the portal, with a demo group, on http://127.0.0.1:8000
#   make test         every test (installs a browser and a font when run as root)
#   make check        format, lint, types, import contracts, quick tests
#   make bench        figures against a baseline of the same run
#   make screenshots  the pictures of docs/screenshots/
#   make format       put the code into form

.POSIX:
.SUFFIXES:

PYTHON = $$(for each in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	$$each -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
	2>/dev/null && { command -v $$each; break; }; done)
VENV = .venv
BIN = $(VENV)/bin
RUNTIME = $(VENV)/runtime.stamp
DEVELOPMENT = $(VENV)/development.stamp
CATALOGUES = portal/ui/translations
# Compiled modules are kept, also where the environment says otherwise: a start takes half the time.
RUN = PYTHONDONTWRITEBYTECODE= $(BIN)/python
PIP = $(RUN) -m pip --disable-pip-version-check --quiet install --require-hashes
COMPILE = $(BIN)/python -m uv pip compile --quiet --universal --generate-hashes --only-binary :all: \
	--python-version 3.11 --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make requirements'
# The files that take longest come first, so that no core waits for the other at the end.
IN_TURN = -n 2 --dist loadfile --no-loadscope-reorder
QUICK = tests/integration/kernel tests/integration tests/web tests/unit tests/architecture

help:
	@sed -n 's/^#   //p' Makefile

run: $(RUNTIME) catalogues
	@PYTHONDONTWRITEBYTECODE= exec $(BIN)/python app.py run

test: $(DEVELOPMENT) catalogues browser
	$(RUN) -m pytest $(IN_TURN) tests/browser tests/isolation $(QUICK) tests

check: $(DEVELOPMENT) catalogues
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(BIN)/lint-imports
	$(RUN) -m pytest $(IN_TURN) -q $(QUICK)

bench: $(DEVELOPMENT) catalogues browser
	@$(RUN) -m benchmarks

screenshots: $(DEVELOPMENT) catalogues browser
	$(RUN) docs/screenshots/make.py

format: $(DEVELOPMENT)
	$(RUN) -m ruff check --fix --select I .
	$(RUN) -m ruff format .

# The venv is made anew only when missing; packages when the pins have changed.
$(RUNTIME): requirements.txt
	@test -x $(BIN)/python || { found=$(PYTHON); \
	test -n "$$found" || { echo 'No Python from 3.11 to 3.14 with venv was found.' \
	'On Debian or Ubuntu: apt-get install python3-venv' >&2; exit 1; }; \
	echo "making $(VENV) with $$found"; "$$found" -m venv $(VENV); }
	@echo 'installing requirements.txt'
	@$(PIP) -r requirements.txt
	@touch $@

$(DEVELOPMENT): $(RUNTIME) requirements-dev.txt
	@echo 'installing requirements-dev.txt'
	@$(PIP) -r requirements-dev.txt
	@touch $@

catalogues: $(RUNTIME)
	@for each in $$(find $(CATALOGUES) -name '*.po' 2>/dev/null); do \
	compiled="$${each%.po}.mo"; \
	if [ ! -e "$$compiled" ] || [ -n "$$(find "$$each" -newer "$$compiled")" ]; then \
	$(BIN)/pybabel --quiet compile -i "$$each" -o "$$compiled" || exit 1; fi; done

# Chromium and a Chinese font come from the system: they need root, once.
browser:
	@sh .ci/browser

requirements:
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

.PHONY: help run test check bench screenshots format catalogues browser requirements clean
