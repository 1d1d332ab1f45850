"""Records that are read: what is no record is named with its fault, refused where it is needed, else left out."""

import json
import re
import warnings

import pytest
from run_helpers import finished, isolated, start  # noqa: F401

from sempal_lib import ablation, keeping, records, results, runs
from sempal_lib.runs import RunError


def test_every_committed_record_reads():
    found = list(runs.records_under(records.reference_root(), strict=True))
    assert len(found) >= 70


METRIC = ("metrics", 0)
FAULTS = [
    ((*METRIC, "value"), float("nan"), "NaN is no number"),
    ((*METRIC, "value"), float("inf"), "Infinity is no number"),
    ((*METRIC, "value"), None, r"metrics\.0\.value = None"),
    ((*METRIC, "value"), "0.1", r"metrics\.0\.value = '0\.1'"),
    ((*METRIC, "value"), True, r"metrics\.0\.value = True"),
    ((*METRIC, "n"), 0, r"metrics\.0\.n = 0"),
    ((*METRIC, "n"), 8.5, r"metrics\.0\.n = 8\.5"),
    ((*METRIC, "system"), "", r"metrics\.0\.system = '': no system: there are rgb-gan"),
    ((*METRIC, "metric"), "", r"metrics\.0\.metric = ''"),
    ((*METRIC, "variant"), None, r"metrics\.0\.variant"),
    ((*METRIC, "split"), "../x", r"metrics\.0\.split"),
    ((*METRIC, "valeu"), 1.0, r"metrics\.0\.valeu"),
    ((*METRIC, "seconds"), float("nan"), "NaN"),
    (("metrics",), None, "metrics = None"),
    (("metrics",), {}, "metrics"),
    (("chapter",), "../../x", r"chapter = '\.\./\.\./x'"),
    (("preset",), "demo", "preset is 'demo', its parameters say otherwise"),
    (("dataset",), "camvid", "dataset is 'camvid'"),
    (("seed",), 7, "seed is 7"),
    (("seed",), "0", "seed = '0'"),
    (("configuration",), "x", "configuration = 'x'"),
    (("data",), "x", "data = 'x'"),
    (("parameters",), {}, r"parameters\.data_root is missing"),
    (("parameters",), [], "parameters"),
    (("seconds",), -1, "seconds = -1"),
    (("created",), "yesterday", "created = 'yesterday'"),
    (("device",), "", "device = ''"),
    (("code",), None, "code = None"),
    (("codes",), "abc", "codes = 'abc'"),
    (("seeds",), [{"values": {"0": None}}], r"seeds\.0"),
]


def changed(record: dict, place: tuple, value) -> str:
    record = json.loads(json.dumps(record))
    inner = record
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return json.dumps(record)


@pytest.mark.parametrize(("place", "value", "fault"), FAULTS, ids=str)
def test_faults_are_named_and_never_gathered_or_kept(place, value, fault, tmp_path):
    run, record = finished()
    root = tmp_path / "reference"
    target, _ = runs.keep(run.folder, root)
    before = runs.gather(root).read_text()
    for folder in (run.folder, target):
        (folder / "record.json").write_text(changed(record, place, value))
    with pytest.raises(RunError, match=rf"(?s){re.escape(str(target))}/record\.json.*{fault}.*(R|r)un"):
        runs.gather(root)
    with pytest.raises(RunError, match=f"(?s){re.escape(str(run.folder))}.*{fault}"):
        runs.keep(run.folder, root)
    assert (root / "results.csv").read_text() == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"x"', "{}", "\xff", "[" * 100_000, '{"seed": 1e999}'], ids=lambda t: t[:9]
)
def test_what_is_no_record_at_all(text, tmp_path):
    path = tmp_path / "record.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError, match=r"record\.json"):
        records.read_record(path)


def test_two_values_of_one_metric_are_refused(tmp_path):
    run, record = finished()
    (run.folder / "record.json").write_text(json.dumps({**record, "metrics": record["metrics"] * 2}))
    with pytest.raises(RunError, match=r"two values of palette_kl of semantic-palette \(full, val\)"):
        records.read_record(run.folder / "record.json")


def test_older_and_later_records_read(tmp_path):
    run, record = finished()
    path = run.folder / "record.json"
    optional = ("data", "codes", "same_as", "places", "seeds", "versions", "threads", "peak_memory", "commit", "dirty")
    path.write_text(json.dumps({name: value for name, value in record.items() if name not in optional}))
    assert "codes" not in records.read_record(path)
    path.write_text(json.dumps({**record, "weather": "fine"}))
    assert records.read_record(path)["weather"] == "fine"


def test_a_run_goes_on_beside_a_damaged_record_of_another_seed(tmp_path, monkeypatch):
    reference = tmp_path / "reference"
    for module in (records, runs, ablation, results):
        monkeypatch.setattr(module, "reference_root", lambda: reference)
    runs.keep(finished(seed=3)[0].folder, reference)
    bad = [
        finished(seed=0)[0].folder / "record.json",
        runs.keep(finished(seed=1)[0].folder, reference)[0] / "record.json",
    ]
    for path in bad:
        path.write_text("{")
    here = runs.run_folder("05_semantic_palette", "smoke", {"seed": 1})
    (here / "record.json").unlink()
    with pytest.warns(UserWarning, match="left out") as caught:
        _, record = finished(seed=2)
    said = " ".join(str(warning.message) for warning in caught)
    assert all(f"left out: cannot read {path}" in said for path in bad)
    assert set(record["places"]) == {"2", "3"}
    for reader in (
        lambda: runs.reference_run("05_semantic_palette", "toy-street"),
        lambda: results.reference_table("05_semantic_palette", ["palette_kl"]),
        lambda: list(runs.records_under(records.runs_root())),
    ):
        with pytest.warns(UserWarning, match="left out"):
            reader()
    with pytest.raises(RunError, match=re.escape(str(bad[1]))):
        runs.gather(reference)
    with pytest.raises(RunError, match=re.escape(str(bad[0]))):
        start(seed=0)  # its own folder's


def test_a_damaged_kept_record_is_replaced_by_a_whole_one(tmp_path):
    run, record = finished()
    target, _ = runs.keep(run.folder, tmp_path / "reference")
    (target / "record.json").write_text("{")
    with pytest.warns(UserWarning, match="left out"):
        keeping.keep(run.folder, tmp_path / "reference")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs.gather(tmp_path / "reference")
    assert records.read_record(target / "record.json") == record


@pytest.mark.parametrize("text", ['"abc"', "{}", "[1]", "[", '[""]'])
def test_a_damaged_list_of_codes_is_named(text):
    run = start()
    (run.folder / "codes.json").write_text(text)
    with pytest.raises(RunError, match=r"codes\.json.*(M|m)ove its folder away"):
        start()


@pytest.mark.parametrize("text", ["[]", "3", "{", '{"seed": NaN}'])
def test_damaged_parameters_are_named(text):
    run = start()
    (run.folder / "parameters.json").write_text(text)
    with pytest.raises(RunError, match=r"parameters\.json.*(M|m)ove its folder away"):
        start()
