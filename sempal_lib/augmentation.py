"""Table 3: its rows, each a choice of what a segmenter learns from, and the tables that their records make.

Imports no torch, so that the run graph can use it. Chapter: Does synthetic data help?
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sempal_lib import ablation
from sempal_lib.ablation import Study, pairs_of, paper_value
from sempal_lib.parameters import AugmentationParameters
from sempal_lib.record_model import metric_of
from sempal_lib.records import RunError, records_under, reference_root, runs_root
from sempal_lib.results import Comparison, compare
from sempal_lib.settings import PAIRS_FROM
from sempal_lib.tables import NOTHING, Table, mean_and_spread, number

CHAPTER = "14_data_augmentation"
_SWITCHES = {"judged": ("labels", "judge", "own"), "da": ("adapt", True, False), "aug": ("augment", True, False),
             "copy-paste": ("copy_paste", True, False)}  # fmt: skip
PAPERS = (
    "real", "real+semi", "real+syn-sbgan", "real+syn", "real+syn+da", "real+part", "real+part+da",
)  # of its Table 3, in its order  # fmt: skip
CONTROLS = ("real+aug", "real+copy-paste", "real+aug+copy-paste")
TOGETHER = tuple(f"{row}{extra}" for row in ("real+semi", "real+syn", "real+part") for extra in ("+aug", "+copy-paste"))
SWAPPED = ("real+semi+judged", "real+syn+judged", "real+part+judged", "real+more")
ROWS = (*PAPERS, *CONTROLS, *TOGETHER, *SWAPPED)


def row_parameters(row: str) -> dict[str, Any]:
    """The parameters of a row, from its name: "real", what is beside it, and switches, joined by +.

    Raises RunError for a name that is none.
    """
    parts = row.split("+")[1:]
    kinds = [part for part in parts if part in PAIRS_FROM and part != "none"]
    values = {name: on if part in parts else off for part, (name, on, off) in _SWITCHES.items()}
    values = {"synthetic": kinds[0] if kinds else "none", **values, "baseline": False}
    if name_of(values) != row:
        raise RunError(
            f"the augmentation has no row {row!r}: write real, then at most one of {', '.join([*PAIRS_FROM][1:])}, "
            f"then any of {', '.join(_SWITCHES)}, joined by +"
        )
    return values


def name_of(values: Mapping[str, Any]) -> str:
    """The row of parameters, by its name; any choice of the switches has one."""
    kind = [] if values["synthetic"] == "none" else [values["synthetic"]]
    switches = [part for part, (name, on, _) in _SWITCHES.items() if values[name] == on]
    return "+".join(["real", *kind, *switches])


def needed_chapters(parameters: AugmentationParameters) -> list[str]:
    """The chapters whose generators make the pairs of a run."""
    return PAIRS_FROM[parameters.synthetic]


STUDY = Study(
    "augmentation", CHAPTER, ROWS, row_parameters, lambda row: ("segmenter", row), {}, frozenset({"baseline"}), "real"
)


def rows_of_runs(
    parameters: AugmentationParameters, scenes: int | None = None, steps: int | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Records of every row, see `ablation.rows_of_runs`.

    Args:
        scenes, steps: another number of real pairs, and of steps, than the parameters'.
    """
    given = {"train_scenes": scenes, "segmenter_steps": steps}
    changed = parameters.model_copy(update={key: value for key, value in given.items() if value is not None})
    return ablation.rows_of_runs(changed, STUDY)


def by_scenes(parameters: AugmentationParameters) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """`rows_of_runs` by the number of real pairs, of all numbers that have run on the data set; the fewest first.

    Of one number those with the most steps. Where all are taken (`train_scenes` None), the number is 0.
    """
    mine, steps = parameters.model_dump(mode="json"), dict[int, int]()
    for root in (reference_root(), runs_root()):
        for _, record in records_under(root / parameters.preset / CHAPTER):
            theirs = record["parameters"]
            if all(theirs.get(name) == mine[name] for name in ("dataset", "height")):
                scenes = theirs["train_scenes"] or 0
                steps[scenes] = max(steps.get(scenes, 0), theirs["segmenter_steps"])
    return {scenes: rows_of_runs(parameters, scenes, steps[scenes]) for scenes in sorted(steps)}


def published_table(datasets: Sequence[str] = ("cityscapes", "cityscapes-25k", "idd")) -> Table:
    """The paper's Table 3: mIoU and mIoU* of each row, and by how much they are above or below `real`."""
    body = []
    for row in PAPERS:
        cells = []
        for dataset in datasets:
            for metric in ("miou", "miou_all"):
                value, real = (paper_value(name, metric, dataset, STUDY) for name in (row, "real"))
                change = 0.0 if value is None or real is None else value - real
                sign = (
                    "" if row == "real" else f" {'↑' if change > 0 else '↓' if change < 0 else '='} {abs(change):.3f}"
                )
                cells.append(f"{number(value)}{sign}")
        body.append((row, *cells))
    header = ("row", *(f"{name}{metric}" for name in datasets for metric in (" mIoU", ", mIoU*")))
    return Table(header, tuple(body), {})


def values(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Row to metric to its values by seed."""
    return ablation.values(runs, STUDY)


def gain(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], row: str, metric: str = "miou", over: str = "real"
) -> Comparison:
    """`results.Comparison` of a row with another one, seed by seed: positive where the row is better."""
    return compare(*pairs_of(runs, metric, over, row, STUDY))


def arrow(found: Comparison) -> str:
    """A gain as the paper's tables show it: "↑ 0.012 [0.003, 0.021]"; ↔ where zero is in the interval."""
    if not found.seeds:
        return NOTHING
    sign = {"holds": "↑", "does not hold": "↓"}.get(found.verdict, "↔")
    return f"{sign if found.seeds > 1 else '?'} {found.interval}"


def augmentation_table(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], rows: Sequence[str], dataset: str = "cityscapes"
) -> Table:
    """Table 3: mIoU and mIoU* of each row, its gain over `real` by pairs of seeds, and the paper's mIoU and gain."""
    ours, body = values(runs), []
    for row in rows:
        cells = [mean_and_spread(list(ours[row].get(metric, {}).values())) for metric in ("miou", "miou_all")]
        change = NOTHING if row == "real" else arrow(gain(runs, row))
        stated, real = (paper_value(name, "miou", dataset, STUDY) for name in (row, "real"))
        theirs = NOTHING if stated is None else number(stated)
        if stated is not None and real is not None and row != "real":
            theirs += f" {'↑' if stated > real else '↓'} {abs(stated - real):.3f}"
        places = ", ".join(sorted({record["place"] for record in runs[row]}))
        seeds = len(ours[row].get("miou", {}))
        body.append((row, *cells, change, theirs, str(seeds) if seeds else NOTHING, places or NOTHING))
    header = ("row", "mIoU", "mIoU*", "against real", f"paper, {dataset}", "seeds", "runs")
    return Table(header, tuple(body), {})


def class_values(runs: Mapping[str, Sequence[Mapping[str, Any]]], row: str, names: Sequence[str]) -> list[float]:
    """Mean IoU over the seeds of each class by name; NaN for a class that no scene shows."""
    found = values(runs)[row]
    means = (list(found.get(metric_of(name), {}).values()) for name in names)
    return [sum(each) / len(each) if each else float("nan") for each in means]


def class_table(runs: Mapping[str, Sequence[Mapping[str, Any]]], rows: Sequence[str]) -> Table:
    """Mean IoU of each class by row, the best of the first row on top; ↑ or ↓ as `arrow` has it, against that row."""
    ours, body = values(runs), list[tuple[float, tuple[str, ...]]]()
    for metric in {name for row in rows for name in ours[row] if name.startswith("iou_")}:
        cells, means = [metric.removeprefix("iou_").replace("_", " ")], []
        for row in rows:
            found = list(ours[row].get(metric, {}).values())
            means.append(sum(found) / len(found) if found else float("nan"))
            sign = arrow(gain(runs, row, metric, rows[0]))[0] if row != rows[0] else ""
            cells.append(f"{number(means[-1])} {sign}".rstrip(" ↔?–") or NOTHING)
        body.append((-means[0], tuple(cells)))
    return Table(("class", *rows), tuple(row for _, row in sorted(body)), {})


def group_values(runs: Mapping[str, Sequence[Mapping[str, Any]]], row: str, names: Sequence[str]) -> dict[str, float]:
    """Mean IoU over some classes, by seed; a class that a seed's scenes do not show is left out of its mean."""
    found = values(runs)[row]
    classes = [found.get(metric_of(name), {}) for name in names]
    by_seed = {seed: [each[seed] for each in classes if seed in each] for seed in found.get("miou", {})}
    return {seed: sum(each) / len(each) for seed, each in by_seed.items() if each}


def group_table(runs: Mapping[str, Sequence[Mapping[str, Any]]], names: Sequence[str]) -> Table:
    """Mean IoU over some classes of each row that has run, and its gain over `real`."""
    found, body = {row: group_values(runs, row, names) for row in runs}, []
    for row in [row for row in runs if found[row]]:
        change = NOTHING if row == "real" else arrow(compare(found["real"], found[row]))
        body.append((row, mean_and_spread(list(found[row].values())), change, str(len(found[row]))))
    return Table(("row", f"mean IoU of {len(names)} classes", "against real", "seeds"), tuple(body), {})


def curves(
    fractions: Mapping[int, Mapping[str, Sequence[Mapping[str, Any]]]], rows: Sequence[str], total: int
) -> dict[str, dict[int, list[float]]]:
    """mIoU of rows by the number of real pairs, for `figures.learning_curves`. total: how many "all" (0) are."""
    return {
        row: {number or total: list(values(runs)[row].get("miou", {}).values()) for number, runs in fractions.items()}
        for row in rows
    }


def verdicts(runs: Mapping[str, Sequence[Mapping[str, Any]]], claims: Mapping[str, tuple[str, str, str]]) -> Table:
    """`ablation.verdicts` of these rows."""
    return ablation.verdicts(runs, claims, STUDY)
