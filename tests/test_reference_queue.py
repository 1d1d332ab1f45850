"""The queue of reference runs: its list, and the order in which it works."""

import json
import re
from collections import Counter

import notebooks
import pytest
import reference_list
import reference_runs
from notebooks import BookError
from queue_helpers import EIGHT, FIVE, SIX, surroundings  # noqa: F401
from run_helpers import isolated  # noqa: F401

from sempal_lib import ablation, augmentation, records, runs

# Of older settings and judged by older judges, which nobody will run again: CamVid's usual split, whose numbers the
# chapters quote as what they are, and the painters of 64 px that the book shows until better ones are kept.
AS_THEY_ARE = {
    notebooks.ROOT / "runs/reference/demo" / name
    for name in (
        "07_painting_by_layout/camvid-s0-29063cea", "08_judging_with_a_segmenter/camvid-s0-29063cea",
        "07_painting_by_layout/toy-street-s0-f05d038e",
    )
}  # fmt: skip


class TestList:
    def test_every_committed_record_is_wanted_by_one_entry(self):
        reference = reference_list.Reference()
        wanted = {reference.folder(run) for run in reference_list.load(device="cpu")}
        assert not set(reference.records) - wanted - AS_THEY_ARE, (
            "add entries to runs/reference.yaml, or remove records that nobody wants"
        )

    def test_a_row_of_table_3_needs_the_generators_of_its_own_scenes(self):
        given = {"preset": "demo", "device": "cpu", "train_scenes": 50, "seed": 2}
        for row, needed in {"real+part+da": ["13_partial_editing"], "real+syn-sbgan": ["04_sb_gan_layouts"],
                            "real+semi": [], "real+aug": []}.items():  # fmt: skip
            chosen = runs.resolve(augmentation.CHAPTER, given | augmentation.row_parameters(row))
            found = reference_list.needed_by(reference_list.run_of(augmentation.CHAPTER, chosen))
            assert [run.chapter for run in found] == needed
            assert all((run.parameters.train_scenes, run.parameters.seed) == (50, 2) for run in found)

    def test_rows_are_those_of_the_entrys_chapter(self, place):
        with pytest.raises(BookError, match=r"the augmentation has no row 'real\+sny': did you mean 'real\+syn'"):
            place.queue({"chapter": augmentation.CHAPTER, "row": "real+sny"})
        with pytest.raises(BookError, match="the ablation has no row 'real'"):
            place.queue({"chapter": SIX, "row": "real"})

    def test_an_entry_goes_seed_by_seed_and_of_a_seed_row_by_row(self, place):
        rows = ["sb-gan", "full"]
        queue = place.queue({"chapter": SIX, "seeds": [4, 3], "row": rows}, {"chapter": FIVE})
        assert [(run.chapter, run.parameters.seed) for run in queue.wanted] == [
            (SIX, 4), (SIX, 4), (SIX, 3), (SIX, 3), (FIVE, 0),
        ]  # fmt: skip
        assert [ablation.row_of(run.parameters) for run in queue.wanted[:4]] == rows * 2

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ({"chapter": FIVE, "seed": 1}, r"entry 2 \(05_sem.*unknown key 'seed': did you mean 'seeds'"),
            ({"chapter": "05_semantic_pallete"}, r"entry 2 .*unknown chapter.*did you mean '05_semantic_palette'"),
            ({"chapter": FIVE, "parameters": {"heigth": 8}}, r"entry 2 .*unknown parameter 'heigth'.*'height'"),
            ({"chapter": FIVE, "parameters": {"height": 9}}, r"(?s)entry 2 .*height = 9 is no power of two"),
            ({"chapter": FIVE, "parameters": {"data_root": "/x"}}, r"entry 2 .*data_root does not belong.*SEMPAL_DATA"),
            ({"chapter": FIVE, "parameters": {"seed": 2}}, r"entry 2 .*its place is seeds"),
            ({"chapter": FIVE, "preset": "demos"}, r"entry 2 .*unknown preset 'demos'"),
            ({"chapter": SIX, "row": "sinkhorn-3"}, r"entry 2 .*no row 'sinkhorn-3': did you mean 'sinkhorn-"),
            ({"chapter": FIVE, "seeds": [0]}, r"entry 2 .*is wanted by entry 1 already"),
            ({"chapter": FIVE, "seeds": "0"}, r"entry 2 .*seeds"),
            ({"chapter": FIVE, "answers": ""}, r"entry 2 .*answers"),
        ],
        ids=str,
    )
    def test_a_bad_list_is_refused_before_anything_runs(self, entry, message, place):
        with pytest.raises(BookError, match=message):
            place.queue({"chapter": FIVE}, entry)
        assert place.started() == []

    def test_what_is_no_list_of_maps_is_refused(self, tmp_path):
        for text in ("a: 1", "- 3", "{"):
            (tmp_path / "list.yaml").write_text(text)
            with pytest.raises(BookError, match=r"list\.yaml"):
                reference_list.load(tmp_path / "list.yaml")

    def test_weights_of_other_chapters_come_first_at_the_same_seed(self, place):
        (run,) = place.queue({"chapter": "09_end_to_end", "seeds": [2]}).wanted
        needed = reference_list.needed_by(run)
        assert [other.chapter[:2] for other in needed] == ["04", "05", "07", "08"]
        assert {other.parameters.seed for other in needed} == {2}
        for other in needed:  # where the chapter itself looks for them
            with pytest.raises(runs.RunError, match=re.escape(str(other.folder))):
                runs.require_checkpoint(other.chapter, run.parameters)


class TestWork:
    def test_what_has_no_record_first_then_what_is_stale(self, place):
        assert place.queue({"chapter": FIVE, "seeds": [0, 1]}).run() == 0
        assert place.started() == ["05 s0", "05 s1"]
        place.code[0] = "b" * 64
        place.how(add=1)  # the new code computes something else
        queue = place.queue(
            {"chapter": FIVE, "seeds": [0, 1]}, {"chapter": "03_semgan"}, {"chapter": FIVE, "seeds": [2]}
        )
        assert place.states(queue) == ["stale", "stale", "wanted", "wanted"]
        assert queue.run() == 0
        assert place.started() == ["03 s0", "05 s2", "05 s0", "05 s1"]
        assert place.states(queue) == ["kept"] * 4
        assert queue.run() == 0
        assert place.started() == []
        assert (place.root / "results.csv").read_text().count("\n") == 5

    def test_code_that_gives_the_same_numbers_confirms_the_other_records(self, place):
        place.queue({"chapter": FIVE, "seeds": [0, 1]}, {"chapter": "03_semgan"}).run()
        place.started()
        place.code[0] = "b" * 64
        for run in place.queue({"chapter": FIVE}).wanted:  # an older run folder's weights must not be measured again
            notebooks.set_aside(run.folder, ["b" * 64])
        queue = place.queue({"chapter": FIVE, "seeds": [0, 1]}, {"chapter": "03_semgan"})
        queue.run()
        assert place.started() == ["05 s0", "03 s0"]
        assert place.states(queue) == ["kept", "confirmed", "kept"]
        assert "confirmed" in reference_runs.table(queue)

    def test_failures_are_noted_and_the_queue_goes_on(self, place):
        place.how(fails=FIVE)
        entries = {"chapter": FIVE, "seeds": [0, 1]}, {"chapter": EIGHT}
        assert place.queue(*entries).run() == 1
        assert place.started() == ["05 s0", "05 s1", "04 s0"]
        assert any(re.search(r"failed: smoke/05.*: ValueError: too wet$", line) for line in place.said)
        assert any("it needs smoke/05_semantic_palette" in line for line in place.said)
        place.how()
        assert place.queue(*entries).run() == 1
        assert place.started() == []
        assert place.queue(*entries, retry=True).run() == 0
        assert place.started() == ["05 s0", "07 s0", "08 s0"]
        notes = [json.loads(line) for line in (runs.runs_root() / "queue.log").read_text().splitlines()]
        assert Counter(note["event"] for note in notes) == {"failed": 1, "kept": 3, "made": 2}

    def test_a_failure_is_tried_again_by_other_code(self, place):
        place.how(fails=FIVE)
        place.queue({"chapter": FIVE}).run()
        (runs.runs_root() / "queue.log").open("a").write('{"half a li')
        place.code[0] = "b" * 64
        place.how()
        assert place.queue({"chapter": FIVE}).run() == 0

    def test_a_run_that_stands_is_kept_and_not_repeated(self, place):
        queue = place.queue({"chapter": FIVE})
        queue.execute(reference_runs.command(queue.wanted[0], set()))
        assert queue.run() == 0
        assert place.started() == ["05 s0"]
        assert place.states(queue) == ["kept"]

    def test_real_data_that_is_not_there_is_left_out(self, place):
        entries = {"chapter": FIVE, "dataset": "camvid"}, {"chapter": FIVE}, {"chapter": FIVE, "preset": "gpu"}
        place.monkeypatch.setattr(reference_list, "_has_gpu", lambda: False)
        assert place.queue(*entries).run() == 0
        assert place.started() == ["05 s0"]
        assert "left out (1): no folder of camvid under SEMPAL_DATA" in place.said
        assert any("no GPU here" in line for line in place.said)
        (place.folder / "data" / "camvid").mkdir(parents=True)
        place.monkeypatch.setenv("SEMPAL_DATA", str(place.folder / "data"))
        run, *_ = place.queue(*entries).wanted
        assert run.overrides["data_root"] == str(place.folder / "data" / "camvid")
        assert place.queue(*entries).run() == 0
        kept = records.read_record(place.root / run.name / "record.json")
        assert kept["parameters"]["data_root"] == "camvid"
        assert not list((place.root / run.name).glob("*.safetensors"))

    def test_no_new_run_after_the_time_and_one_chapter_alone(self, place):
        entries = {"chapter": FIVE, "seeds": [0, 1]}, {"chapter": "03_semgan"}
        place.queue(*entries).run(seconds=0)
        assert place.started() == []
        place.queue(*entries, only="03_semgan").run()
        assert place.started() == ["03 s0"]

    def test_what_other_code_left_is_set_aside_until_the_new_run_is_kept(self, place):
        (run,) = place.queue({"chapter": FIVE}).wanted
        run.folder.mkdir(parents=True)
        for name in ("codes.json", "checkpoint.safetensors", "record.json"):
            (run.folder / name).write_text('["x"]')
        notebooks.set_aside(run.folder, ["x", "y"])
        assert len(list(run.folder.iterdir())) == 3
        notebooks.set_aside(run.folder, ["y"])
        assert list(run.folder.iterdir()) == []
        assert len(list(notebooks.aside(run.folder).iterdir())) == 3
        place.queue({"chapter": FIVE}).run()
        assert not notebooks.aside(run.folder).exists()
