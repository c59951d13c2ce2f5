# Every target forwards to one command; `make help` lists them.
UV := sh infra/uv/uv.sh
RUN := $(UV) run
PYTEST := $(RUN) pytest

# One thread a test process: the processes fill the cores.
TEST_ENV := OMP_NUM_THREADS=1 MPLBACKEND=Agg PYTHONDONTWRITEBYTECODE=

.DEFAULT_GOAL := help
.PHONY: help setup demo preprocess train convert voices doctor lint format test test-all \
	test-install bench bench-train bench-scaling release clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | \
		awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## install everything into .venv
	$(UV) sync

demo: ## train a tiny voice on the samples, convert with it, leave a report in demo/
	$(RUN) ezrvc demo $(ARGS)

preprocess: ## prepare a speaker's recordings: make preprocess SPEAKER=sza [ARGS=...]
	@test -n "$(SPEAKER)" || { echo "which speaker? make preprocess SPEAKER=name" >&2; exit 2; }
	$(RUN) ezrvc preprocess --speaker "$(SPEAKER)" $(ARGS)

train: ## train the newest prepared experiment [ARGS=...]
	$(RUN) ezrvc train $(ARGS)

convert: ## convert a recording: make convert IN=song.m4a OUT=out.wav [SPEAKER=sza] [ARGS=...]
	@test -n "$(IN)" || { echo "which recording? make convert IN=song.m4a OUT=out.wav" >&2; exit 2; }
	$(RUN) ezrvc convert "$(IN)" $(if $(OUT),-o "$(OUT)") $(if $(SPEAKER),--speaker "$(SPEAKER)") $(ARGS)

voices: ## list the voices at hand
	$(RUN) ezrvc voices

doctor: ## say where ezrvc runs and what is missing
	$(RUN) ezrvc doctor

lint: ## style, types, import directions, spelling, lock file
	$(RUN) ruff check --no-cache
	$(RUN) ruff format --check
	$(RUN) lint-imports
	$(RUN) codespell packages apps infra tests README.md ARCHITECTURE.md
	$(RUN) basedpyright
	$(UV) lock --check

format: ## bring the code into shape
	$(RUN) ruff check --fix
	$(RUN) ruff format

test: ## the tests, on CPU and offline
	$(TEST_ENV) $(PYTEST) --numprocesses auto --dist worksteal $(ARGS)

test-all: ## the tests and the slow tier
	$(TEST_ENV) $(PYTEST) --numprocesses auto --dist worksteal -m "not gpu and not mps and not network" $(ARGS)

test-install: ## build each package and import it alone in an empty environment (network)
	UV="$(UV)" sh infra/release/test-install.sh

bench: ## time the stages of the product on this machine
	$(RUN) python infra/bench/run.py $(ARGS)

bench-train: ## milliseconds a training step and where they go [ARGS="--batch 16", or --all]
	$(RUN) python packages/ezrvc-model/benchmarks/training.py $(ARGS)

bench-scaling: ## clips a second on one GPU and on all of a machine [ARGS="--processes 2"]
	$(RUN) python packages/ezrvc-model/benchmarks/training_scaling.py $(ARGS)

release: ## bump, tag and build one package: make release PACKAGE=ezrvc-audio BUMP=minor
	@test -n "$(PACKAGE)" -a -n "$(BUMP)" || \
		{ echo "make release PACKAGE=ezrvc-audio BUMP=patch|minor|major" >&2; exit 2; }
	UV="$(UV)" sh infra/release/release.sh "$(PACKAGE)" "$(BUMP)"

clean: ## remove caches and what the demo made (data/ and models/ stay)
	rm -rf demo dist .pytest_cache .ruff_cache .import_linter_cache
