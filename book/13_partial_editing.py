# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Changing a part
#
# **The claim.** A layout need not be made whole. Cut a region out, say what should be in it, and a generator fills it
# so that it fits the rest. {cite:t}`lemoing2021semanticpalette` do so with their generator of
# [whole layouts](05_semantic_palette.ipynb). Of all their synthetic data, those made this way help a segmenter most: on
# Cityscapes its [mIoU](notation.md#miou) is 51.9, and 48.1 with real pairs alone.
#
# **Why one would want it.** A whole new scene may be wrong in many places. A real scene with one region painted anew is
# wrong in that region at most, and its statistics stay near those of the data. And it is how a person edits: a bus
# here, in place of these cars.
#
# **What we do here.** We train the generator for a part, cut regions out of scenes that it never saw, and ask for what
# had been there, and for other things. We count what it paints, and we count how well it fits. To fit is harder: pixels
# drawn at random follow a palette too.
#
# You need [Progressive layouts, guided by a palette](05_semantic_palette.ipynb): the activation, its two losses, and
# the metrics palette KL and FSD.

# %% tags=["parameters"]
preset = None          # smoke, demo, gpu or paper; None: the environment variable SEMPAL_PRESET, or demo
dataset = None         # a name that datasets.load knows, or a bundle's own
data_root = None       # folder of a real data set
seed = None
height = None          # px, of the layouts; the width follows from the data set
batch_sizes = None     # layouts a step, at 4, 8, … px
phase_images = None    # real layouts shown in a phase, at 4, 8, … px
max_channels = None    # widest features
generator_rate = None  # learning rate of the generator
crop = None            # rectangle, or band: of full height, as in the authors' release
shortest_side = None   # of a region, as a share of the layout's side
longest_side = None
device = None          # auto, cpu or cuda

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("13_partial_editing", globals())

# %%
import torch
from IPython.display import Markdown

from sempal_lib import datasets, figures, layers, layout_gans, losses, metrics, training, widgets
from sempal_lib.labels import one_hot
from sempal_lib.layout_gans import partial
from sempal_lib.palettes import with_share
from sempal_lib.runs import reference_run
from sempal_lib.sources import source

data = training.layout_set(run.parameters)
classes = data.label_space.num_classes
procedural = data.name in datasets.PROCEDURAL  # layouts of a real data set stay out of the book
Markdown(
    f"**{data.name}**: {len(data.layouts)} layouts of {data.size[0]}×{data.size[1]} px to train on, "
    f"{len(data.held_out)} held out, {classes} classes."
)

# %% [markdown]
# ## A hole, a budget, and one class more
#
# The network must see what stands around the region, know what is to stand in it, and leave the rest alone.
#
# Let $y$ be a real layout, one-hot: $y_{c,i,j}$ is 1 where pixel $(i, j)$ has class $c$ of $C$. A
# [region](notation.md#region) $R$ is any set of pixels. The generator sees the layout with a hole,
#
# $$\tilde{y}_{c,i,j} = \begin{cases} 1/C & (i, j) \in R \cr y_{c,i,j} & \text{else} \end{cases} \tag{1}$$
#
# It is told the [palette](notation.md#palette) $t$ of the region, $\sum_c t_c = 1$. What it paints has one class more,
# *[background](notation.md#background-class)*, whose budget is all that lies outside. With $a$ the region's share of
# the pixels, the generator's own palette is
#
# $$t' = (a\, t_1, \dots, a\, t_C,\; 1 - a) \tag{2}$$
#
# The [activation](05_semantic_palette.ipynb) turns scores and $t'$ into the mask $m$ of $C + 1$ maps. Where $m$ is
# background, the layout shows through:
#
# $$\hat{y}_{c,i,j} = m_{c,i,j} + m_{\text{bg},i,j}\, \tilde{y}_{c,i,j} \tag{3}$$
#
# Nobody tells the network to put the background outside the region. It learns that from the discriminator, which sees
# the *merged* layout $\hat{y}$. Background left in the hole shows as grey, $1/C$ of everything, and paint outside the
# hole makes a scene that contradicts itself. (The paper says all this in words, in its §4.2 and Figure 4; the numbers
# of the equations are ours.)

# %% tags=["hide-input"]
figures.partial_diagram()

# %% [markdown]
# *Figure 1. Painting a part. Blue: what is new against the generator of whole layouts. At each resolution the layout
# with its hole goes into the block, and again into the merge; the merged layout is what the residual fusion adds to the
# features, and what the discriminator sees. (Diagram: noise, palette and layout go into the SPADE blocks, these into
# the activation, and this with the layout into the merge.)*

# %%
source(partial.cropped)

# %%
source(partial.budget)

# %%
source(partial.PartialGenerator.mask)

# %% [markdown]
# The two convolutions of each resolution are now one residual block of GauGAN {cite:p}`park2019spade`, which is told
# the layout with its hole at its own size. It is the very block of
# [Painting by layout](07_painting_by_layout.ipynb): batch norm without parameters, then a scale and a shift for every
# channel and pixel, made of the layout by two convolutions.

# %% tags=["hide-cell"]
source(partial.SpadeTrunkBlock)

# %% [markdown]
# ## One training step, in plain form
#
# Each step cuts one region out of each real layout. The target palette is that of what was there, so the target is
# always possible: a region of the lower edge is asked for road. The losses are those of
# [chapter 5](05_semantic_palette.ipynb). The adversarial loss is on $\hat{y}$, the entropy loss on both $m$ and
# $\hat{y}$, and the spread loss on the [densities](notation.md#density) of all $C + 1$ classes:
#
# $$\mathcal{L}_G = -\mathbb{E}\, D(\hat{y}) + \sum \mathcal{L}_\text{COND} \tag{4}$$
#
# with the sum over the resolutions, and at each
#
# $$\mathcal{L}_\text{COND} = \mathcal{L}_\text{ENT}(m) + \mathcal{L}_\text{ENT}(\hat{y}) + \mathcal{L}_\text{SPR}$$
#
# Below, `hard` are eight layouts, `regions` a region of each, and `G` and `D` fresh networks.

# %% tags=["hide-input"]
plain = training.partial_training(run.parameters, data)  # its networks are fresh
G, D = plain.generator.cpu(), plain.discriminator.cpu()
random = torch.Generator().manual_seed(0)
hard = data.layouts[:8].long()
regions = training.random_regions(8, data.size, plain.settings, random, hard.device)

# %%
inside = metrics.palette_within(hard, regions, classes)
given = partial.cropped(one_hot(hard, classes), regions)  # (1)
z = torch.randn(8, G.settings.latent_dim, generator=random)
masks = G(z, partial.budget(inside, regions), given, all_stages=True)  # (2), (3)

real = layers.soften(one_hot(hard, classes), layers.softening_kernel(data.size[0]))
fake = masks[-1].merged
loss_g = losses.wasserstein_generator_loss(D(fake)) + sum(
    losses.entropy_loss(m.soft_layout)
    + losses.entropy_loss(m.merged)
    + losses.spread_loss(m.density)
    for m in masks
)
share = torch.rand(8, 1, 1, 1, generator=random)
mixed = torch.lerp(real, fake.detach(), share).requires_grad_()
loss_d = losses.wasserstein_discriminator_loss(D(real), D(fake.detach()))
loss_d = loss_d + 10 * losses.gradient_penalty(D(mixed), mixed)
torch.autograd.grad(loss_g, list(G.parameters()))
torch.autograd.grad(loss_d, [p for p in D.parameters()], allow_unused=True)
print(f"before training: L_G {loss_g.item():.2f}, L_D {loss_d.item():.2f}")

# %% [markdown]
# Adam steps along both gradients, at one resolution after another, each fading in. A test holds the library's gradients
# against this form. Pixels of no class take no part: $D$ sees nothing there.
#
# "A rectangular patch, randomly chosen" is all that the paper says of the regions. Here both sides are drawn uniformly
# between a quarter and the whole of the layout's, and so is the place. (The authors' release takes bands of full
# height, half to all of the width: `crop="band"`.)

# %%
source(training.random_regions)

# %%
trained = training.train_partial(
    run.parameters, data, run.checkpoint, watch=training.progress_bar
)
generator = trained.averaged.cpu().eval()

# %% tags=["hide-input"]
Markdown(
    f"{trained.steps:,} steps on {trained.images:,} layouts took "
    f"{trained.seconds:.0f} s "
    f"(device: {trained.fabric.device}, threads: {torch.get_num_threads()})."
)

# %% tags=["hide-input"]
figures.training_curves(trained.history)

# %% [markdown]
# *Figure 2. The losses start anew at each resolution. Entropy, of the mask and of the merged layout, must fall:
# pixels learn to choose between the classes and the background. (Curves over the real layouts shown, one below the
# other, with a jump at each new resolution.)*
#
# Move the slider through the `demo` training with seed 0. Above stand four held-out layouts with their holes. Below,
# the network fills them by itself, for the palette of what was there. At each resolution it begins with specks; look
# how long it takes until road and skyline go on where the hole ends.

# %% tags=["hide-input"]
widgets.progress_toy("13")

# %% [markdown]
# ## What it paints
#
# As in the paper's Figure 6: a held-out layout, the region cut out of it (black), and what is painted there for the
# palette of what had been there, with several seeds.

# %% tags=["hide-input"]
held = data.held_out.long()
draw = torch.Generator().manual_seed(run.parameters.seed)
regions = training.random_regions(
    len(held), data.size, trained.settings, draw, held.device
)
targets = metrics.palette_within(held, regions, classes)
some = targets.sum(1) > 0  # a region may hold no labelled pixel
held, regions, targets = held[some], regions[some], targets[some]
area = regions.float().mean((1, 2))
good = ((area > 0.2) & (area < 0.5)).nonzero().flatten()
varied = (targets[good] > 0.02).sum(1).argsort(descending=True)
shown = (good[varied] if len(good) > 1 else torch.arange(len(held)))[:2].tolist()


# %%
def fills(i):
    """A held-out layout, its hole, and four fillings by different noise."""
    hole = torch.where(regions[i], 255, held[i])
    made = [
        generator.edit(held[i], regions[i], targets[i], seed=s) for s in range(4)
    ]
    return [held[i], hole, *made]


# %% tags=["hide-input"]
titles = ["input", "region", "seed 0", "seed 1", "seed 2", "seed 3"]
if procedural:
    grid = figures.layout_grid(
        [x for i in shown for x in fills(i)], data.label_space, titles * len(shown)
    )
else:
    grid = Markdown("*(Layouts of a real data set stay out of the book.)*")
grid

# %% tags=["hide-input"]
figures.legend(data.label_space)

# %% [markdown]
# *Figure 3. Two scenes, each with its region and four fillings of one palette. Look at the borders of the region:
# does the road go on, does the skyline meet? Then at what differs between seeds. (A grid of two rows, one for each
# scene: the layout, the same with a black rectangle, and four fillings of it.)*
#
# The same region and noise, another palette: the class that fills most of the region is given less and less of it, the
# others share the rest in their own proportion.

# %%
i = shown[0]
largest = targets[i].argmax().repeat(6)
shares = torch.linspace(float(targets[i].max()), 0, 6)
wanted = with_share(targets[i].expand(6, -1), largest, shares)
by_palette = [generator.edit(held[i], regions[i], t) for t in wanted]

# %% tags=["hide-input"]
name = data.label_space.names[int(largest[0])]
titles = [f"{name} {share:.0%}" for share in shares]
figures.layout_grid(by_palette, data.label_space, titles) if procedural else grid

# %% [markdown]
# *Figure 4. The title says how much of the region the class was asked to fill. (A row of layouts. Within one
# rectangle a class shrinks from left to right.)*
#
# ## From soft to hard
#
# A hard layout needs one class for each pixel. The paper takes the largest of $\hat{y}$. But a network never puts *all*
# background outside: what a class spends outside the region is lost, for there the input stays. So `edit` lets the
# activation run once more, within the region alone, with all background outside. Then each class spends all of $t_c$
# inside: the *[confined](notation.md#confined-activation)* activation. Nothing is trained for it.

# %%
source(partial.confined)

# %% [markdown]
# Outside the region `edit` returns the input, pixel by pixel, whatever the network says. Within it no background can be
# left. What the network by itself would leave there, measured on the masks, is the number *background left*.

# %% tags=["hide-input"]
def measure(variant, edited, asked=targets):
    found = metrics.evaluate_edits(
        edited, regions, asked, data.layouts, data.label_space.ignore_index)
    for metric, (value, count) in found.items():
        split = "train" if metric.startswith("fsd") else "val"
        run.measure("semantic-palette", variant, metric, value, count, split)


seed = run.parameters.seed


def edit(net, **how):
    return net.edit(held, regions, targets, seed, **how)


partly = edit(generator)
assert torch.equal(partly[~regions], held[~regions])
measure("partial", partly)
measure("partial-argmax", edit(generator, confine=False))
measure("partial-sinkhorn-10", edit(generator, iterations=10))
measure("partial-exact", edit(generator, exact=True))
left = metrics.background_left(generator, held, regions, targets, seed)
run.measure("semantic-palette", "partial", "background_left", left, len(held), "val")
Markdown(f"Background left in the regions: {left:.2%} of their pixels.")

# %% [markdown]
# And what is the noise worth? Each region once more, with another seed: the share of its pixels that change.

# %% tags=["hide-input"]
again = generator.edit(held, regions, targets, seed + 1)
worth = float((again != partly)[regions].float().mean())
changed = float((held != partly)[regions].float().mean())
run.measure(
    "semantic-palette", "partial", "layout_diversity", worth, len(held), "val"
)
Markdown(
    f"Two seeds differ in {worth:.1%} of a region's pixels; a filling and the real "
    f"content in {changed:.1%}. "
    + (
        "**The noise is all but ignored**: a region has one answer to a palette."
        if worth < 0.2 * changed
        else ""
    )
)

# %% [markdown]
# The network never sees what was cut out, so it cannot copy. But the surroundings and the palette, which is that of the
# content that was cut out, leave little to choose. And the discriminator, which compares the samples of a batch, sees
# as much variety as the surroundings bring.
#
# ## Does it fit?
#
# [Palette KL](notation.md#palette-kl) asks how much of what. It says nothing of where, and a region is easily filled
# with the right amounts: draw each pixel from the palette. Two numbers must tell such noise from a scene.
#
# - $\text{FSD}_\text{grid}$, of [Layouts from nothing](04_sb_gan_layouts.ipynb): the Fréchet distance between the
#   palettes of edited and of real layouts, cell by cell of a 4×4 grid. It sees things in wrong places.
# - *Edges across*: of all pairs of neighbours with one pixel in the region and one outside, the share of unlike
#   classes. A filling that fits goes on where the rest ends. *Edges within* is the same for pairs inside the region: it
#   sees specks.
#
# What they should be we learn from the real content, put back (`kept`). What they must not be we learn from pixels
# drawn from the palette (`drawn`), and from the network before its first step (`untrained`). And to know that palette
# KL means anything, we hold our fillings against the palettes of other regions (`shuffled`).

# %%
source(metrics.edge_shares)

# %% tags=["hide-input"]
measure("kept", held)
measure("drawn", metrics.drawn_at_random(held, regions, targets, seed))
torch.manual_seed(seed)
untrained = layout_gans.PartialGenerator(generator.settings).eval()
measure("untrained", edit(untrained))
measure("untrained-exact", edit(untrained, exact=True))
other = targets[
    torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
]
measure("shuffled", partly, other)

# %% [markdown]
# ## The numbers

# %% tags=["hide-input"]
training.save_generator(
    run.folder / "generator.safetensors", generator, data.label_space
)
if procedural:
    sheet = figures.layout_grid(partly[:12], data.label_space, columns=4)
    sheet.savefig(run.folder / "samples.png", dpi=150)
record = run.finish()

# %% tags=["hide-input"]
from sempal_lib.results import comparison

comparison(record, "cityscapes", [
    "palette_kl", "budget_mae", "background_left", "layout_diversity"])

# %% tags=["hide-input"]
comparison(record, "cityscapes", ["fsd", "fsd_grid", "edges_within", "edges_across"])

# %% [markdown]
# `partial` has the activation confined to the region, `partial-argmax` is the paper's way, `partial-sinkhorn-10` has
# ten [iterations](notation.md#sinkhorn-iterations) and `partial-exact` [exact counts](notation.md#exact-counts).
# `palette kl` and `budget mae` are within the regions of held-out layouts, `fsd` and `fsd grid` of the whole edited
# layouts against the training layouts.
#
# The paper gives no number for what its regions hold; the nearest is the KL of 0.07 for whole layouts (Table 4), at
# 128×256 px. A region is harder to follow than a layout: at 16 px it has some two hundred pixels, and many a class is
# granted one or two of them. Such a class is rarely the largest at any pixel. It then gets none, which costs $t_c \ln
# (t_c / 10^{-6})$. Exercise 2 counts these. What the paper reports is the use, Table 3:
# [Does synthetic data help?](14_data_augmentation.ipynb)
#
# The same on all data that have run, from the committed records:

# %% tags=["hide-input"]
from sempal_lib.results import reference_table

reference_table(
    "13_partial_editing",
    ("palette_kl", "fsd_grid", "edges_across"),
    ("partial", "drawn", "kept"),
)

# %% [markdown]
# ## Verdict
#
# Computed from the records, pair by pair.

# %% tags=["hide-input"]
from sempal_lib.results import verdicts

verdicts(
    record,
    {
        "The palette of the region is followed": (
            "palette_kl", "partial", "untrained"),
        "It is this region's palette that is followed": (
            "palette_kl", "partial", "shuffled"),
        "Confined to the region, the activation follows it better": (
            "palette_kl", "partial", "partial-argmax"),
        "What is painted is where it belongs": ("fsd_grid", "partial", "drawn"),
        "And it goes on where the rest ends": ("edges_across", "partial", "drawn"),
        "Exact counts need a trained network to place them": (
            "edges_across", "partial-exact", "untrained-exact"),
        "The seam is no busier than a real one": ("edges_across", "partial", "kept"),
    },
)  # fmt: skip

# %% tags=["hide-input"]
from sempal_lib.results import compared
from sempal_lib.tables import mean_and_spread

kl = next(
    list(r["values"].values())
    for r in record["seeds"]
    if (r["variant"], r["metric"]) == ("partial", "palette_kl")
)
Markdown(
    f"Palette KL within the region: {mean_and_spread(kl)} over {len(kl)} "
    f"{'seed' if len(kl) == 1 else 'seeds'} of this configuration; the aim was at "
    "most 0.1: "
    f"**{'met' if sum(kl) / len(kl) <= 0.1 else 'missed'}**. Against drawn pixels "
    "the edges across the border are "
    f"{compared(record, 'edges_across', 'partial', 'drawn').words}; against the "
    "real content they are "
    f"{compared(record, 'edges_across', 'partial', 'kept').words}."
)

# %% [markdown]
# **What differs from the paper.** Its Figure 4 says *ReLU*, its release has LeakyReLU, and so do we. The sides of the
# regions are ours. The release drops palette entries under 0.002 (`released=True` does) and cuts bands. Convolutions
# of the SPADE blocks have no equalized learning rate. So the generator has a rate of its own, `generator_rate`: at
# `demo` the discriminator's is 0.006, and a generator with as much learns batch statistics that its average does not
# have. And at `demo` a class is often granted a pixel or two: so the activation has five Sinkhorn iterations, as one of
# [the ablation's rows](06_ablation.ipynb) has, and entropy and spread count twice. On one seed each lowered the palette
# KL (`runs/reference/trials.csv`). Where no preset says otherwise, the settings are the paper's: one iteration and a
# weight of 1.
#
# **Learned:** a background class and a merge are all that a generator of layouts needs to become an editor.
# **Failed:** thin things and small classes, where a region grants them about a pixel.
# **Next:** [Does synthetic data help?](14_data_augmentation.ipynb) takes these edits as data for a segmenter.
#
# ## Edit a region yourself
#
# Drag a rectangle over the layout, or take the brush and paint a mask. Marking changes nothing; the sliders then show
# what stands in the region. Move one, or press *new fill* for other noise: the generator fills the region, and outside
# not one pixel of the layout changes. The next region is marked on the result, so edits add up. *Undo* takes back a
# mark or a fill. *Save* writes the layout, a PNG whose values are the classes, and the picture. The menu gives a slider
# to a class that the layout lacks. By keys: arrows move on the layout, Enter begins and ends a region; or use the
# sliders of rows and columns.
#
# Beside the layout stands its picture, by the best painter at hand (see
# [Painting by layout](07_painting_by_layout.ipynb)). It paints all of it anew after each edit. On a page without a
# running notebook there are frames of edits instead.

# %% tags=["hide-input"]
best = reference_run("07_painting_by_layout", data.name) if procedural else None
painter = None
if best is not None:
    painter = training.load_generator(best / "generator-gaugan.safetensors")[0]
editor = widgets.edit_region(
    generator,
    held[i],
    data.label_space,
    painter,
    regions[i],
    folder=run.folder / "edits",
)
editor if procedural else grid

# %% [markdown]
# In your own code it is one call:
#
# ```python
# path = "generator.safetensors"
# generator, label_space, _ = training.load_generator(path, "partial")
# region = partial.rectangle((16, 32), top=4, left=8, height=8, width=12)
# edited = generator.edit(layout, region, palette, seed=0)
# ```
#
# ## Exercises
#
# **1.** Training saw rectangles alone. Does a disc work? Compare the edges across.

# %% tags=["hide-cell"]
rows, columns = torch.meshgrid(*(torch.arange(n) for n in data.size), indexing="ij")
radius = data.size[0] / 4
disc = (rows - data.size[0] / 2) ** 2 + (columns - data.size[1] / 2) ** 2 < radius**2
discs = disc.expand(len(held), -1, -1)
content = metrics.palette_within(held, discs, classes)
seen = content.sum(1) > 0
round_ones = generator.edit(held[seen], discs[seen], content[seen])
for what, layouts in (("painted", round_ones), ("real", held[seen])):
    within, across = metrics.edge_shares(layouts, discs[seen])
    print(f"{what:8} edges within {within:.3f}, across {across:.3f}")

# %% [markdown]
# **2.** Which regions are followed worst, small ones or large ones? How much of it is classes that got no pixel?

# %% tags=["hide-cell"]
found = metrics.palette_within(partly, regions, classes)
order = regions.float().mean((1, 2)).argsort()
for third, part in zip(("small", "middle", "large"), order.tensor_split(3), strict=True):
    pixels = regions[part].sum((1, 2)).float().mean()
    missed = ((found[part] == 0) & (targets[part] > 0)).sum(1).float().mean()
    print(f"{third:7} {pixels:6.0f} px  palette KL {metrics.palette_kl(targets[part], found[part]):.3f}, "
          f"classes without a pixel: {missed:.2f} a region")
absent = (found == 0) & (targets > 0)
cost = torch.where(absent, targets * (targets / 1e-6).clamp(min=1e-9).log(), 0).sum(1).mean()
print(f"Classes without a pixel cost {cost:.3f} of {metrics.palette_kl(targets, found):.3f}.")
