# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Does synthetic data help?
#
# **The claim.** A [segmenter](notation.md#segmenter) that learns from real [pairs](notation.md#pair) of picture and
# layout becomes better when generated pairs are put beside them. {cite:t}`lemoing2021semanticpalette` train one on
# Cityscapes, Cityscapes-25k and IDD (their Table 3, below). With layouts of SB-GAN it becomes worse. With layouts of
# Semantic Palette it gains 1.3 points of mIoU on Cityscapes. With layouts that are real but for one rectangle it gains
# 3.8. And with a loss that makes its predictions on real pictures look like those on generated ones, 4.5.
#
# **Why one would want it.** Labels are dear: a person needs more than an hour and a half for one layout of Cityscapes
# {cite:p}`cordts2016cityscapes`. Generated pairs come with their labels.
#
# **What we do here.** We train the rows of that table on worlds and on real streets. We add what a practitioner would
# ask for first: crops, other colours, and copying things from one picture into another. We vary the number of real
# pairs, for where they are few help is most wanted. And we look for the part of a generated pair that does harm.
#
# You need [Judging with a segmenter](08_judging_with_a_segmenter.ipynb) for [mIoU](notation.md#miou) and the
# [judge](notation.md#judge), [Progressive layouts, guided by a palette](05_semantic_palette.ipynb) for the layouts, and
# [Painting by layout](07_painting_by_layout.ipynb) for the painter.

# %% tags=["parameters"]
preset = None           # smoke, demo, gpu or paper; None: SEMPAL_PRESET, or demo
dataset = None          # a name that datasets.load knows, or a bundle's own
data_root = None        # folder of a real data set
seed = None
height = None           # px, of the pictures; the width follows from the data set
train_scenes = None     # real pairs; the generators have seen the same
synthetic = None        # none, semi, syn-sbgan, syn, part or more: pairs beside them
labels = None           # own or judge: of the synthetic pairs
adapt = None            # AdvEnt
augment = None          # random crops and colours
copy_paste = None       # things of other pictures
pairs = None            # synthetic pairs
steps = None            # training steps of the painter
segmenter_steps = None  # training steps of the segmenter
baseline = None         # also train the row real
device = None           # auto, cpu or cuda

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("14_data_augmentation", globals())

# %%
import math
from functools import partial

import torch
from IPython.display import Markdown, display

from sempal_lib import augmentation, figures, losses, training
from sempal_lib.segmentation import EntropyDiscriminator, Segmenter, SegmenterSettings
from sempal_lib.sources import source
from sempal_lib.tables import Table

data = training.scene_set(run.parameters)
row, space = augmentation.name_of(run.parameters.model_dump()), data.label_space
Markdown(
    f"This run trains the row **{row}** on **{data.name}**: {len(data.layouts)} real "
    f"pairs of {data.size[0]}×{data.size[1]} px; {len(data.held_out)} are held out."
)

# %% [markdown]
# ## What the paper found
#
# What is there to reproduce? Its Table 3, in our names of the rows, with the gain over `real`. mIoU is over the
# official classes, mIoU\* over all. *semi* paints the real layouts anew. *syn-sbgan* and *syn* paint generated layouts.
# *part* paints real layouts of which a rectangle was generated. *da* is the adaptation.

# %% tags=["hide-input"]
augmentation.published_table(("cityscapes", "idd"))

# %% tags=["hide-input"]
augmentation.published_table(("cityscapes-25k",))

# %% [markdown]
# ## What can be gained at all
#
# The generators have learned from the same pairs as the segmenter. They know nothing of the world that these pairs do
# not say. So generated pairs cannot bring facts. What they can bring is *variation*: the same street in other
# colours, a car where there was none. A segmenter that has seen a thing in many settings relies less on the setting.
# Flips, crops and other colours vary too, and cost nothing. That is why they belong in the table.
#
# They can also do harm. A pair has three parts, and each can be wrong: the **layout** can be one that no street has;
# the **picture** can have textures that no camera sees; and the **label** can be wrong where the painter did not paint
# what the layout says.
#
# It follows that nothing may look beyond the pairs of the run. The painter here is trained on those alone. So is the
# segmenter whose features its perceptual loss compares: the one of earlier chapters knows thousands of other scenes.
#
# ## Two batches a step
#
# Synthetic pairs are to be a gain, so they must take nothing from the real ones. Let $x$ be a picture and $y$ its
# layout, $\mathbb{E}_\mathcal{R}$ the mean over the real pairs and $\mathbb{E}_\mathcal{S}$ that over the synthetic
# ones. With $\mathcal{L}$ the loss of [Judging with a segmenter](08_judging_with_a_segmenter.ipynb), the segmenter $F$
# lowers
#
# $$\mathbb{E}_\mathcal{R}\, \mathcal{L}(F(x), y) + \mathbb{E}_\mathcal{S}\, \mathcal{L}(F(x), y) \tag{1}$$
#
# A step takes a batch of each. The row `real` has the first term only, and as many steps.

# %% tags=["hide-input"]
figures.augmentation_diagram()

# %% [markdown]
# *Figure 1. Where synthetic pairs come from, and what a step does with both kinds. Blue: what is new against training
# on real pairs. (Diagram: palettes, layout generator and painter make synthetic pairs. The segmenter learns from them
# and from real pairs by equation (1); a discriminator looks at how sure it is on both, equation (3).)*
#
# ## Making predictions alike
#
# Painted pictures are easier to read than real ones. What $F$ learns on them should hold for both.
# AdvEnt {cite:p}`vu2019advent` looks at how sure $F$ is. With $p_c$ the probability of class $c$ at a pixel, of $C$
# classes, the [self-information](notation.md#self-information) is
#
# $$I_c = -\frac{p_c \log_2 p_c}{\log_2 C} \tag{2}$$
#
# Its sum over the classes is the entropy, 0 where $F$ is sure and 1 where it has no idea.

# %%
source(losses.self_information)

# %% [markdown]
# A discriminator $D$ learns to tell the maps $I$ of synthetic pictures (it says 0) from those of real ones (it says
# 1). $F$ learns to have its maps of real pictures taken for the others. Where $D(I)$ is a probability, $F$ also
# lowers, with weight 0.01,
#
# $$\mathcal{L}_\text{adv} = -\mathbb{E}_{x \in \mathcal{R}} \ln (1 - D(I(x))) \tag{3}$$
#
# AdvEnt was made for real pictures *without* labels. Here they have labels too, and (1) uses them. The paper does not
# say how it combines the two; its release has switches for both, and we take both. AdvEnt's own weight is 0.001, the
# release's 0.01. In the code $D$ gives logits, before the sigmoid that makes a probability.

# %%
source(losses.advent_loss)

# %%
source(EntropyDiscriminator)

# %% [markdown]
# ## The plain rivals
#
# A generator is worth its training only if it beats what costs nothing.
#
# `aug`: a random part of the picture, its sides 0.5 to 1 of the whole, is resized to the whole; brightness, contrast
# and saturation each change by a factor from 0.6 to 1.4. Flips are in every row.
#
# `copy-paste` {cite:p}`ghiasi2021copypaste`: each thing (car, person, …) of another real picture is taken with
# probability 0.5, mirrored and resized at random, and put over the picture, with its label. With $\alpha$ 1 on the
# pixels of the things taken and 0 elsewhere, the pair becomes
#
# $$(\alpha x' + (1 - \alpha) x,\; \alpha y' + (1 - \alpha) y) \tag{4}$$
#
# Things are those that the data set tells apart, else connected pixels of a class.

# %%
source(training.pasted)

# %% [markdown]
# ## Pairs on disk
#
# Several trainings take the same pairs. So these are made once, and lie in files of 250 with their recipe: the digests
# of all that made them, the classes, the size, the seed. (The paper's release makes fresh pairs in every step.)

# %%
synthetic_pairs = training.synthetic_pairs(run.parameters, data)

# %% tags=["hide-input"]
if synthetic_pairs is not None:
    recipe = synthetic_pairs.recipe
    by = (f"{name} {value}" for name, value in recipe.generators.items())
    made_by = ", ".join(by)
    size = f"{recipe.height}×{recipe.width}"
    facts = recipe.kind, f"{recipe.count:,}", size, made_by
    display(Table(("kind", "pairs", "px", "drawn from"), (facts,), {}))

# %% tags=["hide-input"]
def sheet(images, layouts):
    """Six pairs, as a figure."""
    six = zip(images[:6] / 127.5 - 1, layouts[:6].long(), strict=True)
    return figures.contact_sheet([{"image": x, "layout": y} for x, y in six], space)


display(sheet(data.images, data.layouts))
if synthetic_pairs is not None:
    display(sheet(*synthetic_pairs[torch.arange(6)]))

# %% [markdown]
# *Figure 2. Six real pairs of picture and layout, then six synthetic ones. Look at what is thin or rare: does the
# painter draw a person where the layout says so? What it leaves out is a wrong label. (A grid: pictures of streets with
# their layouts below them, real ones above, synthetic ones below.)*
#
# How far are they from real ones, part by part? **FSD** compares how much of each class the layouts have
# ([defined here](04_sb_gan_layouts.ipynb)), and **FD-seg** compares the pictures. **GAN-test** says how well a judge
# finds in the pictures what the labels say ([both here](08_judging_with_a_segmenter.ipynb)). The judge has been
# trained on thousands of other scenes. It measures, and teaches nobody here.

# %% tags=["hide-input"]
if synthetic_pairs is not None:
    apart = training.evaluate_pairs(run.parameters, data, synthetic_pairs)
    for metric, (value, count) in apart.items():
        split = "train" if metric == "fsd" else "val"
        run.measure("segmenter", row, metric, value, count, split)
    display(Table(tuple(m.replace("_", " ") for m in apart),
                  (tuple(f"{value:.3f}" for value, _ in apart.values()),), {}))

# %% [markdown]
# ## One training step, in plain form
#
# A batch of real pairs $x$, $y$, one of synthetic pairs `x_s`, `y_s`, and the two networks, fresh: `F` and `D`.

# %% tags=["hide-input"]
with torch.random.fork_rng():
    torch.manual_seed(run.parameters.seed)
    F = Segmenter(SegmenterSettings.light(space.num_classes)).eval()
    D = EntropyDiscriminator(space.num_classes, data.size)
x, y = data.images[:6] / 127.5 - 1, data.layouts[:6].long()
made = data.images[6:12], data.layouts[6:12]  # the row real has no others
if synthetic_pairs is not None:
    made = synthetic_pairs[torch.arange(6)]
x_s, y_s = made[0] / 127.5 - 1, made[1].long()


# %%
def supervised(scores, y):
    cross_entropy = torch.nn.functional.cross_entropy(scores, y, ignore_index=255)
    return cross_entropy + losses.dice_loss(scores, y)


scores, scores_s = F(x), F(x_s)
loss_f = supervised(scores, y) + supervised(scores_s, y_s)  # (1)
maps, maps_s = map(losses.self_information, (scores, scores_s))  # (2)
loss_f = loss_f + 0.01 * losses.advent_loss(D(maps))  # (3), in the rows with da
loss_d = losses.discriminator_cross_entropy(D(maps.detach()), D(maps_s.detach()))
torch.autograd.grad(loss_f, list(F.parameters()))
torch.autograd.grad(loss_d, list(D.parameters()))
print(f"before training: L_F {loss_f.item():.2f}, L_D {loss_d.item():.2f}")

# %% [markdown]
# Adam steps along both gradients. The library's step flips the pairs, and makes the rivals' changes:

# %% tags=["hide-cell"]
source(training.SegmenterTraining._train_step)

# %% [markdown]
# ## Training
#
# The segmenter is trained from nothing, as in the paper's table. Four times on the way we look at how well it reads
# the held-out scenes.

# %% tags=["hide-input"]
def watched(notes, learner):
    """The training's reports; four times on the way, the mIoU is written down."""
    for progress in training.progress_bar(learner):
        late = progress.step % max(learner.steps // 4, 1)
        if late < learner.settings.report_steps:
            miou = training.evaluate_row(learner.segmenter, data)["miou"][0]
            with notes.open("a") as file:
                print(progress.step, miou, file=file)
        yield progress


def trained(name, parameters, beside):
    """A row's segmenter, trained."""
    path = run.folder / f"checkpoint-{name}.safetensors"
    watch = partial(watched, run.folder / f"course-{name}")
    return training.train_row(parameters, data, beside, path, watch)


def course(name):
    """Step to mIoU, as written down: also of a run that was stopped and went on."""
    notes = run.folder / f"course-{name}"
    lines = notes.read_text().splitlines() if notes.exists() else []
    return {int(step): float(miou) for step, miou in map(str.split, lines)}


# %% tags=["hide-input"]
trainings = {row: trained(row, run.parameters, synthetic_pairs)}
if run.parameters.baseline and row != "real":
    trainings["real"] = trained("real", training.row_real(run.parameters), None)
ious, keys = {}, [augmentation.metric_of(name) for name in space.names]
for name, learner in sorted(trainings.items()):
    found = training.evaluate_row(learner.segmenter, data)
    for metric, (value, count) in found.items():
        run.measure("segmenter", name, metric, value, count, "val")
    ious[name] = [found.get(key, (math.nan, 0))[0] for key in keys]
figures.training_curves(trainings[row].history)

# %% [markdown]
# *Figure 3. The losses of equation (1), on real pairs and, where there are any, on synthetic ones (`loss_fresh`). The
# distance between the two says how much easier the painted pictures are to read. (Curves over the steps of
# training.)*

# %% [markdown]
# Move the slider through the `demo` training of the row `real+semi` with seed 0. Above stand three held-out pictures
# and their layouts. Below, the segmenter says what it sees. Sky, trees and road come with the first pairs, signs
# (yellow) later; persons (red) and most poles do not come at all.

# %% tags=["hide-input"]
from sempal_lib.widgets import progress_toy

progress_toy("14")

# %% tags=["hide-input"]
courses = {name: course(name) for name in sorted(trainings)}
asked = sorted({step for course in courses.values() for step in course})
rows = tuple(
    (name, *(f"{course[step]:.3f}" if step in course else "–" for step in asked))
    for name, course in courses.items())
Table(("mIoU after steps", *(f"{step:,}" for step in asked)), rows, {})

# %% [markdown]
# The last steps should change little: a segmenter that is still learning gains from any step, and says nothing of data.
#
# Class by class, the best of `real` on top:

# %% tags=["hide-input"]
figures.class_scores(ious, space)

# %% [markdown]
# *Figure 4. IoU of each class after this run's trainings. One seed: look at the order of the classes, and not at
# small differences between rows. (Dots on a row for each class: one colour for each kind of training data.)*

# %% tags=["hide-input"]
record = run.finish()

# %% [markdown]
# ## The table
#
# From here on everything is gathered from records: of each seed the run of this machine with the present code, or else
# the committed one. A gain is the mean difference over seeds that have both rows, with its 95 % interval; the arrow
# points up or down where zero lies outside, and is ↔ where it does not. A *?* stands where one seed is all there is.
# The paper's numbers are of Cityscapes at 128×256 px with thirty times the real pairs and one training each.

# %% tags=["hide-input"]
at_hand = augmentation.rows_of_runs(run.parameters)
Markdown(f"**{data.name}, {len(data.layouts)} real pairs**")

# %% tags=["hide-input"]
augmentation.augmentation_table(at_hand, augmentation.PAPERS)

# %% [markdown]
# The plain rivals, alone and together with generated pairs:

# %% tags=["hide-input"]
rivals = (*augmentation.CONTROLS, *augmentation.TOGETHER)
augmentation.augmentation_table(at_hand, [r for r in rivals if at_hand[r]])

# %% [markdown]
# ### Fewer and more real pairs
#
# Is help greater where pairs are few? Layout generators, painter and segmenter see these pairs alone; the held-out
# scenes are the same.

# %% tags=["hide-input"]
fractions = augmentation.by_scenes(run.parameters)
for number, runs in fractions.items():
    if number != run.parameters.train_scenes and any(runs.values()):
        done = [name for name in augmentation.ROWS if runs[name]]
        trained_for = runs[done[0]][0]["parameters"]["segmenter_steps"]
        display(Markdown(f"**{number or 'all'} real pairs**, {trained_for:,} steps"))
        display(augmentation.augmentation_table(runs, done))

# %% tags=["hide-input"]
SHOWN = ("real", "real+semi", "real+syn", "real+part", "real+aug", "real+copy-paste")
curves = augmentation.curves(fractions, SHOWN, len(data.layouts))
figures.learning_curves(curves)

# %% [markdown]
# *Figure 5. mIoU over the number of real pairs, on a logarithmic axis: mean and spread over the seeds. Look at how
# far a row lies above `real`, and how many more real pairs would give as much: go to the right along `real` until it
# is as high. (Lines that rise with the number of real pairs, one for each row of the table, with bars for the spread.)*
#
# ## Rare classes
#
# A rare class here fills less than 1 % of the pixels of the training layouts.

# %% tags=["hide-input"]
share = data.palettes.mean(0)
rare = [name for name, x in zip(space.names, share, strict=True) if 0 < x < 0.01]
display(Markdown("Rare: " + ", ".join(rare) + "."))
augmentation.group_table(at_hand, rare)

# %% tags=["hide-input"]
scores = {
    name: augmentation.class_values(at_hand, name, space.names)
    for name in SHOWN if at_hand[name]
}  # fmt: skip
figures.class_scores(scores or ious, space)

# %% [markdown]
# *Figure 6. Mean IoU of each class over the seeds that have run, by row. (Dots on a line for each class, the
# best read on top: a sign and a colour for each row of the table.)*
#
# ## Real streets
#
# Does it hold outside a drawn world? CamVid split by drive: the held-out scenes come from a drive that neither the
# segmenter nor any generator has seen.

# %% tags=["hide-input"]
elsewhere = {"dataset": "camvid-drives", "data_root": None}
streets = run.parameters.model_copy(update=elsewhere)
on_streets = [*augmentation.by_scenes(streets).values()]
for runs in on_streets:
    display(augmentation.augmentation_table(runs, [r for r in runs if runs[r]]))

# %% [markdown]
# Class by class, IoU by row: the mean over the seeds, and an arrow where the interval of the gain over `real` lies
# on one side of zero. CamVid has eleven classes; poles, signs, people and bicycles are its rare ones.

# %% tags=["hide-input"]
for runs in on_streets:
    done = [name for name in (*SHOWN, "real+part+da") if runs[name]]
    display(augmentation.class_table(runs, done))

# %% [markdown]
# ## Who is to blame
#
# A synthetic pair differs from a real one in three parts. We swap one after the other for the real thing.
#
# - `real+more` puts *other real pairs* beside the run's own: layout, picture and label are right. No generator can be
#   expected to do better.
# - `real+semi` has real layouts: against `real+more` it lacks new scenes, and its *pictures* are painted.
# - `real+syn` has generated layouts: what it loses against `real+semi` is the *layouts*' fault; what it gains, their
#   variety's.
# - `judged`: the same pictures, but labelled by what the judge sees in them. If that is better, the *labels* were
#   wrong: the painter did not paint what it was told. As the judge knows thousands of other scenes, this measures, and
#   is no method.

# %% tags=["hide-input"]
swapped = (
    "real", "real+more", "real+semi", "real+semi+judged",
    "real+syn", "real+syn+judged",
    "real+part", "real+part+judged",
)  # fmt: skip
augmentation.augmentation_table(at_hand, [r for r in swapped if at_hand[r]])

# %% tags=["hide-input"]
BLAME = {
    "pictures (and old scenes)": ("real+semi", "real+more"),
    "labels of painted real layouts": ("real+semi", "real+semi+judged"),
    "generated layouts": ("real+syn", "real+semi"),
    "labels of painted generated layouts": ("real+syn", "real+syn+judged"),
    "edited layouts": ("real+part", "real+semi"),
}
gains = {
    part: augmentation.gain(at_hand, b, over=a) for part, (a, b) in BLAME.items()
}
rows = tuple((part, one.interval, str(one.seeds)) for part, one in gains.items())
header = ("what the real thing in its place gives", "mIoU [95 % interval]", "seeds")
Table(header, rows, {})

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
CLAIMS = {
    "Painted real layouts help": ("miou", "real", "real+semi"),
    "SB-GAN's scenes do harm": ("miou", "real+syn-sbgan", "real"),
    "Semantic Palette's scenes help": ("miou", "real", "real+syn"),
    "They help more than SB-GAN's": ("miou", "real+syn-sbgan", "real+syn"),
    "Edited layouts help": ("miou", "real", "real+part"),
    "They help more than whole generated ones": ("miou", "real+syn", "real+part"),
    "Adaptation helps generated scenes": ("miou", "real+syn", "real+syn+da"),
    "And edited ones": ("miou", "real+part", "real+part+da"),
    "Ours: crops and colours help": ("miou", "real", "real+aug"),
    "Ours: copied things help": ("miou", "real", "real+copy-paste"),
    "Ours: edited layouts help beside crops": ("miou", "real+aug", "real+part+aug"),
    "Ours: other real pairs help": ("miou", "real", "real+more"),
}
verdict = augmentation.verdicts(at_hand, CLAIMS)
verdict

# %% tags=["hide-input"]
from sempal_lib.results import tally

words = [
    f"`real` beside `{name}`: {found.words}."
    for name in ("real+semi", "real+syn", "real+part", "real+aug", "real+more")
    if (found := augmentation.gain(at_hand, name)).seeds
]
Markdown(" ".join([f"Of the {len(CLAIMS)} claims {tally(verdict)}.", *words]))

# %% [markdown]
# The same claims on real streets, CamVid split by drive, and two more on copied things:

# %% tags=["hide-input"]
TOGETHER = {
    "Ours: edited layouts help beside copied things":
        ("miou", "real+copy-paste", "real+part+copy-paste"),
    "Ours: and copied things beside edited layouts":
        ("miou", "real+part", "real+part+copy-paste"),
}  # fmt: skip
for runs in on_streets:
    display(augmentation.verdicts(runs, CLAIMS | TOGETHER))

# %% [markdown]
# And of these claims all that have run with the fewest and with the most real pairs:

# %% tags=["hide-input"]
for number in sorted(fractions)[:1] + sorted(fractions)[-1:]:
    if number != run.parameters.train_scenes:
        runs = fractions[number]
        ran = {c: v for c, v in CLAIMS.items() if runs[v[1]] and runs[v[2]]}
        display(Markdown(f"**{number or 'all'} real pairs**"))
        display(augmentation.verdicts(runs, ran))

# %% [markdown]
# **What differs from the paper.** The segmenter is light, learns by Adam and by the Dice loss too, and starts from
# drawn weights; the paper's starts from a network that knows ImageNet. Pictures are smaller, real pairs fewer, pairs
# are made once. The layout generators work at half the size of the pictures: their layouts are enlarged by repeating
# pixels. Edited layouts keep every pixel outside the rectangle.
#
# **Learned.** What a generator has learned from few pairs can be worth less than a crop: compare the rows before you
# train one. Whether edited layouts and copied things add up, the last two claims on real streets say.
# **Failed.** See the verdicts above: they are computed, and change as seeds are added.
# **Next.** A painter and a segmenter that both know a larger data set bring facts that the few pairs lack.
#
# ## Exercises
#
# **1.** What does the discriminator of AdvEnt cost? Count the multiplications of one map, beside the segmenter's.

# %% tags=["hide-cell"]
segmenter = trainings[row].segmenter
judge = EntropyDiscriminator(space.num_classes, data.size, segmenter.settings.width)
for name, net in {"segmenter": segmenter, "discriminator": judge}.items():
    print(f"{name}: {sum(x.numel() for x in net.parameters()):,} weights")
layers = [layer for layer in judge if hasattr(layer, "weight")]
for number, layer in enumerate(layers, 1):
    places = (data.size[0] >> number) * (data.size[1] >> number)
    print(f"layer {number}: {layer.weight.numel() * places:,} multiplications")
print("Each layer has a quarter of the places; from the second on, four times the weights.")

# %% [markdown]
# **2.** How many real pairs is a row worth? Read it from the records: the number of real pairs at which `real` alone
# would be as good, by linear interpolation in the logarithm.

# %% tags=["hide-cell"]
from itertools import pairwise

alone = augmentation.curves(fractions, ("real",), len(data.layouts))["real"]
known = sorted((number, sum(v) / len(v)) for number, v in alone.items() if v)
mine = [*augmentation.values(at_hand)[row]["miou"].values()]
target = sum(mine) / len(mine)
for (few, low), (many, high) in pairwise(known):
    if low <= target < high:
        share = (target - low) / (high - low)
        print(f"{row}: worth {few * (many / few) ** share:.0f} real pairs")
print(f"known: {', '.join(f'{number}: {value:.3f}' for number, value in known)}")
