"""Parameters: what a chapter's first cell lets through, and what it says of the rest."""

import os

import pytest
import yaml
from pydantic import Field
from run_helpers import CHAPTER, isolated, start  # noqa: F401

from sempal_lib import datasets, runs
from sempal_lib import parameters as parameters_module
from sempal_lib.parameters import CHAPTERS, FAMILIES, LayoutParameters
from sempal_lib.runs import Run, RunError

PRESETS = ("smoke", "demo", "gpu", "paper")
CHAPTER_OF = {
    "layouts": CHAPTER, "partial": "13_partial_editing", "semgan": "03_semgan", "images": "07_painting_by_layout",
    "tuning": "09_end_to_end", "augmentation": "14_data_augmentation", "styles": "12_class_layer_vae",
    "lggan": "10_lggan", "crossview": "11_cross_view", "faces": "15_face_editing",
}  # one of each family  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", PRESETS)
def test_preset_passes_the_checks(name, family):
    parameters = runs.resolve(CHAPTER_OF[family], {"preset": name})
    assert type(parameters) is FAMILIES[family]
    assert parameters.preset == name
    assert parameters.heights[0] == 4
    assert parameters.heights[-1] == (getattr(parameters, "layout_height", None) or parameters.height)


def sections(name):
    """A preset's sections, by family or chapter; with them, under its own name, what all chapters share."""
    content = yaml.safe_load((parameters_module.presets_folder() / f"{name}.yaml").read_text())
    common = {key: value for key, value in content.items() if key not in ("preset", "chapters")}
    return {"common": common, **content.get("chapters", {})}


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("name", PRESETS)
def test_preset_holds_nothing_but_what_differs_from_the_defaults(name, chapter):
    said, own = sections(name), parameters_module.family(chapter)
    fields = FAMILIES[own].model_fields
    for part in (said["common"], said.get(own, {}), said.get(chapter, {})):
        plain = {key: value for key, value in part.items() if key != "datasets"}
        for values in (plain, *part.get("datasets", {}).values()):
            assert [key for key, value in values.items() if fields[key].get_default() in (value, listed(value))] == []


def listed(value):
    return tuple(value) if isinstance(value, list) else value


def test_defaults_are_the_papers():
    """The preset `paper` says of them only where they are another data set's, or another paper's of the family."""
    paper = sections("paper")
    assert paper.pop("common") == {"checkpoint_seconds": 600}
    assert paper.keys() - FAMILIES.keys() == {"04_sb_gan_layouts"}
    assert all(part.keys() == {"datasets"} for name, part in paper.items() if name in FAMILIES)
    for kind in FAMILIES.values():
        assert [name for name, info in kind.model_fields.items() if info.is_required()] == ["preset"]


EPOCHS_150 = (1740, 2613, 5229, 13944, 55780, 55781)  # steps a phase on Cityscapes
EPOCHS_150_25K = (13460, 20190, 40380, 107684, 430742, 430743)
EPOCHS_150_IDD = (4096, 6144, 12291, 32778, 131118, 131118)
PALETTE_BATCHES = (1024, 512, 256, 64, 16, 8)
WIDE = {"max_channels": 512, "channel_base": 4096, "latent_dim": 512, "learning_rate": 0.001, "height": 128}
# What a paper's run is: chapter, data set (None: the chapter's own), steps a phase, and settings. They stand in the
# papers and, what these leave out (schedules, numbers of samples), in their authors' released code.
PAPER = [
    ("05_semantic_palette", None, EPOCHS_150, {
        "dataset": "cityscapes-35", "batch_sizes": PALETTE_BATCHES, "samples": 2960, "max_components": 30, **WIDE}),
    ("13_partial_editing", None, (*EPOCHS_150[:5], 74375), {
        "dataset": "cityscapes-35", "batch_sizes": (1024, 512, 256, 64, 16, 6), "crop": "rectangle", **WIDE}),
    ("15_face_editing", None, (16404, 24609, 49218, 131250, 525000, 700000, 1050000), {
        "dataset": "celebamask-hq", "batch_sizes": (1024, 512, 256, 64, 16, 6, 4), "novelty_weight": 50,
        "palette_source": "mixture", **WIDE, "height": 256}),
    ("06_ablation", None, EPOCHS_150, {"dataset": "cityscapes-35", "batch_sizes": PALETTE_BATCHES, **WIDE}),
    ("05_semantic_palette", "cityscapes-25k-35", EPOCHS_150_25K, {
        "batch_sizes": PALETTE_BATCHES, "samples": 5024, **WIDE}),
    ("05_semantic_palette", "idd", EPOCHS_150_IDD, {"batch_sizes": PALETTE_BATCHES, "samples": 5024, **WIDE}),
    ("04_sb_gan_layouts", None, (27_890,) * 6, {
        "dataset": "cityscapes-35", "batch_sizes": (16,) * 6, "samples": 2960, "soft_real": False, **WIDE}),
    ("04_sb_gan_layouts", "cityscapes-25k", (25_513,) * 6, {"batch_sizes": (32,) * 6, **WIDE}),
    ("04_sb_gan_layouts", "ade-indoor", (12_158,) * 6, {"batch_sizes": (36,) * 6, **WIDE}),
    ("03_semgan", None, None, {
        "dataset": "colored-shapes", "height": 64, "learning_rate": 1e-4, "latent_dim": 100, "kernel_size": 11,
        "batch_size": 32, "steps": 50_000, "samples": 2916, "train_scenes": None}),
    ("03_semgan", "cityscapes-22", None, {  # Table 3, first row
        "height": 128, "learning_rate": 2e-4, "latent_dim": 128, "kernel_size": 7, "batch_size": 32, "steps": 50_000,
        "samples": 2975}),
    ("03_semgan", "facades", None, {  # Table 4, the row of lowest FID
        "height": 128, "learning_rate": 2e-4, "latent_dim": 300, "kernel_size": 7, "batch_size": 32, "steps": 50_000}),
    ("07_painting_by_layout", None, None, {
        "dataset": "cityscapes-35", "height": 128, "batch_size": 8, "steps": 200 * 371, "samples": 500, "ngf": 64,
        "learning_rate": 2e-4}),
    ("08_judging_with_a_segmenter", None, None, {
        "dataset": "cityscapes-35", "segmenter": "resnet101", "segmenter_batch_size": 16,
        "segmenter_steps": 300 * 185}),
    ("08_judging_with_a_segmenter", "idd", None, {
        "steps": 200 * 874, "segmenter_steps": 300 * 437, "samples": 981}),
    ("09_end_to_end", None, None, {"dataset": "cityscapes-35", "tuning_batch_size": 4, "tuning_steps": 200 * 743}),
    ("09_end_to_end", "cityscapes-25k-35", None, {
        "steps": 200 * 2871, "segmenter_steps": 300 * 1435, "tuning_steps": 200 * 5743}),
    ("09_end_to_end", "idd", None, {
        "steps": 200 * 874, "segmenter_steps": 300 * 437, "tuning_steps": 200 * 1748}),
]  # fmt: skip


@pytest.mark.parametrize(("chapter", "dataset", "phases", "expected"), PAPER, ids=lambda value: str(value)[:20])
def test_paper_preset_is_the_papers_run(chapter, dataset, phases, expected):
    found = runs.resolve(chapter, {"preset": "paper", "dataset": dataset})
    assert {name: getattr(found, name) for name in expected} == expected
    if phases:
        steps = [images / batch for images, batch in zip(found.phase_images, found.batch_sizes, strict=True)]
        assert steps == list(phases)


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("name", PRESETS)
def test_every_run_that_a_preset_names_passes_the_checks(name, chapter):
    said = sections(name)
    # Streets' schedules have a value for each resolution up to 128 px; faces have one more.
    parts = [said.get(key, {}) for key in (["faces"] if chapter == "15_face_editing" else FAMILIES)]
    parts.append(said.get(chapter, {}))
    for dataset in {key for part in parts for key in part.get("datasets", {})}:
        assert dataset in datasets.names() or dataset == "facades"  # a bundle's
        assert runs.resolve(chapter, {"preset": name, "dataset": dataset}).dataset == dataset
    assert runs.resolve(chapter, {"preset": name}).preset == name


def test_a_new_setting_is_one_line(monkeypatch):
    """No preset, row, record or folder has to know of it."""

    class More(LayoutParameters):
        skip: bool = Field(False, description="a switch of tomorrow")

    folder = runs.run_folder(CHAPTER, "demo", {})
    old = runs.portable(runs.resolve(CHAPTER, {"preset": "demo"}))
    monkeypatch.setitem(FAMILIES, "layouts", More)
    assert runs.run_folder(CHAPTER, "demo", {}) == folder
    assert runs.run_folder(CHAPTER, "demo", {"skip": True}) != folder
    assert runs.completed(CHAPTER, old)["skip"] is False
    assert runs.resolve("06_ablation", {"preset": "smoke", "skip": True}).skip is True
    assert start(skip=True).parameters.skip is True


def test_every_parameter_is_described():
    assert all(info.description for kind in FAMILIES.values() for info in kind.model_fields.values())


def test_preset_is_the_given_one_then_the_environments_then_demo(monkeypatch):
    assert start(preset="demo").parameters.preset == "demo"
    assert start(preset=None).parameters.preset == "smoke"
    monkeypatch.delenv("SEMPAL_PRESET")
    assert runs.resolve(CHAPTER, {}).preset == "demo"


def test_none_means_the_presets_value():
    run = start(seed=None, height=None, learning_rate=1)
    assert run.parameters.seed == 0
    assert run.parameters.height == 8
    assert run.parameters.learning_rate == 1.0  # a whole number will do for a number


def test_parameters_are_frozen():
    run = start()
    with pytest.raises(ValueError, match="frozen"):
        run.parameters.seed = 3
    assert isinstance(run.parameters.batch_sizes, tuple)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": "3"}, r"seed = '3' is not possible: allowed is a whole number from 0"),
        ({"seed": True}, r"seed = True is not possible: allowed is a whole number"),
        ({"seed": 1.0}, r"seed = 1.0 is not possible"),
        ({"seed": -1}, r"seed = -1 .* from 0 to 4294967295"),
        ({"ema": 1}, r"ema = 1 is not possible: allowed is True or False"),
        ({"learning_rate": 0}, r"learning_rate = 0 .* a number above 0 to 1"),
        ({"learning_rate": True}, r"learning_rate = True is not possible"),
        ({"learning_rate": float("nan")}, r"learning_rate = nan is not possible"),
        ({"learning_rate": "1e-3"}, r"write 0.001 or 1.0e-3"),
        ({"activation": "relu"}, r"activation = 'relu' .* 'saa' or 'softmax'"),
        ({"device": "gpu"}, r"allowed is 'auto' or 'cpu' or 'cuda'"),
        ({"train_scenes": 0}, r"a whole number from 2 to 1000000 or None"),
        ({"train_scenes": 10**12}, r"train_scenes = 1000000000000 is not possible: .* to 1000000"),
        ({"val_scenes": 2}, r"val_scenes = 2 is not possible: allowed is a whole number from 6"),
        ({"samples": 2}, r"samples = 2 is not possible: allowed is a whole number from 6"),
        ({"samples": 10**12}, r"samples = 1000000000000 is not possible: .* to 1000000"),
        ({"batch_sizes": [8, 10**12]}, r"a list of whole numbers from 1 to 65536"),
        ({"phase_images": [64, 10**12]}, r"a list of whole numbers from 1 to 1000000000"),
        ({"conditional_weight": 1e300}, r"a number from 0 to 1000000"),
        ({"batch_sizes": "[8, 8]"}, r"a list of whole numbers .* by -y 'batch_sizes: \[8, 8\]'"),
        ({"batch_sizes": [8, "8"]}, r"batch_sizes = \[8, '8'\] is not possible"),
        ({"batch_sizes": [8, True]}, r"batch_sizes = \[8, True\] is not possible"),
        ({"batch_sizes": [8, 0]}, r"whole numbers from 1"),
        ({"batch_sizes": {"a": 1}}, r"batch_sizes = {'a': 1} is not possible"),
        ({"dataset": "../other"}, r"lower-case letters"),
        ({"dataset": object()}, r"dataset = <object"),
        ({"height": 12}, r"height = 12 is no power of two"),
        ({"height": 4}, r"from 8 to 1024"),
        ({"height": 32}, r"batch_sizes has 2 values, but height = 32 has 4 resolutions \(4, 8, 16, 32 px\)"),
        ({"batch_sizes": [8]}, r"batch_sizes has 1 values, but height = 8 has 2 resolutions"),
        ({"phase_images": [4, 64]}, r"phase_images has 4 at 4 px, less than a batch: give at least 8"),
        ({"wide_share": 0.01}, r"wide_share = 0.01 of 8 layouts at 4 px is 0, .* at least 1"),
        ({"devices": 3}, r"batch_sizes has 8 at 4 px, no multiple of devices = 3"),
        ({"max_components": 64}, r"64 Gaussians cannot be fitted to train_scenes = 48"),
        ({"preset": "smok"}, r"unknown preset 'smok': there are demo, gpu, paper, smoke"),
        ({"preset": 0}, r"unknown preset 0"),
    ],
    ids=str,
)
def test_impossible_value_stops_the_start_and_writes_nothing(given, message, runs_in_tmp):
    with pytest.raises(RunError, match=message):
        start(**given)
    assert not runs_in_tmp.exists()


def test_fault_says_where_the_value_comes_from(monkeypatch, tmp_path):
    with pytest.raises(RunError, match=r"comes from the notebook's first cell, or papermill's -p, -y or -f"):
        start(seed="3")
    mine = {**runs.preset_values("smoke", CHAPTER), "preset": "mine", "samples": "many"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine))
    monkeypatch.setattr(parameters_module, "presets_folder", lambda: tmp_path)
    with pytest.raises(RunError, match=r"samples = 'many'.* comes from runs/presets/mine.yaml"):
        start(preset="mine")


def test_all_faults_are_told_at_once():
    with pytest.raises(RunError, match=r"(?s)seed = '3'.*ema = 1"):
        start(seed="3", ema=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.update(sample=3), r"unknown parameter 'sample' .* did you mean 'samples'"),
        (lambda values: values.update(preset="other"), r"with 'preset: mine' among them"),
        (lambda values: values.update(chapters=[1]), r"mine.yaml: 'chapters' must be a map of families \(layouts, sem"),
        (lambda values: values.update(chapters={"photos": {}}), r"'chapters' has 'photos'\. There are layouts"),
        (lambda values: values.update(chapters={"05_semantic_palete": {}}), r"did you mean '05_semantic_palette'\?"),
        (lambda values: values.update(chapters={"image": {"steps": 3}}), r"'image': did you mean 'images'\?"),
    ],
)
def test_faulty_preset_file(change, message, monkeypatch, tmp_path):
    values = {**runs.preset_values("smoke", CHAPTER), "preset": "mine"}
    change(values)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.setattr(parameters_module, "presets_folder", lambda: tmp_path)
    with pytest.raises(RunError, match=message):
        runs.preset_values("mine", CHAPTER)


def test_a_whole_preset_as_papermill_hands_it_over():
    """Of its sections the family's counts; what is given beside it counts for more; None means nothing."""
    whole = yaml.safe_load((parameters_module.presets_folder() / "smoke.yaml").read_text())
    assert runs.resolve(CHAPTER, whole) == runs.resolve(CHAPTER, {"preset": "smoke"})
    assert runs.resolve("03_semgan", whole) == runs.resolve("03_semgan", {"preset": "smoke"})
    whole["chapters"]["layouts"]["samples"] = 40
    mine = {"height": None, "samples": None, "seed": 2}
    assert runs.resolve(CHAPTER, whole | mine).samples == 40
    assert runs.resolve(CHAPTER, whole | {"samples": 44}).samples == 44
    assert runs.resolve("03_semgan", whole | mine).samples == 32
    with pytest.raises(RunError, match="'chapters' must be a map"):
        runs.resolve(CHAPTER, {"chapters": 3})
    with pytest.raises(RunError, match="unknown parameter 'sample' for 05_semantic_palette"):
        runs.resolve(CHAPTER, {"chapters": {"layouts": {"sample": 3}}})


TWO = {
    "preset": "mine",
    "chapters": {
        "layouts": {
            "height": 8, "batch_sizes": [8, 8], "phase_images": [64, 64], "samples": 40,
            "datasets": {"camvid": {"samples": 41, "max_components": 3}, "idd": {"samples": 42}},
        },
        CHAPTER: {"max_components": 4, "datasets": {"idd": {"max_components": 5}}},
    },
}  # fmt: skip


@pytest.fixture
def two(monkeypatch, tmp_path):
    """A preset with values for two data sets."""
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(TWO))
    (tmp_path / "other.yaml").write_text("preset: other\n")
    monkeypatch.setattr(parameters_module, "presets_folder", lambda: tmp_path)


@pytest.mark.parametrize(
    ("given", "samples", "components"),
    [
        ({}, 40, 4),
        ({"dataset": "camvid"}, 41, 4),  # the chapter's section counts for more than its family's
        ({"dataset": "idd"}, 42, 5),
        ({"dataset": "idd", "samples": 43}, 43, 5),
        ({"dataset": "toy-street"}, 40, 4),
    ],
    ids=str,
)
def test_values_of_a_data_set_count_where_it_is_the_runs(given, samples, components, two):
    for way in ({"preset": "mine"}, TWO, {**TWO, "preset": "other"}):  # named, and as papermill's -f hands it over
        found = runs.resolve(CHAPTER, {**way, **given})
        assert (found.samples, found.max_components) == (samples, components)
    assert runs.preset_values("mine", CHAPTER, given.get("dataset"))["max_components"] == components


def test_values_of_the_data_set_that_a_preset_or_the_default_names(two, tmp_path):
    idd = {**TWO, "chapters": {**TWO["chapters"], CHAPTER: {"dataset": "idd"}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(idd))
    assert runs.resolve(CHAPTER, {"preset": "mine"}).samples == 42
    assert runs.resolve(CHAPTER, {"preset": "mine", "dataset": "camvid"}).samples == 41
    assert runs.resolve(CHAPTER, {**TWO, "preset": "mine"}).samples == 42  # a section of -f without a data set
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(TWO).replace("idd", "cityscapes-35"))
    assert runs.resolve(CHAPTER, {"preset": "mine"}).samples == 42


def test_the_command_gives_what_the_data_set_does_not_say(two):
    def said(**given):
        return runs.command(CHAPTER, runs.resolve(CHAPTER, {"preset": "mine", **given}))

    assert said(dataset="idd").endswith("-f runs/presets/mine.yaml -y 'dataset: \"idd\"'")
    assert said(dataset="idd", samples=40).endswith("-y 'dataset: \"idd\"' -y 'samples: 40'")


@pytest.mark.parametrize(
    ("by_dataset", "message"),
    [
        ({"camvid": {"sample": 3}}, "mine.yaml: unknown parameter 'sample' .* did you mean 'samples'"),
        ({"camvid": 3}, "mine.yaml: 'datasets' must be a map of data sets' names to the values that only they have"),
        ([], "mine.yaml: 'datasets' must be a map"),
        ({"camvid": {"dataset": "idd"}}, "'datasets' gives a data set another name: choose it by dataset"),
        ({"camvid": {"datasets": {}}}, "'datasets' gives a data set another name"),
    ],
    ids=str,
)
def test_faulty_values_of_a_data_set(by_dataset, message, two, tmp_path):
    faulty = {"preset": "mine", "chapters": {"layouts": {"datasets": by_dataset}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(faulty))
    with pytest.raises(RunError, match=message):
        runs.resolve(CHAPTER, {"preset": "mine"})
    with pytest.raises(RunError, match=message.removeprefix("mine.yaml: ")):
        runs.resolve(CHAPTER, {**faulty, "preset": "other"})


def test_an_impossible_value_of_a_data_set(two, tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(TWO).replace("41", "2"))
    assert runs.resolve(CHAPTER, {"preset": "mine"}).samples == 40
    with pytest.raises(RunError, match=r"samples = 2 is not possible: .* comes from runs/presets/mine\.yaml"):
        runs.resolve(CHAPTER, {"preset": "mine", "dataset": "camvid"})


@pytest.mark.parametrize("given", [{}, {"seed": 1}])
def test_a_mistyped_chapter_is_no_chapter(given, runs_in_tmp):
    with pytest.raises(RunError, match=r"unknown chapter '05_semantic_palete': did you mean '05_semantic_palette'\?"):
        Run.start("05_semantic_palete", given)
    assert not runs_in_tmp.exists()
    assert Run.start("my_own", given).folder.parent.name == "my_own"


def test_a_parameter_of_another_family_is_told_from_a_typing_error():
    with pytest.raises(RunError, match=r"unknown parameter 'kernel_size' for 05_sem.*one of the family semgan"):
        start(kernel_size=5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kernel_size": 4}, "kernel_size = 4 is even"),
        ({"batch_size": 7, "devices": 2}, "batch_size = 7 is no multiple of devices = 2"),
        ({"min_channels": 32}, "min_channels = 32 is more than max_channels = 16"),
        ({"samples": 65}, "samples = 65 layouts are to be held against train_scenes = 64 real ones: lower samples"),
        ({"height": 48}, "height = 48 is no power of two"),
        ({"height": 8, "dataset": "toy-street"}, "height = 8 is not possible: .* from 16 to 1024 .*MS-SSIM"),
        ({"steps": 10**12}, "steps = 1000000000000 is not possible"),
    ],
    ids=str,
)
def test_impossible_values_of_semgan(given, message):
    with pytest.raises(RunError, match=message):
        runs.resolve("03_semgan", {"preset": "smoke", **given})


@pytest.mark.parametrize(
    "given",
    [
        {"val_scenes": 1}, {"samples": 2}, {"train_scenes": 7}, {"batch_size": 10**12}, {"gan_train_pairs": 10**12},
        {"segmenter_steps": 10**12}, {"tuning_steps": 10**12}, {"tuning_batch_size": 10**12}, {"progan_images": 10**12},
    ],
    ids=str,
)  # fmt: skip
def test_impossible_values_of_pictures(given):
    (name,) = given
    chapters = ["09_end_to_end"] if name.startswith("tuning") else ["07_painting_by_layout", "09_end_to_end"]
    for chapter in chapters:
        with pytest.raises(RunError, match=f"{name} = .* is not possible: allowed is a whole number from"):
            runs.resolve(chapter, {"preset": "smoke", **given})


def test_every_device_needs_two_pairs_of_a_segmenter():
    with pytest.raises(RunError, match="segmenter_batch_size = 6 is less than 2 pairs for each of devices = 4"):
        runs.resolve("07_painting_by_layout", {"preset": "smoke", "devices": 4, "segmenter_batch_size": 6})


def test_what_no_memory_holds_is_refused(monkeypatch, runs_in_tmp):
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10_000}.__getitem__)  # 41 MB
    with pytest.raises(
        RunError, match=r"train_scenes = 900000, .* at height = 8 take at least 0\.0576 GB of memory.*0\.041"
    ):
        start(train_scenes=900_000)
    assert not runs_in_tmp.exists()
    start(train_scenes=90_000)


def test_cuda_where_there_is_none(monkeypatch, runs_in_tmp):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RunError, match=r"torch sees 0 CUDA devices here: choose device = 'cpu' or 'auto'"):
        start(device="cuda")
    assert not runs_in_tmp.exists()


# A notebook's globals


def test_unknown_name_gets_the_nearest_and_the_list():
    with pytest.raises(RunError, match=r"unknown parameter 'batchsize' for 05_semantic_palette: did you") as error:
        start(batchsize=[8, 8])
    assert "did you mean 'batch_sizes'? The parameters are activation, batch_sizes, channel_base" in str(error.value)
    with pytest.raises(RunError, match=r"unknown parameter 'xyzzy' for 05_semantic_palette\. The parameters are"):
        start(xyzzy=1)


def test_what_is_no_plain_data_is_no_parameter():
    namespace = {"_hidden": 1, "In": ["x"], "Out": {}, "os": os, "Run": Run, "exit": object(), "seed": 2}
    assert Run.start(CHAPTER, namespace).parameters.seed == 2


def test_cell_run_again_ignores_the_chapters_own_variables():
    namespace = {"seed": 1}
    namespace["run"] = Run.start(CHAPTER, namespace)
    namespace |= {"kl": 0.1, "rows": [], "device": object()}
    assert Run.start(CHAPTER, namespace).parameters.seed == 1
    with pytest.raises(RunError, match=r"did you mean 'batch_sizes'.* also say: del batch_size"):
        Run.start(CHAPTER, {**namespace, "batch_size": [4, 4]})
