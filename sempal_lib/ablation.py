"""The ablation: its rows, each a file of parameters under runs/ablation, and the table that their records make.

Imports no torch, so that the run graph can use it. Chapter: Does the palette help?
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sempal_lib.data_folders import data_of
from sempal_lib.parameters import LayoutParameters, Parameters, row_parameters
from sempal_lib.records import SYSTEMS, RunError, code_hash, equal_codes, records_under, reference_root, runs_root
from sempal_lib.results import Comparison, compare, printed, published, verdict_table
from sempal_lib.runs import NOT_CONFIGURATION, completed
from sempal_lib.tables import NOTHING, Table, mean_and_spread

CHAPTER = "06_ablation"
# In the order of the paper's Tables 1 and 4, then ours. A name is a system's, or a form of semantic-palette.
ROWS = (
    "baseline-1", "baseline-2", "sb-gan", "saa", "saa+fusion", "saa+fusion+multiscale", "saa+fusion+multiscale+soft",
    "full", "wide", "sinkhorn-2", "sinkhorn-5",
)  # fmt: skip
# Not a training of its own: the whole, asked for exact counts.
EXACT = "exact"


def row_of(parameters: LayoutParameters) -> str | None:
    """The row that parameters train: the one whose values they all have, or None."""
    return ABLATION.row_of(parameters)


def system_and_variant(row: str) -> tuple[str, str]:
    """How a row's numbers stand in the records: its system, and which of its forms."""
    return (row, "full") if row in SYSTEMS else ("semantic-palette", row)


@dataclass(frozen=True)
class Study:
    """A table of which each run trains one row.

    Attributes:
        name: in errors. chapter: whose runs. rows: in order.
        of_row: a row's parameters, which tell it from the others; each row names the same ones.
        named: how a row's numbers stand in the records, see `system_and_variant`.
        also: row to another one that its runs measure too, which none trains for itself.
        free: of the row's parameters those that change nothing that is measured of it.
        baseline: the row that runs of others may train and measure beside theirs; "" for none.
    """

    name: str
    chapter: str
    rows: tuple[str, ...]
    of_row: Callable[[str], dict[str, Any]]
    named: Callable[[str], tuple[str, str]]
    also: Mapping[str, str]
    free: frozenset[str] = frozenset()
    baseline: str = ""

    def row_of(self, parameters: Parameters) -> str | None:
        """The row that parameters train: the one whose values they all have, or None."""
        for name in self.rows:
            wanted = {key: value for key, value in self.of_row(name).items() if key not in self.free}
            if all(getattr(parameters, key) == value for key, value in wanted.items()):
                return name
        return None

    def required_row(self, parameters: Parameters, advice: str) -> str:
        """`row_of`, or a RunError that says what to change, by `advice`, where they are of none."""
        row = self.row_of(parameters)
        if row is None:
            raise RunError(
                f"these parameters are of no row of the table: {advice}; the rows are {', '.join(self.rows)}"
            )
        return row

    def switches(self) -> set[str]:
        """Names of the parameters that tell rows from each other."""
        return {key for name in self.rows for key in self.of_row(name)}

    def home(self, row: str) -> str:
        """The row whose runs measure a row."""
        return next((name for name, other in self.also.items() if other == row), row)


ABLATION = Study("ablation", CHAPTER, ROWS, row_parameters, system_and_variant, {"full": EXACT})


def rows_of_runs(parameters: Parameters, study: Study = ABLATION) -> dict[str, list[dict[str, Any]]]:
    """Records of every row with the present data, preset and schedule, one a seed.

    A seed's record is this machine's if the present code made it, else a committed one, whose code may be older. Of
    the study's baseline those of runs that trained it beside theirs count too, where it has no run of its own.

    Returns:
        Row name to its records, in the order of the study's and of their seeds; rows without a record have an empty
        list. To each record are added its `place`, "here", "kept", or "kept, older code" unless that code is known to
        give the same numbers, and `equal_codes`, the codes that do.
    """
    mine, wanted, data = parameters.model_dump(mode="json"), _common(parameters, study), data_of(parameters)
    found: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in study.rows}
    kept = [record for _, record in records_under(reference_root() / mine["preset"] / study.chapter)]
    for place, root in (("kept", reference_root()), ("here", runs_root())):
        for _, record in records_under(root / mine["preset"] / study.chapter):
            theirs = completed(study.chapter, record["parameters"])
            if any(theirs.get(key) != mine[key] for key in wanted) or set(theirs) != set(mine):
                continue
            if data is not None and record.get("data") != data:  # where the data are not at hand, any will do
                continue
            row = study.row_of(type(parameters).model_validate({**theirs, "data_root": None}, strict=False))
            if row is not None and (place == "kept" or record["code"] == code_hash()):
                equal = equal_codes(kept, study.chapter, record["code"])
                where = place if code_hash() in equal else f"{place}, older code"
                found[row][record["seed"]] = {**record, "place": where, "equal_codes": equal}
    for seed, record in [pair for records in found.values() for pair in records.items()] if study.baseline else ():
        if any((metric["system"], metric["variant"]) == study.named(study.baseline) for metric in record["metrics"]):
            found[study.baseline].setdefault(seed, record)
    return {row: [records[seed] for seed in sorted(records)] for row, records in found.items()}


def _common(parameters: Parameters, study: Study) -> list[str]:
    """Names of the parameters in which all rows of one table agree."""
    return [key for key in type(parameters).model_fields if key not in {*study.switches(), *NOT_CONFIGURATION, "seed"}]


def values(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], study: Study = ABLATION
) -> dict[str, dict[str, dict[str, float]]]:
    """Row name to metric to its values by seed; the exact form of the whole is a row of its own."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for name, records in runs.items():
        for row in (name, study.also[name]) if name in study.also else (name,):
            for record in sorted(records, key=lambda record: record["seed"]):
                for metric in record["metrics"]:
                    if (metric["system"], metric["variant"]) == study.named(row):
                        found = table.setdefault(row, {}).setdefault(metric["metric"], {})
                        found[str(record["seed"])] = metric["value"]
            table.setdefault(row, {})
    return table


def paper_value(row: str, metric: str, dataset: str = "cityscapes", study: Study = ABLATION) -> float | None:
    """The paper's number for a row, or None where it has none."""
    found = published().get((*study.named(row), dataset, metric))
    return found[0] if found else None


def paper_text(row: str, metric: str, dataset: str = "cityscapes", study: Study = ABLATION) -> str:
    """`paper_value` with the digits that the paper has, or "–"."""
    return printed(*study.named(row), dataset, metric)


def ablation_table(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], metrics: Sequence[str], rows: Sequence[str] | None = None
) -> Table:
    """One row a row of the ablation: each metric ours (mean ± spread over seeds) and the paper's on Cityscapes.

    Args:
        runs: of `rows_of_runs`. metrics: in order; each has a column for whoever has a number in one of the rows.
        rows: which, in order; all if None.
    """
    ours = values(runs)
    rows = list(rows or ours)
    columns: dict[str, list[str]] = {}
    for metric in metrics:
        name = metric.replace("_", " ")
        columns[name] = [mean_and_spread(list(ours[row].get(metric, {}).values())) for row in rows]
        columns[f"{name}, paper"] = [paper_text(row, metric) for row in rows]
    columns = {name: cells for name, cells in columns.items() if set(cells) != {NOTHING}}
    body = []
    for index, row in enumerate(rows):
        places = {record["place"] for record in runs["full" if row == EXACT else row]}
        seeds = max((len(v) for v in ours[row].values()), default=0)
        cells = (cells[index] for cells in columns.values())
        body.append((row, *cells, str(seeds) if seeds else NOTHING, ", ".join(sorted(places)) or NOTHING))
    return Table(("row", *columns, "seeds", "runs"), tuple(body), {})


def study_table(
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    metrics: Mapping[str, str],
    datasets: Sequence[str],
    study: Study,
    rows: Sequence[str] = (),
) -> Table:
    """Our numbers, mean ± spread over seeds, and the paper's beside them; rows and columns without any are left out.

    Args:
        runs: of `rows_of_runs`. metrics: each of ours to the paper's name of it, or "". datasets: of the paper's.
        rows: which, in order; none: all.
    """
    rows, ours, columns = rows or study.rows, values(runs, study), dict[str, list[str]]()
    for metric, theirs in metrics.items():
        columns[metric.replace("_", " ")] = [mean_and_spread(list(ours[row].get(metric, {}).values())) for row in rows]
        for dataset in datasets:
            name = f"{theirs.replace('_', ' ')}, {dataset}"
            columns[name] = [paper_text(row, theirs, dataset, study) for row in rows]
    columns = {name: cells for name, cells in columns.items() if set(cells) != {NOTHING}}
    body = []
    for index, row in enumerate(rows):
        cells = [column[index] for column in columns.values()]
        seeds = max((len(found) for found in ours[row].values()), default=0)
        places = ", ".join(sorted({record["place"] for record in runs[study.home(row)]}))
        if set(cells) != {NOTHING}:
            body.append((row, *cells, str(seeds) if seeds else NOTHING, places or NOTHING))
    return Table(("row", *columns, "seeds", "runs"), tuple(body), {})


def figure_rows(runs: Mapping[str, Sequence[Mapping[str, Any]]], metrics: Sequence[str]) -> list[dict[str, Any]]:
    """The rows as `figures.ablation_dots` draws them: name, values by metric, and the paper's number by metric."""
    return [
        {
            "name": row,
            "values": {metric: list(found.get(metric, {}).values()) for metric in metrics},
            "paper": {metric: paper_value(row, metric) for metric in metrics},
        }
        for row, found in values(runs).items()
    ]


def compared(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], metric: str, lower: str, higher: str, study: Study = ABLATION
) -> Comparison:
    """`results.compare` of two rows, on the seeds that both have by equal code."""
    return compare(*pairs_of(runs, metric, lower, higher, study))


def pairs_of(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], metric: str, lower: str, higher: str, study: Study = ABLATION
) -> list[dict[str, float]]:
    """Values of two rows by seed, without the seeds whose two records are of codes that are not known to be equal.

    Of such a pair one half was made before a change of the method and one after: it would show that change.
    """
    records = [{str(r["seed"]): r for r in runs[study.home(row)]} for row in (lower, higher)]
    both = records[0].keys() & records[1].keys()
    unlike = {seed for seed in both if records[0][seed]["code"] not in records[1][seed]["equal_codes"]}
    ours = values(runs, study)
    return [{s: v for s, v in ours[row].get(metric, {}).items() if s not in unlike} for row in (lower, higher)]


def verdicts(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], claims: Mapping[str, tuple[str, str, str]], study: Study
) -> Table:
    """`results.verdict_table` of claims: sentence to (metric, row that should be lower, row that should be higher)."""
    pairs = {claim: pairs_of(runs, metric, low, high, study) for claim, (metric, low, high) in claims.items()}
    return verdict_table([(claim, claims[claim][0], first, second) for claim, (first, second) in pairs.items()])


def orderings(runs: Mapping[str, Sequence[Mapping[str, Any]]], claims: Sequence[tuple[str, str, str]]) -> Table:
    """For each of the paper's orderings, whether our records show it.

    Args:
        claims: (metric, row that the paper has lower, row that it has higher).
    Returns:
        `results.verdict_table`, of each seed only where both rows are of equal code; a claim says the paper's two
        numbers where it has them.
    """
    body = []
    for metric, lower, higher in claims:
        stated = [paper_text(row, metric) for row in (lower, higher)]
        paper = "" if NOTHING in stated else f" (paper: {' < '.join(stated)})"
        claim = f"{lower} < {higher}{paper}"
        first, second = pairs_of(runs, metric, lower, higher)
        body.append((claim, metric, first, second))
    return verdict_table(body)
