"""Tables 1 to 5 of CLVAE: their rows, each a painter with codes of styles, and the tables that their records make.

Imports no torch, so that the run graph can use it. Chapter: Many pictures from one layout.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sempal_lib import ablation
from sempal_lib.ablation import Study
from sempal_lib.parameters import StyleParameters
from sempal_lib.records import RunError
from sempal_lib.tables import Table

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


def row_beside(parameters: StyleParameters, row: str) -> StyleParameters:
    """The parameters of another row on the same data and budget, such as "gaugan-vae", the baseline."""
    return parameters.model_copy(update=row_parameters(row))


def named(row: str) -> tuple[str, str]:
    """A row's system and variant, as its numbers stand in the records."""
    system, _, variant = row.partition("+")
    return system, variant or "full"


STUDY = Study("table of styles", CHAPTER, ROWS, row_parameters, named, {}, frozenset({"baseline"}), "gaugan-vae")


def row_of(parameters: StyleParameters) -> str:
    """The row that parameters train. Raises RunError where they are of none, as with two switches at once."""
    return STUDY.required_row(parameters, "change one of layers, class_wise, layer_wise and kl_weight at a time")


def rows_of_runs(parameters: StyleParameters) -> dict[str, list[dict[str, Any]]]:
    """Records of every row, see `ablation.rows_of_runs`."""
    return ablation.rows_of_runs(parameters, STUDY)


def values(runs: Runs) -> dict[str, dict[str, dict[str, float]]]:
    """Row to metric to its values by seed."""
    return ablation.values(runs, STUDY)


def styles_table(runs: Runs, metrics: Mapping[str, str], datasets: Sequence[str], rows: Sequence[str] = ROWS) -> Table:
    """`ablation.study_table` of these rows."""
    return ablation.study_table(runs, metrics, datasets, STUDY, rows)


def verdicts(runs: Runs, claims: Mapping[str, tuple[str, str, str]]) -> Table:
    """`ablation.verdicts` of these rows."""
    return ablation.verdicts(runs, claims, STUDY)
