# ood_face. `make` alone lists the targets; a variable is set as in `make serve PYTHON=python3.12`.
#
# Two environments, each made once. Packages are installed again only when its lock file changes, the
# project itself when pyproject.toml or its C sources do:
#   .venv      what serving needs, and nothing else (no torch)
#   .venv-dev  tests, checks, benchmarks and training

PYTHON ?= python3

# Packages come from deploy/locks/*.lock with their hashes. torch alone is not in a lock, because
# the right build differs between machines. As it stands, pip's own settings choose it. On a
# machine without an accelerator, the index of PyTorch's CPU builds (its address is on PyTorch's
# installation page) saves several gigabytes:
#   make test TORCH_PIP_ARGS="--index-url ADDRESS"
TORCH ?= torch==2.13.0
TORCH_PIP_ARGS ?=

PYTEST_ARGS ?=
BENCH_ARGS ?=
LOAD_ARGS ?=
SOAK_ARGS ?=

# Training and evaluation: where the inputs lie and where the results go (see README, Training).
# DATA_DIR holds faces/ (train-*.tar, cfp-00.tar, the pair lists), ood/ and teachers/.
DATA_DIR ?= ../shared
FACES_DIR ?= $(DATA_DIR)/faces
TEACHER ?= $(DATA_DIR)/teachers/mobilefacenet_mbf.onnx
RUN_DIR ?= runs/train
MODEL ?= rts-own
DEVICE ?= cpu
DISTILL_ARGS ?=
RTS_ARGS ?=
RELEASE_ARGS ?=
EVALUATE_ARGS ?=

SERVE_PYTHON := .venv/bin/python
DEV_PYTHON := .venv-dev/bin/python
FACENET_PYTHON := .venv-facenet/bin/python
PEERS_PYTHON := .venv-peers/bin/python
# compiled where the project is installed
NATIVE := $(wildcard ood_face/native/*.c ood_face/native/*.h)
C_WARNINGS := -std=c11 -Wall -Wextra -Werror -fsyntax-only
SUPERVISORCTL := .venv/bin/supervisorctl -c deploy/supervisord.conf
PROGRAM := face-recognition-ood

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup serve test coverage check format bench load soak train evaluate supervise \
	status restart logs unsupervise lock settings test-facenet chromium check-python clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' Makefile

# ---- use -------------------------------------------------------------------------------------

setup: .venv/.installed ## make the serving environment .venv

serve: .venv/.installed ## start page and API on http://127.0.0.1:7860
	$(SERVE_PYTHON) -m webui

supervise: .venv/.installed ## start the server under supervisord, in the background
	@install -d -m 0700 var/run && install -d -m 0750 var/log
	@if $(SUPERVISORCTL) pid >/dev/null 2>&1; then \
		echo "supervisord is running already; 'make restart' restarts the server"; \
	else \
		.venv/bin/supervisord -c deploy/supervisord.conf && \
		echo "started; 'make status' shows the state, 'make logs' the log"; \
	fi

status: .venv/.installed ## state of the supervised server
	@$(SUPERVISORCTL) status

restart: .venv/.installed ## restart the supervised server
	@$(SUPERVISORCTL) restart $(PROGRAM)

logs: .venv/.installed ## follow the supervised server's log
	@$(SUPERVISORCTL) tail -f $(PROGRAM)

unsupervise: .venv/.installed ## stop the server and supervisord
	@pid=$$($(SUPERVISORCTL) pid) || { echo "supervisord is not running"; exit 0; }; \
	$(SUPERVISORCTL) shutdown; \
	n=0; while kill -0 "$$pid" 2>/dev/null; do \
		n=$$((n + 1)); \
		[ $$n -le 450 ] || { echo "supervisord ($$pid) is not down after 45 s"; exit 1; }; \
		sleep 0.1; \
	done

# ---- development -----------------------------------------------------------------------------

test: .venv-dev/.installed chromium ## run all tests
	$(DEV_PYTHON) -m pytest $(PYTEST_ARGS)

coverage: .venv-dev/.installed chromium ## run all tests and measure branch coverage
	$(DEV_PYTHON) -m pytest --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

check: .venv-dev/.installed ## linters, types, layers, C warnings, security
	$(DEV_PYTHON) -m ruff check .
	$(DEV_PYTHON) -m ruff format --check .
	$(DEV_PYTHON) -m mypy
	.venv-dev/bin/lint-imports
	$(DEV_PYTHON) -m bandit --quiet --severity-level medium --configfile pyproject.toml \
		--recursive ood_face webui deploy
	@if command -v $(firstword $(CC)) >/dev/null 2>&1; then \
		echo "$(CC) $(C_WARNINGS) ood_face/native/*.c"; \
		$(CC) $(C_WARNINGS) ood_face/native/*.c; \
	else \
		echo "There is no C compiler here ($(CC)): ood_face/native/*.c is not checked"; \
	fi
	$(DEV_PYTHON) deploy/audit_dependencies.py

format: .venv-dev/.installed ## sort imports and format
	$(DEV_PYTHON) -m ruff check --select I --fix .
	$(DEV_PYTHON) -m ruff format .

# what others offer is measured in an environment of its own; PEERS_PYTHON=.venv-facenet/bin/python
# takes the one with all of facenet-pytorch's own pins (make test-facenet makes it)
bench: .venv-dev/.installed .venv-peers/.installed ## measure; prints tables, writes JSON into build/bench
	BENCH_PEERS_PYTHON=$(PEERS_PYTHON) $(DEV_PYTHON) -m tests.benchmark.run $(BENCH_ARGS)

load: .venv-dev/.installed ## the server under 1 to 64 clients, and beyond what it can take
	$(DEV_PYTHON) -m tests.benchmark.load $(LOAD_ARGS)

soak: .venv-dev/.installed ## 20,000 requests of random sizes; nothing may grow
	$(DEV_PYTHON) -m tests.benchmark.soak $(SOAK_ARGS)

train: .venv-dev/.installed ## distil, train RTS, refit, release as weights/$(MODEL)
	@test -d "$(FACES_DIR)" || { echo "FACES_DIR=$(FACES_DIR) is no folder: set it to the folder" \
		"with train-*.tar"; exit 1; }
	@test -f "$(TEACHER)" || { echo "TEACHER=$(TEACHER) is no file: set it to the teacher's" \
		".onnx"; exit 1; }
	$(DEV_PYTHON) -m ood_face.training.distill --faces-dir "$(FACES_DIR)" --teacher "$(TEACHER)" \
		--run-dir "$(RUN_DIR)/distill" --device $(DEVICE) $(DISTILL_ARGS)
	$(DEV_PYTHON) -m ood_face.training.rts --faces-dir "$(FACES_DIR)" --teacher "$(TEACHER)" \
		--start "$(RUN_DIR)/distill/last.pt" --run-dir "$(RUN_DIR)/rts" --device $(DEVICE) $(RTS_ARGS)
	$(DEV_PYTHON) -m ood_face.training.refit "$(RUN_DIR)/rts/last.pt" \
		"$(RUN_DIR)/rts/refitted.pt" --faces-dir "$(FACES_DIR)" --teacher "$(TEACHER)"
	$(DEV_PYTHON) -m ood_face.training.release "$(RUN_DIR)/rts/refitted.pt" \
		--runs "$(RUN_DIR)/distill" "$(RUN_DIR)/rts" --weights-dir weights --name "$(MODEL)" \
		--faces-dir "$(FACES_DIR)" $(RELEASE_ARGS)
	$(DEV_PYTHON) -m ood_face.training.quantize --weights-dir weights --name "$(MODEL)" \
		--faces-dir "$(FACES_DIR)"

evaluate: .venv-dev/.installed ## measure the default model; writes report and model card
	@test -d "$(DATA_DIR)/faces" || { echo "DATA_DIR=$(DATA_DIR) has no folder faces: set it to" \
		"the folder with faces/ and ood/"; exit 1; }
	$(DEV_PYTHON) -m ood_face.cli evaluate --data "$(DATA_DIR)" $(EVALUATE_ARGS)

test-facenet: .venv-facenet/.installed ## tests with the optional facenet-pytorch detector (5 GB)
	$(FACENET_PYTHON) -m pytest -m facenet tests/contract tests/golden $(PYTEST_ARGS)

settings: .venv-dev/.installed ## rewrite deploy/env.example and the README's table of settings
	$(DEV_PYTHON) deploy/settings_reference.py

clean: ## remove environments, caches and build results; weights, runs and logs stay
	rm -rf .venv .venv-dev .venv-facenet .venv-peers build dist *.egg-info .cache .coverage htmlcov \
		.mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -f ood_face/native/_native.*.so
	find ood_face webui tests deploy -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- environments ----------------------------------------------------------------------------

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "ood_face needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is:" \
		"$$($(PYTHON) --version 2>&1). Choose another: make PYTHON=python3.11 ..."; exit 1; }

# $(call environment,FOLDER): make a virtual environment unless a working one is there
define environment
$(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(1) || { \
	echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv"; \
	exit 1; }
endef

# $(call install-project,PYTHON): compiles what is in C, too, or does without where it cannot. The
# warning that is kept quiet says that setuptools may change how pyproject.toml names C sources.
define install-project
PYTHONWARNINGS='ignore:`[tool.setuptools.ext-modules]`' \
	$(1) -m pip install --quiet --no-deps --no-build-isolation --editable .
@$(1) -c "from ood_face.native import library; library()" 2>/dev/null || \
	echo "The parts in C were not compiled: see 'Without a C compiler' in ood_face/native/README.md"
endef

.venv/.packages: deploy/locks/serve.lock | check-python
	@echo "Setting up .venv, once; this takes a minute or two."
	@$(call environment,.venv)
	$(SERVE_PYTHON) -m pip install --quiet --no-compile --require-hashes -r deploy/locks/serve.lock
	@touch $@

.venv/.installed: .venv/.packages pyproject.toml $(NATIVE)
	$(call install-project,$(SERVE_PYTHON))
	@# compiles what serving imports, and leaves the rest of the packages as it is
	@$(SERVE_PYTHON) -c "import webui.server, ood_face.embedding, ood_face.detection, ood_face.runtime"
	@touch $@

.venv-dev/.packages: deploy/locks/dev.lock | check-python
	@echo "Setting up .venv-dev, once; this takes a few minutes."
	@$(call environment,.venv-dev)
	$(DEV_PYTHON) -m pip install --quiet --require-hashes -r deploy/locks/dev.lock
	$(DEV_PYTHON) -m pip install --quiet "$(TORCH)" $(TORCH_PIP_ARGS)
	@touch $@

.venv-dev/.installed: .venv-dev/.packages pyproject.toml $(NATIVE)
	$(call install-project,$(DEV_PYTHON))
	@touch $@

# facenet-pytorch pins old versions of torch, numpy and Pillow, so it lives in a folder of its own
.venv-facenet/.packages: deploy/locks/facenet.lock | check-python
	@echo "Setting up .venv-facenet, once; this downloads about 3 GB."
	@$(call environment,.venv-facenet)
	$(FACENET_PYTHON) -m pip install --quiet --require-hashes -r deploy/locks/facenet.lock
	@touch $@

.venv-facenet/.installed: .venv-facenet/.packages pyproject.toml $(NATIVE)
	$(call install-project,$(FACENET_PYTHON))
	@touch $@

# facenet-pytorch, as it asks to be installed, but for torch: its own pin is two gigabytes of code
# for accelerators. torchvision is left out, see tests/benchmark/peers. Its numpy needs Python 3.11
# or 3.12.
.venv-peers/.installed: deploy/locks/peers.lock | check-python
	@echo "Setting up .venv-peers, once; this takes a minute."
	@$(call environment,.venv-peers)
	$(PEERS_PYTHON) -m pip install --quiet "$(TORCH)" $(TORCH_PIP_ARGS)
	$(PEERS_PYTHON) -m pip install --quiet --require-hashes --no-deps -r deploy/locks/peers.lock
	@touch $@

chromium: # the tests of the page drive a real browser
	@if ! command -v chromium >/dev/null 2>&1; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			echo "Installing chromium for the tests of the page."; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
				apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
		else \
			echo "The tests of the page need the browser chromium on the PATH." \
				"On Debian: apt-get install chromium"; exit 1; \
		fi; \
	fi

# ---- lock files ------------------------------------------------------------------------------

UV := build/lock-tools/bin/uv
# every line would carry this marker, which requires-python and tool.uv.environments imply
PLATFORM := platform_machine == 'x86_64' and sys_platform == 'linux'
MARKER := python_full_version < '3.14' and $(PLATFORM)
COMPILE = $(UV) pip compile --quiet --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --annotation-style line \
	--custom-compile-command "make lock" $(LOCK_ARGS)
EVERYWHERE := --universal --fork-strategy fewest
LOCK_ARGS ?=

$(UV): | check-python
	$(PYTHON) -m venv build/lock-tools
	build/lock-tools/bin/python -m pip install --quiet uv

# Keeps what is locked where it still fits; LOCK_ARGS=--upgrade takes the newest versions.
lock: $(UV) ## rewrite deploy/locks/*.lock from pyproject.toml
	$(COMPILE) $(EVERYWHERE) pyproject.toml deploy/locks/build.in \
		--output-file deploy/locks/serve.lock
	$(COMPILE) $(EVERYWHERE) pyproject.toml deploy/locks/build.in deploy/locks/torch.in \
		--extra dev --extra train --excludes deploy/locks/not-locked.in \
		--constraint deploy/locks/serve.lock --output-file deploy/locks/dev.lock
	$(COMPILE) pyproject.toml deploy/locks/build.in --extra dev --extra facenet \
		--python-platform x86_64-manylinux_2_28 --output-file deploy/locks/facenet.lock
	$(COMPILE) $(EVERYWHERE) deploy/locks/peers.in deploy/locks/torch.in \
		--excludes deploy/locks/peers-not-locked.in --output-file deploy/locks/peers.lock
	sed -i -e "s/ ; $(MARKER)//" -e "s/ and $(PLATFORM)//" deploy/locks/*.lock
