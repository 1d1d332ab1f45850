# The two commands of the book: `make book` and `make test`. Both make the environment .venv first.
PYTHON ?= python3
PRESET ?= demo
CORES ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
BIN := .venv/bin
# Of gpu-check: its time, its folder, and a python that has torch and the rest, to use in place of .venv.
GPU_CHECK_SECONDS ?= 480
OUT ?= runs/gpu-check
GPU_CHECK_PYTHON ?=
# Chapters share the cores; a kernel of another environment must not be taken for this one's.
export JUPYTER_PREFER_ENV_PATH := 1

.PHONY: help book runs ablation reference reference-list test bench gpu-check lab publish pair clean environment

help:
	@echo "make book      run the chapters (PRESET=$(PRESET): smoke, demo, gpu or paper) and build the site: _build/html"
	@echo "make runs      run the chapters only, into runs/$(PRESET)/"
	@echo "make ablation  run every row of chapter 6 with three seeds; DATASET=camvid DATA_ROOT=... for real streets"
	@echo "make reference run what runs/reference.yaml wants and runs/reference lacks, one after the other, stop it any time;"
	@echo "               DATA=... for the folder of real data sets, SECONDS=... to start no new run after"
	@echo "make reference-list  show how far each of these runs is, and which question it answers"
	@echo "make test      run all tests, and every notebook at the smoke preset"
	@echo "make bench     time a step of every training with the fast settings on and off (runs/bench/report.md), and exact counts"
	@echo "make gpu-check train everything on this machine's GPU for $(GPU_CHECK_SECONDS) s at most: $(OUT)/report.md"
	@echo "make lab       open the book in JupyterLab"
	@echo "make pair      write book/*.ipynb anew from book/*.py, keeping the outputs of unchanged cells"
	@echo "make publish   copy the outputs of the runs at PRESET into book/*.ipynb"
	@echo "make clean     delete the site (_build); runs and .venv stay"

book: environment
	@echo "== Running the chapters at preset $(PRESET) on $(CORES) cores, then building the site; what stands is kept"
	@$(BIN)/python runs/book.py graph site --preset $(PRESET) --cores $(CORES)
	@echo "== The book: _build/html/index.html"

runs: environment
	@echo "== Running the chapters at preset $(PRESET) on $(CORES) cores; what stands is kept"
	@$(BIN)/python runs/book.py graph chapters --preset $(PRESET) --cores $(CORES)

ablation: environment
	@echo "== Training the rows of the ablation at preset $(PRESET) on $(CORES) cores; what stands is kept"
	@$(BIN)/python runs/book.py graph ablation --preset $(PRESET) --cores $(CORES) \
		--dataset "$(DATASET)" --data-root "$(DATA_ROOT)"

reference: environment
	@echo "== Running the reference runs on one core, at low priority; what is finished is kept in runs/reference"
	@nice -n 19 $(BIN)/python runs/book.py reference $(if $(DATA),--data "$(DATA)") $(if $(SECONDS),--until $(SECONDS))

reference-list: environment
	@$(BIN)/python runs/book.py reference --list $(if $(DATA),--data "$(DATA)")

test: environment
	@echo "== Testing the library, the book and the site, then every notebook at preset smoke"
	@runs=$$(mktemp -d) && trap 'rm -rf "$$runs"' EXIT && SEMPAL_PRESET=smoke SEMPAL_RUNS="$$runs" \
		$(BIN)/python -m pytest tests book --nbval-lax --durations=10

bench: environment
	$(BIN)/python runs/gpu_check.py --kinds machine steps --preset demo --seconds 1200 --out runs/bench
	$(BIN)/python -m pytest tests/benchmarks -o addopts= --benchmark-columns=median,ops,rounds --benchmark-sort=name

# Where .venv cannot be made (no network), the python at hand is taken, with what PYTHONPATH adds to it.
gpu-check:
	@python="$(GPU_CHECK_PYTHON)"; \
	if [ -z "$$python" ]; then \
		if $(MAKE) --no-print-directory environment; then python=$(BIN)/python; \
		else python=$(PYTHON); echo "== .venv cannot be made: taking $$python as it is"; fi; \
	fi; \
	echo "== Checking all trainings with $$python, for $(GPU_CHECK_SECONDS) s at most: $(OUT)/report.md" && \
	PYTHONPATH=".$${PYTHONPATH:+:$$PYTHONPATH}" "$$python" runs/gpu_check.py --out "$(OUT)" \
		--seconds $(GPU_CHECK_SECONDS)

lab: environment
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/book/01_how_to_use.ipynb

publish: runs
	@$(BIN)/python runs/book.py publish --preset $(PRESET)

pair: environment
	@$(BIN)/python runs/book.py pair

clean:
	rm -rf _build

# The environment is made anew when requirements.txt says something else than when it was made.
environment:
	@if [ -x $(BIN)/python ] && cmp -s requirements.txt .venv/made-from.txt; then exit 0; fi; \
	$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Python 3.11 or 3.12 is needed, this is %d.%d: make PYTHON=python3.12 ..." % v[:2])' && \
	echo "== Making the environment .venv from requirements.txt (once; some minutes)" && \
	$(PYTHON) -m venv .venv && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt && \
	$(BIN)/python -c "from sempal_lib.torchvision_ops import hook_environment; hook_environment()" && \
	cp requirements.txt .venv/made-from.txt
