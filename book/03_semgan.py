# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Pixels that are classes
#
# **The claim.** A layout is not a picture. A GAN that paints layouts in colours blends them at the edges, and invents
# colours that no class has. {cite:t}`ghelfi2019semgan` change one layer: the generator ends in a distribution over
# the classes at each pixel, and the discriminator is shown one-hot layouts. On Cityscapes their *SemGAN* reaches an
# FID of 50.9 and a mean sliced Wasserstein distance of 20.5, where the same network painting colours, with the same
# settings, has 164.3 and 96.1.
#
# **What we do here.** We train both on the paper's own toy set of coloured shapes, with the same settings and the
# same budget. We compute the paper's metrics. Then we count what the paper shows by eye only: stray pixels, and how
# often a circle is a circle.

# %% tags=["parameters"]
preset = None       # smoke, demo, gpu or paper; None: the environment variable SEMPAL_PRESET, or demo
dataset = None      # a name that datasets.load knows, or a bundle's own
data_root = None    # folder of a real data set
seed = None
height = None       # px, height and width of the layouts
steps = None        # training steps
kernel_size = None  # of every convolution, px
judge_steps = None  # of the segmenter that gives FD-seg; 0: none
twin = None         # also train the same GAN painting colours
device = None       # auto, cpu or cuda

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("03_semgan", globals())

# %%
import torch
from IPython.display import Markdown, display

from sempal_lib import datasets, figures, layout_gans, losses, metrics, training
from sempal_lib.sources import source

# %% [markdown]
# ## Data
#
# `colored-shapes` follows the paper's words: 2,916 layouts of 64×64 px, a red square of 10×10 px at each of $54^2$
# places, a blue circle of radius 10 px and a green rectangle anywhere. Shapes may overlap, and the circle can hide
# the square. Four classes: background, circle, rectangle, square. It is a hard test because it is simple: every error
# shows.

# %%
data = training.semgan_data(run.parameters)
metrics.check_sample_count(len(data.layouts), run.parameters.samples, f"{data.name}, SWD")
shapes = data.name == "colored-shapes"
if data.name in datasets.PROCEDURAL:  # pictures of a real data set stay out of the book
    display(figures.layout_grid(data.layouts[:12].long(), data.label_space, columns=4))
display(figures.legend(data.label_space))
Markdown(f"**{data.name}**: {len(data.layouts)} layouts of {data.size[0]}×{data.size[1]} px to train on.")

# %% [markdown]
# ## A distribution at each pixel
#
# A GAN {cite:p}`goodfellow2014gan` is a game of two networks. The generator $G$ turns noise $z$, drawn from a prior
# $p_g$, into samples. (The paper's letter: $p_g$ is the distribution of the noise, not of the samples.) The
# discriminator $D$ says how probable it finds that a sample $x$ comes from the data, $p_\text{data}$:
#
# $$\min_G \max_D V(D, G), \quad V = V_x + V_z \tag{1}$$
#
# with $V_x = \mathbb{E}_{x \sim p_\text{data}} [\log D(x)]$ and $V_z = \mathbb{E}_{z \sim p_g} [\log (1 - D(G(z)))]$.
#
# SemGAN lets $G$ end in a softmax over the classes. At each of the $W \times H$ pixels it gives a distribution over
# the set of labels $L$,
#
# $$G : \mathcal{X} \rightarrow \Delta(L)^{W \times H} \tag{2}$$
#
# $$L = \{l_1, l_2, \dots, l_K\} \tag{3}$$
#
# where $\mathcal{X}$ is the space of the noise, $\Delta(L)$ the set of distributions over $L$, and $K$ the number of
# classes. A layout takes the most probable class at each pixel. Whatever the network does, each pixel *is* a class.
#
# $D$ is shown the same shape of thing: the soft layouts of $G$, and real ones as one-hot maps. So $G$ also learns to
# be sure, as only sure pixels look like one-hot ones. Nothing is sampled and nothing is rounded on the way.
#
# The **twin**, the paper's control, is the same network with three output channels and a tanh. It paints the classes'
# colours. Beside the last line of this code only two widths differ, the channels of $G$'s last convolution and of
# $D$'s first:

# %%
source(layout_gans.SemganGenerator.forward)

# %% [markdown]
# ### Two losses
#
# $D$ lowers $-\tfrac12 V$ of equation 1: a binary cross-entropy.

# %%
source(losses.discriminator_cross_entropy)

# %% [markdown]
# $G$ does not minimise it. It *matches features* {cite:p}`salimans2016improved`: the activations of $D$ should have
# the same mean on generated samples as on real ones. With $f_\ell$ for the features of layer $\ell$, and means over a
# batch,
#
# $$\mathcal{L}_\text{FM} = \sum_\ell \lVert \mathbb{E}_x f_\ell(x) - \mathbb{E}_z f_\ell(G(z)) \rVert_1$$
#
# (divided by the number of features). The paper names the loss, with "an intermediate layer" as an example, and
# leaves layers and norm open: we take all layers and L1.

# %%
source(losses.feature_matching_loss)

# %% [markdown]
# Depth, widths and normalisation are not in the paper either. Widths and layers follow what its authors' later
# library does by default, without the dropout in $D$: a dense layer, then transposed convolutions with batch
# normalisation that double the size. $D$ mirrors $G$, without normalisation, and both have one kernel size: for the
# shapes the paper takes 11 px, for the best streets and façades 7 px (its Tables 3 and 4).
#
# ## Training

# %%
trained = training.train_semgan(run.parameters, data, run.checkpoint, watch=training.progress_bar)
made = {"semgan": metrics.sample(trained.averaged.eval(), run.parameters.samples, run.parameters.seed)}

# %%
if run.parameters.twin:
    path = run.folder / "checkpoint-rgb.safetensors"
    painter = training.train_semgan(run.parameters, data, path, "rgb", watch=training.progress_bar)
    made["rgb-gan"] = metrics.sample(painter.averaged.eval(), run.parameters.samples, run.parameters.seed)
p = run.parameters
Markdown(
    f"{trained.steps:,} steps of {p.batch_size} layouts took {trained.seconds:.0f} s "
    f"(device: {trained.fabric.device}, threads: {torch.get_num_threads()})"
    + (f", the twin's {painter.seconds:.0f} s" if p.twin else "")
    + f". Kernels have {p.kernel_size} px, layers {p.min_channels} to {p.max_channels} channels."
)

# %%
figures.training_curves(trained.history)

# %% tags=["hide-input"]
late = [row["loss_d"] for row in trained.history[-len(trained.history) // 4 :]]
Markdown(
    "$D$'s loss would be $\\ln 2 = 0.69$ if it could not tell real from generated, and 0 if it always could. Here its "
    f"mean over the last quarter is {sum(late) / len(late):.2f}."
)

# %% [markdown]
# That is why $G$ matches features: a $D$ that is sure gives the plain game no slope to follow, but its features still
# differ.
#
# ## What they make
#
# SemGAN first. Each pixel is a class by construction. Whether edges are smooth and shapes whole has to be learned.

# %%
grid = made["semgan"][:12]
figures.layout_grid(grid, data.label_space, columns=4)

# %%
if run.parameters.twin:
    display(Markdown("The twin, same budget. Look for colours that no class has."))
    display(figures.image_grid(made["rgb-gan"][:12], columns=4))

# %% [markdown]
# ## Measured as in the paper
#
# **Sliced Wasserstein distance (SWD)** {cite:p}`karras2018progan`. Pictures are taken apart into a Laplacian pyramid:
# each level holds the detail of one scale. From each level come patches of 7×7 px, from real and from generated
# pictures. Both sets of patches are normalised, colour by colour, projected on a random line, sorted, and compared
# one by one; the mean over many lines is the distance. A level's SWD says whether structure of that size is right.
# Layouts are painted in their classes' colours for this. The tables give 1,000 times the distance.

# %%
source(metrics.sliced_wasserstein_distance)

# %% [markdown]
# **MS-SSIM** {cite:p}`wang2003msssim` is the mean similarity of *generated* pictures with each other. Lower is more
# diverse; near 1 the generator makes one picture only. The real layouts' own value is the mark to meet. Far below it
# is no merit.
#
# **FID** {cite:p}`heusel2017ttur` compares the features that an Inception network sees in real and in generated
# pictures. It needs that network's weights; where they are at hand (`SEMPAL_INCEPTION` names the file) FID is in the
# table. **FD-seg** is the same distance in the features of a network of our own, and not to be compared with any FID:
# a small segmenter that has learned to read the classes of painted layouts. It sees how much of each class there is
# in each quarter of a picture, and colours that are no class's.

# %%
source(training.judge_training)

# %%
judge = training.train_judge(run.parameters, data, run.folder / "checkpoint-judge.safetensors")
for system, found in made.items():
    measured = metrics.evaluate_pictures(
        found, data.layouts, data.label_space, data.name, run.parameters.seed, judge)
    for metric, (value, count) in measured.items():
        run.measure(system, "full", metric, value, count, "train")

# %%
levels: dict[str, dict[int, float]] = {system: {} for system in made}
for line in run.metrics:
    level = line["metric"].removeprefix("swd_")
    if level.isdigit():
        levels[line["system"]][int(level)] = line["value"]
figures.level_bars(levels)

# %%
real = metrics.ms_ssim(metrics.painted(data.layouts[: run.parameters.samples].long(), data.label_space))
Markdown(f"MS-SSIM of as many real layouts with each other: {real:.3f}.")

# %% [markdown]
# ## Stray pixels, and what is a circle
#
# The paper says of its toy experiment that SemGAN shows "a limited number of spurious pixels", and gives no number.
# We look for the *nearest legal scene*: one circle of radius 10, one rectangle and one square, placed so that they
# agree best with the layout, from front to back. Pixels that differ from it are stray.

# %%
source(metrics.nearest_scene)

# %%
if shapes:
    shown = made["semgan"][:4]
    nearest = metrics.nearest_scene(shown)
    stray = torch.where(shown == nearest, 0, 3)
    triples = torch.stack([shown, nearest, stray], 1).flatten(0, 1)
    titles = ["made", "nearest legal scene", "stray (red)"] * len(shown)
    display(figures.layout_grid(triples, data.label_space, titles, columns=3))

# %% [markdown]
# The twin's pictures are read by each pixel's nearest class colour first. Two counts are given.
# `stray_pixels_snapped` forgives a wrong colour as long as the right class is nearest to it. `stray_pixels` does not:
# a pixel that is more than 16 of 255 off every class's colour, `off_colour`, is no label at all.

# %%
if shapes:
    for system, found in made.items():
        for metric, (value, count) in metrics.evaluate_shapes(found, data.label_space).items():
            run.measure(system, "full", metric, value, count, "train")
    true = metrics.evaluate_shapes(data.held_out[: run.parameters.samples].long(), data.label_space)
    nothing = metrics.evaluate_shapes(torch.zeros(1, 64, 64).long(), data.label_space)
    display(Markdown(
        f"A scale for it: an empty layout has {nothing['stray_pixels'][0]:.3f} stray pixels, a real one "
        f"{true['stray_pixels'][0]:.0f}. So the number counts misshapen and missing shapes more than specks. "
        f"The square shows in {true['square_present'][0]:.2f} of the real layouts, the rectangle in "
        f"{true['rectangle_present'][0]:.2f}."
    ))

# %% [markdown]
# ## A walk through the noise
#
# A generator that has learned scenes and not single pictures moves from one to the next without breaking. The slider
# walks on a closed path through noise. It holds the best generator at hand for this data: of the committed reference
# runs the one that trained for longest, or where there is none the one from above.

# %%
from sempal_lib import widgets
from sempal_lib.records import read_record
from sempal_lib.runs import reference_run

best = reference_run("03_semgan", data.name)
walker, space = (
    (trained.averaged.cpu().eval(), data.label_space)
    if best is None
    else training.load_generator(best / "generator.safetensors")[:2]
)
widgets.walk(walker, space)

# %%
if best is not None:
    kept = read_record(best / "record.json")
    of_semgan = (row for row in kept["metrics"] if row["system"] == "semgan")
    theirs, values = kept["parameters"], {row["metric"]: row["value"] for row in of_semgan}
    stray = f", {values['stray_pixels']:.3f} stray pixels" if shapes else ""
    display(Markdown(
        f"It trained for {theirs['steps']:,} steps of {theirs['batch_size']} layouts, with "
        f"{theirs['min_channels']} to {theirs['max_channels']} channels, kernels of {theirs['kernel_size']} px, noise "
        f"of {theirs['latent_dim']} numbers and a learning rate of {theirs['learning_rate']} (seed "
        f"{kept['seed']}). Its mean SWD is {values['swd_mean']:.1f}{stray}. Its samples:"
    ))
    display(figures.layout_grid(metrics.sample(walker, 16, run.parameters.seed), space, columns=4))

# %% [markdown]
# ## The numbers

# %%
training.save_generator(run.folder / "generator.safetensors", trained.averaged, data.label_space)
sheet = figures.layout_grid(made["semgan"][:16], data.label_space, columns=4)
sheet.savefig(run.folder / "samples.png", dpi=150)
record = run.finish()

# %%
from sempal_lib.results import comparison

names = [name for name in dict.fromkeys(row["metric"] for row in record["metrics"]) if name.startswith("swd")]
found = {row["metric"] for row in record["metrics"]}
comparison(record, "cityscapes", [*names, "ms_ssim", *sorted(found & {"fid", "fd_seg"})])

# %% [markdown]
# The paper's rows are for Cityscapes at 128×128 px, the first two of its Table 3, each the best value during
# training. Its mean is over more levels than it lists; ours is over the levels shown. (Its Table 1 gives the GAN a
# mean SWD of 24.5. No GAN run of its Table 3 has that, the lowest is 41.4; 24.5 stands there in a row of SemGAN.) For
# the coloured shapes the paper has curves only. So compare our own rows with each other.

# %%
if shapes:
    display(comparison(record, "colored-shapes", ["stray_pixels", "stray_pixels_snapped", "off_colour"]))
    for shape in ("circle", "rectangle", "square"):
        parts = [f"{shape}_{what}" for what in ("form", "size", "count", "present")]
        display(comparison(record, "colored-shapes", parts))

# %% [markdown]
# *Form* is the share of layouts where the shape overlaps the legal one with an IoU of at least 0.9; *size* where its
# area is within 10 %; *count* where there are as many pieces as there should be. All three are over the layouts that
# show the class, or should. *Present* is the share that shows it at all.
#
# ### Façades and streets
#
# The paper goes on to façades and streets. `toy-facades` has the twelve classes of CMP Facades:

# %%
facades = datasets.load("toy-facades", size=(128, 128), limit=4, seed=run.parameters.seed)
figures.contact_sheet([facades[i] for i in range(4)], facades.label_space, columns=4)

# %% [markdown]
# The same two networks learn from these and from real façades, and from streets, squeezed to a square as in the paper.
# A committed SemGAN on `toy-facades`:

# %%
found = reference_run("03_semgan", "toy-facades")
if found is not None:
    painter_of_facades, space_of_facades, _ = training.load_generator(found / "generator.safetensors")
    display(figures.layout_grid(metrics.sample(painter_of_facades, 8), space_of_facades, columns=4))

# %%
from sempal_lib.results import reference_verdicts

reference_verdicts("03_semgan", ("swd_128", "swd_mean", "ms_ssim", "fd_seg"), "semgan", "rgb-gan")

# %% [markdown]
# These are the committed runs in which both were trained. The claim of each row is that SemGAN's number is the lower
# one. First look how many seeds a row has: one decides nothing, however large its difference. On streets at 128 px the
# paper has the widest gap at the finest level, `swd_128`: 15.0 for SemGAN and 245.1 for the same network painting
# colours (its Table 3, the runs of lowest FID).
#
# On façades look at SWD and FD-seg together, and at the picture above: floors, windows in rows, cornices, shops. Two
# things mislead SWD here. CMP gives half of its classes shades of blue, so that in colours a window hardly differs
# from its wall. And a smear of fine lines has about as much fine detail as real sills and moldings, while a young
# SemGAN leaves the thin classes out. A distance between pictures of layouts depends on the colours that someone once
# chose; a distance between layouts should not.
#
# What all committed runs have reached:

# %%
from sempal_lib.results import reference_table

reference_table("03_semgan", ("swd_mean", "fd_seg", "stray_pixels"), ("semgan", "rgb-gan", "full"))

# %% [markdown]
# ## Verdict
#
# Computed from the record.

# %%
from sempal_lib.results import verdicts

claims = {
    "SemGAN's patches are nearer to real ones, on the mean of the levels": ("swd_mean", "semgan", "rgb-gan"),
    "SemGAN's pictures are more diverse": ("ms_ssim", "semgan", "rgb-gan"),
}
if judge is not None:
    claims["To a segmenter they look more like real ones"] = ("fd_seg", "semgan", "rgb-gan")
if shapes:
    claims["SemGAN leaves fewer stray pixels"] = ("stray_pixels", "semgan", "rgb-gan")
    claims["also where a wrong colour is forgiven"] = ("stray_pixels_snapped", "semgan", "rgb-gan")
nothing = Markdown("No twin was trained: there is nothing to compare with.")
verdicts(record, claims) if run.parameters.twin else nothing

# %% tags=["hide-input"]
from sempal_lib.results import compared


def against_twin(metric):
    return compared(record, metric, "semgan", "rgb-gan").words


if run.parameters.twin:
    at = sorted(int(name[4:]) for name in names if name[4:].isdigit())
    lines = [
        f"SemGAN's SWD against its twin's, at the finest level: {against_twin(f'swd_{at[-1]}')}; "
        f"at the coarsest: {against_twin(f'swd_{at[0]}')}.",
        f"MS-SSIM: {against_twin('ms_ssim')}; the real layouts' own is {real:.3f}.",
    ]
    if shapes:
        lines += [
            f"Stray pixels: {against_twin('stray_pixels')}. Where a wrong colour is forgiven: "
            f"{against_twin('stray_pixels_snapped')}.",
            f"The share of layouts that show the square: {against_twin('square_present')}.",
        ]
    display(Markdown("**Reading it**, over the seeds of this configuration.\n\n- " + "\n- ".join(lines)))

# %% [markdown]
# What to make of it. Fine levels and stray pixels are what SemGAN is about. Stray pixels that are gone once colours are
# forgiven were colours only: *where* things are the twin has learned as well. Whether a small shape is there is another
# matter. A twin that is unsure of the square paints a little red in several places, and gets the amount right; SemGAN
# must decide, and may leave it out. FD-seg sees amounts, and so can prefer the twin. And MS-SSIM takes smears for
# diversity, which is why it is held against the real layouts' own value and not against zero. No single number tells
# this story.
#
# **What differs from the paper.** Widths, depth and the form of feature matching are ours, as the paper leaves them
# open. We sample from averaged weights. `demo` has fewer and smaller steps, smaller and narrower networks, a shorter
# noise vector and a higher learning rate. `paper` has the paper's values: for the shapes, and for Cityscapes and
# façades at 128 px those of the runs with the lowest FID in its Tables 3 and 4. It trains on "the 22 main classes" of
# Cityscapes and does not name them. Our `cityscapes-22` is a reading of that: the 19 of the benchmark, and *static*,
# *dynamic* and *ground*, which by Cityscapes' own definitions take in everything else.
#
# ```
# papermill book/03_semgan.ipynb out.ipynb -f runs/presets/paper.yaml \
#     -p dataset cityscapes-22 -p data_root /data/cityscapes
# ```
#
# ## Exercises
#
# **1.** The twin's colours can be snapped to the nearest class afterwards. Why does that not make it a SemGAN? Think
# of the edge between the blue circle and the green rectangle, and of what lies between their colours. Could other
# colours help?

# %% tags=["hide-cell"]
blue, green = (torch.tensor(data.label_space.colors[c]).float() for c in (1, 2))
for share in (0.0, 0.25, 0.5, 0.75, 1.0):
    mixed = (share * blue + (1 - share) * green).view(1, 3, 1, 1) / 127.5 - 1
    label, off = metrics.snap_to_colours(mixed, data.label_space)
    name = data.label_space.names[label]
    print(f"{share:.2f} of class 1: read as {name:10} {off.item():.0f} of 255 off")
print(
    "Snapping comes after training: D judged the colours, and G's gradient was about colours. Half way between two\n"
    "colours a third class can be as near, or nearer. That cannot happen where all colours are equally far apart.\n"
    "Three channels have room for four such colours; one-hot vectors are that for any number of classes."
)

# %% [markdown]
# **2.** How sure is $G$? Compute the mean entropy of its soft layouts, in nats, and the share of pixels whose largest
# probability is below 0.9. Where do they lie?

# %% tags=["hide-cell"]
import math

noise = torch.randn(32, trained.averaged.settings.latent_dim, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    soft = trained.averaged.cpu()(noise)
hard, unsure = soft.argmax(1), soft.max(1).values < 0.9
edge = torch.zeros_like(unsure)
edge[:, 1:] |= hard[:, 1:] != hard[:, :-1]
edge[:, :, 1:] |= hard[:, :, 1:] != hard[:, :, :-1]
print(f"entropy {float(losses.entropy_loss(soft)):.3f} nats of at most {math.log(soft.shape[1]):.2f}")
print(f"unsure: {float(unsure.float().mean()):.3f} of the pixels")
share, everywhere = float(edge[unsure].float().mean()), float(edge.float().mean())
print(f"of these {share:.2f} lie along an edge; of all pixels {everywhere:.2f} do")
