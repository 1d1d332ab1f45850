"""Tables 1 to 5 of CLVAE: their rows, each a painter with codes of styles, and the tables that their records make.

Imports no torch, so that the run graph can use it. Chapter: Many pictures from one layout.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sempal_lib import ablation
from sempal_lib.ablation import Study, pairs_of, paper_value
from sempal_lib.parameters import StyleParameters
from sempal_lib.records import RunError
from sempal_lib.results import verdict_table
from sempal_lib.tables import NOTHING, Table, mean_and_spread, number

CHAPTER = "12_class_layer_vae"
RIVALS = ("gaugan-vae", "gaugan-vae+weak-kl", "groupdnet", "cimle")
FORMS = ("clvae+no-classes", "clvae+no-layers", *(f"clvae+layers-{number}" for number in range(1, 6)))
ROWS = ("clvae", *RIVALS, *FORMS)
# What a row's name says after the system's, beside "layers-" and a number.
_SWITCHES: dict[str, dict[str, Any]] = {
    "weak-kl": {"kl_weight": 0.0005}, "no-classes": {"class_wise": False}, "no-layers": {"layer_wise": False},
}  # fmt: skip
Runs = Mapping[str, Sequence[Mapping[str, Any]]]


def row_parameters(row: str) -> dict[str, Any]:
    """The parameters of a row, from its name: a system, and one switch that it has been given, if any.

    Raises RunError for a name that is none.
    """
    if row not in ROWS:
        raise RunError(f"the table of styles has no row {row!r}: the rows are {', '.join(ROWS)}")
    system, switch = named(row)
    values = {"system": system, "layers": None, "class_wise": True, "layer_wise": True, "kl_weight": 0.05}
    more = {"layers": int(switch[-1])} if switch.startswith("layers-") else _SWITCHES.get(switch, {})
    return {**values, **more, "baseline": False}


def named(row: str) -> tuple[str, str]:
    """A row's system and variant, as its numbers stand in the records."""
    system, _, variant = row.partition("+")
    return system, variant or "full"


STUDY = Study("table of styles", CHAPTER, ROWS, row_parameters, named, {}, frozenset({"baseline"}))


def row_of(parameters: StyleParameters) -> str:
    """The row that parameters train. Raises RunError where they are of none, as with two switches at once."""
    row = STUDY.row_of(parameters)
    if row is None:
        raise RunError(
            "these parameters are of no row of the table: change one of layers, class_wise, layer_wise and kl_weight "
            f"at a time; the rows are {', '.join(ROWS)}"
        )
    return row


def rows_of_runs(parameters: StyleParameters) -> dict[str, list[dict[str, Any]]]:
    """Records of every row, see `ablation.rows_of_runs`; of gaugan-vae also those of runs that trained it beside."""
    runs = ablation.rows_of_runs(parameters, STUDY)
    own = {record["seed"] for record in runs["gaugan-vae"]}
    for record in [record for row in ROWS if row != "gaugan-vae" for record in runs[row]]:
        if record["seed"] not in own and any(STUDY.named("gaugan-vae") == _of(metric) for metric in record["metrics"]):
            runs["gaugan-vae"].append(record)
            own.add(record["seed"])
    return runs


def _of(metric: Mapping[str, Any]) -> tuple[str, str]:
    return metric["system"], metric["variant"]


def values(runs: Runs) -> dict[str, dict[str, dict[str, float]]]:
    """Row to metric to its values by seed."""
    return ablation.values(runs, STUDY)


def styles_table(runs: Runs, metrics: Mapping[str, str], datasets: Sequence[str], rows: Sequence[str] = ROWS) -> Table:
    """Our numbers, mean ± spread over seeds, and the paper's beside them; rows and columns without any are left out.

    Args:
        runs: of `rows_of_runs`. metrics: each of ours to the paper's name of it, or "". datasets: of the paper's.
    """
    ours, columns = values(runs), dict[str, list[str]]()
    for metric, theirs in metrics.items():
        columns[metric.replace("_", " ")] = [mean_and_spread(list(ours[row].get(metric, {}).values())) for row in rows]
        for dataset in datasets:
            name = f"{theirs.replace('_', ' ')}, {dataset}"
            columns[name] = [number(paper_value(row, theirs, dataset, STUDY)) for row in rows]
    columns = {name: cells for name, cells in columns.items() if set(cells) != {NOTHING}}
    body = []
    for index, row in enumerate(rows):
        cells = [column[index] for column in columns.values()]
        seeds = max((len(found) for found in ours[row].values()), default=0)
        places = ", ".join(sorted({record["place"] for record in runs[row]}))
        if set(cells) != {NOTHING}:
            body.append((row, *cells, str(seeds) if seeds else NOTHING, places or NOTHING))
    return Table(("row", *columns, "seeds", "runs"), tuple(body), {})


def verdicts(runs: Runs, claims: Mapping[str, tuple[str, str, str]]) -> Table:
    """`results.verdict_table` of claims: sentence to (metric, row that should be lower, row that should be higher)."""
    pairs = {claim: pairs_of(runs, metric, low, high, STUDY) for claim, (metric, low, high) in claims.items()}
    return verdict_table([(claim, claims[claim][0], first, second) for claim, (first, second) in pairs.items()])
