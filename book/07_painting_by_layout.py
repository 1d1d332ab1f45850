# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Painting by layout
#
# **The claim.** A [layout](notation.md#layout) is enough to paint a scene by, if the network is told it again and
# again. GauGAN {cite:p}`park2019spade` does so at every block; pix2pix {cite:p}`isola2017pix2pix` and pix2pixHD
# {cite:p}`wang2018pix2pixhd` say it once, at the input. On Cityscapes a segmenter reads GauGAN's pictures with a
# mean IoU of 0.623, pix2pixHD's with 0.583, as the paper of LGGAN {cite:p}`tang2020lggan` reports. SB-GAN and
# Semantic Palette both paint with GauGAN.

# %% tags=["parameters", "hide-input"]
preset = None      # smoke, demo, gpu or paper; None: SEMPAL_PRESET, or demo
dataset = None     # a name that datasets.load knows, or a bundle's own
data_root = None   # folder of a real data set
seed = None
height = None      # px, of the pictures; the width follows from the data set
steps = None       # training steps of each synthesizer
batch_size = None  # pairs a step
ngf = None         # narrowest features of a generator, channels
perceptual = None  # auto, vgg19 or segmenter
device = None      # auto, cpu or cuda

# %% tags=["remove-output", "hide-input"]
import torch
import torch.nn.functional as F
from IPython.display import Markdown, display

from sempal_lib import datasets, figures, image_gans, losses, metrics, training
from sempal_lib.image_gans.layout_levels import LayoutLevels
from sempal_lib.labels import one_hot
from sempal_lib.records import read_record
from sempal_lib.runs import Run, reference_run
from sempal_lib.sources import source
from sempal_lib.tables import Table, duration

run = Run.start("07_painting_by_layout", globals())
data = training.scene_set(run.parameters)
space, classes = data.label_space, data.label_space.num_classes
procedural = data.name in datasets.PROCEDURAL  # real pictures stay out of the book

# %% tags=["hide-input"]
best = reference_run("07_painting_by_layout", data.name) if procedural else None
painters = {}
with torch.random.fork_rng():
    for file in sorted(best.glob("generator-*.safetensors")) if best else []:
        system = file.stem.removeprefix("generator-")
        painters[system] = training.load_generator(file)[0]
if painters:
    size = painters["gaugan"].settings.height, painters["gaugan"].settings.width
    fresh = datasets.load(data.name, "val", size, seed=run.parameters.seed, limit=16)
    unseen = fresh.layouts()
    unseen = torch.where(unseen < classes, unseen, 255)
    chosen = unseen[[0, 5, 8]]
    rows = zip(
        metrics.painted(chosen, space), painters["gaugan"].generate(chosen), strict=True
    )
    large = torch.stack([picture for row in rows for picture in row])
    titles = ["layout", "GauGAN", *[""] * 4]
    display(figures.image_grid(large, titles, columns=2))
    kept = read_record(best / "record.json")
    given = kept["parameters"]
    speed = {row["system"]: row["value"] for row in kept["metrics"]
             if row["metric"] == "images_per_second" and row["variant"] == "full"}
    pairs_shown = given["steps"] * given["batch_size"]
    took = duration(pairs_shown / speed["gaugan"])
    display(Markdown(
        f"This GauGAN paints {size[0]}×{size[1]} px, after {pairs_shown:,} pairs, "
        f"which took {took} on one core."))

# %% [markdown]
# *Figure 1. Layouts that no painter has seen, and what GauGAN makes of them. Look for what the layout does not say and
# the picture has: windows, lit sides, leaves. (Picture: three streets. On the left the layout in flat colours, on the
# right the same street painted, a little blurred, with each car, tree and wall where the layout has it.)*

# %% [markdown]
# **Why one would want it.** Who can draw a layout can draw a scene: move a car, and the picture follows. And a picture
# that was painted by a layout comes with its own truth, pixel by pixel. One can train on it, which
# [Judging with a segmenter](08_judging_with_a_segmenter.ipynb) and [Does synthetic data
# help?](14_data_augmentation.ipynb) put to the test.
#
# **What we do here.** We look at why a layout that is told once gets washed out. We write GauGAN's block, its judge
# and one step of its training in plain form. Then we train all three painters, and GauGAN with an encoder of styles,
# on the same [pairs](notation.md#pair) of layout and picture, each pair shown equally often. A segmenter that none of
# them was trained against reads their pictures.
#
# You need [Layouts and palettes](02_layouts_and_palettes.ipynb). How the reading works, and when it misleads, is the
# [next chapter](08_judging_with_a_segmenter.ipynb).

# %% [markdown]
# ## Three ways to say a layout
#
# A [generator](notation.md#generator) $G$ takes a layout $y$ and paints $G(y)$, which should look like the real
# picture $x$ of that layout. A [discriminator](notation.md#discriminator) $D$ sees both, and tells pairs $(y, x)$
# from pairs $(y, G(y))$.
#
# **pix2pix** is a U-Net: down to 1 px of height and up again, with a shortcut at every resolution. It lowers
#
# $$\mathcal{L}_G = -\mathbb{E} \ln D(y, G(y)) + \lambda \mathcal{L}_1 \tag{1}$$
#
# with $\mathcal{L}_1 = \mathbb{E} \lVert x - G(y) \rVert_1$, the distance pixel by pixel, and $\lambda = 100$. Here
# $D$ is a probability, and learns by cross-entropy as in [Pixels that are classes](03_semgan.ipynb).
#
# **pix2pixHD** gives up the distance between pixels, which rewards blur: of all that a car can look like, the mean is
# nearest. It compares *features* instead. There are $K$ discriminators, each of which sees the picture at half the
# size of the one before. Let $r_k^i$ and $g_k^i$ be what layer $i$ of the $k$-th one makes of $(y, x)$ and of $(y,
# G(y))$, $N_i$ numbers each. [Feature matching](notation.md#feature-matching) is
#
# $$\mathcal{L}_\text{FM} = \mathbb{E} \sum_{k,i} \tfrac{1}{K N_i} \lVert r_k^i - g_k^i \rVert_1 \tag{2}$$
#
# (The paper sums over $k$; its release takes the mean, and so do we.) The
# [perceptual loss](notation.md#perceptual-loss) is the same in a network that was trained for something else, with a
# weight for each layer: 1 for the last, and half as much from each layer to the one before. Both losses get a weight
# of 10. The adversarial loss is least squares, $\mathbb{E} (D(y, G(y)) - 1)^2$ for the generator.
#
# **GauGAN** keeps the two distances. Its $D$ gives a score, any number, and lowers the
# [hinge](notation.md#hinge-loss)
#
# $$\mathbb{E} (1 - D(y, x))_+ + \mathbb{E} (1 + D(y, g))_+ \tag{3}$$
#
# where $g = G(y)$, and $(a)_+$ is $a$, or 0 if $a$ is negative. Its generator lowers $-\mathbb{E} D(y, G(y))$ beside
# the two distances. What is new is the generator. (In the papers (2) is equation 4 of pix2pixHD, and (4) below is
# equation 1 of GauGAN.)
#
# ### The judge of patches, in plain form
#
# None of these discriminators gives one score for a picture. Each is a few convolutions of 4×4 px, and says of every
# patch whether it looks real. GauGAN's at these sizes has four of them: three with stride 2, with $n$, $2n$ and $4n$
# channels, and a last one of stride 1 that gives the score. All pad by 2 px. The first and the last are plain. The
# two between divide their weights by the largest singular value (*spectral normalisation*) and normalise each channel
# of each picture. Layout and picture enter side by side, as channels. There are two such judges, and the second sees
# everything at half the size.

# %%
def patches(patch, h):
    """Features of each layer but the last, and a score for every patch."""
    features = []
    norms = [torch.nn.Identity(), *patch.norms]
    for conv, norm in zip(patch.convs[:-1], norms, strict=True):
        h = F.leaky_relu(norm(conv(h)), 0.2)
        features.append(h)
    return patch.convs[-1](h), features


def judged(D, y, x):
    """(scores, features) at each scale; y [B, C, H, W] one-hot, x [B, 3, H, W]."""
    seen, found = torch.cat([y, x], 1), []
    for patch in D.scales:
        found.append(patches(patch, seen))
        seen = F.avg_pool2d(seen, 3, 2, padding=1, count_include_pad=False)
    return found


# %%
with torch.random.fork_rng():  # fresh networks, as training makes them
    torch.manual_seed(run.parameters.seed)
    G, D, _ = training.image_networks("gaugan", run.parameters, classes, data.size)
x, labels = data.images[:4] / 127.5 - 1, data.layouts[:4].long()
y = one_hot(labels, classes)
D.eval()  # holds the singular values still, so that two passes can be compared
plain, fast = judged(D, y, x), D(x, labels)
apart = max(float((a - b).detach().abs().max())
            for (a, _), b in zip(plain, fast.logits, strict=True))
shapes = " and ".join(f"{s.shape[2]}×{s.shape[3]}" for s, _ in plain)
print(f"{shapes} patches a picture; plain and library differ by at most {apart:.1e}")

# %% [markdown]
# The library's form computes what the first layer makes of a layout once, for the real and the painted picture.

# %% tags=["hide-output"]
source(image_gans.discriminators.PatchDiscriminator.forward)

# %% [markdown]
# ### Why a layout gets washed out
#
# Generators normalise: each channel gets mean 0 and standard deviation 1. *Instance* normalisation, pix2pixHD's,
# takes both over the pixels of one picture. Take a layout that is all road, or all sky. A convolution over it gives
# each channel one number everywhere. Its mean is that number, and normalising leaves zero. Road and sky have become
# the same. (Over a batch, as in pix2pix, other pictures move the mean. The effect is weaker, but the layout has to
# survive it layer after layer.)

# %%
torch.manual_seed(0)
conv = torch.nn.Conv2d(classes, 8, 3, padding=1, padding_mode="replicate")
flat = torch.stack([torch.full((16, 16), c) for c in (0, 1)])
features = conv(one_hot(flat, classes))
normalised = F.instance_norm(features)
before, after = ((h[0] - h[1]).abs().mean() for h in (features, normalised))
print(f"Mean difference of the features of two layouts of one class each: "
      f"{before:.3f} before normalisation, {after:.1e} after it.")

# %% [markdown]
# ### SPADE puts it back
#
# *Spatially-adaptive denormalisation*, [SPADE](notation.md#spade), tells the layout again after each normalisation. A
# small convolutional network turns the layout, resized to the features' size, into a scale $\gamma$ and a shift
# $\beta$ for every channel $c$ and pixel $(i, j)$: one 3×3 convolution and a ReLU for both, then one 3×3 convolution
# for each. Between them lie 128 channels (`hidden`; 32 at `demo`). With $\mu_c$ and $\sigma_c$ the mean and the
# standard deviation of channel $c$ over the batch, or their running means when it paints, features $h$ become
#
# $$\gamma_{c,i,j}(y)\, \frac{h_{c,i,j} - \mu_c}{\sigma_c} + \beta_{c,i,j}(y) \tag{4}$$
#
# where our $\gamma$ is 1 plus what the network gives.

# %% tags=["hide-input"]
figures.spade_diagram()

# %% [markdown]
# *Figure 2. SPADE, and the residual block that is built of it. Blue: what knows the layout. Follow the features from
# top to bottom: whatever the normalisation takes away, the layout's own path brings back. (Diagram: on the left the
# features are normalised, multiplied by 1 + γ, and β is added; γ and β come from the layout by a convolution, a ReLU
# and a convolution each. On the right a block: SPADE, LeakyReLU and a convolution, twice, and beside them a shortcut
# with a SPADE and a convolution of its own, added at the end.)*

# %%
def spade(h, y, shared, modulation):
    """h [B, K, H, W], and the layout at that size, y, one-hot [B, C, H, W]."""
    mean = h.mean((0, 2, 3), keepdim=True)
    variance = h.var((0, 2, 3), keepdim=True, correction=0)
    normalised = (h - mean) / (variance + 1e-5).sqrt()
    hidden = F.conv2d(y, *shared, padding=1).relu()
    gamma, beta = F.conv2d(hidden, *modulation, padding=1).chunk(2, 1)
    return normalised * (1 + gamma) + beta  # (4)


def spade_block(h, y, spades, convs, shortcut):
    """A residual block: each SPADE is a pair (shared, modulation)."""
    new = convs[0](F.leaky_relu(spade(h, y, *spades[0]), 0.2))
    new = convs[1](F.leaky_relu(spade(new, y, *spades[1]), 0.2))
    return new + (h if shortcut is None else shortcut(spade(h, y, *spades[2])))


# %% [markdown]
# `shared` and `modulation` are a weight and a bias each; the second convolution gives $\gamma$ and $\beta$ side by
# side. A block from $a$ to $b$ channels has the smaller number between its two convolutions of 3×3. The shortcut, where
# $a$ and $b$ differ, is a 1×1 convolution without bias after a SPADE of its own. These three are spectrally normalised;
# SPADE's own convolutions, the first map's and the last one's are not. Does it give what the library gives?

# %%
def parts(block):
    """A block of the library, taken apart for `spade_block`."""
    count, shared = len(block.modulations), block.shared
    first = zip(shared.weight.chunk(count), shared.bias.chunk(count), strict=True)
    second = [(conv.weight, conv.bias) for conv in block.modulations]
    return list(zip(first, second, strict=True)), block.convs, block.shortcut


block, height = G.blocks[-1].eval(), data.size[0]
block.norms.train()  # means and deviations are those of this batch
own = torch.Generator().manual_seed(0)
h = torch.randn(4, G.settings.blocks[-1][0], *data.size, generator=own)
level = LayoutLevels(labels, classes).at(height)
with torch.no_grad():
    apart = (spade_block(h, y, *parts(block)) - block(h, level)).abs().max()
print(f"plain and library differ by at most {apart:.1e}")

# %% [markdown]
# **A layout is not a picture, and need not be convolved like one.** What $\gamma$ and $\beta$ are at a pixel depends
# on the classes around it alone, and a scene has few different neighbourhoods. The library computes $\gamma$ and
# $\beta$ once for each different neighbourhood, and copies them to all pixels that have it. The numbers are the same,
# which a test holds; `make bench` tells how much time it saves. A *soft* layout, whose pixels are mixtures of
# classes, goes the plain way. We will need that when [two generators are tuned together](09_end_to_end.ipynb).

# %% tags=["hide-output"]
source(image_gans.spade.SpadeBlock.forward)

# %% [markdown]
# ### From the first map to the picture
#
# Every block of the generator is such a block, so the first map may be small: one 3×3 convolution of the layout at its
# smallest. Then blocks, with the size doubled between them, and a last convolution to three colours. Here:

# %% tags=["hide-input"]
tall, wide = G.settings.first_size
rows = [("first map", f"{tall}×{wide} px", f"{classes} → {G.settings.blocks[0][0]}")]
for number, (before, after, doubled) in enumerate(G.settings.blocks, 1):
    tall, wide = (tall * (1 + doubled), wide * (1 + doubled))
    rows.append((f"block {number}", f"{tall}×{wide} px", f"{before} → {after}"))
rows.append(("colours", f"{tall}×{wide} px", f"{G.settings.blocks[-1][1]} → 3"))
Table(("part", "size", "channels"), tuple(rows), {})

# %%
def painted(G, y):
    """Layouts, one-hot [B, C, H, W], to pictures [B, 3, H, W] in [-1, 1]."""
    def at(height):  # every n-th row and column
        return y[..., :: y.shape[2] // height, :: y.shape[2] // height]
    h = G.first(at(G.settings.first_size[0]))
    for block, (_, _, doubled) in zip(G.blocks, G.settings.blocks, strict=True):
        h = F.interpolate(h, scale_factor=2) if doubled else h
        h = spade_block(h, at(h.shape[2]), *parts(block))
    return G.last(F.leaky_relu(h, 0.2)).tanh()


G.eval()
for each in G.blocks:
    each.norms.train()
with torch.no_grad():
    apart = (painted(G, y) - G(labels)).abs().max()
print(f"plain and library differ by at most {apart:.1e}")

# %% [markdown]
# ### One layout, many pictures
#
# GauGAN and pix2pixHD paint the same layout the same way each time. pix2pix draws noise as dropout, which stays on
# when it paints, and which changes little. GauGAN's answer is an [encoder](notation.md#encoder) that turns a picture
# into a distribution of *styles* $z$, Gaussian with mean $\mu_z$ and variance $\sigma_z^2$ for each number of $z$. It
# is a row of convolutions of 3×3 px and stride 2, without bias and spectrally normalised, to $n$, $2n$, $4n$ and then
# $8n$ channels, each followed by instance normalisation and LeakyReLU. They lead down to 4×4 px, and two linear layers
# end it; the picture is made square first. The first map is made of $z$ instead of the layout, by a linear layer. A
# term with a weight of 0.05
#
# $$\mathcal{L}_\text{KL} = -\tfrac{1}{2} \sum (1 + \ln \sigma_z^2 - \mu_z^2 - \sigma_z^2) \tag{5}$$
#
# summed over the numbers of $z$ and over the batch, holds this distribution near the standard normal one, so that any
# $z$ drawn from there is a style.

# %%
source(image_gans.spade.sample_latent)

# %% [markdown]
# ## Two segmenters
#
# The [judge](notation.md#judge) reads pictures: it is trained on real pairs, and it tells which class it sees at each
# pixel. It is trained once for a data set and a size, on more scenes than a run has, and judges all runs alike. For
# the made-up worlds it lies ready; for a real data set the first run trains it, on the whole training split.
#
# Three numbers come from it. *Accuracy*: the share of pixels that it reads as the layout has them. *mIoU*: for each
# class, the pixels that are of it *and* are read as it, divided by those that are one or the other; then the mean
# over the classes. *FD-seg*: take the judge's features of real pictures and of painted ones, 64 numbers a picture.
# With $\mu, \mu'$ their means and $\Sigma, \Sigma'$ their covariances it is the Fréchet distance
#
# $$\lVert \mu - \mu' \rVert^2 + \operatorname{tr} \left( \Sigma + \Sigma' - 2 (\Sigma \Sigma')^{1/2} \right)$$
#
# The first two want to be high, the third low. The [next chapter](08_judging_with_a_segmenter.ipynb) is about them.
#
# The perceptual loss also needs a trained network. The papers take VGG-19, trained on photographs. Where its weights
# are not at hand, a second segmenter stands in, the *eye*: a smaller one, trained on other scenes, so that no
# generator learns to please the judge itself. It still resembles the judge, and so it favours the painters that have
# this loss. We will test by how much.

# %% tags=["hide-input"]
judge = training.segmenter_for(run.parameters)
on_real = metrics.evaluate_real(data.held_out_images, data.held_out, judge, space)
for metric, (value, n) in on_real.items():
    run.measure("segmenter", "real", metric, value, n, "val")
real = {metric: value for metric, (value, _) in on_real.items()}
eye = training.perceptual_for(run.parameters)
Markdown(
    "On real held-out pictures, which it has never seen, the judge has a mean IoU of "
    f"{real['gan_test_miou']:.3f} and gets {100 * real['gan_test_accuracy']:.1f} % of "
    f"the pixels right. The perceptual loss compares features of: **{eye.name}**."
)

# %% [markdown]
# ## One training step, in plain form
#
# Both networks learn from one pass. The judge sees painted and real pictures in one batch, the painted ones first.

# %%
eye = eye.cpu()
G.train()
fake = painted(G, y)
seen = judged(D, torch.cat([y, y]), torch.cat([fake, x]))
scores = [score.chunk(2) for score, _ in seen]  # (of painted, of real) at each scale
pairs = [h.chunk(2) for _, features in seen for h in features]

adversarial = -sum(g.mean() for g, _ in scores) / 2  # of two scales
matching = sum((g - r.detach()).abs().mean() for g, r in pairs) / 2  # (2)
looked = zip(eye.weights, eye(fake), eye(x), strict=True)
perceptual_loss = sum(w * (g - r).abs().mean() for w, g, r in looked)

loss_g = adversarial + 10 * matching + 10 * perceptual_loss
hinges = ((1 - r).relu().mean() + (1 + g).relu().mean() for g, r in scores)
loss_d = sum(hinges) / 2  # (3)
for_g = torch.autograd.grad(loss_g, list(G.parameters()), retain_graph=True)
for_d = torch.autograd.grad(loss_d, list(D.parameters()))

# %% [markdown]
# Two Adams step along these gradients, with $\beta = (0, 0.9)$ and, in the papers, rates of 0.0001 for $G$ and 0.0004
# for $D$: half and twice the base rate of 0.0002. Weights begin by Xavier's normal rule with a gain of 0.02, biases at
# 0, where $\gamma$ and $\beta$ count as two convolutions. With the library's losses on the same batch:

# %%
of_fake, of_real = D.judge([fake, x], labels)
real_features = [[h.detach() for h in scale] for scale in of_real.features]
again_g = (
    losses.hinge_generator_loss(of_fake.logits)
    + 10 * losses.paired_feature_loss(real_features, of_fake.features)
    + 10 * losses.perceptual_loss(eye(fake), eye(x), eye.weights)
)
again_d = losses.hinge_discriminator_loss(of_real.logits, of_fake.logits)
print(f"before training: L_G {loss_g.item():.3f}, L_D {loss_d.item():.3f}; the "
      f"library's differ by {(loss_g - again_g).abs().item():.1e} "
      f"and {(loss_d - again_d).abs().item():.1e}")

# %% [markdown]
# ## Training, on one budget
#
# Each synthesizer sees the same number of pairs. A step of GauGAN or pix2pixHD takes several times one of pix2pix:
# the first table under *The numbers* says how many pairs each trains on in a second.

# %%
trained = {}
for system in training.SYNTHESIZERS:
    path = run.folder / f"checkpoint-{system}.safetensors"
    trained[system] = training.train_images(
        run.parameters, data, system, path, training.progress_bar)
display(Markdown(
    f"**{data.name}**: {len(data.layouts)} pairs of {data.size[0]}×{data.size[1]} "
    f"px to train on, {len(data.held_out)} held out, {classes} classes."))
wanted = ("adversarial", "feature", "perceptual", "loss_d")
figures.training_curves(trained["gaugan"].history, wanted)

# %% [markdown]
# *Figure 3. GauGAN's losses. The discriminator's is (3); the other three add up to the generator's. Look at the
# perceptual distance: it alone is measured by a network that stands still, and it falls. The other two are measured by
# the discriminator, which sees more and more, so that feature matching can rise while the pictures get better.
# (Picture: four curves over the training.)*
#
# Move the slider through the `demo` training with seed 0: GauGAN paints the same four
# held-out layouts.

# %% tags=["hide-input"]
from sempal_lib.widgets import progress_toy

progress_toy("07")

# %% [markdown]
# ## What they paint
#
# First the four painters of the longest training that is committed, the one of Figure 1, on layouts that they never
# saw.

# %% tags=["hide-input"]
NAMES = {"pix2pix": "pix2pix", "pix2pixhd": "pix2pixHD", "gaugan": "GauGAN",
         "gaugan-vae": "GauGAN + z"}
if painters:
    tiles = []
    for number in (1, 10):
        one = unseen[number : number + 1]
        tiles += [metrics.painted(one, space), fresh[number]["image"][None]]
        tiles += [painters[system].generate(one) for system in NAMES]
    titles = ["layout", "real", *NAMES.values()] * 2
    display(figures.image_grid(torch.cat(tiles), titles, columns=2))

# %% [markdown]
# *Figure 4. Two scenes, each painted by all four. Is each object where the layout has it? Do large areas have texture,
# or are they smears? Do thin things, poles and signs, survive? (Picture: for each scene the layout, the real picture,
# and below them the four painters. pix2pix is blurred, pix2pixHD full of coloured dots, both GauGANs have clean
# borders and some texture.)*
#
# And this run's, which had less time:

# %% tags=["hide-input"]
shown = torch.arange(3) * (len(data.held_out) // 3)
layouts = data.held_out[shown]
columns = {"layout": metrics.painted(layouts, space)}
if procedural:
    columns["real"] = data.held_out_images[shown] / 127.5 - 1
for system, each in trained.items():
    columns[NAMES[system]] = each.averaged.generate(layouts, run.parameters.seed).cpu()
tiles = torch.stack(list(columns.values()), 1).flatten(0, 1)  # a row a scene
titles = [*list(columns)[:-1], "+ z", *[""] * (2 * len(columns))]
seconds = {NAMES[system]: duration(each.seconds) for system, each in trained.items()}
told = ", ".join(f"{name} {took}" for name, took in seconds.items())
display(Markdown(f"Trained for {run.parameters.steps:,} steps: {told}."))
display(figures.image_grid(tiles, titles, columns=len(columns)))
figures.legend(space)

# %% [markdown]
# *Figure 5. Three held-out scenes, one a row, one painter a column; *+ z* is GauGAN with the encoder. At `demo`,
# GauGAN puts the large objects in their places with clean borders, and has hardly any texture. pix2pix smears.
# pix2pixHD's pictures show a pattern of dots. Thin things are lost by all. (Picture: small, blurred streets.)*
#
# ### Styles
#
# One layout, painted with six styles $z$ drawn from $\mathcal{N}(0, 1)$, and with the styles that the encoder reads
# from other held-out pictures.

# %% tags=["hide-input"]
vae, one_layout = trained["gaugan-vae"], layouts[:1].expand(6, -1, -1)
drawn = vae.averaged.generate(one_layout, run.parameters.seed).cpu()
photographs = data.held_out_images[-6:] / 127.5 - 1
with torch.no_grad():
    styles = vae.encoder.eval()(photographs.to(vae.fabric.device))[0].cpu()
read = vae.averaged.generate(one_layout, z=styles).cpu()
styled = {"z drawn": drawn, **({"picture": photographs} if procedural else {}),
          "its style": read}
titles = [title for name in styled for title in (name, *[""] * 5)]
figures.image_grid(torch.cat(list(styled.values())), titles, columns=6)

# %% [markdown]
# *Figure 6. Styles of this run. Compare along the first row, and the third row with the second: does the night of a
# picture come along? (Picture: a row of six paintings that look alike; six pictures of other streets, by day and by
# night; a row of six paintings in their styles, which look alike too.)*

# %% tags=["hide-input"]
across = float(drawn.std(0).mean())
among = float((data.held_out_images / 127.5 - 1).std(0).mean())
run.measure("gaugan-vae", "full", "style_spread", across / among, len(drawn), "val")
longer = ""
if painters:
    many = painters["gaugan-vae"].generate(unseen[:1].expand(6, -1, -1))
    longer = f" Those of Figure 1's training move it by {float(many.std(0).mean()):.3f}."
Markdown(
    f"Six styles of this run move a pixel by {across:.3f} (standard deviation, of a "
    f"range of 2). Real pictures, whose layouts differ too, by {among:.3f}.{longer}"
)

# %% [markdown]
# So the style moves brightness, and little else. Painters whose styles do more are those of [Many pictures from one
# layout](12_class_layer_vae.ipynb).
#
# ## What a segmenter sees in them
#
# Each paints the same held-out layouts. [GAN-test](notation.md#gan-test) asks the judge to read the layout back: if
# the car is seen as a car, it is in its place and looks like one. Its mIoU and accuracy are those of above.
# [FD-seg](notation.md#fd-seg) compares painted and real pictures as two sets, pair or no pair. It stands in for FID,
# and is not FID.

# %%
count, rows = run.parameters.samples, []
SHOWN = ("gan_test_miou", "gan_test_accuracy", "fd_seg")
for system, each in trained.items():
    made = each.averaged.generate(data.held_out[:count], run.parameters.seed)
    found = metrics.evaluate_images(
        made.cpu(), data.held_out[:count], data.held_out_images, judge, space)
    speed = each.history[-1]["images"] / each.seconds
    found["images_per_second"] = (speed, each.images)
    for metric, (value, n) in found.items():
        split = "train" if metric == "images_per_second" else "val"
        run.measure(system, "full", metric, value, n, split)
    rows.append((NAMES[system], *(f"{found[m][0]:.3f}" for m in SHOWN)))
rows.append(("real pictures", *(f"{real[m]:.3f}" for m in SHOWN)))
HEADER = ("painted by", "GAN-test mIoU", "accuracy", "FD-seg")
Table(HEADER, tuple(rows), {})

# %% [markdown]
# The last row is what the judge reads on real pictures. That is no upper bound: pictures can be more typical than
# real ones. Its FD-seg is what chance alone makes: every other held-out picture against the rest. (Of half as many
# pictures chance makes more; between full sets it would be about half as large.) And hold FD-seg against your eyes.
# It looks at statistics and hardly at objects; the [next chapter](08_judging_with_a_segmenter.ipynb) is about that.
#
# ## Network or loss?
#
# GauGAN differs from pix2pix in two things, the network *and* the losses. Its perceptual loss looks through the eyes
# of a segmenter here, which was trained to tell the very classes that GAN-test asks for. So we swap: GauGAN without
# the perceptual loss, and pix2pix with it. All else stays.

# %%
swapped = {
    ("gaugan", "no-perceptual"): {"perceptual_weight": 0.0},
    ("pix2pix", "perceptual"): {"perceptual_weight": 10.0},
}
for (system, variant), changes in swapped.items():
    path = run.folder / f"checkpoint-{system}-{variant}.safetensors"
    other = training.train_images(
        run.parameters, data, system, path, training.progress_bar, **changes)
    made = other.averaged.generate(data.held_out[:count], run.parameters.seed).cpu()
    found = metrics.evaluate_images(
        made, data.held_out[:count], data.held_out_images, judge, space)
    for metric, (value, n) in found.items():
        run.measure(system, variant, metric, value, n, "val")

# %% tags=["hide-input"]
measured = {(r["system"], r["variant"]): r["value"]
            for r in run.metrics if r["metric"] == "gan_test_miou"}
variants = {"pix2pix": ("full", "perceptual"), "gaugan": ("no-perceptual", "full")}
rows = tuple((NAMES[name], *(f"{measured[name, v]:.3f}" for v in pair))
             for name, pair in variants.items())
Table(("GAN-test mIoU", "without perceptual loss", "with it"), rows, {})

# %% [markdown]
# Read down the columns for the network, along the rows for the loss. What the loss gives is a fact about this
# stand-in, trained on the judge's own classes; VGG-19 knows none of them. This is one seed; the verdict below counts
# all.
#
# ## The numbers
#
# Kept: the [record](notation.md#record), each generator in half precision, and a sheet.

# %% tags=["hide-input"]
for system, each in trained.items():
    path = run.folder / f"generator-{system}.safetensors"
    training.save_generator(path, each.averaged, space)
apart = torch.arange(16) * len(data.held_out) // 16  # neighbours may be of one drive
sheet = trained["gaugan"].averaged.generate(data.held_out[apart]).cpu()
sheet = figures.image_grid(sheet, columns=4)
sheet.savefig(run.folder / "samples.png", dpi=150)
record = run.finish()

# %% [markdown]
# Beside the published numbers for Cityscapes, from the LGGAN paper's Table 3. There another, much larger segmenter
# reads, pictures have 256×512 px and training takes days: compare rows with each other, not with the paper's.

# %% tags=["hide-input"]
from sempal_lib.results import compared, comparison, reference_table, verdicts

METRICS = [*SHOWN, "fid", "images_per_second"]
comparison(record, "cityscapes", METRICS)

# %% [markdown]
# The committed runs, those on real streets among them, if there are any. CamVid has 11 classes and few scenes;
# toy-street has 19. So an mIoU of one does not compare with one of the other, and neither with the paper's on
# Cityscapes, which has 2,975 scenes. `camvid-drives` holds out a whole drive. In CamVid's usual split, `camvid`,
# every other frame of a drive is held out and those between are trained on: what is read there was half seen.
# FD-seg and GAN-test of runs before this judge was made are by smaller ones, and compare only within a row.

# %% tags=["hide-input"]
SYSTEMS = ("pix2pix", "pix2pixhd", "gaugan")
reference_table("07_painting_by_layout", ("gan_test_miou", "fd_seg"), SYSTEMS)

# %% [markdown]
# ## Verdict
#
# Computed from the record, over all seeds of this configuration that have run.

# %% tags=["hide-input"]
MIOU = "gan_test_miou"
verdicts(
    record,
    {
        "The judge reads GauGAN's pictures better than pix2pix's":
            (MIOU, "pix2pix", "gaugan"),
        "And better than pix2pixHD's": (MIOU, "pix2pixhd", "gaugan"),
        "Also if neither has the perceptual loss":
            (MIOU, "pix2pix", "gaugan no-perceptual"),
        "Also if both have it": (MIOU, "pix2pix perceptual", "gaugan"),
        "pix2pixHD's better than pix2pix's": (MIOU, "pix2pix", "pix2pixhd"),
        "GauGAN's pictures are nearer to real ones than pix2pix's":
            ("fd_seg", "gaugan", "pix2pix"),
        "And nearer than pix2pixHD's": ("fd_seg", "gaugan", "pix2pixhd"),
    },
)  # fmt: skip

# %% tags=["hide-input"]
loss = {name: compared(record, MIOU, a, b).words for name, (a, b) in {
    "neither": ("pix2pix", "gaugan no-perceptual"),
    "both": ("pix2pix perceptual", "gaugan"),
    "each": ("pix2pix", "gaugan"), "pix2pix": ("pix2pix", "pix2pix perceptual"),
    "gaugan": ("gaugan no-perceptual", "gaugan"),
}.items()}  # fmt: skip
Markdown(
    "**Network or loss, over all seeds.** Beside GauGAN's, pix2pix's GAN-test mIoU is, "
    f"as the papers train them, {loss['each']}; where neither has the perceptual loss, "
    f"{loss['neither']}; where both have it, {loss['both']}. Without that loss "
    f"pix2pix's is {loss['pix2pix']} than with it, GauGAN's {loss['gaugan']}."
)

# %% [markdown]
# **What differs from the papers.** Small pictures need fewer halvings: pix2pix goes down to 1 px of height, pix2pixHD
# no lower than 8 px, and the patches that discriminators judge are smaller. GauGAN's discriminator is that of SB-GAN
# and Semantic Palette, four convolutions at each of two scales. Generator and discriminator step at once from one
# pass; the releases paint anew for the second step. We paint with [averaged weights](notation.md#averaged-weights)
# (`ema=False` for none), and at `demo` the learning rate is higher than the papers' 0.0002, for narrow networks and
# few steps.
#
# **Learned.** A layout survives normalisation if it is told after it, as a scale and a shift for each pixel.
# **Failed.** Styles: on this budget $z$ moves brightness only. What else failed, the verdicts above say; they are
# computed, and change as seeds are added.
# **Next.** [Judging with a segmenter](08_judging_with_a_segmenter.ipynb): can the numbers of this page be trusted?
#
# ## Exercises
#
# **1.** Swap the two largest classes of some layouts. Does the painter paint the first where the second was? Does the
# judge agree?

# %% tags=["hide-cell"]
areas = torch.bincount(data.held_out[data.held_out < 255].long().flatten())
a, b = (int(c) for c in areas.argsort(descending=True)[:2])
each = [(data.held_out == c).float().mean((1, 2)) for c in (a, b)]
both = torch.stack(each).amin(0)
chosen = data.held_out[both.topk(3).indices]
exchanged = torch.where(chosen == a, b, torch.where(chosen == b, a, chosen.int()))
exchanged = exchanged.to(torch.uint8)
as_it_is, after_it = (
    trained["gaugan"].averaged.generate(x).cpu() for x in (chosen, exchanged))
cases = (("as it is", as_it_is, chosen), ("exchanged", after_it, exchanged))
for name, pictures, true in cases:
    seen = judge.predict(pictures)
    hits = [float((seen == c)[true == c].float().mean()) for c in (a, b)]
    told = ", ".join(f"{space.names[c]} {hit:.2f}" for c, hit in zip((a, b), hits, strict=True))
    print(f"{name:10} share of its pixels read rightly: {told}")
print("What is painted follows from the class and from where it usually stands; "
      "what is read, too.")
titles = ["as it is"] * 3 + ["exchanged"] * 3
figures.image_grid(torch.cat([as_it_is, after_it]), titles, columns=3)

# %% [markdown]
# **2.** How much of GauGAN's picture comes from the first map, and how much from the modulation? Take the layout away
# from the first map.

# %% tags=["hide-cell"]
network = trained["gaugan"].averaged
weight = network.first.weight.detach().clone()
network.first.weight.data.zero_()
alone = network.generate(data.held_out[:count]).cpu()
network.first.weight.data.copy_(weight)
whole = network.generate(data.held_out[:count]).cpu()
for name, pictures in (("whole", whole), ("modulation alone", alone)):
    given = judge, pictures, data.held_out[:count]
    read_back = metrics.evaluate_segmenter(*given)["miou"]
    print(f"{name:17} GAN-test mIoU {read_back:.3f}")
print(f"mean difference of a pixel: {float((whole - alone).abs().mean()):.3f} of 2")
titles = ["whole"] * 3 + ["modulation alone"] * 3
figures.image_grid(torch.cat([whole[:3], alone[:3]]), titles, columns=3)
