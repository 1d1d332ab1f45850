# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How to use this book
#
# Every chapter is a notebook that makes its own figures and numbers. You can read it, run it on a laptop
# without a GPU, or run it with other parameters on a GPU server and on your own data.
#
# ## Two commands
#
# In the folder of the project, on a machine with Python 3.11 or 3.12, `make` and a C compiler:
#
# ```
# make book    # environment in .venv, run of the chapters, site in _build/html
# make test    # the same environment, all tests, every notebook at preset smoke
# ```
#
# Both say what they are doing, and a second call does not repeat what is done. `make lab` opens the book in
# JupyterLab; `make help` lists the rest. To see the book with the outputs that came with it, without
# running anything: `jupyter-book build book`.

# %% [markdown]
# ## Parameters
#
# The first code cell of a chapter holds its parameters, the second checks them and opens a
# [run](notation.md#run).

# %% tags=["parameters"]
preset = None     # smoke, demo, gpu, paper; None: as SEMPAL_PRESET says, or demo
dataset = None    # a name that datasets.load knows
data_root = None  # folder of a real data set
seed = None

# %%
from sempal_lib.runs import Run

run = Run.start("01_how_to_use", globals())

# %% [markdown]
# `None` means: as the preset says, and where it says nothing, the paper's own value. The cell names what a reader would
# change. There are more parameters, each declared once in `sempal_lib/settings.py` with its unit, bounds and meaning;
# papermill's `-p` takes any of them (it warns of those that the cell does not name, and the second cell takes them all
# the same). This lists all of a chapter, with the values that its run would have:
#
# ```
# python -m sempal_lib.runs show 05_semantic_palette preset=gpu seed=1
# ```
#
# A [preset](notation.md#preset) is a file in `runs/presets`: sizes, widths, schedules and the machine. First come the
# values that all chapters share, then a section for each family of chapters: those on progressive layouts have other
# parameters than the one on SemGAN. There are four presets: `smoke` for tests, `demo` for a laptop, `gpu` for one GPU,
# and `paper` for the papers' own data and schedules. Where these differ from one data set to the next, a section says
# so under `datasets`: `-p dataset facades` at `paper` gives SemGAN the settings of its paper's façades. These are some
# of the presets' values for the progressive layouts:

# %%
from sempal_lib.runs import resolve
from sempal_lib.tables import Table

names = ("smoke", "demo", "gpu", "paper")
shown = (
    "dataset",
    "height",
    "train_scenes",
    "batch_sizes",
    "max_channels",
    "samples",
    "precision",
)
presets = [resolve("05_semantic_palette", {"preset": name}) for name in names]
rows = [
    (name, *(str(getattr(values, name)) for values in presets)) for name in shown
]
Table(("parameter", *names), tuple(rows), {})

# %% [markdown]
# Lists hold one value for each resolution of progressive training, from 4 pixels high, doubling up to
# `height`.
#
# To run a chapter with other parameters, change the cell and run the notebook, or use papermill:
#
# ```
# papermill book/05_semantic_palette.ipynb out.ipynb -f runs/presets/gpu.yaml -p seed 1
# papermill book/05_semantic_palette.ipynb out.ipynb -p preset smoke -p fusion False
# papermill book/05_semantic_palette.ipynb out.ipynb -p preset demo \
#     -y "batch_sizes: [64, 64, 16]"
# papermill book/06_ablation.ipynb out.ipynb -f runs/presets/demo.yaml \
#     -f runs/ablation/saa.yaml
# ```
#
# (In a terminal, `source .venv/bin/activate` first.) Papermill by itself lets a misspelt name pass without
# a word. Here the second cell notices, and says what is allowed:

# %%
from sempal_lib.runs import RunError

for mistake in ({"sead": 1}, {"seed": "one"}, {"height": 24}):
    try:
        resolve("05_semantic_palette", mistake)
    except RunError as error:
        print(error, end="\n\n")

# %% [markdown]
# ## What a run leaves
#
# A run has a folder of its own, `runs/<preset>/<chapter>/<dataset>-s<seed>-<hash>`. The hash is of the
# parameters, so another configuration goes to another folder and nothing is overwritten. Two runs that
# differ by their seed alone share the hash. Of real data their fingerprint enters it: other pictures under
# the same name are another run.

# %%
from sempal_lib.runs import run_folder

for overrides in ({}, {"seed": 1}, {"fusion": False}):
    folder = run_folder("05_semantic_palette", "demo", overrides)
    print(overrides, "→", "/".join(folder.parts[-4:]))

# %% [markdown]
# In the folder lie
#
# - the **executed notebook**, when `make` or the run graph started it,
# - **`record.json`**, the [record](notation.md#record): all parameters, the seed, versions, the commit and a hash of
#   the library's code, the device, seconds, peak memory, and every metric with its sample count and split,
# - the **checkpoint**. Training can be stopped at any moment; the same run, started again, goes on from
#   there,
# - the small **weights** of the generator, and sample sheets.
#
# Records and small weights of the best runs so far are committed in `runs/reference`.
# `runs/reference/results.csv` is gathered from these records, one row a value. The first of these commands
# copies a run's record and small weights there, the second writes the table anew:
#
# ```
# python -m sempal_lib.runs keep runs/gpu/05_semantic_palette/…
# python -m sempal_lib.runs gather
# ```
#
# Which of these [reference runs](notation.md#reference-run) are wanted, and which question each answers, says
# `runs/reference.yaml`: other seeds, real data,
# longer trainings. One core at low priority works the list off, and can be stopped at any moment:
#
# ```
# make reference          # DATA=/data: folder of real data, SECONDS=3600: stop in time
# make reference-list     # how far each run is
# ```
#
# ### What is the same twice
#
# The same run twice on one machine, with the same versions and the same number of threads, ends in the same weights, to
# the last bit. So does a run that was stopped, by Ctrl-C or by a kill, and went on: it repeats the steps since its last
# checkpoint. Tests hold every kind of training to that, on the CPU. On a GPU some sums are added in an order that
# changes; `make gpu-check` tells for each training how far apart two runs are.
#
# More is not promised. Another number of threads or devices, another kind of processor, another version of PyTorch,
# `compile` and `channels_last` add the same numbers in another order. That differs in the last digits at first, and a
# GAN's training multiplies it, until the networks are others: one seed of [Progressive
# layouts](05_semantic_palette.ipynb) has given a palette KL of 0.082 on one machine and 0.090 on another. So a record
# of another machine is not your run's double but one more draw, with the same data and first weights. Compare the two
# as you would compare seeds, by their spread, never digit by digit.
#
# Here the smallest preset trains twice. Below are the same million numbers, added in two orders:

# %%
import tempfile

import torch

from sempal_lib import training

tiny = resolve("05_semantic_palette", {"preset": "smoke"})
data = training.layout_data(tiny)


def trained_weights():
    with tempfile.TemporaryDirectory() as place:
        net = training.train(tiny, data, f"{place}/checkpoint.safetensors").averaged
    return torch.cat([w.flatten() for w in net.state_dict().values()])


apart = (trained_weights() - trained_weights()).abs().max()
print(
    f"two runs ({torch.get_num_threads()} threads): weights at most {apart:.1g} "
    "apart"
)
some = torch.rand(10**6, generator=torch.Generator().manual_seed(0))
print(f"two orders: {some.sum():.2f} and {some.flip(0).cumsum(0)[-1]:.2f}")

# %% [markdown]
# ### A record
#
# This chapter measures nothing. Its record, shortened, is:

# %%
record = run.finish()
for name in (
    "chapter",
    "preset",
    "dataset",
    "seed",
    "configuration",
    "versions",
    "metrics",
):
    print(f"{name:14}", record[name])

# %% [markdown]
# ## On a GPU, and on several
#
# `make gpu-check` first: in eight minutes every training takes steps on the GPU, in both number formats, compiled and
# not, is held against the CPU, stopped and resumed. Its report says what failed and how fast the rest is.
#
# `-p devices 2` trains on two GPUs of this machine, or with `-p device cpu` in two processes. It works from papermill,
# JupyterLab and scripts alike. Batches are split, so a batch size must be a multiple of `devices`. Ctrl-C and the
# interrupt button end all processes, and the next call goes on from the last checkpoint. Segmenters train on one
# device.
#
# On several nodes, `devices` is the number of all processes, and `SEMPAL_LAUNCH` the command that starts them. All
# nodes must see the run folder and this environment; the notebook itself runs on a node that has a GPU.
#
# ```
# # Slurm, inside sbatch or salloc
# SEMPAL_LAUNCH="srun --ntasks=16 --ntasks-per-node=8 --kill-on-bad-exit=1" \
#     papermill book/05_semantic_palette.ipynb out.ipynb -f runs/presets/paper.yaml \
#     -p devices 16
# # torchrun: SEMPAL_LAUNCH=./launch.sh, in which "$@" is one process
# for node in gpu1 gpu2; do
#   ssh $node "cd $PWD && .venv/bin/torchrun --nnodes=2 --nproc-per-node=8 \
#     --rdzv-backend=c10d --rdzv-endpoint=gpu1:29400 --no-python $*" < /dev/null &
# done; wait
# ```
#
# VGG-19 and Inception are read only if their SHA-256 is the known one; for another file that you trust, give it by
# `SEMPAL_VGG19_SHA256` or `SEMPAL_INCEPTION_SHA256`.

# %% [markdown]
# ## How to read the tables
#
# A table sets the paper's number beside ours. Ours is read from the records of the runs, never typed. With
# several seeds it is the mean ± the sample standard deviation, and the column *seeds* says which: `0 here` was run on
# this machine with the page, `1, 2 kept` are committed records, `older code` means that the library has changed since.
# Proportions, IoU and accuracy are fractions, not per cent. `–` means: not given, or not measured yet.
#
# Words and letters that all chapters share stand in [Notation and words](notation.md).
#
# Layouts are small on a laptop. A `demo` number shows that a method works and how its parts compare; only
# `paper` runs on the paper's data can be set against the paper's numbers. Each chapter ends by saying what
# held and what did not.
#
# A page whose outputs were made by older library code says so under its title.

# %% [markdown]
# ## Sliders
#
# In JupyterLab a slider asks the model: each move makes a new layout. On the built page there is no Python
# behind it. There the slider moves through pictures that the same model made when the chapter was run.

# %% [markdown]
# ## Data
#
# Procedural worlds are made on the fly and need no download. Real data sets are read from their official
# folders, or from a *bundle*: a folder with `classes.json`, `splits`, `images` and `labels`. These names
# are known:

# %%
from sempal_lib import datasets

print("procedural:", ", ".join(datasets.PROCEDURAL))
print("real:", ", ".join(sorted({*datasets.names()} - {*datasets.PROCEDURAL})))

# %% [markdown]
# The parameter `data_root` (in Python: `root`) says where a real one lies. Or set the environment variable
# `SEMPAL_DATA` to the folder above several of them, each under its own name:
#
# ```
# papermill book/05_semantic_palette.ipynb out.ipynb \
#     -p dataset cityscapes-35 -p data_root /data/cityscapes
# SEMPAL_DATA=/data papermill book/05_semantic_palette.ipynb out.ipynb -p dataset idd
# ```
#
# Some names share a folder: `cityscapes` has the 19 classes of its benchmark and leaves the other pixels out,
# `cityscapes-35` has all ids, as both papers on street layouts train (they say 33 classes; their releases have 35). It
# is what `paper` runs. A relative path counts from where the command is called. What is missing is said before
# anything starts:

# %%
try:
    datasets.load("cityscapes", root="no/such/folder")
except FileNotFoundError as error:
    print(error)

# %% [markdown]
# ## Exercises
#
# **1.** You want to know how much the result of [Progressive layouts, guided by a palette](05_semantic_palette.ipynb)
# depends on the seed, at the smallest preset. Which commands make three runs, and in which folders will they lie?

# %% tags=["hide-cell"]
for one in (0, 1, 2):
    print(f"papermill book/05_semantic_palette.ipynb out.ipynb -p preset smoke -p seed {one}")
    print("   →", "/".join(run_folder("05_semantic_palette", "smoke", {"seed": one}).parts[-4:]))

# %% [markdown]
# **2.** You double `height` of the `smoke` preset and nothing else. Why does the run refuse to start? What
# else must you give?

# %% tags=["hide-cell"]
try:
    resolve("05_semantic_palette", {"preset": "smoke", "height": 16})
except RunError as error:
    print(error)

# One more resolution: the two lists need one more value each.
bigger = {"preset": "smoke", "height": 16, "batch_sizes": [8, 8, 8], "phase_images": [64, 64, 64]}
print("\nNow:", resolve("05_semantic_palette", bigger).heights, "px")
