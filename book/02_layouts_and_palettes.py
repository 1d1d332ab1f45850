# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Layouts and palettes
#
# A [layout](notation.md#layout) says for every pixel what is there. A [palette](notation.md#palette) says how much of
# everything there is. This chapter shows both, and how to draw a palette that no photograph ever had.
#
# **The claim.** {cite:t}`lemoing2021semanticpalette` draw palettes from a Gaussian mixture that is fitted to the
# palettes of true layouts, because it "can capture multiple meaningful modes" (§4.1). What is drawn is not quite a
# palette and has to be brought back to one. "Because the exact projection is slow to compute", the paper clips and
# normalises instead.
#
# **Why one would want it.** Who can draw palettes can ask a generator for scenes without end, and for the scene that is
# wanted: more trees, no cars.
#
# **What we do here.** We look at layouts, count their pixels, fit the mixture, and ask three things. Does the mixture
# fit better than simpler distributions? What does the cheap way back cost? And is the exact one slow?

# %% tags=["parameters"]
preset = None          # smoke, demo, gpu or paper; None: the environment variable SEMPAL_PRESET, or demo
dataset = None         # a name that datasets.load knows, or a bundle's own
data_root = None       # folder of a real data set
seed = None
height = None          # px, of the layouts; the width follows from the data set
train_scenes = None    # scenes to look at, at most
max_components = None  # Gaussians of the mixture, at most
device = None          # auto, cpu or cuda

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("02_layouts_and_palettes", globals())

# %%
from itertools import combinations

import torch
import torch.nn.functional as F
from IPython.display import Markdown

from sempal_lib import datasets, figures, metrics, palettes, training
from sempal_lib.labels import one_hot
from sempal_lib.sources import source
from sempal_lib.tables import Table, mean_and_spread, number

# %% [markdown]
# ## A layout
#
# These streets come from `toy-street`, a small town that the library draws itself, so nothing has to be downloaded.
# Each image stands over its layout. A class has one colour, the same one everywhere in this book.

# %%
street = datasets.load(
    "toy-street", "train", (64, 128), seed=run.parameters.seed, limit=6
)
scenes = [street[i] for i in range(len(street))]
space = street.label_space
figures.contact_sheet(scenes, space, columns=2)

# %% tags=["hide-input"]
figures.legend(space)

# %% [markdown]
# *Figure 1. Six streets of the toy town, each picture over its layout, and the colours of the classes. Look for the
# thin things: poles, signs, people. (A grid of pictures of streets, with their layouts as flat coloured areas below
# them, and a list of colours with the names of the classes.)*
#
# A picture has $H$ rows and $W$ columns; $(i, j)$ is the pixel in row $i$ and column $j$. There are $C$ classes,
# numbered from 0. The layout $\ell$ holds one number for each pixel,
#
# $$\ell_{i,j} \in \{0, 1, \dots, C - 1\}.$$
#
# In the library, layouts come in batches: whole numbers (`int64`) of shape $[B, H, W]$, where $B$ is their count.

# %%
layout = torch.stack([scene["layout"] for scene in scenes])
middle = layout[0, 32, 60:68].tolist()
print("layouts  ", list(layout.shape), layout.dtype)
print("8 pixels ", middle)
print("in words ", ", ".join(space.names[c] for c in middle))

# %% [markdown]
# ### One-hot and soft
#
# Class 8 is not twice class 4: the numbers are only names. A network gets something better, the
# [one-hot](notation.md#one-hot-layout) layout.
# It has one plane a class, with a 1 where the class is and 0 elsewhere.

# %%
source(one_hot)

# %% [markdown]
# A network also *answers* with numbers between 0 and 1. A **[soft layout](notation.md#soft-layout)** $m$ has the shape
# $[B, C, H, W]$. At each pixel, $m_{c,i,j} \ge 0$ is the weight of class $c$, and the weights sum to one:
# $\sum_c m_{c,i,j} = 1$. A one-hot layout is a soft layout that is sure of everything.
#
# Shrink a one-hot layout by averaging blocks of 8×8 pixels, and you get a soft one: a coarse pixel holds several
# classes, each with its share. To draw it as a *hard* layout again, take the largest class of each pixel.

# %%
hot = one_hot(layout, space.num_classes)
soft = F.avg_pool2d(hot, 8)
hard = soft.argmax(1)
print(
    "one-hot", list(hot.shape), " soft", list(soft.shape), " hard", list(hard.shape)
)
print(
    "sum over classes: from",
    number(float(soft.sum(1).min())),
    "to",
    number(float(soft.sum(1).max())),
)
enlarged = F.interpolate(hard[:1, None].float(), scale_factor=8)[0, 0].long()
titles = ["64×128 pixels", "largest class of 8×16"]
figures.layout_grid(torch.stack([layout[0], enlarged]), space, titles, columns=2)

# %% [markdown]
# *Figure 2. The first layout, and what is left of it at an eighth of its size. (Two layouts side by side; the right one
# has large square pixels, and its poles are gone.)*
#
# Most thin things are gone. They are in the soft layout, but nowhere are they the largest.
#
# ### Pixels that do not count
#
# In real data sets some pixels have no class: nobody could tell what is there. They carry a number outside the
# classes, the `ignore_index`. They get no weight in the one-hot layout, and they count in no palette and no loss.
# Here is a layout of 2×4 pixels with two classes, where 255 means *ignored*:

# %%
tiny = torch.tensor([[[0, 0, 1, 255], [0, 1, 1, 255]]])
print("weight of each pixel:", one_hot(tiny, 2).sum(1).tolist())
print(
    "palette:             ", palettes.palette_of(tiny, 2, ignore_index=255).tolist()
)

# %% [markdown]
# Forget to say so, and the library stops rather than count them as something:

# %%
try:
    palettes.palette_of(tiny, 2)
except ValueError as error:
    print(error)

# %% [markdown]
# ## A palette
#
# Let $\Omega$ be the set of pixels that count and $|\Omega|$ their number. The palette $t$ of a layout gives each
# class its share of them:
#
# $$t_c = \frac{1}{|\Omega|} \big| \{ (i,j) \in \Omega : \ell_{i,j} = c \} \big|. \tag{1}$$
#
# No share is negative, $t_c \ge 0$, and together they make one, $\sum_c t_c = 1$.
# In other words: sort the pixels by class. The arrangement is lost, the palette is what stays.

# %%
heap = (
    layout.transpose(1, 2)
    .flatten(1)
    .sort(dim=1)
    .values.unflatten(1, (128, 64))
    .transpose(1, 2)
)
pairs = torch.stack([layout[:2], heap[:2]], 1).flatten(0, 1)
assert torch.equal(palettes.palette_of(layout, 19), palettes.palette_of(heap, 19))
figures.layout_grid(pairs, space, ["layout", "its pixels, sorted"] * 2, columns=2)

# %% [markdown]
# *Figure 3. Two layouts and their pixels, sorted by class: the right ones have the palettes of the left ones. (Left
# streets as layouts, right the same pixels as upright bands of one colour each.)*

# %%
def shares(layout, classes):
    """Equation 1: palettes [B, C] of layouts [B, H, W]."""
    hot = one_hot(layout, classes)  # ignored pixels weigh nothing
    return hot.sum((2, 3)) / hot.sum((1, 2, 3))[:, None]


of_library = palettes.palette_of(layout, space.num_classes)
print((shares(layout, space.num_classes) - of_library).abs().max().item(), "apart")

# %% [markdown]
# Averaging kept the palette: the mean of a soft layout over its pixels is the palette of the fine one. Taking the
# largest class did not. Dashed is the palette of the fine layout above, solid that of the hard coarse one.

# %%
fine, coarse = (palettes.palette_of(x, space.num_classes) for x in (layout, hard))
lost = [
    space.names[c]
    for c in ((fine[0] > 0) & (coarse[0] == 0)).nonzero().flatten().tolist()
]
print(
    "soft against fine, largest difference:",
    f"{(soft.mean((2, 3)) - fine).abs().max():.1e}",
)
print("lost by the hard one:", ", ".join(lost) or "nothing")
figures.palette_bars(fine[0], coarse[0], space)

# %% [markdown]
# *Figure 4. What the largest class of a coarse pixel does to a palette. Look at the small classes: their bars are gone.
# (Bars, one a class: dashed outlines for the fine layout, solid bars for the coarse one.)*
#
# Remember this gap between soft and hard. A generator has to close it, and
# [Progressive layouts, guided by a palette](05_semantic_palette.ipynb) needs two losses for it.
#
# Whoever hands a palette to the library gets it checked. This one sums to 1.2:

# %%
try:
    palettes.check_palette([0.5, 0.4, 0.3], num_classes=3)
except ValueError as error:
    print(error)

# %% [markdown]
# ## The palettes of a data set
#
# Now the data of this run: all layouts, read at the run's size, with their palettes.

# %%
data = training.layout_data(run.parameters)
names = data.label_space.names
mean = data.palettes.mean(0)
order = mean.argsort(descending=True)
major = int((mean[order].cumsum(0) < 0.9).sum()) + 1
Markdown(
    f"**{data.name}**: {len(data.palettes)} palettes to learn from and "
    f"{len(data.held_out_palettes)} held out, of "
    f"layouts of {data.size[0]}×{data.size[1]} px with {len(names)} classes. "
    f"{major} classes cover 90 % of the "
    f"pixels. The other {len(names) - major} share the rest."
)

# %% tags=["hide-input"]
figures.palette_statistics(data.palettes, data.label_space)

# %% [markdown]
# *Figure 5. How much of a layout each class fills, on a logarithmic axis, and in how many layouts it occurs. (Bars, one
# a class, the largest on top.)*
#
# This is a *long tail*: a few classes are large, and many are small or rare. A generator that leaves out all
# small ones would still get most pixels right, and its scenes would be empty.
#
# Palettes are not free in each class either. Where there is more of one thing, there is less room for another:

# %%
together = torch.corrcoef(data.palettes.T).nan_to_num(0)
strongest = sorted(
    combinations(range(len(names)), 2), key=lambda pair: -abs(together[pair])
)[:6]
Table(
    ("class", "and class", "correlation"),
    tuple((names[a], names[b], f"{together[a, b]:+.2f}") for a, b in strongest),
    {},
)

# %% [markdown]
# And there may be more than one kind of scene. Below, each column of pixels is one palette, piled up in the classes'
# colours as in the sorted picture above. The columns are ordered along the line on which palettes differ most, their
# first principal component.

# %%
def piled(t, rows=96):
    """Palettes [N, C] as columns of a layout, the most frequent class below."""
    tops = t[:, order].cumsum(1).contiguous()
    levels = (torch.arange(rows).flip(0) + 0.5) / rows
    return order[
        torch.searchsorted(tops, levels.repeat(len(t), 1)).clamp(max=len(order) - 1)
    ].T


line = torch.linalg.svd(data.palettes - mean, full_matrices=False).Vh[0]


def sorted_piles(t):
    t = t[(t @ line).argsort()]
    return piled(t[torch.linspace(0, len(t) - 1, 256).round().long()])


figures.layout_grid(sorted_piles(data.palettes)[None], data.label_space, columns=1)

# %% tags=["hide-input"]
figures.legend(data.label_space, [c for c in order.tolist() if mean[c] > 0])

# %% [markdown]
# *Figure 6. Palettes of real layouts, one a column, along the line on which they differ most. Look for places where the
# picture changes faster than elsewhere: there one kind of scene ends and another begins. (Coloured columns side by
# side: road at the bottom of all, above it buildings at the left and trees at the right.)*
#
# ## Where new palettes come from
#
# To make many layouts we need many palettes, and those of the data set are few. So we fit a distribution to
# them and draw from it, the [palette mixture](notation.md#palette-mixture). The paper takes a **Gaussian mixture** with
# $K$ components,
#
# $$p(t) = \sum_{k=1}^{K} \pi_k\, \mathcal{N}(t;\, \mu_k, \Sigma_k). \tag{2}$$
#
# To draw, first choose a component, $k$ with probability $\pi_k$. Then draw $t$ from the Gaussian around $\mu_k$
# (a vector of $C$ numbers) with the covariance $\Sigma_k$ (a $C \times C$ matrix). A component can stand for a
# kind of scene, and its covariance says which classes vary together there.
#
# How many components? More of them always fit the given palettes better. Akaike's criterion {cite:p}`akaike1974aic`
# asks a price for each parameter:
#
# $$\mathrm{AIC} = 2q - 2 \ln \hat{L}. \tag{3}$$
#
# $\hat{L}$ is the likelihood of the palettes under the fitted mixture and $q$ the number of free parameters: $K - 1$
# probabilities, $K C$ means and $K\, C (C + 1) / 2$ covariances. We fit
# $K = 1, 2, \dots$ by scikit-learn {cite:p}`pedregosa2011sklearn` and keep the lowest AIC. The authors' release tries
# up to 30.

# %%
from sklearn.mixture import GaussianMixture

mixture = data.mixture


def lowest_aic(t, most):
    """Of mixtures with 1 to `most` Gaussians the one with the lowest AIC."""
    seed, counts = run.parameters.seed, range(1, most + 1)
    tried = [GaussianMixture(K, random_state=seed).fit(t) for K in counts]
    return min(tried, key=lambda fitted: fitted.aic(t))


plain = lowest_aic(data.palettes.double().numpy(), len(mixture.aic))
apart = (torch.from_numpy(plain.means_).float() - mixture.means).abs().max()
print(f"{plain.n_components} components; the library's means are {apart:.0e} away")

# %% tags=["hide-input"]
figures.aic_curve(
    range(1, len(mixture.aic) + 1), mixture.aic, mixture.num_components
)

# %% [markdown]
# *Figure 7. AIC by number of components; the large dot marks the number that is taken. (A curve that falls and then
# rises a little.)*
#
# These are the means $\mu_k$ of the chosen components. Each is as wide as its probability $\pi_k$.

# %%
wide = (mixture.weights * 256).round().long()
figures.layout_grid(
    piled(mixture.means.clamp(min=0).repeat_interleave(wide, 0))[None],
    data.label_space,
    columns=1,
)

# %% [markdown]
# *Figure 8. The means of the mixture's components: kinds of scenes. (Blocks of coloured columns, one a component.)*
#
# ### Out of the simplex
#
# All palettes together are called the [simplex](notation.md#simplex): the vectors with $t_c \ge 0$ and
# $\sum_c t_c = 1$. A Gaussian knows nothing of it. Here is what is drawn before anything is done about that:

# %%
def density(fitted):
    """The mixture as a distribution of torch."""
    gaussians = torch.distributions.MultivariateNormal(
        fitted.means.double(), fitted.covariances.double()
    )
    choice = torch.distributions.Categorical(fitted.weights.double())
    return torch.distributions.MixtureSameFamily(choice, gaussians)


torch.manual_seed(run.parameters.seed)
count = max(run.parameters.samples, 2000)
raw = density(mixture).sample((count,)).float()
negative = raw.clamp(max=0).abs().sum(1)
run.measure(
    "semantic-palette", "mixture", "negative_mass", negative.mean(), count, "train"
)
Markdown(
    f"Of {count:,} draws, {(negative == 0).sum():,} lie in the simplex. Their sums "
    f"go from {raw.sum(1).min():.3f} to "
    f"{raw.sum(1).max():.3f}. And {(raw < 0).float().mean():.0%} of the values are "
    "negative: together "
    f"{negative.mean():.1%} of the layout on average, half of them smaller than "
    f"{-raw[raw < 0].median():.2%}."
)

# %% [markdown]
# Where do the negative values come from? A class that is absent from most scenes of a component has a mean near zero
# there, and a Gaussian has two sides.
#
# And the sums? The palettes of the fit all sum to 1, and covariances learn that: along the direction in which all
# classes grow at once nothing varies. But then $\Sigma_k$ is singular, and the likelihood in (3) infinite. So
# scikit-learn adds a small number, `reg_covar` $= 10^{-6}$, to each class's variance. The sum of $C$ classes gets the
# variance $C \cdot 10^{-6}$, and its standard deviation is in the first row below. The other rows add less. A
# smaller number gives better sums. It can also change the choice of $K$, for the likelihood of what hardly varies
# rests on it. Does it give better palettes?

# %%
most, rows = run.parameters.max_components, []
for added in (1e-6, 1e-7, 1e-8):
    fitted = palettes.PaletteMixture.fit(
        data.palettes, most, run.parameters.seed, added
    )
    of_sum = (fitted.weights @ fitted.covariances.sum((1, 2))).clamp(min=0).sqrt()
    ways = (
        fitted.sample(count, run.parameters.seed, way) for way in ("clip", "exact")
    )
    fsd = [
        float(metrics.frechet_segmentation_distance(data.palettes, t)) for t in ways
    ]
    rows.append(
        (
            f"{added:.0e}",
            str(fitted.num_components),
            f"{of_sum:.4f}",
            *map(number, fsd),
        )
    )
Table(
    ("added variance", "K", "σ of the sum", "FSD, clipped", "FSD, projected"),
    tuple(rows),
    {},
)

# %% [markdown]
# (FSD is the distance to the real palettes, defined below; lower is better. One fit a row proves nothing, it only
# shows how much is at stake.) We keep scikit-learn's number, as the authors' release does. Whatever the sum has
# become, the next step makes it 1 again.
#
# ### Two ways back
#
# **Clip and normalise**, the paper's way. Set what is negative to zero, what exceeds 1 to 1, and divide by the sum:
#
# $$\hat{t}_c = \frac{\min(\max(x_c, 0), 1)}{\sum_k \min(\max(x_k, 0), 1)}. \tag{4}$$
#
# **The exact projection** is the palette nearest to the draw $x$. With $\Delta$ for the simplex,
#
# $$t^\star = \arg\min_{t \in \Delta} \; \sum_c (t_c - x_c)^2. \tag{5}$$
#
# Its solution is simple: subtract one number $\theta$ from all classes and cut at zero,
# $t^\star_c = \max(x_c - \theta, 0)$. The larger $\theta$, the smaller the sum, so there is exactly one $\theta$
# for which the sum is 1. One sort finds it {cite:p}`duchi2008projection`.

# %%
source(palettes.project_to_simplex)

# %% [markdown]
# Try it with three classes, for then the simplex is a triangle. Drag the point out: the square is (4), the circle
# (5). When do they agree?

# %% tags=["hide-input"]
from sempal_lib.widgets import simplex_toy

simplex_toy()

# %% [markdown]
# Both, on the draw with the most negative values; classes with more than half a per cent:

# %%
clipped, projected = (
    palettes.clip_and_normalise(raw),
    palettes.project_to_simplex(raw),
)
worst = int(negative.argmax())
columns = torch.stack([raw[worst], clipped[worst], projected[worst]], 1)
seen = [
    c
    for c in raw[worst].argsort(descending=True).tolist()
    if columns[c].abs().max() > 0.005
]
Table(
    ("class", "drawn", "clipped", "exact"),
    tuple((names[c], *(f"{value:.3f}" for value in columns[c])) for c in seen),
    {},
)

# %% [markdown]
# Clipping keeps every small positive value, and takes what the negative ones had borrowed from the large classes.
# The projection takes the same from every class that stays, and small ones vanish. How far are they apart, and
# which is nearer to real palettes?
#
# "Nearer" needs a distance between two sets of palettes. The **[Fréchet distance](notation.md#frechet-distance)**
# compares their means $\mu$ and covariances $\Sigma$ {cite:p}`heusel2017ttur`. Between palettes it is called FSD
# {cite:p}`bau2019seeing`, and palettes are taken in per cent:
#
# $$\mathrm{FSD} = \lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{Tr} S, \tag{6}$$
#
# where the trace (sum of the diagonal) is that of $S = \Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2}$. It
# sees nothing beyond means and covariances, and those a single Gaussian has right, before the projection. So we
# also take the **energy distance**. Let $d(x, y) = \mathbb{E} \lVert x - y \rVert$ be the mean distance of a
# palette $x$ of one set and a palette $y$ of the other. With $x'$ another of the first set and $y'$ another of
# the second,
#
# $$E = 2\, d(x, y) - d(x, x') - d(y, y'). \tag{7}$$
#
# It is zero only if both distributions are the same. (Our estimate has no bias, so it may fall slightly below zero.)
#
# As in the paper, the real palettes are those of the training set. The palettes held out show how near one can
# get: they are real too, but few, and few palettes are noisy.

# %%
held_out = data.held_out_palettes
pixel = 1 / (data.size[0] * data.size[1])
some = data.palettes[
    :: 1 + len(data.palettes) // 5000
]  # distances of all pairs of a larger set would not fit


def energy_distance(x, y):
    cross, same = (
        torch.cdist(x, y).mean(),
        (torch.cdist(a, a).sum() / (len(a) * (len(a) - 1)) for a in (x, y)),
    )
    return 2 * cross - sum(same)


def compare(variant, t):
    """Measure palettes against those of the training set."""
    values = {
        "palette_fsd": metrics.frechet_segmentation_distance(data.palettes, t),
        "palette_energy": energy_distance(100 * some.double(), 100 * t.double()),
        "classes_present": (t > pixel / 2).double().sum(1).mean(),
    }
    for metric, value in values.items():
        run.measure("semantic-palette", variant, metric, value, len(t), "train")


compare("held-out", held_out)
compare("mixture-clip", clipped)
compare("mixture-exact", projected)
apart = (clipped - projected).abs().sum(1).mean()
run.measure("semantic-palette", "mixture", "clip_exact_l1", apart, count, "train")
Markdown(
    f"The two ways differ by {apart:.1%} of the layout on average (sum of absolute "
    "differences)."
)

# %% [markdown]
# ### Is the exact one slow?
#
# We take the time for all draws at once, on one thread, and divide by their number. For comparison we hand (5) to a
# general solver, one palette at a time. It is SciPy's `trust-constr`, as in the authors' release.

# %%
import numpy as np
from scipy.optimize import LinearConstraint, minimize
from torch.utils.benchmark import Timer


def solve(x):
    """Equation 5 by a general solver, for one draw [C]."""
    x, size = x.double().numpy(), len(x)
    given = {"method": "trust-constr", "bounds": [(0, 1)] * size}
    given["constraints"] = LinearConstraint(np.ones((1, size)), 1, 1)
    start, slope = np.full(size, 1 / size), lambda t: 2 * (t - x)
    return minimize(lambda t: ((t - x) ** 2).sum(), start, jac=slope, **given).x


def microseconds(function, argument, palettes_a_call):
    timer = Timer(
        "function(argument)", globals={"function": function, "argument": argument}
    )
    # The fastest of several: whatever else the machine does can only add to it.
    return (
        min(timer.blocked_autorange(min_run_time=0.3).times) / palettes_a_call * 1e6
    )


cost = {
    "clip": microseconds(palettes.clip_and_normalise, raw, count),
    "exact": microseconds(palettes.project_to_simplex, raw, count),
    "solver": microseconds(solve, raw[worst], 1),
}
for variant, value in cost.items():
    run.measure(
        "semantic-palette",
        variant,
        "projection_us",
        value,
        1 if variant == "solver" else count,
        "train",
    )
gap = np.abs(solve(raw[worst]) - projected[worst].numpy()).max()
Markdown(
    f"Clipping takes {number(cost['clip'])} µs a palette, the exact projection "
    f"{number(cost['exact'])} µs and the "
    f"solver {cost['solver']:,.0f} µs, {cost['solver'] / cost['exact']:,.0f} times "
    "as much as the sort. "
    f"Sort and solver agree to {gap:.0e} in each class."
)

# %% [markdown]
# ## Does it look like the data?
#
# Two simpler distributions, fitted to the same palettes, show what the mixture is worth:
#
# - **one Gaussian**, the mixture of a single component;
# - a **Dirichlet** distribution, which lives in the simplex and needs no way back. Its density is proportional to
#   $\prod_c t_c^{\alpha_c - 1}$. We choose $\alpha = s\, \bar{t}$, where $\bar{t}$ is the mean palette and $s$
#   makes the sum of the variances right: $\operatorname{Var}(t_c) = \bar{t}_c (1 - \bar{t}_c) / (s + 1)$.

# %%
gaussian = palettes.PaletteMixture.fit(data.palettes, max_components=1)
strength = (mean * (1 - mean)).sum() / data.palettes.var(0).sum() - 1
dirichlet = torch.distributions.Dirichlet((strength * mean).clamp(min=1e-6))

drawn = {
    "mixture": mixture.sample(count, run.parameters.seed, "exact"),
    "one Gaussian": gaussian.sample(count, run.parameters.seed, "exact"),
    "Dirichlet": dirichlet.sample((count,)),
}
compare("gaussian-exact", drawn["one Gaussian"])
compare("gaussian-clip", gaussian.sample(count, run.parameters.seed, "clip"))
compare("dirichlet", drawn["Dirichlet"])
piles = torch.stack([sorted_piles(t) for t in (data.palettes, *drawn.values())])
figures.layout_grid(piles, data.label_space, ["real", *drawn], columns=2)

# %% [markdown]
# *Figure 9. Palettes of real layouts and of three distributions, sorted as in Figure 6. Which one mixes what never
# occurs together? (Four pictures of coloured columns: real, mixture, one Gaussian, Dirichlet.)*
#
# The same as points: the plane in which real palettes differ most, one dot a palette.

# %% tags=["hide-input"]
figures.palette_map(
    {"real": data.palettes[:1000]} | {k: t[:1000] for k, t in drawn.items()},
    data.label_space,
)

# %% [markdown]
# *Figure 10. One dot a palette, in the same plane in all four. Look for dots where no real one lies. (Four clouds of
# dots: real, mixture, one Gaussian, Dirichlet.)*
#
# The third judge is the likelihood of palettes that no fit has seen: the mean of $-\ln p(t)$ over
# [held-out](notation.md#held-out) palettes, in nats, lower is better. It compares mixtures with each other only: the
# Dirichlet density of a palette in which a class is missing is zero or infinite.

# %%
for variant, fitted in (("mixture", mixture), ("gaussian", gaussian)):
    surprise = -density(fitted).log_prob(held_out.double()).mean()
    run.measure(
        "semantic-palette", variant, "palette_nll", surprise, len(held_out), "val"
    )

# %% [markdown]
# ## From one palette to another
#
# Let $a$ and $b$ be palettes. The straight line between them, $t(\lambda) = (1 - \lambda)\, a + \lambda\, b$ with
# $0 \le \lambda \le 1$, consists of palettes: nothing gets negative, and the sum is
# $(1 - \lambda) + \lambda = 1$. So we can ask a generator for everything between two scenes. Here between the two
# ends of the line above, in nine steps:

# %%
ends = (data.palettes @ line).argsort()[[0, -1]]
steps = palettes.interpolate(*data.palettes[ends], 9)
palettes.check_palette(steps, len(names))
figures.layout_grid(
    piled(steps.repeat_interleave(28, 0))[None], data.label_space, columns=1
)

# %% [markdown]
# *Figure 11. From one palette to another in nine steps. (Nine blocks of coloured columns; some colours grow from left
# to right, others shrink.)*
#
# ## Your own data
#
# All of this runs on any data set. Two kinds of folder are read:
#
# - the **official folders** of Cityscapes, IDD, CamVid, ADE20K, GTA-5, DeepFashion and CelebAMask-HQ, as they come out
#   of their archives. Cityscapes has several names by the classes that count: `cityscapes` with the 19 of its
#   benchmark, `cityscapes-35` with all its ids. The papers on layouts say 33 classes and their releases have 35, so
#   that every pixel has one: at `paper` the chapters on layouts and pictures take `cityscapes-35`;
# - a **bundle**: `classes.json` (name, classes, colours, `ignore_index`, splits), `splits/train.txt` and
#   `splits/val.txt` (one id a line), `images/<id>.jpg` and `labels/<id>.png`, where a pixel's value is its class.
#
# ```
# papermill book/02_layouts_and_palettes.ipynb out.ipynb \
#     -p dataset cityscapes-35 -p data_root /data/cityscapes
# papermill book/02_layouts_and_palettes.ipynb out.ipynb \
#     -p dataset camvid -p data_root /data/camvid
# ```
#
# In Python, with the environment variable `SEMPAL_DATA` in place of `root` if you like:
#
# ```python
# scenes = datasets.load("camvid", "train", size=(128, 256), root="/data/camvid")
# scenes[0]["image"], scenes[0]["layout"], scenes.label_space.names
# ```
#
# Pictures of a real data set are not shown here, whatever the parameters say: the streets above are always toy ones.
#
# ## The numbers

# %%
record = run.finish()
measured = {
    (row["variant"], row["metric"]): row["values"].values()
    for row in record["seeds"]
}
shown = ("palette_fsd", "palette_energy", "palette_nll", "classes_present")
variants = sorted({variant for variant, metric in measured if metric in shown})
Table(
    ("variant", *shown),
    tuple(
        (v, *(mean_and_spread([*measured.get((v, metric), ())]) for metric in shown))
        for v in variants
    ),
    {},
)

# %% [markdown]
# Distances are to the training palettes, the likelihood is that of held-out ones: who merely learns by heart does
# well in the first and badly in the second. The row *held-out* holds real palettes. `classes_present` counts a
# palette's classes with at least half a pixel.
#
# ## Verdict
#
# Computed from the record, over all seeds of this configuration that have run. A seed changes the fit and
# the draws, and in a procedural world the scenes as well.

# %%
from sempal_lib.results import verdicts

verdicts(
    record,
    {
        "Unseen palettes are likelier under the mixture than one Gaussian": (
            "palette_nll", "mixture", "gaussian"),
        "The mixture's palettes are nearer to real ones than one Gaussian's": (
            "palette_energy", "mixture-exact", "gaussian-exact"),
        "They are nearer than a Dirichlet's": (
            "palette_fsd", "mixture-exact", "dirichlet"),
        "Projecting comes nearer to real palettes than clipping": (
            "palette_fsd", "mixture-exact", "mixture-clip"),
    },
)  # fmt: skip

# %% [markdown]
# The third question, whether the exact way is slow, is one of machines and not of seeds: its answer is the times above.
# `PaletteMixture.sample` clips unless told `projection="exact"`, to stay with the paper. The choice is one argument.
#
# ## Exercises
#
# **1.** Bring $x = (0.8, 0.6, -0.2)$ back to the simplex by hand, both ways. Which $\theta$ does the projection
# subtract? Which result is nearer to $x$?

# %% tags=["hide-cell"]
x = torch.tensor([[0.8, 0.6, -0.2]])
# If two classes stay, (0.8 - θ) + (0.6 - θ) = 1, so θ = 0.2. The third, -0.4, is cut: right.
for way in (palettes.clip_and_normalise, palettes.project_to_simplex):
    back = way(x)
    print(f"{way.__name__:20}", [round(v, 3) for v in back[0].tolist()], f"distance {(back - x).norm():.4f}")

# %% [markdown]
# **2.** FSD sees means and covariances. Find two sets of palettes of two classes that have nothing in common and an
# FSD of zero. What does the energy distance say?

# %% tags=["hide-cell"]
def two_classes(*shares):
    first = torch.tensor(shares, dtype=torch.float64)
    return torch.stack([first, 1 - first], 1).repeat(200, 1)


# Mean 0.5 and variance 0.04 in both: ±0.2 always, or ±0.2 √2 half of the time and 0 otherwise.
far = 0.2 * 2**0.5
one, other = two_classes(0.3, 0.7, 0.3, 0.7), two_classes(0.5 - far, 0.5, 0.5, 0.5 + far)
print(f"FSD    {metrics.frechet_segmentation_distance(one, other):.4f}")
print(f"energy {energy_distance(100 * one, 100 * other):.4f}")
