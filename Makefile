# `make run` and `make test` are the two commands; `make help` lists the rest.
# Everything is installed into .venv from the hashed locks in requirements/, and only when a lock changed.

# Recipes stop at the first failing command; dash, Debian's sh, knows no pipefail and none is used.
.SHELLFLAGS := -eu -c
MAKEFLAGS += --no-print-directory
# A stamp file must not outlive the failed install that was to earn it.
.DELETE_ON_ERROR:

# ONNX Runtime's wheels report their use to its makers unless told not to.
export ORT_DISABLE_TELEMETRY := 1

# Against settings that someone's shell has for other programs: pip installs into .venv (0 overrides pip.conf, too),
# Python imports from .venv and this folder, and Matplotlib has another backend than that of Jupyter, which is not there.
export PIP_USER := 0
export MPLBACKEND := agg
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PYTHONHOME PYTHONPATH PYTHONSAFEPATH

PORT ?= 8000
# Further arguments: make train ARGS="--set units=256", make test ARGS=tests/service, make lock ARGS=--upgrade
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# -qq: errors only; a warning about someone's own pip settings helps nobody here.
QUIET = -qq
PIP = $(BIN)/python -m pip --disable-pip-version-check --no-input $(QUIET)
INSTALL = $(PIP) install --require-hashes
# The servers that `make bench ARGS=peers` compares have an environment of their own.
PEERS := $(VENV)/peers
PEERS_INSTALL := $(INSTALL:$(BIN)/%=$(PEERS)/bin/%)
LM_EVAL := $(VENV)/lm-eval
# The chart's tests have a folder of their own: 60 MB, of which 40 MB hold the binary of Helm.
CHART := $(VENV)/chart
# A process of tests for each core, and no more than four: each has TensorFlow and servers of its own.
# ARGS="-n0 …" runs the tests in one process, ARGS="--pdb …" too.
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal
# What ruff and mypy read.
CODE := $(wildcard benchmarks charloom.py model_store service tests training)

.PHONY: help run test slow-test browser-test lint format bench train has-corpus lock compose-test chart-test processor-test lm-eval-test soak clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

# exec, so that a signal to make reaches the server itself.
run: $(VENV)/serve.stamp ## serve on PORT (8000) until Ctrl-C
	@PORT=$(PORT) exec $(BIN)/python -m service

test: lint ## lint, check types and run the quick tests; ARGS goes to pytest
	@$(PYTEST) -m "not slow" $(ARGS)

# Apart from `test`, so that `test` takes less than ten minutes on two slow cores.
slow-test: $(VENV)/dev.stamp ## run the other tests: whole trainings, kills amid trainings, the lecture's systems
	@$(PYTEST) -m slow $(ARGS)

browser-test: $(VENV)/dev.stamp ## try the page in headless Chromium (skips where there is none)
	@tests/browser/run

lint: $(VENV)/dev.stamp ## ruff and mypy alone
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy

format: $(VENV)/dev.stamp ## rewrite the code as ruff wants it
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

# The peers are installed only when they are asked for: llama.cpp takes minutes to build.
bench: $(VENV)/dev.stamp $(if $(filter peers,$(ARGS)),$(PEERS)/peers.stamp) ## measure, on this machine
	@$(BIN)/python -m benchmarks $(ARGS)

train: has-corpus $(VENV)/train.stamp ## train CORPUS (a file, a folder, a URL, shakespeare) and publish it as NAME
	@$(BIN)/python -m training --corpus "$(CORPUS)" --name "$(NAME)" $(ARGS)

# Asked before anything is installed.
has-corpus:
	@test -n "$(CORPUS)" && test -n "$(NAME)" || { \
	  echo 'usage: make train CORPUS=my.txt NAME=mine [ARGS="--set epochs=5"]' >&2; exit 2; }

compose-test: ## build the images and try docker-compose for real (needs root and an engine, else skips)
	@python3 -m tests.compose

chart-test: $(VENV)/dev.stamp $(CHART)/chart.stamp ## render the Helm chart and check each document (no cluster)
	@PYTHONPATH=$(CHART) $(BIN)/python -m pytest -o python_files='*_test.py' $(ARGS) tests/chart

processor-test: $(VENV)/dev.stamp ## compute on emulated processors, AVX2 alone and Arm (needs root or QEMU, else skips)
	@$(BIN)/python -m tests.processors.processor_test

lm-eval-test: $(VENV)/dev.stamp $(LM_EVAL)/lm-eval.stamp ## compare lm-eval's perplexity with the training's (installs 0.8 GB, else skips)
	@$(BIN)/python -m tests.lm_eval.lm_eval_test

soak: $(VENV)/dev.stamp ## 20 minutes of clients and faults; ARGS="--warm 20 --seconds 60" takes four
	@$(BIN)/python -m tests.soak $(ARGS)

# The locks hold names, versions and hashes; never an address, so that any index will do. dev comes first:
# it holds everything, and the two others take their versions from it.
UV = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet
COMPILE = $(UV) pyproject.toml

lock: | $(VENV)/venv.stamp ## remake requirements/*.txt from pyproject.toml; ARGS=--upgrade for newer versions
	@$(PIP) install uv
	@$(COMPILE) $(ARGS) --extra dev --output-file requirements/dev.txt
	@$(COMPILE) --extra training --extra s3 --constraints requirements/dev.txt --no-annotate --output-file requirements/train.txt
	@$(COMPILE) --extra s3 --constraints requirements/dev.txt --no-annotate --output-file requirements/serve.txt
	@$(UV) requirements/peers.in $(ARGS) --constraints requirements/dev.txt --no-annotate --output-file requirements/peers.txt
	@$(UV) requirements/lm-eval.in $(ARGS) --no-annotate --output-file requirements/lm-eval.txt
	@$(UV) requirements/chart.in $(ARGS) --no-deps --no-annotate --output-file requirements/chart.txt
	@! grep -n '://' requirements/*.txt

clean: ## remove .venv and what tools left behind; trained models in models/ stay
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment for all: serving installs the least, training and developing add to it.
# The training libraries take 2 GB and minutes, so pip shows what it fetches.
$(VENV)/train.stamp: QUIET =
$(VENV)/%.stamp: requirements/%.txt | $(VENV)/venv.stamp
	@echo "charloom: installing requirements/$*.txt into $(VENV) …"
	@$(INSTALL) -r $<
	@touch $@

# What must be compiled comes second and alone, so that a machine without a compiler has the other peers.
COMPILED := /^llama-cpp-python==/,/[^\\]$$/

$(PEERS)/peers.stamp: requirements/peers.txt | $(VENV)/venv.stamp
	@echo "charloom: installing $< into $(PEERS); the build of llama.cpp takes minutes …"
	@$(BIN)/python -m venv --clear $(PEERS)
	@sed '$(COMPILED)d' $< >$(PEERS)/wheels.txt
	@sed -n '$(COMPILED)p' $< >$(PEERS)/compiled.txt
	@$(PEERS_INSTALL) -r $(PEERS)/wheels.txt
	@$(PEERS_INSTALL) --no-deps -r $(PEERS)/compiled.txt || \
	  echo "charloom: llama.cpp cannot be built and is skipped; rm $@ has it tried again" >&2
	@touch $@

$(CHART)/chart.stamp: requirements/chart.txt | $(VENV)/venv.stamp
	@echo "charloom: installing $< into $(CHART) …"
	@rm -rf $(CHART)
	@$(INSTALL) --no-deps --target $(CHART) -r $<
	@touch $@

# Without a network there is no lm-eval, and the test that needs it says so and skips. The lock is complete; pip 23,
# which Python 3.11 brings, resolves packages with extras (typepy[datetime]) beside the lock.
$(LM_EVAL)/lm-eval.stamp: requirements/lm-eval.txt | $(VENV)/venv.stamp
	@echo "charloom: installing $< into $(LM_EVAL) …"
	@$(BIN)/python -m venv --clear $(LM_EVAL)
	@if $(INSTALL:$(BIN)/%=$(LM_EVAL)/bin/%) --no-deps -r $<; then touch $@; else \
	  echo 'charloom: lm-eval cannot be installed here' >&2; rm -rf $(LM_EVAL); fi

# The stamp comes last, so an interrupted creation is begun again (--clear) rather than used.
# ensurepip is what Debian leaves out of its Python.
USABLE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))

# No wheel of ONNX Runtime is for an older glibc, or for another C library, such as Alpine's.
OLDEST_GLIBC := 2.28
HAS_GLIBC := import platform, sys; name, version = platform.libc_ver(); \
  sys.exit(name != "glibc" or [*map(int, version.split("."))] < [*map(int, sys.argv[1].split("."))])

# On a processor without SSE4.2 an import of NumPy ends with an illegal instruction and no message. Arm has Features.
PROCESSOR := ^flags.* sse4_2|^Features
CPUINFO := /proc/cpuinfo

# Other systems lack memory files, /proc and the limits that the service reads.
$(VENV)/venv.stamp:
	@test "$$(uname -s)" = Linux || { \
	  echo 'charloom: runs on Linux alone; on macOS or Windows use docker-compose up, or WSL 2 on Windows' >&2; exit 1; }
	@grep -qE '$(PROCESSOR)' $(CPUINFO) || { \
	  echo 'charloom: needs a processor with SSE4.2 to serve and AVX to train;' \
	  'give a virtual machine the processor type host' >&2; exit 1; }
	@for python in python3.11 python3.12 python3.13 python3 python; do \
	  if $$python -c '$(USABLE)' 2>/dev/null; then \
	    $$python -c '$(HAS_GLIBC)' $(OLDEST_GLIBC) || { echo 'charloom: needs glibc $(OLDEST_GLIBC) or newer' \
	      '(Debian 10, Ubuntu 20.04, RHEL 8); elsewhere, as on Alpine, use docker-compose up' >&2; exit 1; }; \
	    echo "charloom: creating $(VENV) with $$($$python --version) …"; \
	    $$python -m venv --clear $(VENV); \
	    touch $@; exit 0; \
	  fi; \
	done; \
	echo 'charloom: found no Python 3.11, 3.12 or 3.13 with venv on the PATH (on Debian: apt install python3-venv)' >&2; \
	exit 1
