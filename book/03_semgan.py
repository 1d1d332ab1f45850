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
# A layout is not a picture. Here a generator learns to give each pixel a class, and not a colour.

# %% tags=["parameters"]
preset = None  # smoke, demo, gpu or paper; None: SEMPAL_PRESET, or demo
dataset = None  # a name that datasets.load knows, or a bundle's own
data_root = None  # folder of a real data set
seed = None
height = None  # px, height and width of the layouts
steps = None  # training steps
kernel_size = None  # of every convolution, px
judge_steps = None  # of the segmenter that gives FD-seg; 0: none
twin = None  # also train the same GAN painting colours
device = None  # auto, cpu or cuda

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("03_semgan", globals())

# %%
import torch
import torch.nn.functional as F
from IPython.display import Markdown, display
from torch import nn

from sempal_lib import (
    datasets,
    figures,
    layout_gans,
    losses,
    metrics,
    training,
    widgets,
)
from sempal_lib.records import read_record
from sempal_lib.runs import reference_run
from sempal_lib.sources import source
from sempal_lib.tables import duration

data = training.semgan_data(run.parameters)
metrics.check_sample_count(
    len(data.layouts), run.parameters.samples, f"{data.name}, SWD"
)
shapes = data.name == "colored-shapes"
procedural = (
    data.name in datasets.PROCEDURAL
)  # pictures of a real data set stay out of the book

# The best generator at hand for this data: of the committed runs the one that trained for longest.
best = reference_run("03_semgan", data.name)
if best is not None:
    walker, space = training.load_generator(best / "generator.safetensors")[:2]
    display(
        figures.layout_grid(
            metrics.sample(walker, 8, run.parameters.seed), space, columns=4
        )
    )

# %% [markdown]
# *Figure 1. What a SemGAN makes from noise: layouts of the paper's coloured shapes, none of which it was shown. Look at
# the edges: no pixel has a colour between two classes. (Eight squares with a blue circle, a green rectangle and a small
# red square on black; some shapes are ragged.)*
#
# **The claim.** A GAN that paints layouts in colours blends them at the edges, and invents colours that no
# [class](notation.md#class) has. {cite:t}`ghelfi2019semgan` change one layer: the generator ends in a distribution over
# the classes at each pixel, and the discriminator is shown [one-hot layouts](notation.md#one-hot-layout). On Cityscapes
# their *SemGAN* reaches an FID of 50.9 and a mean sliced Wasserstein distance of 20.5, where the same network painting
# colours, with the same settings, has 164.3 and 96.1.
#
# **Why one would want it.** A layout is what a painter of pictures takes as its input, and what a segmenter is trained
# on. Both need a class at every pixel. A colour that is nearly road is no use to either.
#
# **What we do here.** We write the two networks and one training step in plain PyTorch, train both kinds on the
# paper's own toy set of coloured shapes, with the same settings and the same budget, and compute the paper's metrics.
# Then we count what the paper shows by eye only: stray pixels, and how often a circle is a circle.
#
# You need [Layouts and palettes](02_layouts_and_palettes.ipynb): what a layout is, and a soft one. All words and
# symbols stand in [Notation and words](notation.md).
#
# ## Data
#
# `colored-shapes` follows the paper's words: 2,916 layouts of 64×64 px, a red square of 10×10 px at each of $54^2$
# places, a blue circle of radius 10 px and a green rectangle anywhere. Shapes may overlap, and the circle can hide
# the square. Four classes: background, circle, rectangle, square. It is a hard test because it is simple: every error
# shows.

# %% tags=["hide-input"]
if procedural:
    display(
        figures.layout_grid(data.layouts[:12].long(), data.label_space, columns=6)
    )
display(figures.legend(data.label_space))
Markdown(
    f"**{data.name}**: {len(data.layouts)} layouts of "
    f"{data.size[0]}×{data.size[1]} "
    "px to train on."
)

# %% [markdown]
# *Figure 2. Real layouts, and what their colours mean. (Twelve small squares, each with three shapes, some of them
# overlapping; below them the names of the four classes.)*
#
# ## A distribution at each pixel
#
# A GAN {cite:p}`goodfellow2014gan` is a game of two networks. The [generator](notation.md#generator) $G$ turns
# [noise](notation.md#noise) $z$, drawn from a prior $p_g$, into samples. (The paper's letter: $p_g$ is the distribution
# of the noise, not of the samples.) The [discriminator](notation.md#discriminator) $D$ says how probable it finds that
# a sample $x$ comes from the data, $p_\text{data}$:
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
# $D$ is shown the same shape of thing: the [soft layouts](notation.md#soft-layout) of $G$, and real ones as one-hot
# maps. So $G$ also learns to be sure, as only sure pixels look like one-hot ones. Nothing is sampled and nothing is
# rounded on the way.

# %% tags=["hide-input"]
figures.semgan_diagram()

# %% [markdown]
# *Figure 3. One training step. Blue: what is new against a GAN that paints colours. (Diagram: noise goes through the
# generator and a softmax over the classes and becomes a soft layout; a real layout becomes a one-hot one; the
# discriminator sees both. Its logit gives the cross-entropy, which the discriminator lowers, its features give the
# feature matching loss, which the generator lowers.)*
#
# ### The generator
#
# A dense layer makes a map of 4×4 px. Transposed convolutions with batch normalisation double it, 8, 16, 32 px and so
# on, and a last convolution and the softmax make the distribution.

# %%
from itertools import pairwise


def doubled(a, b, k):
    conv = nn.ConvTranspose2d(a, b, k, 2, k // 2, output_padding=1, bias=False)
    return conv, nn.BatchNorm2d(b), nn.LeakyReLU(0.3)


def plain_generator(classes, noise, k, widths):  # widths: channels at 4, 8, … px
    dense = nn.Linear(noise, 16 * widths[0], bias=False)
    start = dense, nn.Unflatten(1, (widths[0], 4, 4)), nn.BatchNorm2d(widths[0])
    ups = [layer for a, b in pairwise(widths) for layer in doubled(a, b, k)]
    last = nn.Conv2d(widths[-1], classes, k, padding=k // 2)
    return nn.Sequential(*start, nn.LeakyReLU(0.3), *ups, last, nn.Softmax(1))


# %% [markdown]
# ### The discriminator
#
# It mirrors the generator, without normalisation, and hands out what each layer sees beside its
# [logit](notation.md#cross-entropy), the $D(x)$ of equation 1 before its sigmoid.


# %%
class PlainDiscriminator(nn.Module):
    def __init__(self, classes, k, widths):  # widths: channels at 4, 8, … px
        super().__init__()
        sizes = pairwise([classes, *widths[-2::-1]])
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, k, 2, k // 2) for a, b in sizes
        )
        self.last = nn.Linear(16 * widths[0], 1)

    def forward(self, x):  # [B, K, H, W] to logits [B] and features
        features = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.3)
            features.append(x)
        return self.last(x.flatten(1)).squeeze(1), features


# %% [markdown]
# The **twin**, the paper's control, is the same pair with three channels in the place of $K$ and a tanh in the place of
# the softmax. It paints the classes' colours. Nothing else differs.
#
# Channels are `max_channels` at 4 px, half as many at each next resolution, and never fewer than `min_channels`.
# Weights begin as PyTorch draws them. Samples are made by [averaged weights](notation.md#averaged-weights): after each
# step the average moves towards the weights, so that what lies a sixteenth of the training back counts half. (Early on
# it looks back by 5 % of the layouts shown so far, or it would still hold the first weights.) The running statistics of
# batch normalisation are averaged alike.
#
# Depth, widths and normalisation are not in the paper. Widths and layers follow what its authors' later library does by
# default, without the dropout in $D$. Both networks have one kernel size: for the shapes the paper takes 11 px, for the
# best streets and façades 7 px (its Tables 3 and 4).
#
# ### One training step, in plain form
#
# $D$ lowers $-\tfrac12 V$ of equation 1, a binary cross-entropy. $G$ does not play against it. It *matches features*
# {cite:p}`salimans2016improved`: the activations of $D$ should have the same mean on generated samples as on real ones.
# With $f_\ell$ for the features of layer $\ell$, and means over a batch,
#
# $$\mathcal{L}_\text{FM} = \sum_\ell \tfrac{1}{N_\ell} \lVert d_\ell \rVert_1 \tag{4}$$
#
# where $d_\ell = \mathbb{E}_x f_\ell(x) - \mathbb{E}_z f_\ell(G(z))$ and $N_\ell$ is the number of features of the
# layer, taken after its LeakyReLU; the logit is not among them. The paper names the loss, with "an intermediate layer"
# as an example, and leaves layers and norm open: we take all layers and L1. Both networks step at once, each by an Adam
# of its own with $\beta = (0.5, 0.999)$. The paper's learning rate is 0.0001 for the shapes and 0.0002 for streets and
# façades. The noise is standard normal, `latent_dim` numbers.

# %%
p, K = run.parameters, data.label_space.num_classes
settings = layout_gans.SemganSettings(
    K,
    p.height,
    "classes",
    p.latent_dim,
    p.kernel_size,
    p.max_channels,
    p.min_channels,
)
torch.manual_seed(p.seed)
G = plain_generator(K, p.latent_dim, p.kernel_size, settings.channels)
D = PlainDiscriminator(K, p.kernel_size, settings.channels)
adams = [
    torch.optim.Adam(net.parameters(), p.learning_rate, (0.5, 0.999))
    for net in (G, D)
]


# %%
def matching(of_x, of_fake):  # features of all layers
    pairs = zip(of_x, of_fake, strict=True)
    return sum((r.detach().mean(0) - f.mean(0)).abs().mean() for r, f in pairs)


def semgan_step(real, z):
    """real: layouts [B, H, W], z: noise [B, Z]."""
    x, fake = F.one_hot(real.long(), K).movedim(-1, 1).float(), G(z)
    (on_x, of_x), (on_fake, of_fake) = D(x), D(fake)
    loss_d = -(F.logsigmoid(on_x).mean() + F.logsigmoid(-on_fake).mean()) / 2
    loss_g = matching(of_x, of_fake)
    step(loss_g, G, adams[0])
    step(loss_d, D, adams[1])
    return loss_g.item(), loss_d.item()


def step(loss, network, adam):
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    adam.step()


# %% [markdown]
# Note the two calls of `torch.autograd.grad`: one pass of the generated layouts through $D$ serves both losses, and
# neither gradient reaches the other network. Is this what the library does? Both take one step from the same weights,
# on the same batch.

# %% tags=["hide-input"]
some = (
    data.layouts[:64].cpu().clamp(max=K - 1)
)  # pixels of no class would be left out of both


def by_layers(G):  # the library's parameters in the order of the plain networks'
    parts = [
        G.norms[0],
        *(x for pair in zip(G.convs, G.norms[1:], strict=True) for x in pair),
    ]
    return [
        G.linear.weight,
        *(p for part in [*parts, G.last] for p in part.parameters()),
    ]


pair = (
    layout_gans.SemganGenerator(settings),
    layout_gans.SemganDiscriminator(settings),
)
theirs = [by_layers(pair[0]), list(pair[1].parameters())]
for mine, others in zip((G, D), theirs, strict=True):
    for parameter, other in zip(mine.parameters(), others, strict=True):
        other.data.copy_(parameter.data)
library = training.SemganTraining(
    *pair,
    some,
    data.label_space,
    training.SemganTrainingSettings(16, 1, p.learning_rate, seed=p.seed),
)
draws = torch.Generator().set_state(library.random.get_state())
chosen = torch.randint(len(some), (16,), generator=draws)
plain = semgan_step(some[chosen], torch.randn(16, p.latent_dim, generator=draws))
fast = library._train_step()
off = max(
    float((a - b).detach().abs().max())
    for mine, others in zip((G, D), theirs, strict=True)
    for a, b in zip(mine.parameters(), others, strict=True)
)
by_loss = max(
    abs(plain[0] - float(fast["loss_g"])), abs(plain[1] - float(fast["loss_d"]))
)
Markdown(
    f"Before training the generator's loss is {plain[0]:.3f}, the "
    "discriminator's "
    f"{plain[1]:.3f}; the library's differ "
    f"by {by_loss:.0e}. After the step no weight differs by more than {off:.0e} "
    "(a "
    f"step moves one by {p.learning_rate})."
)

# %% [markdown]
# The library's step, for any number of devices, labels that are to be ignored and the twin:

# %% tags=["hide-cell"]
display(source(training.SemganTraining._train_step))
display(source(losses.discriminator_cross_entropy))
display(source(losses.feature_matching_loss))

# %% [markdown]
# ## Training

# %% tags=["hide-input"]
trained = training.train_semgan(
    run.parameters, data, run.checkpoint, watch=training.progress_bar
)
made = {
    "semgan": metrics.sample(
        trained.averaged.eval(), run.parameters.samples, run.parameters.seed
    )
}
if run.parameters.twin:
    path = run.folder / "checkpoint-rgb.safetensors"
    painter = training.train_semgan(
        run.parameters, data, path, "rgb", watch=training.progress_bar
    )
    made["rgb-gan"] = metrics.sample(
        painter.averaged.eval(), run.parameters.samples, run.parameters.seed
    )
if best is None:
    walker, space = trained.averaged.cpu().eval(), data.label_space
Markdown(
    f"{trained.steps:,} steps of {p.batch_size} layouts took "
    f"{trained.seconds:.0f} "
    "s "
    f"(device: {trained.fabric.device}, threads: {torch.get_num_threads()})"
    + (f", the twin's {painter.seconds:.0f} s" if p.twin else "")
    + f". Kernels have {p.kernel_size} px, layers {p.min_channels} to "
    f"{p.max_channels} channels."
)

# %% tags=["hide-input"]
figures.training_curves(trained.history, ["loss_g", "loss_d"])

# %% [markdown]
# *Figure 4. The two losses of SemGAN. (Two curves over the layouts shown: the generator's falls and levels off, the
# discriminator's falls towards zero.)*

# %% [markdown]
# Move the slider through the `demo` training with seed 0: four layouts of the same noise, at every report.

# %% tags=["hide-input"]
from sempal_lib.widgets import progress_toy

progress_toy("03")

# %% tags=["hide-input"]
late = [row["loss_d"] for row in trained.history[-len(trained.history) // 4 :]]
Markdown(
    "The discriminator's loss would be 0.69, the logarithm of 2, if it could not "
    "tell real from generated, and 0 if it always could. Here its "
    f"mean over the last quarter is {sum(late) / len(late):.2f}."
)

# %% [markdown]
# That is why $G$ matches features: a $D$ that is sure gives the plain game no slope to follow, but its features still
# differ.
#
# ## What they make

# %% tags=["hide-input"]
display(figures.layout_grid(made["semgan"][:12], data.label_space, columns=6))
if run.parameters.twin:
    display(figures.image_grid(made["rgb-gan"][:12], columns=6))
took = [f"SemGAN {duration(trained.seconds)}"]
if run.parameters.twin:
    took.append(f"its twin {duration(painter.seconds)}")
Markdown(f"Training time on this machine: {', '.join(took)}.")

# %% [markdown]
# *Figure 5. Above SemGAN, below its twin, after the short training of this run. In the upper rows each pixel is a class
# by construction; whether edges are smooth and shapes whole has to be learned. In the lower rows look for colours that
# no class has. (Two rows of twelve small layouts with ragged shapes, then twelve pictures with blurred shapes in mixed
# colours.)*

# %% tags=["hide-input"]
if best is not None:
    kept = read_record(best / "record.json")
    longer, of_semgan = (
        kept["parameters"],
        (r for r in kept["metrics"] if r["system"] == "semgan"),
    )
    values = {row["metric"]: row["value"] for row in of_semgan}
    display(
        Markdown(
            f"**Figure 1 trained for longer**: {longer['steps']:,} steps of "
            f"{longer['batch_size']} layouts in "
            f"{duration(kept['seconds'])}, {longer['min_channels']} to "
            f"{longer['max_channels']} channels, noise of "
            f"{longer['latent_dim']} numbers, a learning rate of "
            f"{longer['learning_rate']} (seed {kept['seed']}). Its mean "
            f"SWD, defined below, is {values['swd_mean']:.1f}"
            + (
                f", and {values['stray_pixels']:.1%} of its pixels are stray."
                if shapes
                else "."
            )
        )
    )

# %% [markdown]
# ### A walk through the noise
#
# A generator that has learned scenes and not single pictures moves from one to the next without breaking. The slider
# walks on a closed path through noise, with the generator of Figure 1 where there is one.

# %% tags=["hide-input"]
widgets.walk(walker, space)

# %% [markdown]
# *Figure 6. Move the slider: shapes move, grow and shrink. Do they ever tear? (A layout of coloured shapes over a
# slider.)*
#
# ## Measured as in the paper
#
# **Sliced Wasserstein distance** ([SWD](notation.md#swd), {cite:t}`karras2018progan`). Pictures are taken apart into a
# Laplacian pyramid: each level is what remains of a picture when its half as large, enlarged version is taken away, so
# that it holds the detail of one scale. From each level come patches of 7×7 px in three colours, from real and from
# generated pictures: two sets of vectors of 147 numbers, each brought to mean 0 and standard deviation 1, colour by
# colour. Layouts are painted in their classes' colours for this. Then, for one level:


# %%
def patches_at(
    pictures, top, left
):  # [N, 3, H, W], places [N, P] to [N · P, 147]
    windows = pictures.unfold(2, 7, 1).unfold(3, 7, 1)  # [N, 3, y, x, 7, 7]
    each = torch.arange(len(pictures))[:, None]
    rows = windows[each, :, top, left].flatten(0, 1)
    mean, spread = (f((0, 2, 3), keepdim=True) for f in (rows.mean, rows.std))
    return ((rows - mean) / spread.clamp(min=1e-6)).flatten(1)


def swd(real, fake, lines):  # patches, and random directions of length 1 [147, L]
    a, b = (x @ lines for x in (real, fake))
    apart = (
        a.sort(0).values - b.sort(0).values
    )  # the first from the first, and so on
    return 1000 * apart.abs().mean()


# %% [markdown]
# Along a line the two sets are sorted and compared one by one. The mean over many lines is the distance; papers and
# tables give 1,000 times it. A level's SWD says whether structure of that size is right.

# %% tags=["hide-input"]
few = min(64, run.parameters.samples, len(data.layouts))
two = [
    metrics.painted(x[:few].long(), data.label_space)
    for x in (data.layouts, made["semgan"])
]
random = torch.Generator().manual_seed(0)
top, left = (
    torch.randint(side - 6, (few, 128), generator=random) for side in data.size
)
lines = torch.randn(512, 147, generator=random, dtype=torch.float64)
lines = F.normalize(lines, dim=1).float().T
ours = float(swd(*(patches_at(x, top, left) for x in two), lines))
lowest = min(data.size)  # a pyramid of one level: the pictures themselves
(kept_here,) = metrics.sliced_wasserstein_distance(*two, lowest=lowest).values()
Markdown(
    f"On {few} real and {few} generated layouts, whole pictures in the place of "
    "a "
    f"level: {ours:.2f} by this form, {kept_here:.2f} by "
    "`metrics.sliced_wasserstein_distance`."
)

# %% [markdown]
# **[MS-SSIM](notation.md#ms-ssim)** {cite:p}`wang2003msssim` is the mean similarity of *generated* pictures with each
# other: the contrast and the structure of windows of 11 px are compared, at several scales, and multiplied. Lower is
# more diverse; near 1 the generator makes one picture only. The real layouts' own value is the mark to meet. Far below
# it is no merit.
#
# **[FID](notation.md#fid)** {cite:p}`heusel2017ttur` compares the features that an Inception network sees in real and
# in generated pictures, by the Fréchet distance of two Gaussians with their means $\mu$ and covariances $\Sigma$:
#
# $$\lVert \mu_r - \mu_g \rVert^2 + \operatorname{Tr}\big(\Sigma_r + \Sigma_g - 2 (\Sigma_r \Sigma_g)^{1/2}\big)$$
#
# It needs that network's weights; where they are at hand (`SEMPAL_INCEPTION` names the file) FID is in the
# table. **[FD-seg](notation.md#fd-seg)** is the same distance in the features of a network of our own, and not to be
# compared with any FID: a small segmenter that has learned to read the classes of painted layouts. It sees how much of
# each class there is in each quarter of a picture, and colours that are no class's.

# %% tags=["hide-input"]
judge = training.train_judge(
    run.parameters, data, run.folder / "checkpoint-judge.safetensors"
)
for system, found in made.items():
    measured = metrics.evaluate_pictures(
        found,
        data.layouts,
        data.label_space,
        data.name,
        run.parameters.seed,
        judge,
    )
    for metric, (value, count) in measured.items():
        run.measure(system, "full", metric, value, count, "train")
levels: dict[str, dict[int, float]] = {system: {} for system in made}
for line in run.metrics:
    level = line["metric"].removeprefix("swd_")
    if level.isdigit():
        levels[line["system"]][int(level)] = line["value"]
figures.level_bars(levels)

# %% [markdown]
# *Figure 7. SWD of this run, level by level; shorter is better. The finest level is where invented colours and blurred
# edges show. (Horizontal bars, two for each height of the pyramid and two for the mean.)*

# %% tags=["hide-input"]
real = metrics.ms_ssim(
    metrics.painted(
        data.layouts[: run.parameters.samples].long(), data.label_space
    )
)
Markdown(f"MS-SSIM of as many real layouts with each other: {real:.3f}.")

# %% [markdown]
# ## Stray pixels, and what is a circle
#
# The paper says of its toy experiment that SemGAN shows "a limited number of spurious pixels", and gives no number.
# We look for the *nearest legal scene*: one circle of radius 10, one rectangle and one square, placed so that they
# agree best with the layout, from front to back. A place is worth the pixels inside that have the shape's class, less
# those that have another. Pixels that differ from the nearest scene are [stray](notation.md#stray-pixels).

# %% tags=["hide-input"]
if shapes:
    shown = made["semgan"][:4]
    nearest = metrics.nearest_scene(shown)
    stray = torch.where(shown == nearest, 0, 3)
    thirds = torch.cat([shown, nearest, stray])
    titles = [name for name in ("made", "nearest legal", "stray") for _ in shown]
    display(figures.layout_grid(thirds, data.label_space, titles, columns=4))

# %% [markdown]
# *Figure 8. Four layouts of this run, the legal scene nearest to each, and in red where the two differ. (Three rows of
# four squares: ragged shapes, clean shapes, and the red pixels of difference, most of them along the edges.)*
#
# The twin's pictures are read by each pixel's nearest class colour first. Two counts are given.
# `stray_pixels_snapped` forgives a wrong colour as long as the right class is nearest to it. `stray_pixels` does not:
# a pixel that is more than 16 of 255 off every class's colour, `off_colour`, is no label at all.

# %% tags=["hide-input"]
if shapes:
    for system, found in made.items():
        for metric, (value, count) in metrics.evaluate_shapes(
            found, data.label_space
        ).items():
            run.measure(system, "full", metric, value, count, "train")
    true = metrics.evaluate_shapes(
        data.held_out[: run.parameters.samples].long(), data.label_space
    )
    nothing = metrics.evaluate_shapes(
        torch.zeros(1, 64, 64).long(), data.label_space
    )
    display(
        Markdown(
            "A scale for it: an empty layout has "
            f"{nothing['stray_pixels'][0]:.3f} "
            "stray pixels, a real one "
            f"{true['stray_pixels'][0]:.0f}. So the number counts misshapen and "
            "missing shapes more than specks. "
            f"The square shows in {true['square_present'][0]:.2f} of the real "
            "layouts, the rectangle in "
            f"{true['rectangle_present'][0]:.2f}."
        )
    )

# %% [markdown]
# How the judge is trained, and how the nearest scene is found:

# %% tags=["hide-cell"]
display(source(training.judge_training))
display(source(metrics.nearest_scene))

# %% [markdown]
# ## The numbers

# %% tags=["hide-input"]
training.save_generator(
    run.folder / "generator.safetensors", trained.averaged, data.label_space
)
sheet = figures.layout_grid(made["semgan"][:16], data.label_space, columns=4)
sheet.savefig(run.folder / "samples.png", dpi=150)
record = run.finish()

from sempal_lib.results import comparison

names = [
    name
    for name in dict.fromkeys(row["metric"] for row in record["metrics"])
    if name.startswith("swd")
]
found = {row["metric"] for row in record["metrics"]}
display(comparison(record, "cityscapes", names))
comparison(record, "cityscapes", ["ms_ssim", *sorted(found & {"fid", "fd_seg"})])

# %% [markdown]
# Lower is better, but for MS-SSIM, which should be that of real layouts. The paper's rows are for Cityscapes at
# 128×128 px, the first two of its Table 3, each the best value during training. Its mean is over more levels than it
# lists; ours is over the levels shown. (Its Table 1 gives the GAN a mean SWD of 24.5. No GAN run of its Table 3 has
# that, the lowest is 41.4; 24.5 stands there in a row of SemGAN.) For the coloured shapes the paper has curves only. So
# compare our own rows with each other.

# %% tags=["hide-input"]
if shapes:
    display(
        comparison(
            record,
            "colored-shapes",
            ["stray_pixels", "stray_pixels_snapped", "off_colour"],
        )
    )
    for shape in ("circle", "rectangle", "square"):
        parts = [
            f"{shape}_{what}" for what in ("form", "size", "count", "present")
        ]
        display(comparison(record, "colored-shapes", parts))

# %% [markdown]
# *Form* is the share of layouts where the shape overlaps the legal one with an IoU (the area of both together, divided
# by the area of either) of at least 0.9; *size* where its
# area is within 10 %; *count* where there are as many pieces as there should be. All three are over the layouts that
# show the class, or should. *Present* is the share that shows it at all.
#
# ### Façades and streets
#
# The paper goes on to façades and streets. The same two networks learn from these, squeezed to a square as in the
# paper. `toy-facades` has the twelve classes of CMP Facades, `toy-street` the 19 of Cityscapes:

# %% tags=["hide-input"]
for elsewhere in ("toy-facades", "toy-street"):
    there = reference_run("03_semgan", elsewhere)
    if there is not None:
        away, its_space, _ = training.load_generator(
            there / "generator.safetensors"
        )
        took = duration(read_record(there / "record.json")["seconds"])
        side = away.settings.height
        display(
            Markdown(f"**{elsewhere}**, {side}×{side} px, trained for {took}:")
        )
        display(
            figures.layout_grid(metrics.sample(away, 8), its_space, columns=4)
        )
facades = datasets.load(
    "toy-facades", size=(128, 128), limit=6, seed=run.parameters.seed
)
display(Markdown("Real façades of that world, and their layouts:"))
figures.contact_sheet(
    [facades[i] for i in range(6)], facades.label_space, columns=6
)

# %% [markdown]
# *Figure 9. Façades and streets of committed SemGANs, and below them real façades to hold them against. The large
# classes are there; look for what is thin: sills, cornices, poles. (Eight façades with rows of windows, eight streets
# with a road below and sky above, and a row of drawn façades over their layouts.)*
#
# SemGAN and twin on each of these data sets:

# %% tags=["hide-input"]
from sempal_lib.results import reference_verdicts

compared_with = ("swd_128", "swd_mean", "ms_ssim", "fd_seg")
reference_verdicts("03_semgan", compared_with, "semgan", "rgb-gan")

# %% [markdown]
# These are the committed runs in which both were trained. The claim of each row is that SemGAN's number is the lower
# one. First look how many seeds a row has: one decides nothing, however large its difference. On streets at 128 px the
# paper has the widest gap at the finest level, `swd_128`: 15.0 for SemGAN and 245.1 for the same network painting
# colours (its Table 3, the runs of lowest FID).
#
# On façades look at SWD and FD-seg together, and at Figure 9: floors, windows in rows, cornices, shops. Two
# things mislead SWD here. CMP gives half of its classes shades of blue, so that in colours a window hardly differs
# from its wall. And a smear of fine lines has about as much fine detail as real sills and moldings, while a young
# SemGAN leaves the thin classes out. A distance between pictures of layouts depends on the colours that someone once
# chose; a distance between layouts should not.
#
# What all committed runs have reached:

# %% tags=["hide-input"]
from sempal_lib.results import reference_table

reached = ("swd_mean", "fd_seg", "stray_pixels")
reference_table("03_semgan", reached, ("semgan", "rgb-gan", "full"))

# %% [markdown]
# ## Verdict
#
# Computed from the record. *First* is SemGAN, *second* its twin; a claim [holds](notation.md#verdict) if the first is
# lower and the interval of the differences leaves zero out.

# %% tags=["hide-input"]
from sempal_lib.results import verdicts

claims = {
    "SemGAN's patches are nearer to real ones, on the mean of the levels": (
        "swd_mean",
        "semgan",
        "rgb-gan",
    ),
    "SemGAN's pictures are more diverse": ("ms_ssim", "semgan", "rgb-gan"),
}
if judge is not None:
    claims["To a segmenter they look more like real ones"] = (
        "fd_seg",
        "semgan",
        "rgb-gan",
    )
if shapes:
    claims["SemGAN leaves fewer stray pixels"] = (
        "stray_pixels",
        "semgan",
        "rgb-gan",
    )
    claims["also where a wrong colour is forgiven"] = (
        "stray_pixels_snapped",
        "semgan",
        "rgb-gan",
    )
nothing = Markdown("No twin was trained: there is nothing to compare with.")
verdicts(record, claims) if run.parameters.twin else nothing

# %% tags=["hide-input"]
from sempal_lib.results import compared


def against_twin(metric):
    return compared(record, metric, "semgan", "rgb-gan").words


if run.parameters.twin:
    at = sorted(int(name[4:]) for name in names if name[4:].isdigit())
    lines = [
        "SemGAN's SWD against its twin's, at the finest level: "
        f"{against_twin(f'swd_{at[-1]}')}; "
        f"at the coarsest: {against_twin(f'swd_{at[0]}')}.",
        f"MS-SSIM: {against_twin('ms_ssim')}; the real layouts' own is "
        f"{real:.3f}.",
    ]
    if shapes:
        lines += [
            f"Stray pixels: {against_twin('stray_pixels')}. Where a wrong colour "
            "is "
            "forgiven: "
            f"{against_twin('stray_pixels_snapped')}.",
            "The share of layouts that show the square: "
            f"{against_twin('square_present')}.",
        ]
    display(
        Markdown(
            "**Reading it**, over the seeds of this configuration.\n\n- "
            + "\n- ".join(lines)
        )
    )

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
# **Learned.** One layer, a softmax over the classes, is enough to turn a GAN of pictures into a GAN of layouts.
#
# **Failed.** MS-SSIM and SWD look at colours: they take smears for diversity and thin lines for detail, and no one
# number tells whether a scene is right.
#
# **Next.** [Layouts from nothing](04_sb_gan_layouts.ipynb): real streets have more classes and more pixels than this
# network can take in at once.
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
    print(
        f"{share:.2f} of class 1: read as {name:10} {off.item():.0f} of 255 off"
    )
print(
    "Snapping comes after training: D judged the colours, and G's gradient was "
    "about colours. Half way between two\n"
    "colours a third class can be as near, or nearer. That cannot happen where "
    "all "
    "colours are equally far apart.\n"
    "Three channels have room for four such colours; one-hot vectors are that "
    "for "
    "any number of classes."
)

# %% [markdown]
# **2.** How sure is $G$? Compute the mean entropy of its soft layouts, in nats, and the share of pixels whose largest
# probability is below 0.9. Where do they lie?

# %% tags=["hide-cell"]
import math

noise = torch.randn(
    32,
    trained.averaged.settings.latent_dim,
    generator=torch.Generator().manual_seed(0),
)
with torch.no_grad():
    soft = trained.averaged.cpu()(noise)
hard, unsure = soft.argmax(1), soft.max(1).values < 0.9
edge = torch.zeros_like(unsure)
edge[:, 1:] |= hard[:, 1:] != hard[:, :-1]
edge[:, :, 1:] |= hard[:, :, 1:] != hard[:, :, :-1]
print(
    f"entropy {float(losses.entropy_loss(soft)):.3f} nats of at most "
    f"{math.log(soft.shape[1]):.2f}"
)
print(f"unsure: {float(unsure.float().mean()):.3f} of the pixels")
share, everywhere = float(edge[unsure].float().mean()), float(edge.float().mean())
print(
    f"of these {share:.2f} lie along an edge; of all pixels {everywhere:.2f} do"
)
