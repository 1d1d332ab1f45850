"""Tables 1 and 2 of LGGAN: its cross-view systems, each a row, and what their records say.

Imports no torch, so that the run graph can use it. Chapter: From the air to the ground.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sempal_lib import ablation
from sempal_lib.ablation import Study
from sempal_lib.parameters import CrossViewParameters
from sempal_lib.records import RunError
from sempal_lib.tables import Table

CHAPTER = "11_cross_view"
BASELINE = "pix2pix++"
ROWS = ("pix2pix", "x-fork", "x-seq", BASELINE, "x-fork++", "x-seq++", "selectiongan", "lggan")
Runs = Mapping[str, Sequence[Mapping[str, Any]]]


def row_parameters(row: str) -> dict[str, Any]:
    """The parameters of a row. LGGAN's run trains the baseline beside. Raises RunError for a name that is none."""
    if row not in ROWS:
        raise RunError(f"the table of cross-view systems has no row {row!r}: the rows are {', '.join(ROWS)}")
    return {"system": row, "baseline": row == "lggan"}


def named(row: str) -> tuple[str, str]:
    """A row's system and variant, as its numbers stand in the records; "++" is the form that is told the layout."""
    system, told, _ = row.partition("++")
    return system, "told-layout" if told else "full"


STUDY = Study(
    "table of cross-view systems", CHAPTER, ROWS, row_parameters, named, {}, frozenset({"baseline"}), BASELINE
)


def rows_of_runs(parameters: CrossViewParameters, direction: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Records of every row, see `ablation.rows_of_runs`; of another direction where one is given."""
    changes = {} if direction is None else {"direction": direction}
    return ablation.rows_of_runs(parameters.model_copy(update=changes), STUDY)


def table(runs: Runs, metrics: Mapping[str, str], datasets: Sequence[str] = ()) -> Table:
    """`ablation.study_table` of these rows, beside the paper's numbers on `datasets`."""
    return ablation.study_table(runs, metrics, datasets, STUDY, ROWS)


def verdicts(runs: Runs, claims: Mapping[str, tuple[str, str, str]]) -> Table:
    """`ablation.verdicts` of these rows."""
    return ablation.verdicts(runs, claims, STUDY)
