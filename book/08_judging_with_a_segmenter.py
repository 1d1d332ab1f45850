# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Judging with a segmenter
#
# **The claim.** Generated scenes should be useful: a segmenter trained on nothing else should work on real ones. This
# is *GAN-train*. {cite:t}`lemoing2021semanticpalette` write that it tells best how useful generated data are. On
# Cityscapes a segmenter trained on real scenes has a mean IoU of 0.481. Trained on SB-GAN's scenes it has 0.372, on
# Semantic Palette's 0.401, where their FID, the usual number, is 71.0 and 60.7.
#
# **What we do here.** We build the measures up from a confusion matrix. Then we feed them sets of pictures that are
# bad in a known way, and see which number notices. A distance between sets of pictures, as FID is, cannot see one of
# them at all. Last, we judge whole scenes, layout and picture both generated, by SB-GAN and by Semantic Palette, and
# pictures made without any layout.
#
# You need *Painting by layout*, whose painters are taken from its run, and the layouts of *Layouts from nothing* and
# *Progressive layouts, guided by a palette*.

# %% tags=["parameters"]
preset = None           # smoke, demo, gpu or paper; None: the environment variable SEMPAL_PRESET, or demo
dataset = None          # a name that datasets.load knows, or a bundle's own
data_root = None        # folder of a real data set
seed = None
height = None           # px, of the pictures; the width follows from the data set
steps = None            # training steps of each synthesizer
segmenter = None        # light or resnet101
segmenter_steps = None  # training steps of a segmenter that this chapter trains
gan_train_pairs = None  # generated pairs to train a segmenter on; 0: fresh ones each step
device = None           # auto, cpu or cuda

# %% tags=["remove-output"]
from sempal_lib.runs import Run

run = Run.start("08_judging_with_a_segmenter", globals())

# %%
import torch
import torchvision.transforms.functional as TF
from IPython.display import Markdown, display

from sempal_lib import datasets, figures, losses, metrics, training
from sempal_lib.image_gans import TwoStageGenerator
from sempal_lib.palettes import palette_of
from sempal_lib.runs import require_checkpoint
from sempal_lib.sources import source
from sempal_lib.tables import Table

data = training.scene_set(run.parameters)
procedural = data.name in datasets.PROCEDURAL  # pictures of a real data set stay out of the book
space, held_out = data.label_space, data.held_out[: run.parameters.samples]
device = training.device_of(run.parameters)
photographs = data.held_out_images[: run.parameters.samples] / 127.5 - 1
painted = require_checkpoint("07_painting_by_layout", run.parameters, "generator-gaugan.safetensors").parent
judge = training.segmenter_for(run.parameters)  # the same for every seed, and for chapters 7 and 9
painters = {
    system: training.load_generator(painted / f"generator-{system}.safetensors")[0].to(device)
    for system in ("pix2pix", "gaugan")
}
pairs = {}
for system, chapter in {"sb-gan": "04_sb_gan_layouts", "semantic-palette": "05_semantic_palette"}.items():
    layout_generator, _, mixture = training.load_generator(require_checkpoint(chapter, run.parameters), "layout")
    pairs[system] = TwoStageGenerator(layout_generator.to(device), painters["gaugan"], mixture)
Markdown(f"**{data.name}**: {len(data.layouts)} pairs of {data.size[0]}×{data.size[1]} px, {len(held_out)} to test on.")

# %% [markdown]
# ## From a matrix to a number
#
# A segmenter says for each pixel which class it sees. Count pixels by true class $a$ and predicted class $b$: that is
# the confusion matrix $N_{ab}$. The *intersection over union* of class $c$ is
#
# $$\text{IoU}_c = \frac{N_{cc}}{\sum_b N_{cb} + \sum_a N_{ac} - N_{cc}} \tag{1}$$
#
# the pixels that are of class $c$ and seen as such, of all that are of class $c$ or seen as such. *mIoU* is its mean
# over the classes. A small class counts as much as a large one, which is why nine pixels in ten can be right and the
# mIoU 0.5. By hand, two classes, four pixels:

# %%
true, seen = torch.tensor([[[0, 0, 0, 1]]]), torch.tensor([[[0, 0, 1, 1]]])
matrix = metrics.confusion_matrix(seen, true, 2)
print(matrix.tolist(), "IoU", metrics.class_iou(matrix).tolist(), "mIoU", metrics.mean_iou(matrix))

# %%
source(metrics.mean_iou)

# %% [markdown]
# Classes that never occur are a trap. In the record, `miou` leaves out a class that is neither in the layouts nor in
# the predictions; it is over the official classes of a data set, the paper's *mIoU*. `miou_all` is over all classes
# and gives such a class a zero, as the paper's release does for its *mIoU\**.
#
# The judge must be better than what it judges. Ours is trained once for a data set and a size, on more scenes than
# a run has, none of which any run holds out. Trained by cross-entropy alone it would not find a class that fills one
# pixel in a thousand; a second loss {cite:p}`milletari2016vnet` counts each class as much as any other. With $p_c$
# what it gives class $c$ at a pixel and $t_c$ 1 where that is true, else 0, it lowers the mean over classes of
#
# $$1 - \frac{1 + 2 \sum p_c t_c}{1 + \sum (p_c + t_c)} \tag{2}$$

# %%
source(losses.dice_loss)

# %% [markdown]
# What the judge sees in real pictures and in GauGAN's, each beside its own layout:

# %%
by_gaugan = painters["gaugan"].generate(held_out)
ious = {}
for name, pictures in {"real pictures": photographs, "GauGAN's": by_gaugan}.items():
    matrix = metrics.confusion_matrix(judge.predict(pictures), held_out, space.num_classes, 255)
    ious[name] = metrics.class_iou(matrix)
figures.class_scores(ious, space)

# %% [markdown]
# Large classes are read well, thin and rare ones less, also in real pictures. GAN-test says what *this* judge can
# read. Generated pictures can even score higher than real ones: they are more typical.
#
# ## Two questions, two trainings
#
# - **GAN-test**: train on real pairs, read generated pictures. Do pictures show what their layouts say?
# - **GAN-train**: train on generated pairs, read real pictures. Can one learn from them?
#
# The first is a question of *fidelity*. A generator that knows one scene by heart passes it. The second also asks for
# *diversity*: what is never generated cannot be learned.

# %%
source(training.gan_train)

# %% [markdown]
# ## Five ways to be bad
#
# - **untrained**: what a GauGAN with drawn weights makes of real layouts.
# - **shuffled**: real pictures, each with the layout of another one.
# - **eight scenes**: real pairs, but only eight of them, again and again.
# - **blurred**: real pairs, the pictures blurred by a Gaussian of $\sigma$ = 1.5 px.
# - **pix2pix**: what the plainest painter of the last chapter makes of real layouts.
#
# Which number tells? All these pairs come from the *training* scenes, GauGAN's too, so that its numbers are not those
# of the last chapter, and so does the row *real*: real pairs, for which a number should be as good as it gets.
# GAN-train trains a segmenter a row, each as long as the other, on as many pairs as there are scenes; GAN-test and
# FD-seg look at as many as there are held-out pictures.

# %%
def real_pairs(change):
    """A source of training pairs, changed: (pictures, layouts) to the same."""

    def scenes(count, random):
        index = torch.randint(len(data.layouts), (count,), generator=random, device=random.device).cpu()
        return change(data.images[index] / 127.5 - 1, data.layouts[index])

    return scenes


eight = data.images[:8] / 127.5 - 1, data.layouts[:8]
torch.manual_seed(run.parameters.seed)
blank = training.image_networks("gaugan", run.parameters, space.num_classes, data.size)[0].to(device).eval()
KINDS = {
    "untrained": ("gaugan", "untrained", training.painted_scenes(blank, data.layouts)),
    "shuffled": ("segmenter", "shuffled", real_pairs(lambda x, y: (x, y.roll(1, 0)))),
    "eight scenes": ("segmenter", "eight-scenes", lambda n, _: tuple(x[torch.arange(n) % 8] for x in eight)),
    "blurred": ("segmenter", "blurred", real_pairs(lambda x, y: (TF.gaussian_blur(x, 9, 1.5), y))),
    "pix2pix": ("pix2pix", "full", training.painted_scenes(painters["pix2pix"], data.layouts)),
    "GauGAN": ("gaugan", "full", training.painted_scenes(painters["gaugan"], data.layouts)),
    "real": ("segmenter", "seen", real_pairs(lambda x, y: (x, y))),
}
SHOWN = ("gan_test_miou", "gan_test_miou_all", "gan_train_miou", "fd_seg")


def judged(system, variant, scenes):
    """All numbers of a source of scenes, measured for the record."""
    pictures, layouts = scenes(len(held_out), torch.Generator().manual_seed(run.parameters.seed))
    found = metrics.evaluate_images(pictures, layouts, data.held_out_images, judge, space)
    if variant != "untrained":  # a segmenter learns nothing of it, which a minute need not show
        place = run.folder / f"{system}-{variant}.safetensors"
        found |= training.gan_train(run.parameters, data, scenes, place)
    for metric, (value, count) in found.items():
        run.measure(system, variant, metric, value, count, "val" if metric.startswith("gan_train") else "train")
    return [f"{found[m][0]:.3f}" if m in found else "–" for m in SHOWN]


# %%
rows = [(name, *judged(*kind)) for name, kind in KINDS.items()]
on_real = metrics.evaluate_real(data.held_out_images, data.held_out, judge, space)
for metric, (value, n) in on_real.items():
    run.measure("segmenter", "real", metric, value, n, "val")
for row in [row for row in run.metrics if row["variant"] == "seen" and row["metric"].startswith("gan_train")]:
    run.measure("segmenter", "real", row["metric"], row["value"], row["n"], "val")  # learnt from real pairs
of_real = ("real, held out", *(f"{on_real[m][0]:.3f}" if m in on_real else rows[-1][3] for m in SHOWN))
HEADER = ("scenes", "GAN-test mIoU", "GAN-test, all", "GAN-train mIoU", "FD-seg")
Table(HEADER, (*rows, of_real), {})

# %%
among = {r["metric"]: r["value"] for r in run.metrics if (r["system"], r["variant"]) == ("segmenter", "seen")}
gap = {m: f"{among[m]:.3f} and {on_real[m][0]:.3f}" for m in ("gan_test_miou", "fd_seg")}
Markdown(
    f"The judge's mIoU on training and on held-out pictures: {gap['gan_test_miou']}. FD-seg of {len(held_out)} "
    f"training pictures to the held-out ones, and of one half of the held-out ones to the other: {gap['fd_seg']}. "
    "That is the floor: what chance alone makes of pictures of one kind."
)

# %% [markdown]
# Read it by columns, and hold each number against the last rows.
#
# **FD-seg** is the stand-in for FID here: it looks at pictures and not at pairs. *Shuffled* is as good as *real*,
# although these pairs are worthless, and FID would say the same. It is strict with blur.
#
# **GAN-test** throws *shuffled* and *untrained* out at once. But *eight scenes* pass with honours: each of them is a
# real pair.
#
# **GAN-train** is the only one that asks for variety. It costs a training each time, and depends on the segmenter and
# its schedule. No single number tells everything. What the numbers say over all seeds stands under *Verdict*.

# %% [markdown]
# ## Scenes from nothing
#
# Now both stages are generated: noise to layout, layout to picture. SB-GAN's layouts come from noise alone. Semantic
# Palette is asked for palettes of its Gaussian mixture. Both are painted by the same GauGAN, trained on real layouts,
# so that all that differs is the layouts. Those of a smaller height are enlarged by repeating pixels.

# %%
for system, pair in pairs.items():
    pictures, layouts = pair.sample(6, torch.Generator().manual_seed(run.parameters.seed))
    sheet = [{"image": x.cpu(), "layout": y.cpu()} for x, y in zip(pictures, layouts, strict=True)]
    display(Markdown(f"**{system}**"), figures.contact_sheet(sheet, space))

# %%
rows = []
for system, pair in pairs.items():
    rows.append((system, *judged(system, "full", pair.sample)))
    _, layouts = pair.sample(len(held_out), torch.Generator().manual_seed(run.parameters.seed))
    found = metrics.frechet_segmentation_distance(data.palettes, palette_of(layouts.cpu(), space.num_classes))
    run.measure(system, "full", "fsd", float(found), len(held_out), "train")
    found = metrics.grid_segmentation_distance(
        data.layouts, layouts.cpu(), space.num_classes, space.ignore_index)
    run.measure(system, "full", "fsd_grid", float(found), len(held_out), "train")
Table(HEADER, (*rows, of_real), {})

# %% [markdown]
# GAN-test can come out *higher* than on real scenes. A generator that leaves out what is hard to read, small and rare
# things, makes the judge's work easy, and the mean skips a class that no scene shows. The second column gives such a
# class a zero: compare the two. GAN-train asks for all classes, for real scenes have them.
#
# ## Pictures without layouts
#
# SB-GAN holds its scenes against a GAN that paints from noise in one go, ProGAN {cite:p}`karras2018progan`. Here it
# is the trunk of the layout generators, with three colours in the place of the classes. It has no layout, so GAN-test
# and GAN-train have nothing to compare: for it, only the distance is left.

# %%
progan = training.train_progan(
    run.parameters, data, run.folder / "checkpoint-progan.safetensors", watch=training.progress_bar
)
random = torch.Generator().manual_seed(run.parameters.seed)
noise = torch.randn(len(held_out), run.parameters.latent_dim, generator=random)
at_once = progan.averaged.pictures(noise.to(device)).cpu()
distance = metrics.fd_seg(photographs, at_once, judge)
run.measure("progan-rgb", "full", "fd_seg", distance, len(at_once), "val")
display(Markdown(f"FD-seg of ProGAN on pictures: {distance:.2f}"), figures.image_grid(at_once[:9], columns=3))

# %% [markdown]
# Hold this number against those of the pairs, and the pictures against theirs. Do the distance and your eye agree?
# They need not: look at pix2pixHD's dots in the last chapter, and at their distance.
#
# ## The numbers

# %%
training.save_generator(run.folder / "generator-progan.safetensors", progan.averaged, space)
pictures, _ = pairs["semantic-palette"].sample(16, torch.Generator().manual_seed(run.parameters.seed))
figures.image_grid(pictures.cpu(), columns=4).savefig(run.folder / "samples.png", dpi=150)
record = run.finish()

# %% [markdown]
# Beside Semantic Palette's Tables 1 and 2, on Cityscapes at 128×256 px with a DeepLabV3 of 61 million weights. Ours
# have a hundredth of that and read far smaller pictures: compare rows, not columns.

# %%
from sempal_lib.results import compared, comparison, reference_table, verdicts

METRICS = ["gan_test_miou", "gan_train_miou", "fd_seg", "fid", "fsd", "fsd_grid"]
comparison(record, "cityscapes", METRICS, ["segmenter real", "sb-gan", "semantic-palette", "progan-rgb"])

# %% [markdown]
# The committed runs, those on real streets among them, if there are any. `camvid-drives` holds out a whole drive.
# CamVid's usual split, `camvid`, holds out every other frame of a drive and trains on those between: a judge reads
# such frames far better than another drive's, and which painter comes out best changes with it. Its rows stay as
# they were measured.

# %%
GENERATED = "segmenter real", "segmenter eight-scenes", "gaugan", "semantic-palette", "sb-gan"
reference_table("08_judging_with_a_segmenter", METRICS[1:2], GENERATED)

# %% [markdown]
# ## Verdict

# %%
verdicts(
    record,
    {
        "Pairs without sense: GAN-test notices": ("gan_test_miou", "segmenter shuffled", "gaugan"),
        "Few scenes: GAN-test prefers them to GauGAN's": ("gan_test_miou", "gaugan", "segmenter eight-scenes"),
        "Few scenes: GAN-train notices": ("gan_train_miou", "segmenter eight-scenes", "segmenter real"),
        "Yet eight real scenes teach more than GauGAN's": ("gan_train_miou", "gaugan", "segmenter eight-scenes"),
        "FD-seg prefers pairs without sense to GauGAN's": ("fd_seg", "segmenter shuffled", "gaugan"),
        "FD-seg tells a trained painter from an untrained one": ("fd_seg", "gaugan", "gaugan untrained"),
        "And so does GAN-test": ("gan_test_miou", "gaugan untrained", "gaugan"),
        "One learns less from GauGAN's pairs than from real ones": ("gan_train_miou", "gaugan", "segmenter real"),
        "Less from SB-GAN's scenes than from Semantic Palette's": ("gan_train_miou", "sb-gan", "semantic-palette"),
        "Scenes by way of a layout are nearer to real ones than ProGAN's": ("fd_seg", "semantic-palette", "progan-rgb"),
    },
)

# %%
learnt = {name: compared(record, "gan_train_miou", a, b).words for name, (a, b) in {
    "gaugan": ("gaugan", "segmenter real"), "eight": ("segmenter eight-scenes", "segmenter real"),
    "which": ("gaugan", "segmenter eight-scenes"), "pairs": ("sb-gan", "semantic-palette"),
}.items()}  # fmt: skip
Markdown(
    f"**GAN-train, over all seeds.** Beside that of real pairs GauGAN's is {learnt['gaugan']}, that of eight real "
    f"scenes {learnt['eight']}. GauGAN's is {learnt['which']} than that of the eight: where it is lower, missing "
    f"texture costs more than missing scenes. Of whole scenes, SB-GAN's is {learnt['pairs']} than Semantic Palette's."
)

# %% [markdown]
# **What differs from the papers.** The judge is light (`segmenter="resnet101"` gives DeepLabV3 with the papers'
# settings). Generated pairs are made once, as many as there are real ones (`gan_train_pairs=0` makes fresh ones in
# every step, as the papers do). Their FID is Inception's, ours is computed where its weights are at hand; FD-seg is
# no FID, and the two do not compare.
#
# ## Exercises
#
# **1.** Add three classes to the judge's matrix that never occur. What do they cost under each rule? Work it out
# before you run it.

# %% tags=["hide-cell"]
matrix = metrics.confusion_matrix(judge.predict(photographs), held_out, space.num_classes, 255)
classes = space.num_classes
extended = torch.zeros(classes + 3, classes + 3, dtype=torch.int64)
extended[:classes, :classes] = matrix
for absent in ("skip", "zero"):
    found = [metrics.mean_iou(each, absent=absent) for each in (matrix, extended)]
    print(f"absent={absent!r}: {found[0]:.3f}, with three absent classes more {found[1]:.3f}")
print(f"a zero counts: the mean shrinks by {classes}/{classes + 3}; the judge is the same")

# %% [markdown]
# **2.** A Fréchet distance between two halves of the *same* set should be 0. How many pictures does it take? Which
# differences of this chapter are smaller than what is left?

# %% tags=["hide-cell"]
features = judge.features(data.images.float() / 127.5 - 1).cpu()
for count in (32, 64, 128, 256, 500):
    if 2 * count <= len(features):
        halves = features[:count], features[count : 2 * count]
        print(f"{count:4} pictures each: {float(metrics.frechet_distance(*halves)):.3f}")
print("It falls about as 1/n: of few pictures a Fréchet distance is too large. Compare only equal counts.")
