# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Editing faces
#
# **The claim.** To edit a face nobody needs to draw. Say how much of the picture hair should be, and a generator adds
# it. {cite:t}`lemoing2021semanticpalette` take their generator for
# [a part of a layout](13_partial_editing.ipynb), and give it the whole layout and a budget for what is to be added. A
# second network, SEAN {cite:p}`zhu2020sean`, paints the new layout in the colours of the person's own photograph.
#
# **Why one would want it.** A slider is the plainest tool there is. *Hair 30 %* is a thing that a person can say, and
# a count can tell whether it came true.
#
# **What we do here.** We train the generator that adds, and count: does a face get as much hair as was asked for? Is it
# new, or painted over the hair that was there? That second question is why the authors add a *[novelty
# loss](notation.md#novelty-loss)*; we train with it and without. Then we train SEAN, and count what its styles move.
#
# You need [Changing a part](13_partial_editing.ipynb): the background class and the merge.

# %% tags=["parameters"]
preset = None          # smoke, demo, gpu or paper; None: SEMPAL_PRESET, or demo
dataset = None         # a name that datasets.load knows, or a bundle's own
data_root = None       # folder of a real data set
seed = None
height = None          # px, of layouts and pictures
layout_height = None   # px, that additions are generated at; None: height
batch_sizes = None     # layouts a step, at 4, 8, … px
phase_images = None    # real layouts shown in a phase, at 4, 8, … px
novelty = None         # a loss keeps additions off the old; False: the row no-novelty
novelty_weight = None  # of that loss
painter_steps = None   # training steps of each painter
device = None          # auto, cpu or cuda

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("15_face_editing", globals())

# %%
import torch
import torch.nn.functional as F
from IPython.display import Markdown, display

from sempal_lib import (
    datasets,
    face_editing,
    figures,
    layers,
    layout_gans,
    losses,
    metrics,
    training,
    widgets,
)
from sempal_lib.image_gans import editing, sean
from sempal_lib.image_gans.layout_levels import LayoutLevels
from sempal_lib.labels import one_hot
from sempal_lib.layout_gans import additions
from sempal_lib.losses_of_additions import novelty_loss
from sempal_lib.palettes import palette_of
from sempal_lib.sources import source
from sempal_lib.tables import Table

data = training.layout_data(run.parameters)
names, classes = list(data.label_space.names), data.label_space.num_classes
hair = names.index("hair")
row = face_editing.STUDY.row_of(run.parameters) or "another"
procedural = data.name in datasets.PROCEDURAL  # layouts of a real data set stay out
Markdown(
    f"This run trains **{row}** on **{data.name}**: {len(data.layouts)} faces of "
    f"{data.size[0]}×{data.size[1]} px, {len(data.held_out)} held out, {classes} classes."
)

# %% [markdown]
# ## A budget for additions
#
# A slider says what a face is to have. The generator must be told what to add.
#
# Let $y$ be the layout of a face, [one-hot](notation.md#one-hot-layout), $p_c$ the share of class $c$ in it, and $t$ a
# [target palette](notation.md#target-palette). What has to be added is
#
# $$\delta_c = \max(t_c - p_c,\; 0) \tag{1}$$
#
# and what is less than a thousandth of the frame is left out. The generator's own palette $t'$ grants these shares, and
# the rest to the [background class](notation.md#background-class):
#
# $$t' = (\delta_1, \dots, \delta_C, 1 - \textstyle\sum_c \delta_c) \tag{2}$$
#
# All else is as in [Changing a part](13_partial_editing.ipynb): the [activation](notation.md#activation) turns scores
# and $t'$ into the mask $m$, and where $m$ is background the face shows through,
#
# $$\hat{y}_{c,i,j} = m_{c,i,j} + m_{\text{bg},i,j}\, y_{c,i,j} \tag{3}$$
#
# Nothing says what must *go*: new hair covers whatever is there. In training $t$ is drawn from the [palette
# mixture](notation.md#palette-mixture), one for each face, and the discriminator sees $\hat{y}$.

# %% tags=["hide-input"]
figures.face_diagram()

# %% [markdown]
# *Figure 1. The two networks of this page. Blue: what they add to the face and the photograph. Follow the layout $y$:
# it says what is missing, what shows through, and whose style is whose. (Diagram: shares asked for and layout give a
# budget, the generator paints additions, the merge lays them over the face. Photograph and layout give a style for
# each class; SEAN paints the merged layout in these styles.)*

# %%
source(additions.additions_to)

# %%
source(additions.with_rest)

# %% [markdown]
# ## Novelty
#
# A generator that must add hair has an easy way: paint it where hair is. That is realistic by definition, and the
# budget is spent. So the authors ask that the outcome differ from the input. The paper says so in words; the formula
# is its release's, with $\epsilon = 10^{-5}$ and a mean over faces, classes and pixels:
#
# $$\mathcal{L}_\text{NOV} = \frac{1}{\operatorname{mean}\,(\hat{y} - y)^2 + \epsilon} \tag{4}$$
#
# The rest of the generator's loss is that of the generator for a part,
#
# $$\mathcal{L}_G = -\mathbb{E} D(\hat{y}) + \sum \mathcal{L}$$
#
# where at each resolution
# $\mathcal{L} = \mathcal{L}_\text{COND} + \lambda \mathcal{L}_\text{NOV}$, with $\lambda$ the new weight.
#
# The release takes $\lambda = 50$. But (4) is large: if a tenth of the frame changes class, the mean over 19 classes is
# 0.01, and the loss 100. Fifty times that drowns the terms that keep the budget, which are near 1. So `demo`, whose
# training is short, takes 0.02.

# %%
source(novelty_loss)

# %% [markdown]
# ## One training step, in plain form
#
# The step is that of [Changing a part](13_partial_editing.ipynb), with a drawn palette, (2) and (4). As there, the
# discriminator's loss has the gradient penalty beside it.

# %%
plain = training.face_training(run.parameters, data)  # its networks are fresh
G, D = plain.generator.cpu(), plain.discriminator.cpu()
random = torch.Generator().manual_seed(0)
hard = one_hot(plain.layouts[:8].long().cpu(), classes)
t = data.mixture.sample(8, generator=random)
asked = additions.with_rest(additions.additions_to(hard.mean((2, 3)), t))
z = torch.randn(8, G.settings.latent_dim, generator=random)
masks = G(z, asked, hard, all_stages=True)

real = layers.soften(hard, layers.softening_kernel(G.size[0]))
fake = masks[-1].merged
weight = run.parameters.novelty * run.parameters.novelty_weight
loss_g = losses.wasserstein_generator_loss(D(fake)) + sum(
    losses.entropy_loss(m.soft_layout) + losses.entropy_loss(m.merged)
    + losses.spread_loss(m.density)
    + weight * novelty_loss(m.merged, layout_gans.at_height(hard, m.merged.shape[2]))
    for m in masks)
loss_d = losses.wasserstein_discriminator_loss(D(real), D(fake.detach()))
torch.autograd.grad(loss_g, list(G.parameters()))
print(f"before training: L_G {loss_g.item():.2f}, L_D {loss_d.item():.2f}")

# %% [markdown]
# ## Training

# %%
trained = training.train_faces(
    run.parameters, data, run.checkpoint, watch=training.progress_bar)
generator = adder = trained.averaged.cpu().eval()
figures.training_curves(trained.history, ("spread", "merged_entropy", "novelty"))

# %% [markdown]
# *Figure 2. The losses start anew at each resolution. (Curves over the real faces shown, one below the other, with a
# jump at each new resolution.)*
#
# Move the slider through the `demo` training with seed 0. Above stand three held-out faces. Below, the network by
# itself adds to them: hair in the first row, a hat in the second. A budget is spent from the first report on. Where a
# hat belongs has to be learned, at each resolution anew.

# %% tags=["hide-input"]
widgets.progress_toy("15")

# %% [markdown]
# ## More hair, step by step
#
# Is a larger budget more hair? As in the paper's Figure 7a: one face, one noise, and a budget that grows.

# %%
held = data.held_out.long()
palettes = palette_of(held, classes, 255)
face = int((palettes[:, hair] - 0.15).abs().argmin())  # 15 % of it is hair
steps = torch.linspace(0, 0.2, 6)
grow = torch.zeros(6, classes)
grow[:, hair] = steps  # shares of the frame
more = [generator.add(held[face], one) for one in grow]

# %% tags=["hide-input"]
room = 1 - palettes[:, hair]
titles = [f"hair + {share:.0%}" for share in steps]
hidden = Markdown("*(Layouts of a real data set stay out of the book.)*")
figures.layout_grid(more, data.label_space, titles) if procedural else hidden

# %% [markdown]
# *Figure 3. The title says how much of the frame is to become hair. See whether the new hair joins the old. (A row
# of layouts of one face in the classes' colours. The area of hair grows from one to the next.)*

# %% tags=["hide-input"]
one = grow[3]
latents = [held[face], *(generator.add(held[face], one, seed=s) for s in range(5))]
titles = ["before", *(f"seed {s}" for s in range(5))]
figures.layout_grid(latents, data.label_space, titles) if procedural else hidden

# %% [markdown]
# *Figure 4. One budget, other noise for each seed. (Layouts of one face with as much hair in each, in other places.)*
#
# ## Other attributes
#
# The edits of the authors' release, as in Figure 7b. Each says how much of the frame a class is to have, and which
# classes pay for it; those that pay are what may be painted over.

# %%
source(face_editing.target_of)

# %%
def edited(name, i):
    """Held-out face i after one of the edits."""
    target = face_editing.target_of(palettes[i : i + 1], edits[name], names)
    wanted = additions.additions_to(palettes[i : i + 1], target)  # (1)
    over = (target < palettes[i : i + 1])[0]  # what pays
    return generator.add(held[i], wanted[0], exact=True, over=over)


# %% tags=["hide-input"]
edits = face_editing.edits_for(names)
tiles = []
for name in edits:
    try:
        tiles.append((name, edited(name, face)))
    except ValueError as error:  # what should pay has too little
        print(f"{name}: {error}")
made = [held[face], *(layout for _, layout in tiles)]
titles = ["before", *(name for name, _ in tiles)]
figures.layout_grid(made, data.label_space, titles) if procedural else hidden

# %% tags=["hide-input"]
figures.legend(data.label_space)

# %% [markdown]
# *Figure 5. One generator, many edits. (A grid of layouts of faces, the name of the edit above each.)*
#
# ## From soft to hard
#
# A hard layout needs one class for each pixel, and there are three ways to it. The paper takes the largest of
# $\hat{y}$. *[Confined](notation.md#confined-activation)*, ours, runs the activation once more. It lets each class on
# pixels of other classes only, and on none of a class that is added too. *Exact* gives each class its [number of
# pixels](notation.md#exact-counts).
#
# ## How it is measured
#
# More hair must be as much as was asked for, new, and all that changes. So there are three numbers.
# *[Budget MAE](notation.md#budget-mae)*: the mean over faces of how far the gain of the class misses what was asked
# for, as a share of the frame. *Overlap*: of what the network paints by itself, the part that lies where that class
# was. *Changed outside*: pixels that became what nobody asked for.

# %%
source(metrics.evaluate_additions)

# %%
source(metrics.overlap)

# %% tags=["hide-input"]
draw = torch.Generator().manual_seed(run.parameters.seed)
most = torch.minimum(room - 0.02, torch.tensor(0.25)).clamp(min=0.02)
wanted = torch.zeros(len(held), classes)
wanted[:, hair] = 0.02 + (most - 0.02) * torch.rand(len(held), generator=draw)


def measure(variant, layouts, asked=wanted):
    found = metrics.evaluate_additions(held, layouts, asked)
    for metric, (value, count) in found.items():
        run.measure("semantic-palette", variant, metric, value, count, "val")


seed = run.parameters.seed
confined = generator.add(held, wanted, seed)
measure(row, generator.add(held, wanted, seed, confine=False))
measure(f"{row}-confined", confined)
measure(f"{row}-exact", generator.add(held, wanted, seed, exact=True))
measure(f"{row}-shuffled", confined, wanted.roll(1, 0))
measure("identity", held)
measure("scattered", metrics.scattered(held, wanted, seed))
torch.manual_seed(seed)
fresh = layout_gans.FaceGenerator(generator.settings).eval()
measure("untrained", fresh.add(held, wanted, seed))
over = metrics.overlap(generator, held, wanted, seed)
run.measure("semantic-palette", row, "overlap", over, len(held), "val")

# %% tags=["hide-input"]
style_p = face_editing.painters_of(run.parameters, system="sean")
photos, space = training.scene_set(style_p), data.label_space
assert torch.equal(photos.held_out.long(), held)  # photographs of these very faces

# %% [markdown]
# ## SEAN: the person's colours
#
# A new layout is not yet a picture of *this* person. SEAN {cite:p}`zhu2020sean` takes from a photograph one *style* a
# class, and paints any layout in these styles. Semantic Palette paints its edited faces with it.
#
# **Where styles come from.** A small network makes a map $F$ of the photograph, half as large, with $S$ channels, 512
# in the paper. It has five convolutions of 3×3: one to $n/2$ channels, two of stride 2, to $n$ and $2n$, a transposed
# one of stride 2, to $4n$, and one to $S$, with a tanh. The first four have instance normalisation and LeakyReLU; the
# first and the last reflect the border. Let $\Omega_c$ be the pixels of class $c$ in the photograph's layout. The style
# of $c$ is the mean of $F$ over them, and 0 if the photograph does not show the class:
#
# $$T_c = \frac{1}{|\Omega_c|} \sum_{(i,j) \in \Omega_c} F_{i,j} \tag{5}$$
#
# So a style knows nothing of places: $S$ numbers, whatever the form. That is why it can be kept while the form changes.

# %%
source(sean.StyleEncoder.forward)

# %% [markdown]
# **Where they go.** Into the [normalisations](notation.md#normalisation) of the generator's blocks. Let $h$ be features
# of $K$ channels. $\eta$ is noise, drawn anew in each normalisation, one normal number for each pixel, and $s_k$ the
# channel's learned share of it, 0 at first. $\mu_k$ and $\sigma_k$ are the mean and the standard deviation of
# channel $k$ over a batch, noise included:
#
# $$\hat{h}_{k,i,j} = \frac{h_{k,i,j} + s_k \eta_{i,j} - \mu_k}{\sigma_k} \tag{6}$$
#
# $$h'_{k,i,j} = \hat{h}_{k,i,j} (1 + \gamma_{k,i,j}) + \beta_{k,i,j} \tag{7}$$
#
# Scale and shift come half from the styles and half from the layout, at first:
#
# $$\gamma = a\, \gamma^s + (1 - a)\, \gamma^o \tag{8}$$
#
# $$\beta = b\, \beta^s + (1 - b)\, \beta^o \tag{9}$$
#
# with $a$ and $b$ the sigmoids of two learned numbers that begin at 0. $\gamma^o$ and $\beta^o$ are SPADE's: two
# convolutions of the one-hot layout ([Painting by layout](07_painting_by_layout.ipynb)). $\gamma^s$ and $\beta^s$ are a
# convolution of the *[style map](notation.md#style-map)* $V$. There each pixel $(i, j)$ of class $c$ holds the style of
# its class, turned by a matrix $A_c$ and an offset $d_c$, which begins at 0. Each class has its own in each
# normalisation; a pixel of no class has $V = 0$:
#
# $$V_{i,j} = \max(0, A_c T_c + d_c) \tag{10}$$
#
# The shortcuts of blocks have a normalisation of their own. So the paper's network has 15 of them, and with 19 classes
# 285 matrices of 512×512, 75 million numbers. Its last block is told the layout alone. (The release has the 1 in (7);
# the paper's equation 1 does not.) In plain form, with a fresh normalisation `norm`, and with made-up features `h`,
# `noise` and `styles` on two layouts:

# %% tags=["hide-input"]
torch.manual_seed(run.parameters.seed)
sizes = sean.SeanSettings(classes, 16, 16, ngf=4, doublings=2, style_dim=6)
norm = sean.SeanNorm(8, sizes, styled=True)
for weights in norm.parameters():
    torch.nn.init.normal_(weights, std=0.3)
every = photos.size[0] // 16
few = photos.held_out[:2, ::every, ::every].long()
shapes = (8, 16, 16), (1, 16, 16), (classes, 6)
h, noise, styles = (torch.randn(2, *shape) for shape in shapes)

# %%
x = F.batch_norm(h + norm.noise_scale * noise, None, None, training=True)  # (6)
hot = one_hot(few, classes).float()
V = torch.zeros(2, 6, 16, 16)
for c in range(classes):  # (10)
    # Styles are rows here: maps[c] is the transpose of A_c.
    turned = styles[:, c] @ norm.maps[c] + norm.offsets[c]
    V += hot[:, c : c + 1] * turned.relu()[:, :, None, None]
gamma_s, beta_s = norm.of_style(V).chunk(2, 1)
gamma_o, beta_o = norm.of_layout(norm.shared(hot).relu()).chunk(2, 1)
a, b = norm.blend.sigmoid()
gamma = a * gamma_s + (1 - a) * gamma_o  # (8)
beta = b * beta_s + (1 - b) * beta_o  # (9)
plain = x * (1 + gamma) + beta  # (7)

# %% tags=["hide-input"]
levels = LayoutLevels(few, classes)
fast = norm(h, noise, levels.at(16), sean.Regions(few, classes, True), styles)
print(f"plain and fast differ by at most {(plain - fast).abs().max():.1e}")

# %% [markdown]
# The fast form never makes the style map. All pixels of a class hold one vector there, so the products with the
# convolution's weights are taken once for each class. `make bench` times a step of both ways.

# %%
source(sean.SeanNorm.forward)

# %% tags=["hide-cell"]
source(sean.Regions.convolve)

# %% [markdown]
# ### One training step of SEAN, in plain form
#
# Style and target are one photograph: SEAN learns to paint people again. Its losses are GauGAN's, without the KL term:
# the [hinge](notation.md#hinge-loss), and with weight 10 each the two distances in features,
# [feature matching](notation.md#feature-matching) and the [perceptual loss](notation.md#perceptual-loss).

# %%
sean_networks = training.image_networks("sean", style_p, classes, photos.size)
sean_g, sean_d, encoder = sean_networks
eye = training.perceptual_for(style_p).cpu()
images, layouts = photos.images[:4] / 127.5 - 1, photos.layouts[:4]

z = encoder(images, layouts)[0]  # styles; and room for the noise of pixels
z[:, sean_g.latents.index(1)] = torch.randn(4, sean_g.latents.global_dim)
fake = sean_g(layouts, z)
of_fake, of_real = sean_d.judge([fake, images], layouts, None)
real_features = [[x.detach() for x in scale] for scale in of_real.features]
loss_g = (
    losses.hinge_generator_loss(of_fake.logits)
    + 10 * losses.paired_feature_loss(real_features, of_fake.features)
    + 10 * losses.perceptual_loss(eye(fake), eye(images), eye.weights)
)
loss_d = losses.hinge_discriminator_loss(of_real.logits, of_fake.logits)
painters = [*sean_g.parameters(), *encoder.parameters()]
torch.autograd.grad(loss_g, painters, retain_graph=True)
torch.autograd.grad(loss_d, list(sean_d.parameters()))
print(f"before training: L_G {loss_g.item():.2f}, L_D {loss_d.item():.2f}")

# %% [markdown]
# ### Training, beside GauGAN
#
# GauGAN ([chapter 7](07_painting_by_layout.ipynb)) sees the layout and no style at all; with its encoder, as
# GauGAN-VAE, it has one code for the whole picture. All three see the same faces, for equally many steps.

# %% tags=["hide-input"]
repainters = {}
for system in ("sean", "gaugan-vae", "gaugan"):
    path = run.folder / f"checkpoint-{system}.safetensors"
    repainters[system] = training.train_images(
        style_p, photos, system, path, training.progress_bar
    )
history = repainters["sean"].history
figures.training_curves(history, ["feature", "perceptual", "loss_d"])

# %% [markdown]
# *Figure 6. SEAN's losses. (Curves over the steps of training.)*
#
# ## How well SEAN paints
#
# Held-out photographs are taken apart, into layout and styles, and painted again. How near do they come?
#
# **SSIM** {cite:p}`wang2004ssim` slides a window over both pictures $x$ and $y$. Within it $m_x$ and $v_x$ are the mean
# and the variance of $x$, $m_y$ and $v_y$ those of $y$, and $w$ is their covariance. Small constants $c_1$ and $c_2$
# keep the divisions from being by 0:
#
# $$l = \frac{2 m_x m_y + c_1}{m_x^2 + m_y^2 + c_1} \tag{11}$$
#
# $$s = \frac{2 w + c_2}{v_x + v_y + c_2}$$
#
# and SSIM is the mean of $l \cdot s$ over windows and colours: 1 for equal pictures. **PSNR** is
# $10 \log_{10}(2^2 / e)$ in dB, with $e$ the mean squared difference of values from −1 to 1. FD-seg and the judge's
# mIoU, both of the repainted pictures, are those of [chapter 8](08_judging_with_a_segmenter.ipynb): are these like
# faces, and is each part where the layout has it?

# %%
source(metrics.ssim)

# %% [markdown]
# **Style swap.** One class takes the style that it has in the next photograph, all else stays. We ask how far the
# class's own pixels move (*inside*, mean absolute change, of 255), and how far all the others do (*outside*); and what
# share of the others moves by more than 8 of 255 in one of its colours, which an eye sees side by side.

# %%
source(metrics.evaluate_swap)

# %% tags=["hide-input"]
judge = training.segmenter_for(style_p)
for system, each in repainters.items():
    found = training.evaluate_repainting(style_p, photos, each, judge)
    for metric, (value, n) in found.items():
        run.measure(system, "full", metric, value, n, "val")

# %% [markdown]
# Each of these numbers must be able to be bad. So there are three controls: SEAN before training; SEAN with each
# person's styles given to the next person; and the next person's real photograph. Beside them stands a SEAN that was
# trained once, for longer than a chapter may take: the pictures to look at are its.

# %% tags=["hide-input"]
held_photos = photos.held_out_images / 127.5 - 1
own = training.painter_of(repainters["sean"], photos)
best = training.committed_painter(style_p, space)
codes, _ = own.styles(held_photos, held)
CONTROLS = {
    "untrained": sean_g.generate(held, z=codes),
    "shuffled": own.paint(held, codes.roll(1, 0)),
    "real-of-others": held_photos.roll(1, 0),
}
if best is not None:
    CONTROLS["trained-once"] = best.paint(held, best.styles(held_photos, held)[0])
true = photos.held_out_images
for variant, made in CONTROLS.items():
    found = metrics.evaluate_repainted(made, held, true, judge, space)
    for metric, (value, n) in found.items():
        run.measure("sean", variant, metric, value, n, "val")

# %% tags=["hide-input"]
if best is not None:
    some = slice(0, training.styles.SWAPPED)
    codes, _ = best.styles(held_photos[some], held[some])
    found = metrics.evaluate_swap(
        best.paint, best.latents, held[some], codes, classes
    )
    for metric, (value, n) in found.items():
        run.measure("sean", "trained-once", metric, value, n, "val")


# %% tags=["hide-input"]
def in_fives(tiles, titles):
    """Pictures, five a row; those of a real data set stay out of the book."""
    if not procedural:
        return Markdown("*(Pictures of real people stay out of the book.)*")
    return figures.image_grid(torch.cat(tiles), titles, columns=5)


best = best or own
codes, shown = best.styles(held_photos, held)
seen = slice(0, 5)
NAMES = {"sean": "SEAN", "gaugan-vae": "VAE"}
tiles, titles = [held_photos[seen]], ["photo", *[""] * 4]
for system in NAMES:
    each = repainters[system]
    z = training.encoder_of(each)(held_photos[seen], held[seen])[0]
    tiles.append(each.averaged.generate(held[seen], z=z).cpu())
    titles += [NAMES[system], *[""] * 4]
tiles.append(best.paint(held[seen], codes[seen]))
titles += ["longer", *[""] * 4]
in_fives(tiles, titles)

# %% [markdown]
# *Figure 7. Photographs, painted again by two painters of this run and, last, by the SEAN that was trained longer
# (5,000 steps on 4,000 other faces of this world). Is the skin this person's? The hair? A pattern, a beard?
# (A grid: above photographs, below each painter's pictures of the same people.)*
#
# ### One class takes another's style
#
# What each class has for itself can be lent. Of two photographs' codes, `mix` takes the style of some classes from the
# second one.

# %% tags=["hide-input"]
GROUPS = {  # taken together; what a data set lacks is left out
    "hair": ("hair",),
    "skin": ("skin", "nose", "neck", "l_ear", "r_ear"),
}


def classes_of(group, lender):
    """Those of a group that the data set has and the lender shows."""
    known = (space.names.index(n) for n in GROUPS[group] if n in space.names)
    return [c for c in known if shown[lender, c]]


# %%
def wearing(person, lender, group, share=1.0):
    """A person in the style that a group of classes has on another one."""
    mine, theirs = codes[person : person + 1], codes[lender : lender + 1]
    parts = classes_of(group, lender)
    mixed = best.mix(mine, theirs, shown[lender : lender + 1], parts, share)
    return best.paint(held[person : person + 1], mixed)


# %% tags=["hide-input"]
person, lenders = 1, [0, 2, 3, 4]
tiles = [held_photos[[person, *lenders]]]
for group in GROUPS:
    tiles.append(best.paint(held[person : person + 1], codes[person : person + 1]))
    tiles += [wearing(person, lender, group) for lender in lenders]
titles = ["person", *["style of"] * len(lenders)]
titles += [t for group in GROUPS for t in (group, *[""] * len(lenders))]
in_fives(tiles, titles)

# %% [markdown]
# *Figure 8. Above, the person and four others. Below, the person with hair or skin in the others' styles.
# The forms stay. Look at what was not to change: the face while the hair changes, the hair while the skin does.
# (A grid: one row of photographs, and under it one row of paintings for each group of classes.)*

# %% tags=["hide-input"]
def moved(variant):
    """What a swap moves in this run, in words."""
    rows = [m for m in run.metrics if (m["system"], m["variant"]) == variant]
    value = {m["metric"]: m["value"] for m in rows}
    return (
        f"{value['swap_inside']:.1f} of 255 inside, {value['swap_outside']:.1f} "
        f"outside ({100 * value['swap_moved']:.0f} % of the pixels there by over 8)"
    )


swapped = [m for m in run.metrics if m["metric"] == "swap_inside"]
measured = {(m["system"], m["variant"]) for m in swapped}
said = {
    "The SEAN trained once": ("sean", "trained-once"),
    "This run's SEAN": ("sean", "full"),
    "Its GauGAN-VAE, whose one code is of the whole picture": ("gaugan-vae", "full"),
}
Markdown(
    "A class that takes another's style moves, in the mean over classes: "
    + "; ".join(f"**{k}** {moved(v)}" for k, v in said.items() if v in measured)
    + "."
)

# %% [markdown]
# SEAN has no wall around a class. What leaks over the border comes through the convolutions between the
# normalisations, whose windows reach over it.
#
# ## The style stays while the form changes
#
# The styles of one photograph can paint any layout. A class that the photograph lacks needs a style from elsewhere:
# an ear, eye or brow takes that of the other side, all else the mean style of the training faces. First, forms that
# differ in everything, the layouts of other people:

# %%
source(editing.filled)

# %% tags=["hide-input"]
people, forms = [0, 2], slice(0, 5)
tiles = [metrics.painted(held[forms], space)]
for i in people:
    tiles.append(best.paint(held[forms], codes[i : i + 1].expand(5, -1)))
titles = ["form", *[""] * 4]
titles += [t for n in people for t in (f"style {n + 1}", *[""] * 4)]
in_fives(tiles, titles)

# %% [markdown]
# *Figure 9. Above, five layouts. Below, each of them in the styles of the first and of the third photograph of
# Figure 7. A hat or a necklace that the photograph lacks has the mean style. (A grid: one row of layouts in the
# classes' colours, two rows of paintings, each row in one person's colours.)*
#
# And now what this chapter is about: one form, changed in part by the layout generator.

# %%
grown = torch.stack(more[:5])  # of Figure 3
repainted = best.paint(grown, codes[face : face + 1].expand(5, -1))

# %% tags=["hide-input"]
tiles = [metrics.painted(grown, space), repainted]
titles = [f"+ {share:.0%}" for share in steps[:5]] + [""] * 5
in_fives(tiles, titles)

# %% [markdown]
# *Figure 10. The face of Figure 3 with its growing hair and, below, painted in the styles of the one photograph. The
# skin and the background are to stay; the hair is to stay this person's. (A grid: above layouts with a growing area of
# hair, below paintings.)*

# %% [markdown]
# ### Between two styles
#
# A style is a vector, so one can stop half-way to another. With $T'_c$ the other's style and $\alpha$ the share of it,
#
# $$T_c(\alpha) = (1 - \alpha)\, T_c + \alpha\, T'_c \tag{12}$$

# %% tags=["hide-input"]
lender, shares = 3, torch.linspace(0, 1, 5).tolist()
tiles, titles = [], []
for group in GROUPS:
    tiles += [wearing(person, lender, group, share) for share in shares]
titles = [f"α = {share:.1f}" for share in shares] + [""] * (len(tiles) - 5)
in_fives(tiles, titles)

# %% [markdown]
# *Figure 11. One group of classes a row, from the person's own style on the left to another person's on the right.
# (A grid of paintings of one person, whose hair and skin change colour by steps.)*

# %% tags=["hide-input"]
training.save_generator(
    run.folder / "generator.safetensors", generator, data.label_space)
record = run.finish()

# %% [markdown]
# ## The numbers
#
# **The additions.** Of the forms of a layout, `full` is the paper's, `confined` and `exact` are ours; `full-shuffled`
# holds faces against the budgets of others. `identity` adds nothing, `scattered` adds single pixels anywhere.

# %% tags=["hide-input"]
from sempal_lib.results import comparison

comparison(record, "celebamask-hq", ["budget_mae", "overlap", "changed_outside"])

# %% [markdown]
# **The painters.** `real-of-others` are photographs of other people: as real as can be, and wrong. `trained-once` has
# seen at least forty times as many pairs as this run's painters, so it competes with nobody.

# %% tags=["hide-input"]
PAINTED = ("psnr", "ssim", "fd_seg_reconstructed", "miou_reconstructed")
SWAP = ("swap_inside", "swap_outside", "swap_moved")
ROWS_OF = [
    "sean", "gaugan-vae", "gaugan", "sean shuffled", "sean untrained",
    "sean real-of-others", "sean trained-once",
]  # fmt: skip
comparison(record, "", PAINTED, ROWS_OF)

# %% tags=["hide-input"]
comparison(record, "", SWAP, ["sean", "gaugan-vae", "sean trained-once"])

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
from sempal_lib.results import verdicts


def rules(*rules):
    """Names of this row's numbers; None is the untrained network."""
    plain = f"semantic-palette {row}".removesuffix(" full")
    names = {"": plain, None: "semantic-palette untrained"}
    return [names.get(r, f"semantic-palette {row}-{r}") for r in rules]


verdicts(
    record,
    {
        "The budget is followed": ("budget_mae", *rules("confined", None)),
        "It is this face's budget": ("budget_mae", *rules("confined", "shuffled")),
        "Confined, it is followed better": ("budget_mae", *rules("confined", "")),
    },
)  # fmt: skip

# %% [markdown]
# And the novelty loss? Runs with it (`full`) and without, pair by pair:

# %% tags=["hide-input"]
from sempal_lib import ablation

rows = ablation.rows_of_runs(run.parameters, face_editing.STUDY)
claims = {
    "The novelty loss keeps additions off the old": (
        "overlap",
        "full",
        "no-novelty",
    ),
    "And the budget is followed as well": ("budget_mae", "full", "no-novelty"),
}
ablation.verdicts(rows, claims, face_editing.STUDY)

# %% [markdown]
# **Photographs of people.** The same on Labeled Faces in the Wild, whose layouts know background, skin and hair. One
# edit is left, the paper's first: more hair. Photographs stay out of the book, and so do pictures of them.

# %% tags=["hide-input"]
of_people = {"dataset": "faces-lfw", "data_root": None}
of_lfw = ablation.rows_of_runs(
    run.parameters.model_copy(update=of_people), face_editing.STUDY
)
if any(of_lfw.values()):
    MEASURED = {"budget_mae": "", "overlap": ""}
    display(ablation.study_table(of_lfw, MEASURED, (), face_editing.STUDY))
    display(ablation.verdicts(of_lfw, claims, face_editing.STUDY))

# %% [markdown]
# And of the painters:

# %% tags=["hide-input"]
CLAIMS = {  # (metric, the row that should be lower, the one that should be higher)
    "SEAN paints people again, nearer than one code does": (
        "psnr", "gaugan-vae", "sean"),
    "and with more of their structure": ("ssim", "gaugan-vae", "sean"),
    "its set of pictures is more like faces": (
        "fd_seg_reconstructed", "sean", "gaugan-vae"),
    "its parts are where the layout has them": (
        "miou_reconstructed", "gaugan-vae", "sean"),
    "it is this person's style that counts": ("psnr", "sean shuffled", "sean"),
    "A swapped style leaves the other classes alone": (
        "swap_outside", "sean", "gaugan-vae"),
}  # fmt: skip
verdicts(record, CLAIMS)

# %% [markdown]
# SEAN beside GauGAN, which is told no style, with the same data and budget, on each data set. (The claim of a row is
# that GauGAN's number is the lower one; of FD-seg, that SEAN's is.)

# %% tags=["hide-input"]
from sempal_lib.results import reference_verdicts

REPAINTED = ("psnr", "ssim", "miou_reconstructed")
FAR = ("fd_seg_reconstructed",)
display(reference_verdicts("15_face_editing", REPAINTED, "gaugan", "sean"))
display(reference_verdicts("15_face_editing", FAR, "sean", "gaugan"))

# %% [markdown]
# ## Edit a face yourself
#
# Each slider says what share of the frame a part is to have; the bar below it shows what it has now. All sliders
# together are one edit of this face, so a slider goes back the way it came. What grows is added by the generator,
# wherever it likes. What shrinks is painted over by its neighbours: lost hair becomes skin and background, a lost hat
# hair and background. *New edit* draws other noise for the same shares. *Keep* makes the edit the layout that further
# edits start from.
#
# The picture keeps the person's styles, which come from the photo. A part that the photo lacks takes the mean style, or
# that of the other face. *Style of* chooses a part, and *share of it* moves its style towards the other face's. *Undo*
# goes back step by step, also to the face before. *Save* writes the layout, the picture and a recipe of the edits. On a
# page without a running notebook there are frames of edits instead.

# %% tags=["hide-input"]
editor = None
if procedural:
    persons = own if best is None else best
    faces = photos.held_out_images[:24], photos.held_out[:24].long()
    editor = widgets.edit_face(adder, persons, faces, folder=run.folder / "edits")
editor

# %% [markdown]
# In your own code it is three calls:
#
# ```python
# codes, _ = persons.styles(photo, layout)  # of each class
# edited = adder.add(layout, additions, seed=0)  # of each class: share of the frame
# picture = persons.paint(edited, codes)
# ```
#
# **Learned:** a budget and a merge are enough to edit by a slider.
# **Failed:** at `demo` large parts, hair and hats, grow where they belong, and small ones, glasses and brows, do not
# find their place: Figure 5.
# **Next:** [Editing objects and materials](16_material_editing.ipynb).
#
# ## Exercises
#
# **1.** Give the network a budget of nearly all the room there is. What does it cover last?

# %% tags=["hide-cell"]
full = torch.zeros(classes)
full[hair] = float(room[face]) * 0.95
whole = generator.add(held[face], full, exact=True)
kept = held[face][(whole != hair) & (held[face] != hair)].unique()
print(f"{float((whole == hair).float().mean()):.0%} of the frame is hair.")
print("Left of the rest:", ", ".join(names[c] for c in kept if c < classes))

# %% [markdown]
# **2.** Equation (4) asks that a face change, and not where. How large is it if a share $f$ of the pixels changes
# class? Work it out. Then compute it for no edit, for the generator's hair, for as much hair scattered over the frame,
# and for another person's layout. What keeps the generator from the last two?

# %% tags=["hide-cell"]
before, asked = held[face : face + 1], grow[3:4]
cases = {
    "no edit": before,
    "the generator's hair": generator.add(before, asked, exact=True),
    "scattered hair": metrics.scattered(before, asked),
    "another person": held[face - 1][None],
}
hot, found = one_hot(before, classes).float(), []
for name, after in cases.items():
    f = float((after != before).float().mean())
    value = float(novelty_loss(one_hot(after, classes).float(), hot))
    by_hand = 1 / (2 * f / classes + 1e-5)  # two of C numbers move by 1
    found.append((name, f"{f:.1%}", f"{value:,.0f}", f"{by_hand:,.0f}"))
display(Table(("edit", "pixels that change", "equation (4)", "by hand"), found, {}))
Markdown(
    "A pixel that changes class moves two of the $C$ numbers by 1, so that (4) is "
    r"$1 / (2f / C + \epsilon)$. It falls with every edit, good or bad. To refuse "
    "scattered hair is the discriminator's task. Another face is a real one to it: that "
    "is forbidden by the budget alone, which pays for hair and nothing else."
)
