"""Table 3 of LGGAN: its forms S1 to S5, each a row, and what their records say.

Imports no torch, so that the run graph can use it. Chapter: Local and global.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sempal_lib import ablation
from sempal_lib.ablation import Study
from sempal_lib.parameters import LgganParameters
from sempal_lib.records import RunError
from sempal_lib.tables import Table

CHAPTER = "10_lggan"
FORMS = ("s1", "s2", "s3", "s4", "s5")  # of the paper, in its order
RELEASED, LIGHT = "s5+released", "s5+light"
ROWS = (*FORMS, RELEASED, LIGHT)
GAUGAN = "gaugan"  # no form: a run of S5 trains it beside, on the same budget
# What a row's name says after the form's.
_SWITCHES: dict[str, dict[str, Any]] = {"released": {"released": True}, "light": {"classification_weight": 0.05}}
Runs = Mapping[str, Sequence[Mapping[str, Any]]]


def row_parameters(row: str) -> dict[str, Any]:
    """The parameters of a row, from its name: a form, and one switch that it has been given, if any.

    Raises RunError for a name that is none.
    """
    if row not in ROWS:
        raise RunError(f"the table of LGGAN's forms has no row {row!r}: the rows are {', '.join(ROWS)}")
    form, _, switch = row.partition("+")
    values = {"form": form, "joining": None, "released": False, "classification_weight": 1.0}
    return {**values, **_SWITCHES.get(switch, {}), "baseline": row == "s5"}


def named(row: str) -> tuple[str, str]:
    """A row's system and variant, as its numbers stand in the records; S5 is LGGAN in full."""
    return (GAUGAN, "full") if row == GAUGAN else ("lggan", "full" if row == "s5" else row)


STUDY = Study("table of LGGAN's forms", CHAPTER, ROWS, row_parameters, named, {"s5": GAUGAN}, frozenset({"baseline"}))


def row_of(parameters: LgganParameters) -> str:
    """The row that parameters train. Raises RunError where they are of none."""
    return STUDY.required_row(
        parameters, "leave joining out, and change only one of released and classification_weight"
    )


def rows_of_runs(parameters: LgganParameters) -> dict[str, list[dict[str, Any]]]:
    """Records of every row, see `ablation.rows_of_runs`."""
    return ablation.rows_of_runs(parameters, STUDY)


def values(runs: Runs) -> dict[str, dict[str, dict[str, float]]]:
    """Row to metric to its values by seed."""
    return ablation.values(runs, STUDY)


def table(runs: Runs, metrics: Mapping[str, str], rows: Sequence[str] = (GAUGAN, *ROWS)) -> Table:
    """`ablation.study_table` of these rows, beside the paper's numbers on Cityscapes."""
    return ablation.study_table(runs, metrics, ("cityscapes",), STUDY, rows)


def verdicts(runs: Runs, claims: Mapping[str, tuple[str, str, str]]) -> Table:
    """`ablation.verdicts` of these rows."""
    return ablation.verdicts(runs, claims, STUDY)
