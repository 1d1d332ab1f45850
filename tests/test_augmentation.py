"""Table 3: rows and their records, and what makes the pairs of a row."""

import pytest
import torch
from run_helpers import bundle, isolated  # noqa: F401

from sempal_lib import ablation, augmentation, training
from sempal_lib.data_folders import fingerprint
from sempal_lib.layout_gans import LayoutGenerator, PartialGenerator
from sempal_lib.parameters import resolve
from sempal_lib.record_model import metric_of
from sempal_lib.results import compare
from sempal_lib.runs import Run, RunError, folder_of, parameters_for
from sempal_lib.training import augmentation as rows
from sempal_lib.training import once


@pytest.fixture(autouse=True)
def nothing_committed(tmp_path, monkeypatch):
    """Committed networks and records are taken from a folder of the test's own, empty at first."""
    for module in (once, ablation):
        monkeypatch.setattr(module, "reference_root", lambda: tmp_path / "reference")
    fingerprint.cache_clear()


def given(row="real+semi", **changes):
    return {"device": "cpu", "height": 8, "train_scenes": 8, "pairs": 6, **augmentation.row_parameters(row), **changes}


def parameters(row="real+semi", **changes):
    return resolve(augmentation.CHAPTER, given(row, **changes))


def finished(row, miou, beside=None, **changes):
    run = Run.start(augmentation.CHAPTER, given(row, **changes))
    run.measure("segmenter", row, "miou", miou, 12, "val")
    if beside is not None:
        run.measure("segmenter", "real", "miou", beside, 12, "val")
    run.finish()
    return run


class TestRows:
    def test_a_name_says_all_and_no_two_rows_are_alike(self):
        found = [augmentation.row_parameters(row) for row in augmentation.ROWS]
        assert len({tuple(values.items()) for values in found}) == len(augmentation.ROWS)
        for row, values in zip(augmentation.ROWS, found, strict=True):
            assert augmentation.name_of(values) == row
            assert augmentation.STUDY.row_of(parameters(row)) == row
            assert augmentation.STUDY.row_of(parameters(row, baseline=True)) == row

    @pytest.mark.parametrize(
        "row", ["syn", "real+sny", "real+da+syn", "real+syn+part", "real+none", "real+syn+syn", ""]
    )
    def test_what_is_no_row(self, row):
        with pytest.raises(RunError, match=r"the augmentation has no row .*write real, then at most one of semi"):
            augmentation.row_parameters(row)

    def test_a_row_asks_for_the_generators_of_its_own_scenes(self):
        p = parameters("real+syn", seed=3, train_scenes=10)
        assert augmentation.needed_chapters(p) == ["05_semantic_palette"]
        theirs = parameters_for("05_semantic_palette", p)
        assert (theirs.seed, theirs.train_scenes, theirs.dataset) == (3, 10, p.dataset)
        assert not augmentation.needed_chapters(parameters("real+semi"))
        with pytest.raises(RunError, match=r"builds on 05_semantic_palette.*generator\.safetensors is not in"):
            rows.pair_source(p, training.scene_set(p))

    @pytest.mark.parametrize(
        ("change", "said"),
        [({"adapt": True, "synthetic": "none"}, "adapt needs synthetic pairs"),
         ({"labels": "judge", "synthetic": "more"}, "labels = 'judge' are of synthetic pairs, and synthetic = 'more'")],
    )  # fmt: skip
    def test_switches_that_do_not_go_together(self, change, said):
        with pytest.raises(RunError, match=said):
            parameters(**change)

    def test_real_is_also_taken_from_runs_that_train_it_beside_theirs(self):
        for seed in range(3):
            finished("real+semi", 0.30 + 0.01 * seed, 0.2 + 0.01 * seed, seed=seed, baseline=True)
        finished("real", 0.21, seed=3), finished("real+semi", 0.33, seed=3)
        finished("real+aug", 0.9, train_scenes=12)  # of other scenes
        runs = augmentation.rows_of_runs(parameters("real+part"))
        assert {row: len(found) for row, found in runs.items() if found} == {"real": 4, "real+semi": 4}
        assert augmentation.values(runs)["real"]["miou"] == pytest.approx({"0": 0.2, "1": 0.21, "2": 0.22, "3": 0.21})
        found = augmentation.gain(runs, "real+semi")
        assert (found.seeds, found.verdict) == (4, "holds")
        assert augmentation.arrow(found).startswith("↑ 0.1")
        table = augmentation.augmentation_table(runs, ("real", "real+semi", "real+syn"))
        assert table.rows[0][:1] + table.rows[0][3:5] == ("real", "–", "0.481")
        assert table.rows[1][4:] == ("0.482 ↑ 0.001", "4", "here")
        assert table.rows[2] == ("real+syn", "–", "–", "–", "0.494 ↑ 0.013", "–", "–")
        (verdict,) = augmentation.verdicts(runs, {"it helps": ("miou", "real", "real+semi")}).rows
        assert verdict[-1] == "holds"
        assert len(augmentation.rows_of_runs(parameters(), scenes=12)["real+aug"]) == 1

    def test_arrows(self):
        worse, same = {"0": 0.1, "1": 0.11}, {"0": 0.3, "1": 0.1}
        better = {"0": 0.2, "1": 0.21}
        assert augmentation.arrow(compare(better, worse))[0] == "↓"
        assert augmentation.arrow(compare(better, same))[0] == "↔"
        assert augmentation.arrow(compare({"0": 0.1}, {"0": 0.2}))[0] == "?"
        assert augmentation.arrow(compare({}, {})) == "–"

    def test_classes_by_row_best_first_with_an_arrow_where_seeds_agree(self, monkeypatch):
        def found(row, car, pole):
            metrics = {"iou_car": car, "iou_traffic_light": pole, "miou": {"0": 0.5}}
            return {row: metrics}

        seen = found("real", {"0": 0.5, "1": 0.52, "2": 0.51}, {"0": 0.1, "1": 0.2})
        seen |= found("real+semi", {"0": 0.6, "1": 0.62, "2": 0.611}, {"0": 0.3, "1": 0.1})
        monkeypatch.setattr(augmentation, "values", lambda runs: seen)
        monkeypatch.setattr(
            augmentation, "gain", lambda runs, row, metric, over: compare(seen[over][metric], seen[row][metric])
        )
        table = augmentation.class_table({}, ("real", "real+semi"))
        assert table.header == ("class", "real", "real+semi")
        assert table.rows == (("car", "0.510", "0.610 ↑"), ("traffic light", "0.150", "0.200"))

    def test_names_of_the_classes_metrics(self):
        assert metric_of("traffic light") == "iou_traffic_light"
        assert metric_of("obs-str-bar-fallback") == "iou_obs_str_bar_fallback"


class TestPairs:
    def test_rows_share_a_painter_of_their_own_scenes(self, monkeypatch, runs_in_tmp):
        p = parameters()
        data = training.scene_set(p)
        first = rows.own_painter(p, data)
        monkeypatch.setattr(rows, "image_training", None)  # a second one would fail
        again = rows.own_painter(parameters("real+semi+aug", pairs=9), data)
        one, other = (network.state_dict() for network in (first, again))
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert len(list((runs_in_tmp / "own-painters").glob("*.safetensors"))) == 1
        assert len(list((runs_in_tmp / "own-eyes").glob("*.safetensors"))) == 1
        assert not (runs_in_tmp / "eyes").exists()  # the others', which has seen more
        for change in ({"seed": 1}, {"train_scenes": 9}):
            q = parameters(**change)
            with pytest.raises(TypeError):  # it is trained anew
                rows.own_painter(q, training.scene_set(q))

    def test_pairs_are_made_once_and_only_for_their_run(self, monkeypatch):
        p = parameters()
        data = training.scene_set(p)
        pairs = rows.synthetic_pairs(p, data)
        images, layouts = pairs[torch.arange(6)]
        assert images.shape == (6, 3, 8, 16)
        assert all((data.layouts == layout).flatten(1).all(1).any() for layout in layouts)
        assert not any((data.images == image).flatten(1).all(1).any() for image in images)
        monkeypatch.setattr("sempal_lib.training.pairs.write_tensors", None)  # to write again would fail
        assert rows.synthetic_pairs(p, data).folder == pairs.folder
        assert rows.synthetic_pairs(parameters("real"), data) is None

    @pytest.mark.parametrize("row", ["real+syn-sbgan", "real+syn", "real+part"])
    def test_generated_layouts_are_those_of_the_runs_own_generator(self, row, monkeypatch):
        """Untrained ones, which lie where the other chapters leave theirs."""
        p = parameters(row, height=16)
        (chapter,) = augmentation.needed_chapters(p)
        theirs = parameters_for(chapter, p)
        data = training.layout_data(theirs)
        kind = PartialGenerator if row == "real+part" else LayoutGenerator
        generator = kind(training.layouts.generator_settings(theirs, data)).eval()
        path = folder_of(chapter, theirs) / "generator.safetensors"
        training.save_generator(path, generator, data.label_space, data.mixture)
        scenes = training.scene_set(p)
        images, layouts = rows.synthetic_pairs(p, scenes)[torch.arange(6)]
        assert images.shape == (6, 3, 16, 32)
        if row == "real+part":  # beside the rectangle each is a real layout, at full size
            alike = torch.stack([(layouts != real).flatten(1).float().mean(1) for real in scenes.layouts])
            assert (alike.min(0).values < 1).all()
        else:
            assert torch.equal(layouts, layouts[:, ::2, ::2].repeat_interleave(2, 1).repeat_interleave(2, 2))
        with monkeypatch.context() as other:
            other.setattr("sempal_lib.training.pairs.write_tensors", None)
            training.save_generator(path, generator.__class__(generator.settings), data.label_space, data.mixture)
            with pytest.raises(TypeError):  # of another generator they are other pairs
                rows.synthetic_pairs(p, scenes)

    def test_edits_keep_what_is_beside_the_rectangle(self, monkeypatch):
        """With a generator that paints class 3 alone, and a rectangle that is known."""
        p = parameters("real+part", height=16)
        scenes, theirs = training.scene_set(p), parameters_for("13_partial_editing", p)
        generator = PartialGenerator(training.layouts.generator_settings(theirs, training.layout_data(theirs)))
        region = torch.zeros(4, 8, 16, dtype=torch.bool)
        region[:, 2:5, 3:9] = True
        asked = []

        def edit(layout, region, palette, seed):
            asked.append(palette)
            return torch.where(region, 3, layout)

        monkeypatch.setattr(rows, "random_regions", lambda *_: region)
        monkeypatch.setattr(generator, "edit", edit)
        scenes.layouts[:, 4:10, 6:18] = 255  # and of ignored pixels, which have no palette
        painter = rows.own_painter(p, scenes)
        settings = rows.partial_settings(theirs)
        made = rows.edited_scenes(generator, painter, scenes.layouts, settings)
        pictures, layouts = made(4, torch.Generator().manual_seed(0))
        index = torch.randint(8, (4,), generator=torch.Generator().manual_seed(0))
        expected = scenes.layouts[index].clone()
        expected[:, 4:10, 6:18] = 3
        assert torch.equal(layouts, expected)
        assert torch.allclose(asked[0].sum(1), torch.ones(4))
        assert pictures.shape == (4, 3, 16, 32)

    def test_further_pairs_are_real_and_unseen(self):
        p = parameters("real+more")
        data = training.scene_set(p)
        images, layouts = rows.synthetic_pairs(p, data)[torch.arange(6)]
        more = training.scene_set(p.model_copy(update={"train_scenes": 14}))
        for image, layout in zip(images, layouts, strict=True):
            same = (more.images == image).flatten(1).all(1) & (more.layouts == layout).flatten(1).all(1)
            assert same[8:].any()
            assert not same[:8].any()

    def test_no_further_pairs(self, tmp_path):
        p = parameters("real+more", dataset="tiny", data_root=str(bundle(tmp_path / "tiny")), val_scenes=6, samples=6)
        with pytest.raises(RunError, match="tiny has no pairs beyond the 8 of this run: lower train_scenes"):
            rows.pair_source(p, training.scene_set(p))

    def test_a_judges_labels_take_the_place_of_the_painted_ones(self):
        p = parameters("real+semi+judged")
        data = training.scene_set(p)
        own, judged = (rows.synthetic_pairs(q, data)[torch.arange(6)] for q in (parameters(), p))
        assert torch.equal(own[0], judged[0])
        judge = training.segmenter_for(p)
        # What stands on disk has 256 levels.
        assert (judge.predict(own[0]) == judged[1]).float().mean() > 0.95
        assert not torch.equal(own[1], judged[1])

    def test_things_of_a_world_are_its_own(self):
        p = parameters("real+copy-paste", height=32)
        data = training.scene_set(p)
        found = rows.things_of(p, data)
        things = rows.thing_classes(data.label_space)
        from sempal_lib import datasets

        world = datasets.load("toy-street", "train", data.size, limit=8)
        for index in range(8):
            item = world[index]
            theirs = torch.where(torch.isin(item["layout"], torch.tensor(things)), item["instances"], 0)
            assert torch.equal(found[index] > 0, theirs > 0)
            pairs = set(zip(found[index].flatten().tolist(), theirs.flatten().tolist(), strict=True))
            assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)  # numbers stand for numbers
        numbers = [set(x.unique().tolist()) - {0} for x in found]
        assert sum(map(len, numbers)) == len(set().union(*numbers)) > 8


@pytest.mark.parametrize("row", ["real", "real+aug+copy-paste", "real+semi+da"])
def test_a_row_is_trained_and_measured(row, tmp_path):
    p = parameters(row, height=16, baseline=True)
    data = training.scene_set(p)
    pairs = rows.synthetic_pairs(p, data)
    trained = rows.train_row(p, data, pairs, tmp_path / "checkpoint.safetensors")
    assert trained.step == p.segmenter_steps
    found = rows.evaluate_row(trained.segmenter, data)
    assert {"miou", "miou_all", "pixel_accuracy", "iou_road"} <= found.keys()
    assert all(0 <= value <= 1 and count == 12 for value, count in found.values())
    ious = [value for name, (value, _) in found.items() if name.startswith("iou_")]
    assert found["miou"][0] == pytest.approx(sum(ious) / len(ious))
    if pairs:
        assert {"fsd", "fd_seg", "gan_test_miou"} <= rows.evaluate_pairs(p, data, pairs).keys()
    # The same weights, whatever row it was trained beside.
    if row == "real":
        again = rows.train_row(rows.row_real(parameters("real+semi", height=16)), data, None)
        one, other = trained.segmenter.state_dict(), again.segmenter.state_dict()
        assert all(torch.equal(one[name], other[name]) for name in one)
