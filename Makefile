# The two commands of the book: `make book` and `make test`. Both make the environment .venv first.
# What a person gives with a command reaches the programs through the environment and as it is: neither make nor a shell
# reads it as code. It has names of its own there, for SECONDS is also a variable of the shell.
PYTHON ?= python3
PRESET ?= demo
export GIVEN_PYTHON := $(value PYTHON)
export GIVEN_PRESET := $(value PRESET)
export GIVEN_CORES := $(value CORES)
export GIVEN_DATASET := $(value DATASET)
export GIVEN_DATA_ROOT := $(value DATA_ROOT)
export GIVEN_DATA := $(value DATA)
export GIVEN_SECONDS := $(value SECONDS)
export GIVEN_HEIGHT := $(value HEIGHT)
unexport PYTHON PRESET CORES DATASET DATA_ROOT DATA SECONDS HEIGHT
BIN := .venv/bin
# Of gpu-check: its time, its folder, and a python that has torch and the rest, to use in place of .venv.
GPU_CHECK_SECONDS ?= 480
OUT ?= runs/gpu-check
GPU_CHECK_PYTHON ?=
export GIVEN_OUT := $(value OUT)
export GIVEN_CHECK_SECONDS := $(value GPU_CHECK_SECONDS)
export GIVEN_CHECK_PYTHON := $(value GPU_CHECK_PYTHON)
unexport OUT GPU_CHECK_SECONDS GPU_CHECK_PYTHON
# Chapters share the cores; a kernel of another environment must not be taken for this one's.
export JUPYTER_PREFER_ENV_PATH := 1

.PHONY: help book runs ablation reference reference-list judges test kills bench gpu-check lab publish pair pins clean environment

help:
	@echo "make book      run the chapters (PRESET=$$GIVEN_PRESET: smoke, demo, gpu or paper) and build the site: _build/html"
	@echo "make runs      run the chapters only, into runs/$$GIVEN_PRESET/"
	@echo "make ablation  run every row of chapter 6 with three seeds; DATASET=camvid DATA_ROOT=... for real streets"
	@echo "make reference run what runs/reference.yaml wants and runs/reference lacks, one after the other, stop it any time;"
	@echo "               DATA=... for the folder of real data sets, SECONDS=... to start no new run after"
	@echo "make reference-list  show how far each of these runs is, and which question it answers"
	@echo "make judges    train the committed networks that judge pictures anew (HEIGHT=32; minutes)"
	@echo "make test      run all tests, and every notebook at the smoke preset"
	@echo "make kills     kill every training at random moments and resume it: the weights must be those of an unbroken one"
	@echo "make bench     time a step of every training with the fast settings on and off (runs/bench/report.md), a layout step against"
	@echo "               the usual order of passes, and exact counts"
	@echo "make gpu-check train everything on this machine's GPU for $$GIVEN_CHECK_SECONDS s at most: $$GIVEN_OUT/report.md"
	@echo "make lab       open the book in JupyterLab"
	@echo "make pair      write book/*.ipynb anew from book/*.py, keeping the outputs of unchanged cells"
	@echo "make pins      write requirements.txt anew from requirements.in"
	@echo "make publish   copy the outputs of the runs at PRESET into book/*.ipynb"
	@echo "make clean     delete the site (_build); runs and .venv stay"

# `exec` leaves no shell between make and the program, which ends when make ends, however that comes.
RUN := exec $(BIN)/python runs/book.py

book: environment
	@$(RUN) graph site --with-parent --preset="$$GIVEN_PRESET" --cores="$$GIVEN_CORES"
	@echo "== The book: _build/html/index.html"

runs: environment
	@$(RUN) graph chapters --with-parent --preset="$$GIVEN_PRESET" --cores="$$GIVEN_CORES"

ablation: environment
	@$(RUN) graph ablation --with-parent --preset="$$GIVEN_PRESET" --cores="$$GIVEN_CORES" \
		--dataset="$$GIVEN_DATASET" --data-root="$$GIVEN_DATA_ROOT"

reference: environment
	@echo "== Running the reference runs on one core, at low priority; what is finished is kept in runs/reference"
	@exec nice -n 19 $(BIN)/python runs/book.py reference --with-parent --data="$$GIVEN_DATA" --until="$$GIVEN_SECONDS"

reference-list: environment
	@$(RUN) reference --list --data="$$GIVEN_DATA"

judges: environment
	@exec $(BIN)/python runs/judges.py preset="$$GIVEN_PRESET" dataset="$$GIVEN_DATASET" height="$$GIVEN_HEIGHT"

test: environment
	@echo "== Testing the library, the book and the site, then every notebook at preset smoke"
	@runs=$$(mktemp -d) && trap 'rm -rf "$$runs"' EXIT && SEMPAL_PRESET=smoke SEMPAL_RUNS="$$runs" \
		$(BIN)/python -m pytest tests book --nbval-lax --durations=10

kills: environment
	$(BIN)/python -m pytest tests/long -o addopts= --durations=3

bench: environment
	$(BIN)/python runs/gpu_check.py --kinds machine steps --preset demo --seconds 1200 --out runs/bench
	$(BIN)/python -m pytest tests/benchmarks -s -o addopts= --benchmark-columns=median,ops,rounds --benchmark-sort=name

# Where .venv cannot be made (no network), the python at hand is taken, with what PYTHONPATH adds to it.
gpu-check:
	@python=$$GIVEN_CHECK_PYTHON; \
	if [ -z "$$python" ]; then \
		if $(MAKE) --no-print-directory environment; then python=$(BIN)/python; \
		else python=$$GIVEN_PYTHON; echo "== .venv cannot be made: taking $$python as it is"; fi; \
	fi; \
	echo "== Checking all trainings with $$python, for $$GIVEN_CHECK_SECONDS s at most: $$GIVEN_OUT/report.md" && \
	PYTHONPATH=".$${PYTHONPATH:+:$$PYTHONPATH}" "$$python" runs/gpu_check.py --out "$$GIVEN_OUT" \
		--seconds "$$GIVEN_CHECK_SECONDS"

lab: environment
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/book/01_how_to_use.ipynb

publish: runs
	@$(RUN) publish --preset="$$GIVEN_PRESET"

pair: environment
	@$(RUN) pair

clean:
	rm -rf _build

# The environment is made anew when the requirements say something else than when it was made. All is installed by hash
# but torch, whose builds differ by machine, and what CUDA's build of it brings.
REQUIREMENTS := requirements.txt requirements-torch.txt
environment:
	@if [ -x $(BIN)/python ] && cat $(REQUIREMENTS) | cmp -s - .venv/made-from.txt; then exit 0; fi; \
	"$$GIVEN_PYTHON" -c 'import sys; v = sys.version_info; v >= (3, 11, 5) or sys.exit("Python 3.11.5 or 3.12 is needed, this is %d.%d.%d: make PYTHON=python3.12 ..." % v[:3])' && \
	echo "== Making the environment .venv from requirements.txt (once; some minutes)" && \
	"$$GIVEN_PYTHON" -m venv .venv && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -r requirements-torch.txt && \
	$(BIN)/python -m pip check --disable-pip-version-check && \
	$(BIN)/python -c "from sempal_lib.torchvision_ops import hook_environment; hook_environment()" && \
	cat $(REQUIREMENTS) > .venv/made-from.txt

# Writes requirements.txt anew: what requirements.in names, and what that brings. Pins that need not change stay.
pins:
	@uv=$$(mktemp -d) && trap 'rm -rf "$$uv"' EXIT && "$$GIVEN_PYTHON" -m venv "$$uv" && \
	"$$uv/bin/python" -m pip install --quiet --disable-pip-version-check uv==0.13.9 && \
	"$$uv/bin/uv" pip compile --quiet requirements.in -o requirements.txt
