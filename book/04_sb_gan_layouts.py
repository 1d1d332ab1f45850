# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Layouts from nothing
#
# **The claim.** Layouts can be generated from noise alone, at the size and with the number of classes of real scenes.
# {cite:t}`azadi2020sbgan` call their layout generator a *semantic bottleneck*: all of a scene has to pass through it
# before a second network paints it. They go up to 256×512 px on Cityscapes, and to 95 classes on indoor scenes. The
# paper judges its layouts by the pictures painted on them; {cite:t}`lemoing2021semanticpalette` measured the layouts
# themselves, and give a Fréchet segmentation distance of 63.8 on Cityscapes (20.4 after tuning with pictures, which
# comes in a later chapter).
#
# **What we do here.** We train the bottleneck, progressively, from 4 px up. We look at the trick that lets a gradient
# through a choice of classes. We then replace that trick by another one, and see which is better. The chapter on
# pictures will take the trained bottleneck from here.
#
# You need *Pixels that are classes*: SemGAN showed soft layouts to the discriminator. Here it sees hard ones.

# %% tags=["parameters"]
preset = None        # smoke, demo, gpu or paper; None: the environment variable SEMPAL_PRESET, or demo
dataset = None       # a name that datasets.load knows, or a bundle's own
data_root = None     # folder of a real data set
seed = None
height = None        # px, of the layouts; the width follows from the data set
batch_sizes = None   # layouts a step, at 4, 8, … px
phase_images = None  # real layouts shown in a phase, at 4, 8, … px
max_channels = None  # widest features
soft_real = None     # real layouts softened; False: Gumbel-softmax instead
device = None        # auto, cpu or cuda

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("04_sb_gan_layouts", globals())

# %%
import torch
from IPython.display import Markdown, display

from sempal_lib import datasets, figures, layers, layout_gans, losses, metrics, training
from sempal_lib.palettes import palette_of
from sempal_lib.sources import source
from sempal_lib.tables import Table

data = training.layout_data(run.parameters)
Markdown(
    f"**{data.name}**: {len(data.layouts)} layouts of {data.size[0]}×{data.size[1]} px to train on, "
    f"{len(data.held_out)} held out, {data.label_space.num_classes} classes."
)

# %% [markdown]
# ## A choice that lets a gradient through
#
# At each pixel $(i, j)$ the generator's last layer, a softmax, gives probabilities $P^k_{ij}$ for the $K$ classes,
# $\sum_k P^k_{ij} = 1$. SemGAN stops here. But the discriminator then compares soft layouts with one-hot ones, and
# can tell them apart by their softness alone. SB-GAN *samples* a class.
#
# To sample from $P$, add to each $\log P^k_{ij}$ a number $G^k_{ij}$ from the standard Gumbel distribution, and take
# the largest. ($G$ with indices is the paper's letter for that number, drawn anew for each pixel and class. It is not
# the generator.) That is exact, and has no gradient. The *Gumbel-softmax*
# {cite:p}`jang2017gumbel,maddison2017concrete` puts a softmax with temperature $\tau$ in the place of the largest:
#
# $$S^k_{ij} = \frac{\exp\{(\log P^k_{ij} + G^k) / \tau\}}{\sum_l \exp\{(\log P^l_{ij} + G^l) / \tau\}} \tag{1}$$
#
# The *straight-through* estimator uses both: on the way forward $\arg\max_k S^k$, so that $D$ sees a hard layout; on
# the way back the gradient of $S$, as if nothing had been rounded.

# %%
source(layers.straight_through_gumbel)

# %% [markdown]
# Three classes with probabilities 0.7, 0.2 and 0.1, sampled ten thousand times. The hard choices have these
# frequencies, whatever the temperature: dividing all by $\tau$ leaves the largest where it is. What the temperature
# changes is the gradient. The last two columns show it, the largest $S^k (1 - S^k) / \tau$ of each pixel: how often
# it is more than 0.05, and the most it is. Near 0 it is rare and large; at 1 nearly every pixel has some.

# %%
torch.manual_seed(0)
P = torch.tensor([0.7, 0.2, 0.1]).view(1, 3, 1, 1).expand(1, 3, 100, 100)
noise = layers.gumbel_noise(P.shape, torch.Generator().manual_seed(0))
rows = []
for tau in (1.0, 0.5, 0.1):
    shares = layers.straight_through_gumbel(P, noise, tau).mean((0, 2, 3))
    soft = ((P.log() + noise) / tau).softmax(1)
    slope = (soft * (1 - soft)).amax(1) / tau
    felt, most = float((slope > 0.05).float().mean()), float(slope.max())
    rows.append((f"{tau}", *(f"{share:.3f}" for share in shares), f"{felt:.2f}", f"{most:.2f}"))
Table(("τ", "class 1", "class 2", "class 3", "has a gradient", "largest"), tuple(rows), {})

# %% [markdown]
# Try it: each of the 256 pixels draws its own $G$. Cold, the soft choices at the left are as pure as the hard ones;
# hot, all pixels look alike. The hard choices at the right, made with the same $G$, never change with $\tau$.

# %% tags=["hide-input"]
from sempal_lib.widgets import temperature_toy

temperature_toy()

# %% [markdown]
# SB-GAN takes $\tau = 1$.
#
# ## From 4 px up
#
# The rest is a progressive GAN {cite:p}`karras2018progan`. Training begins with a generator and a discriminator for
# layouts 4 px high. A new block then doubles the resolution. It fades in: with weight $\alpha$ from 0 to 1 its output
# is mixed with the old one's, enlarged. What the coarse layers have learned stays, and the new ones add detail.
#
# The loss is that of Improved WGAN {cite:p}`gulrajani2017wgangp`. The discriminator $D$ scores real layouts $x$ high
# and generated ones $y$ low,
#
# $$\mathcal{L}_D = \mathbb{E} D(y) - \mathbb{E} D(x) + \lambda \mathcal{P}$$
#
# and the generator lowers $-\mathbb{E} D(y)$. The penalty
#
# $$\mathcal{P} = \mathbb{E} (\lVert \nabla D(\hat x) \rVert_2 - 1)^2$$
#
# with $\lambda = 10$ holds $D$'s slope near 1 at mixtures $\hat x$ of a real and a generated layout.
#
# Semantic Palette, the next chapter, grows on this same trunk. So there is one class for both, and SB-GAN is a
# setting of it: no palette goes in, a softmax over the classes comes out.

# %%
source(losses.gradient_penalty)

# %%
source(layout_gans.LayoutGenerator.forward)

# %% [markdown]
# ## Training
#
# The paper gives the learning rate, $10^{-3}$, and $\tau = 1$, but no schedule. Its released code has one: on
# Cityscapes 150 epochs a phase with 16 layouts a step, the same at each resolution, which makes 27,890 steps a phase.
# `paper` trains this chapter so, up to the 128 px from which the released tuning with pictures starts. (Semantic
# Palette trained an SB-GAN of its own for its tables. The row *sb-gan* of
# [Does the palette help?](06_ablation.ipynb) has Semantic Palette's schedule, with large batches first.)

# %%
trained = training.train(run.parameters, data, run.checkpoint, watch=training.progress_bar)
generator = trained.averaged.eval()
Markdown(
    f"{trained.steps:,} steps on {trained.images:,} layouts took {trained.seconds:.0f} s "
    f"(device: {trained.fabric.device}, threads: {torch.get_num_threads()})."
)

# %%
figures.training_curves(trained.history)

# %% [markdown]
# Entropy and spread are only watched here (the spread of a softmax over classes is 0 by construction). No loss asks
# the pixels to be sure; the discriminator does, since a pixel that is unsure is sampled at random, and a random pixel
# stands out.
#
# One noise a column, coarse to fine. Only the last row is trained to the end. A coarse row shows what a last layer
# that stopped learning some stages ago makes of today's features.

# %%
final = data.size[0]
ladder = []
for stage in range(len(trained.settings.stages)):
    coarse = trained.sample(stage)[:3].cpu()
    enlarged = final // coarse.shape[1]
    ladder.append(coarse.repeat_interleave(enlarged, 1).repeat_interleave(enlarged, 2))
figures.layout_grid(torch.cat(ladder), data.label_space, columns=3)

# %% [markdown]
# ## What it makes
#
# Real layouts first, then generated ones.

# %%
if data.name in datasets.PROCEDURAL:  # pictures of a real data set stay out of the book
    display(figures.layout_grid(data.held_out[:6].long(), data.label_space, columns=3))
random = torch.Generator().manual_seed(run.parameters.seed)
noise = torch.randn(run.parameters.samples, generator.cpu().settings.latent_dim, generator=random)
# The generator's interface has room for a palette; this one does not look at it.
unused = data.palettes[:1].expand(len(noise), -1)
made = generator.generate(noise, unused)
display(figures.layout_grid(made[:9], data.label_space, columns=3))
figures.legend(data.label_space)

# %% [markdown]
# ## Are the proportions those of real scenes?
#
# Each layout has a palette, the share of each class. The *Fréchet segmentation distance* (FSD)
# {cite:p}`bau2019seeing` fits a Gaussian to the palettes of real layouts and one to those of generated ones, in per
# cent, and takes their Fréchet distance. It sees how much of each class there is, and which classes come together. It
# does not see where they are.

# %%
source(metrics.frechet_segmentation_distance)

# %% [markdown]
# To see where they are, we cut each layout into $4 \times 4$ cells and take the FSD in each of them. With $P_g$ the
# palettes of cell $g$, in per cent of the cell,
#
# $$\text{FSD}_\text{grid} = \tfrac{1}{16} \sum_{g=1}^{16} \text{FSD}\big(P_g^\text{real}, P_g^\text{generated}\big)$$
#
# The real layouts come with their mirror images, for training shows both. Shuffle the pixels of a real layout, and
# its FSD stays 0; this distance becomes large. Both are squared per cents, but a cell varies more than a whole
# layout does: compare a number with others of its kind, and with its *floor*, what two halves of the real layouts get.

# %%
source(metrics.grid_segmentation_distance)

# %%
classes = data.label_space.num_classes


def measure(layouts, variant):
    fsd = metrics.frechet_segmentation_distance(data.palettes, palette_of(layouts, classes))
    run.measure("sb-gan", variant, "fsd", fsd, len(layouts), "train")
    by_cells = metrics.grid_segmentation_distance(data.layouts, layouts, classes, data.label_space.ignore_index)
    run.measure("sb-gan", variant, "fsd_grid", by_cells, len(layouts), "train")
    some = layouts[:64]
    run.measure("sb-gan", variant, "layout_diversity", metrics.layout_diversity(some), len(some), "train")
    return float(fsd)


fsd = measure(made, "full")
between_real = float(metrics.frechet_segmentation_distance(data.palettes, data.held_out_palettes))
Markdown(
    f"FSD of {len(made)} generated layouts against the training layouts: {fsd:.1f}. Of {len(data.held_out)} held-out "
    f"real ones: {between_real:.1f}. That is what other scenes of the same kind cost. (FSD also depends on the number "
    "of layouts.)"
)

# %%
figures.palette_map(
    {"real": data.palettes[: len(made)], "generated": palette_of(made, classes)}, data.label_space)

# %% [markdown]
# Each dot is a layout's palette, on the plane along which the real ones vary most. A generator that is free to choose
# may choose the middle, and leave rare scenes out. No loss names what it forgets.
#
# ## Instead of sampling: soften the real ones
#
# Sampling brings the generated layouts to the real ones' side: both hard. One can also go the other way, and make the
# real ones a little soft. That is what Semantic Palette does (the next chapter). Here is the same SB-GAN with this
# one change: no noise, soft layouts for the discriminator, real ones blurred slightly.

# %%
softened = run.parameters.model_copy(update={"soft_real": True})
other = training.train(softened, data, run.folder / "checkpoint-soft.safetensors", watch=training.progress_bar)
made_soft = other.averaged.cpu().eval().generate(noise, unused)
soft_fsd = measure(made_soft, "soft")
display(figures.layout_grid(made_soft[:6], data.label_space, columns=3))
Markdown(f"FSD with softened real layouts: {soft_fsd:.1f}, with Gumbel-softmax {fsd:.1f}.")

# %% [markdown]
# ## The numbers

# %%
training.save_generator(run.folder / "generator.safetensors", generator, data.label_space)
sheet = figures.layout_grid(made[:16], data.label_space, columns=4)
sheet.savefig(run.folder / "samples.png", dpi=150)
record = run.finish()

# %%
from sempal_lib.results import comparison

comparison(record, "cityscapes", ["fsd", "fsd_grid", "layout_diversity"])

# %% [markdown]
# The 63.8 is from Semantic Palette's Table 2, for 128×256 px and all classes of Cityscapes, before any tuning with
# pictures. (Both papers say 33 classes. Both releases have 35 channels, so that every pixel has a class, and so does
# `cityscapes-35`, on which `paper` trains.) `layout diversity` is the share of pixels in which two generated layouts
# differ, the mean over pairs.
#
# ## Verdict

# %%
from sempal_lib.results import compare, compared, verdicts

among_real = float(metrics.layout_diversity(data.held_out[:64]))
claims = {
    "Softened real layouts bring the statistics nearer than sampling": ("fsd", "soft", "full"),
    "also cell by cell": ("fsd_grid", "soft", "full"),
}
display(verdicts(record, claims))
softer = compared(record, "fsd", "soft", "full")
Markdown(
    f"FSD with softened real layouts, against that with sampling: {softer.words}. Two real layouts differ in "
    f"{100 * among_real:.0f} % of their pixels, two generated ones in "
    f"{100 * float(metrics.layout_diversity(made[:64])):.0f} %."
)

# %% [markdown]
# **What differs from the paper.** The authors' code draws new noise for the discriminator's step; we use one batch
# for both. Their code never mixes the fading block in while it trains; we fade, as ProGAN does, which the paper
# follows. As in ProGAN, the discriminator compares the samples of a batch, its output is kept from drifting, and we
# sample from averaged weights. At `demo` the networks are narrow and the learning rate is higher.
#
# ## Exercises
#
# **1.** Train at $\tau = 0.1$. `ProgressiveSettings` has a `temperature`. Does the entropy of the soft layouts fall
# faster? How many seeds do you need to say so?

# %% tags=["hide-cell"]
from dataclasses import replace

from sempal_lib.training import ProgressiveTraining, StageSettings

few = replace(trained.settings, stages=(StageSettings(8, 80, 80),) * 2)  # two coarse stages, no more
by_tau = {}
for tau in (1.0, 0.1):
    entropies = []
    for trial in range(3):
        torch.manual_seed(trial)
        nets = (net(generator.settings) for net in (layout_gans.LayoutGenerator, layout_gans.LayoutDiscriminator))
        settings = replace(few, temperature=tau, seed=trial)
        short = ProgressiveTraining(*nets, data.layouts, settings, data.mixture, trained.fabric)
        entropies.append(list(short)[-1].losses["entropy"])
    by_tau[tau] = dict(enumerate(entropies))
    print(f"tau {tau}: entropy after {short.steps} steps", " ".join(f"{value:.2f}" for value in entropies), "nats")
print("At 0.1 it is", compare(by_tau[0.1], by_tau[1.0]).words)
print("An interval that holds zero decides nothing: then train longer, or more seeds.")

# %% [markdown]
# **2.** Which classes does the bottleneck leave out? Compare in how many layouts each class occurs.

# %% tags=["hide-cell"]
real_share = (data.palettes > 0).float().mean(0)
made_share = (palette_of(made, classes) > 0).float().mean(0)
ratio = torch.where(real_share > 0, made_share / real_share, torch.inf)  # classes that are never there come last
for c in ratio.argsort()[:6].tolist():
    print(f"{data.label_space.names[c]:14} in {real_share[c]:.2f} of the real layouts, in {made_share[c]:.2f} of ours")
