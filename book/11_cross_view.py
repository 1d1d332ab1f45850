# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From the air to the ground
#
# **The claim.** Given one picture of a place from the air, what does it look like from the street? One picture alone
# leaves too much open. {cite:t}`tang2019selectiongan` tell the generator the layout of the street view too, and
# {cite:t}`tang2020lggan` paint by it class by class. A classifier of places then recognises 48 % of the painted
# pictures of Dayton as what the real ones are. pix2pix, told the same, reaches 32 %, and without the layout 7 %.
#
# **Why one would want it.** Maps are seen from above, and people stand on the ground. Who can translate between the two
# can find a photograph's place on a map, or show a plan to those who will live in it.
#
# **What we do here.** We paint towns that are rendered twice from *one* scene, so that what the street shows can be
# read off the aerial picture. We train LGGAN and its rivals on one budget, in both directions, and compute all the
# numbers of the papers' tables. Then we ask what no paper could: whether a painter uses the other view at all.
#
# You need [Local and global](10_lggan.ipynb): LGGAN's branches.

# %% tags=["parameters"]
preset = None                 # smoke, demo, gpu or paper; None: SEMPAL_PRESET, or demo
dataset = None                # a name that datasets.load knows, or a bundle's own
data_root = None              # folder of a real data set
seed = None
height = None                 # px, of the pictures, which are square
direction = None              # aerial-to-ground, or ground-to-aerial
system = None                 # lggan, selectiongan, x-seq++, x-fork++, pix2pix++, pix2pix, …
released = None               # LGGAN's release where it differs from its paper
steps = None                  # training steps of each system
classifier = None             # of kinds of scenes: auto, own or places365
baseline = None               # also train pix2pix++
device = None                 # auto, cpu or cuda

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("11_cross_view", globals())

# %%
import math

import torch
from IPython.display import Markdown, display

from sempal_lib import datasets, figures, losses, metrics, training, views
from sempal_lib.labels import one_hot
from sempal_lib.sources import source
from sempal_lib.tables import Table, number

data = training.scene_set(run.parameters)
space, classes = data.label_space, data.label_space.num_classes
procedural = data.name in datasets.PROCEDURAL  # real pictures stay out of the book
system, view = run.parameters.system, run.parameters.view
Markdown(
    f"This run trains **{system}** on **{data.name}**, {run.parameters.direction.replace('-', ' ')}: "
    f"{len(data.images)} scenes of {data.size[0]}×{data.size[1]} px, {len(data.held_out)} held out, {classes} classes."
)

# %% [markdown]
# ## One town, seen twice
#
# `toy-crossview`, a [procedural world](notation.md#procedural-world), makes a town in metres: a street, what lies
# along it, who walks and drives there, the sun. Both pictures are drawn from it. The aerial one shows 72 m of the
# town, its top where the camera on the street looks; the camera stands in the middle of its breadth, a sixth above its
# lower edge. Much of the street can be told from the air: where houses stand, how high they are (by their shadows),
# what the paving is made of, which leaves the trees have. Even the walls: paints of roofs and walls come in pairs. The
# sky cannot be told.

# %% tags=["hide-input"]
if procedural:
    some = torch.arange(4) * (len(data.held_out) // 4)
    tiles = {
        "source": data.held_out_sources[some] / 127.5 - 1,
        "layout": metrics.painted(data.held_out[some].long(), space),
        "target": data.held_out_images[some] / 127.5 - 1,
    }
    titles = [name for name in tiles for _ in some]
    display(figures.image_grid(torch.cat(list(tiles.values())), titles, columns=4))
    occur = data.palettes.mean(0).nonzero().flatten().tolist()
    display(figures.legend(space, occur))

# %% [markdown]
# *Figure 1. Four held-out places, one in each column. Above the source, the view that is given. In the middle the
# layout of the other view. Below that view itself, which is to be painted. Look for the same street, trees and cars in
# both. (A grid of four places: above a picture of each from straight above, in the middle the street's layout in flat
# colours, below the street.)*
#
# ## What is given
#
# All systems here paint one view from the other one. They differ in what they are told, and in how they use it.
#
# Let $I_a$ be the picture that is given, $I_g$ the one from the other view, and $S_g$ the
# [layout](notation.md#layout) of $I_g$. A generator
# paints
#
# $$I_g' = G(I_a, S_g)$$
#
# (The letters are for air and ground, as in the papers. In the other direction the two change places.)
#
# | system | what it is |
# | --- | --- |
# | **pix2pix** {cite:p}`isola2017pix2pix` | a U-Net on $I_a$ alone |
# | **X-Fork**, **X-Seq** {cite:p}`regmi2018crossview` | a U-Net that makes the layout too, by a fork or a second net |
# | with **++** | the same, told $S_g$ |
# | **SelectionGAN** {cite:p}`tang2019selectiongan` | a U-Net paints; a second stage chooses among ten pictures |
# | **LGGAN** | the branches of [chapter 10](10_lggan.ipynb), whose encoder sees $I_a$ and $S_g$ |
#
# LGGAN changes in one place: its global branch has no blocks of GauGAN's, but two doublings of the size and one
# convolution. All else is as it was: a generator for each class, told apart, and a map that weighs both pictures.
#
# ### To choose among ten pictures
#
# SelectionGAN's first stage paints $I_g'$, and a narrow U-Net looks at it and says which layout it sees. The second
# stage looks at the last features of both and makes ten pictures $I^i$ and ten maps of attention $A^i$, which sum to 1
# at each pixel:
#
# $$I_g'' = \sum_{i=1}^{10} A^i I^i$$

# %%
def select(features, offer, attend):
    """SelectionGAN's last lines: [B, hidden, H, W] to pictures [B, 3, H, W]."""
    pictures = offer(features).tanh().unflatten(1, (-1, 3))  # I^i, [B, 10, 3, H, W]
    attention = attend(features).softmax(1)                  # A^i, [B, 10, H, W]
    return (attention.unsqueeze(2) * pictures).sum(1)


# %% tags=["hide-input"]
torch.manual_seed(0)
chooser = training.image_networks(
    "selectiongan", run.parameters, classes, data.size
)[0]
seen, some_layouts = [], data.layouts[:2].long()
chooser.join.register_forward_hook(lambda module, given, made: seen.append(made))
with torch.no_grad():
    picture = chooser.eval()(some_layouts, source=data.sources[:2] / 127.5 - 1)
    ours = select(seen[0], chooser.offer, chooser.attend)
Markdown(
    f"Largest difference from the library's: {(ours - picture).abs().max():.1e}."
)

# %% [markdown]
# From the attention, one more convolution and a sigmoid make the *uncertainty* $U$, between 0 and 1. The distance of
# the first picture from the real one counts less where $U$ is large. That must cost something, or $U$ would be 1
# everywhere:
#
# $$\mathcal{L}_U = \operatorname{mean}\!\left( \frac{|I_g - I_g'|}{U} + \ln U \right)$$
#
# ### Two judges
#
# A picture can fit the layout and not the other view, so LGGAN has two discriminators, called judges here. $D_s$ is
# told the layout and $D_i$ the other view, beside each picture that they judge: $D_s(I)$ stands for $D_s(S_g, I)$, and
# $D_i(I)$ for $D_i(I_a, I)$. Both learn by cross-entropy; with $\mathbb{E}$ the mean over scenes,
#
# $$\mathcal{L}_s = \mathbb{E} \ln D_s(I_g) + \mathbb{E} \ln(1 - D_s(I_g')) \tag{8}$$
#
# $$\mathcal{L}_i = \mathbb{E} \ln D_i(I_g) + \mathbb{E} \ln(1 - D_i(I_g')) \tag{9}$$
#
# and $\mathcal{L}_\text{CGAN}$ is their sum. (Numbers are the paper's.) Each rival has one judge, which is told $I_a$.

# %% tags=["hide-input"]
figures.two_views_diagram()

# %% [markdown]
# *Figure 2. Cross-view translation by LGGAN. Blue: what is new against
# [chapter 10](10_lggan.ipynb). (Diagram: the source and the target's layout go into LGGAN, which paints the target. One
# judge is told the layout, the other one the source; both see the painted and the real picture.)*
#
# ## One training step, in plain form
#
# Beside the judges, each system is held to the real picture pixel by pixel, with a weight of 100, and LGGAN's classes
# are too. (The paper names no weights; these are its release's, as is the perceptual loss.)

# %% tags=["hide-input"]
p = run.parameters.model_copy(update={"system": "lggan"})
generator, judges, _ = training.image_networks("lggan", p, classes, data.size)
eye = training.perceptual_for(run.parameters).cpu()

# %%
real, layouts = data.images[:4] / 127.5 - 1, data.layouts[:4].long()
I_a, S_g = data.sources[:4] / 127.5 - 1, one_hot(layouts, classes)

painted = generator.painted(layouts, source=I_a)
fake, parts = painted.picture, painted.parts
of_s = judges.of_layout.judge([fake, real], S_g)  # (8): of the fake, of the real
of_i = judges.of_source.judge([fake, real], I_a)  # (9)
loss_g = loss_d = 0
for of_fake, of_real in (of_s, of_i):
    loss_g = loss_g + losses.cross_entropy_generator_loss(of_fake.logits) / 2
    loss_d = loss_d + losses.discriminator_cross_entropy(
        of_real.logits[0], of_fake.logits[0]) / 2
loss_g = loss_g + 100 * (fake - real).abs().mean()
loss_g = loss_g + 10 * losses.perceptual_loss(eye(fake), eye(real), eye.weights)
own = generator.own_losses(parts, real, layouts)
loss_g = loss_g + 100 * own["local"] + own["classification"]
torch.autograd.grad(loss_g, list(generator.parameters()), retain_graph=True)
torch.autograd.grad(loss_d, list(judges.parameters()))
print(f"before training: L_G {loss_g.item():.1f}, L_D {loss_d.item():.3f}")

# %% [markdown]
# A test holds the library's step against this form. Its judges are averaged, not summed: half of (8) and (9). And no
# scene is mirrored: from the air a mirrored street is another street.
#
# ## Training

# %% tags=["hide-input"]
judge = training.segmenter_for(run.parameters)
classifier = training.scene_classifier_for(run.parameters)
beside = [views.BASELINE] if run.parameters.baseline else []
trained = {}
for name in [system, *beside]:
    path = run.folder / f"checkpoint-{name.replace('+', 'p')}.safetensors"
    trained[name] = training.train_images(
        run.parameters, data, name, path, training.progress_bar
    )
history = trained[system].history
wanted = ("adversarial", "l1", "local", "classification", "perceptual", "loss_d")
figures.training_curves(history, [x for x in wanted if x in history[-1]])

# %% [markdown]
# *Figure 3. The losses of the system that this run trains, with their weights. The pixelwise ones are by far the
# largest. (Curves over the training steps: all fall steeply at first, then
# slowly; the judges' loss falls to the end.)*
#
# Move the slider through the `demo` training with seed 0: LGGAN paints the same four held-out places.

# %% tags=["hide-input"]
from sempal_lib.widgets import progress_toy

progress_toy("11")

# %% [markdown]
# ## What they paint

# %% tags=["hide-input"]
made = {
    name: training.paint_crossing(each.averaged, data, run.parameters)
    for name, each in trained.items()
}
if procedural:
    tiles = {"source": tiles["source"], "layout": tiles["layout"]} | {
        name: pictures[some] for name, pictures in made.items()
    } | {"real": tiles["target"]}
    titles = [name for name in tiles for _ in some]
    display(figures.image_grid(torch.cat(list(tiles.values())), titles, columns=4))

# %% [markdown]
# *Figure 4. The places of Figure 1, painted. Compare colours with the real row: walls and roofs whose colour shows in
# the source, and the sky, whose colour nothing tells. (A grid: the rows of Figure 1 with a row of each painter's
# pictures between layout and real street. They are blurred and have the right shapes.)*
#
# ## Does it look at the other view?
#
# A painter could ignore $I_a$ and paint a mean street by its layout. To see whether it does, give it the source of
# *another* scene. If nothing changes for the worse, the source was of no use. We measure that by colour. Each class of
# a scene has a mean colour in the painted picture, and one in the real one; the *colour error* is their mean absolute
# difference, with colours from -1 to 1.

# %%
source(metrics.style_error)

# %% tags=["hide-input"]
count = run.parameters.samples
held = data.held_out[:count]
real = data.held_out_images[:count] / 127.5 - 1
sources = data.held_out_sources[:count] / 127.5 - 1
cells = []
for name, each in trained.items():
    swapped = each.averaged.generate(
        held, run.parameters.seed, source=sources.roll(1, 0)
    ).cpu()
    errors = []
    for metric, pictures in (
        ("colour_error", made[name]),
        ("colour_error_swapped", swapped),
    ):
        value, n = metrics.style_error(pictures, held, real, held, classes)
        run.measure(*views.named(name), metric, value, n, "val")
        errors.append(f"{value:.3f}")
    cells.append((name, *errors))
mean = metrics.style_error(
    real.mean((0, 2, 3)).view(1, 3, 1, 1).expand_as(real), held, real, held, classes
)[0]
cells.append(("one colour for everything", f"{mean:.3f}", "–"))
Table(("painter", "colour error", "with another scene's source"), tuple(cells), {})

# %% [markdown]
# Where both numbers of a painter are the same, it does not look at its source, however good its pictures are. For LGGAN
# there are two likely reasons. Its encoder normalises each feature map over the picture, which takes away the mean
# colour of what it sees. And a roof's colour has to travel, convolution by convolution, from where it is seen to where
# its wall stands. In a U-Net all places meet in the smallest map, which is one pixel.
#
# The slider gives one layout the sources of other places. Which colours go with the source, which stay?

# %% tags=["hide-input"]
from sempal_lib import widgets

if procedural:
    best = trained[system].averaged.eval().cpu()
    places = torch.arange(6) * (count // 6)
    display(widgets.show_sources(best, held[0].long(), sources[places], space))

# %% [markdown]
# ## The papers' metrics
#
# Pairs first: a painted picture beside the real one of the same scene. With values from 0 to 255,
#
# $$\text{PSNR} = 10 \log_{10} \frac{255^2}{\operatorname{mean}\,(I_g - I_g')^2}$$
#
# in dB. The papers' code takes 128 for the brightest grey in the denominator's scale, so that all PSNRs of their tables
# are $20 \log_{10} (255/128) = 5.987$ dB too high. Ours is the standard one; `psnr_table` has the offset. **SSIM**
# {cite:p}`wang2004ssim` compares means, variances and covariance under a sliding window of 11 px; 1 is equal. The
# **sharpness difference** is a PSNR of edges: with $\partial$ the difference of neighbouring pixels, in $x$ or in $y$,
# over $C = 3$ colours and $H W$ pixels,
#
# $$E = \frac{128^2}{C H W} \sum \big|\, |\partial I_g| - |\partial I_g'| \,\big|$$
#
# and SD $= 10 \log_{10} (255^2 / E)$. Higher is better for all three.
#
# Then a classifier of places gives each picture $x$ a distribution $p(y \mid x)$ over kinds of places $y$. The papers'
# is an AlexNet trained on Places365; on our world it is a small network that knows the ten kinds of places that the
# world makes. **Accuracy** is how often the kind of the real picture is the painted one's first, or among its first
# five; "sure" counts only pairs of whose real picture the classifier is sure (probability above 0.5). The **inception
# score** is
#
# $$\text{IS} = \exp \mathbb{E}_x \operatorname{KL}(p(y \mid x) \,\|\, p(y))$$
#
# with $p(y)$ the mean over all pictures: high if pictures are sure, and differ. In its top-$k$ forms all but the $k$
# largest probabilities count as $10^{-9}$. The **KL score** is
#
# $$\exp \mathbb{E}\, \operatorname{KL}(p(y \mid I_g') \,\|\, p(y \mid I_g))$$
#
# and 1 at best.

# %%
source(metrics.sharpness_difference)

# %%
source(metrics.kl_score)

# %% [markdown]
# Can they be wrong? Here they are for pictures whose quality we know. *Blurred* is the real picture after a mean over
# 9×9 px; *grey* is one colour.

# %% tags=["hide-input"]
torch.manual_seed(run.parameters.seed)
untrained = training.image_networks(system, run.parameters, classes, data.size)[0]
CASES = {
    "real": real,
    "real, of other scenes": real.roll(1, 0),
    "blurred": torch.nn.functional.avg_pool2d(
        real, 9, 1, 4, count_include_pad=False
    ),
    "grey": torch.zeros_like(real),
    "untrained": training.paint_crossing(untrained, data, run.parameters),
}
SHOWN = (
    "ssim",
    "psnr",
    "sharpness_difference",
    "inception_score",
    "scene_accuracy_top1",
    "kl_score",
    "gan_test_miou",
    "fd_seg",
)
sane = []
for name, pictures in CASES.items():
    found = training.evaluate_crossing(pictures, data, judge, classifier)
    sane.append(
        (name, *(number(round(found.get(m, [math.nan])[0], 4)) for m in SHOWN))
    )
HEADS = ("SSIM", "PSNR", "SD", "IS", "accuracy", "KL score", "mIoU", "FD-seg")
Table(("pictures", *HEADS), tuple(sane), {})

# %% [markdown]
# Read it column by column. Where a blurred or a grey picture comes near a good one, the metric rewards caution and not
# likeness, and a painter that is trained by L1 is cautious. *mIoU* is that of the segmenter of
# [chapter 8](08_judging_with_a_segmenter.ipynb): can the layout be read off the picture? It and FD-seg are ours; the
# papers do not have them here.

# %% tags=["hide-input"]
for name, pictures in made.items():
    found = training.evaluate_crossing(pictures, data, judge, classifier)
    each = trained[name]
    speed = each.history[-1]["images"] / each.seconds
    found["images_per_second"] = (speed, each.images)
    for metric, (value, n) in found.items():
        split = "train" if metric == "images_per_second" else "val"
        run.measure(*views.named(name), metric, value, n, split)
if classifier is None:
    display(
        Markdown(
            "Nobody here can tell the kinds of these places: accuracy, inception "
            "and KL scores are left out. Name the "
            "weights of Places365 in `SEMPAL_PLACES365` to have them."
        )
    )

# %% [markdown]
# ## The numbers

# %% tags=["hide-input"]
if procedural:
    if system == "lggan":
        training.save_generator(run.folder / "generator.safetensors", best, space)
    sheet = torch.cat([sources[:8], made[system][:8]]).view(2, 8, 3, *data.size)
    sheet = sheet.transpose(0, 1).flatten(0, 1)
    figures.image_grid(sheet, columns=4).savefig(run.folder / "samples.png", dpi=150)
record = run.finish()

# %% [markdown]
# From the records of all seeds, beside the paper's on Dayton, aerial to ground. Its data, size and classifier are other
# ones: compare the order of the rows, not the numbers.

# %% tags=["hide-input"]
at_hand = views.rows_of_runs(run.parameters)
PIXELS = {
    "ssim": "ssim",
    "psnr_table": "psnr_table",
    "sharpness_difference": "sharpness_difference",
}
KINDS = {
    "scene_accuracy_top1": "scene_accuracy_top1",
    "inception_score": "inception_score",
    "kl_score": "kl_score",
}
PAPER = ("dayton",) if view == "ground" else ()
display(views.table(at_hand, PIXELS, PAPER))
views.table(at_hand, KINDS, PAPER)

# %% tags=["hide-input"]
MORE = (
    "scene_accuracy_top1_sure",
    "scene_accuracy_top5",
    "scene_accuracy_top5_sure",
    "inception_score_top1",
    "inception_score_top5",
    "kl_spread",
)
display(views.table(at_hand, dict.fromkeys(MORE, "")))
OURS = (
    "gan_test_miou",
    "gan_test_accuracy",
    "fd_seg",
    "colour_error",
    "colour_error_swapped",
)
views.table(at_hand, dict.fromkeys(OURS, ""))

# %% [markdown]
# ### The other way round

# %% tags=["hide-input"]
OTHER = "ground-to-aerial" if view == "ground" else "aerial-to-ground"
back = views.rows_of_runs(run.parameters, OTHER)
if any(back.values()):
    SHORT = (
        "ssim",
        "psnr",
        "scene_accuracy_top1",
        "kl_score",
        "gan_test_miou",
        "colour_error",
    )
    display(Markdown(f"**{OTHER.replace('-', ' ')}**"))
    display(views.table(back, dict.fromkeys(SHORT, "")))

# %% [markdown]
# ### On real places
#
# Dayton and CVUSA are large and have to be asked for. Of their panels a few are at hand as samples; that is enough to
# see that the reader, the training and the metrics work on them, and not for any verdict. Their classes are predictions
# of a network, not annotation.

# %% tags=["hide-input"]
panels = run.parameters.model_copy(
    update={
        "dataset": "cvusa-samples",
        "data_root": None,
        "train_scenes": 11,
        "val_scenes": 12,
        "samples": 12,
    }
)
samples = views.rows_of_runs(panels)
if any(samples.values()):
    display(
        views.table(
            samples, dict.fromkeys(("ssim", "psnr", "sharpness_difference"), "")
        )
    )

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
ACC, KL = "scene_accuracy_top1", "kl_score"
CLAIMS = {  # (metric, the row that should be lower, the one that should be higher)
    "The layout helps pix2pix: accuracy": (ACC, "pix2pix", "pix2pix++"),
    "And its SSIM": ("ssim", "pix2pix", "pix2pix++"),
    "SelectionGAN beats pix2pix++: accuracy": (ACC, "pix2pix++", "selectiongan"),
    "LGGAN beats pix2pix++: accuracy": (ACC, "pix2pix++", "lggan"),
    "LGGAN beats pix2pix++: KL score": (KL, "lggan", "pix2pix++"),
    "LGGAN beats SelectionGAN: accuracy": (ACC, "selectiongan", "lggan"),
    "LGGAN beats SelectionGAN: KL score": (KL, "lggan", "selectiongan"),
    "SelectionGAN beats LGGAN: SSIM": ("ssim", "lggan", "selectiongan"),
    "SelectionGAN beats LGGAN: PSNR": ("psnr", "lggan", "selectiongan"),
    "Ours: LGGAN's layout is read best": ("gan_test_miou", "selectiongan", "lggan"),
}
verdict = views.verdicts(at_hand, CLAIMS)
verdict

# %% tags=["hide-input"]
from sempal_lib.results import tally

Markdown(f"Of the {len(CLAIMS)} claims {tally(verdict)}.")

# %% [markdown]
# Of the paper's own sentences one does not agree with its table: "LGGAN consistently outperforms the competing methods
# on all metrics". In its Table 2 X-Seq has the higher inception score over the top five kinds, 4.0077 against 3.9878.
#
# **What differs from the papers.** Pictures are 64 px wide, networks narrow, steps few, the same for all systems. Each
# weight is the one that a system's release has, but for SelectionGAN's second stage, which it counts four times in the
# adversarial loss and twice in L1; here both stages count once. LGGAN joins the classes' pictures by a convolution and
# tells classes apart, as its paper says; its release for this task adds them and does not (`released`). It knows all
# classes of the data, where the release has groups of six.
#
# **Learned.** A layout says where things are, the other view which colour they have; the swapped source separates the
# two.
# **Failed.** See the verdicts above: they are computed, and change as seeds are added.
# **Next.** [Many pictures from one layout](12_class_layer_vae.ipynb): what neither the layout nor the source tells is
# drawn from a code.
#
# ## Exercises
#
# **1.** The sky's colour cannot be known from above. Which classes gain most from the right source, and which nothing?

# %% tags=["hide-cell"]
colours = [metrics.region_colours(x, held, classes) for x in (made[system], real)]
other = trained[system].averaged.generate(
    held, run.parameters.seed, source=sources.roll(1, 0)).cpu()
swap = metrics.region_colours(other, held, classes)
gain = ((swap - colours[1]).abs() - (colours[0] - colours[1]).abs()).mean(2).nanmean(0)
for c in gain.nan_to_num(-9).argsort(descending=True).tolist():
    if gain[c] == gain[c]:
        print(f"{space.names[c]:>13}: {gain[c]:+.3f} nearer with the right source")

# %% [markdown]
# **2.** Blur the real pictures a little, a lot, completely. Which of the metrics falls first, which last?

# %% tags=["hide-cell"]
for size in (1, 3, 5, 9, 17):
    soft = torch.nn.functional.avg_pool2d(real, size, 1, size // 2, count_include_pad=False)
    found = training.evaluate_crossing(soft, data, judge, classifier)
    print(size, "px:", {m: round(found[m][0], 3) for m in SHOWN if m in found})
