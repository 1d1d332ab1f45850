# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Does the palette help?

# %% tags=["parameters"]
preset = None        # smoke, demo, gpu or paper; None: the environment variable SEMPAL_PRESET, or demo
dataset = None       # a name that datasets.load knows, or a bundle's own
data_root = None     # folder of a real data set
seed = None
height = None        # px, height of the layouts; the width follows from the data set
train_scenes = None  # scenes to train on, at most
val_scenes = None    # scenes held out, at most
batch_sizes = None   # layouts a step, at 4, 8, … px
phase_images = None  # real layouts shown in a phase, at 4, 8, … px
max_channels = None
channel_base = None
latent_dim = None
learning_rate = None
max_components = None
samples = None       # layouts that a metric is computed on
iterations = None    # of the activation; the paper's is 1
palette_input = None # the palette is concatenated to the noise
activation = None    # saa or softmax
fusion = None
multi_scale = None
soft_real = None
palette_source = None
conditional_weight = None # of the entropy and the spread loss
matching_weight = None    # of the direct matching of palettes, baseline 1
palette_judge = None      # the discriminator is told the palette, baseline 2
floor = None         # also train the same GAN without the parts that see the palette
ema = None
released = None
device = None
devices = None
precision = None
channels_last = None
compile = None
checkpoint_seconds = None

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("06_ablation", globals())

# %%
import torch

from sempal_lib import ablation, metrics, training

row = ablation.row_of(run.parameters) or "custom"
system, variant = ablation.system_and_variant(row)

# %%
data = training.layout_data(run.parameters)

# %%
trained = training.train(run.parameters, data, run.checkpoint, watch=training.progress_bar)
generator = trained.averaged.cpu().eval()

# %%
targets = data.held_out_palettes[: run.parameters.samples]
typical = ablation.typical_palettes(run.parameters, data)
for name, exact in ((variant, False), ("exact", True)) if row == "full" else ((variant, False),):
    found = metrics.evaluate_layouts(
        generator, targets, data.palettes, typical, run.parameters.seed, exact=exact)
    for metric, (value, count) in found.items():
        run.measure(system, name, metric, value, count, "train" if metric == "fsd" else "val")

# %%
noise = torch.randn(len(targets), generator.settings.latent_dim, generator=torch.Generator().manual_seed(0))
soft = generator.soft_palettes(noise, targets)
run.measure(system, variant, "soft_palette_kl", metrics.palette_kl(targets, soft), len(targets), "val")

# %%
training.save_generator(run.folder / "generator.safetensors", generator, data.label_space, data.mixture)
record = run.finish()
