"""From run records to the tables and verdicts of a chapter. No number in them is typed."""

import csv
import math
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sempal_lib.records import SPEEDS, records_under, reference_root
from sempal_lib.tables import Table, mean_and_spread, number


@cache
def published() -> dict[tuple[str, str, str, str], tuple[float, str]]:
    """The papers' numbers: (system, variant, dataset, metric) to (value, where it stands), from reference/paper.csv."""
    with open(reference_root() / "paper.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (r["system"], r["variant"], r["dataset"], r["metric"]): (float(r["value"]), r["source"]) for r in rows
    }


def comparison(
    record: Mapping[str, Any], paper_dataset: str, metrics: Sequence[str], rows_of: Sequence[str] | None = None
) -> Table:
    """The paper's numbers beside a record's: one row a variant; each metric ours and, where it has one, the paper's.

    Args:
        record: of a run, with `seeds`: the values of every seed of its configuration.
        paper_dataset: the data set whose published numbers are shown. metrics: columns, in order.
        rows_of: which variants, in order, by their names in `row_names`; None: all that have one of the metrics.
    """
    every = {(r["system"], r["variant"], r["metric"]): _values(r, record["seed"]) for r in record["seeds"]}
    ours = {key: values for key, values in every.items() if key[2] in metrics}
    names = row_names(record)
    variants = list(dict.fromkeys((system, variant) for system, variant, _ in ours))
    if rows_of is not None:
        variants = sorted((v for v in variants if names[v] in rows_of), key=lambda v: rows_of.index(names[v]))
    paper = {
        (*v, m): published()[*v, paper_dataset, m][0]
        for v in variants
        for m in metrics
        if (*v, paper_dataset, m) in published()
    }
    with_paper = {metric for _, _, metric in paper}
    measured = {metric for system, variant, metric in ours if (system, variant) in variants}
    columns = [(m, "ours") for m in metrics if m in measured] + [(m, "paper") for m in metrics if m in with_paper]
    columns.sort(key=lambda column: metrics.index(column[0]))
    rows = []
    for v in variants:
        cells = [
            mean_and_spread(ours.get((*v, m), [])) if source == "ours" else number(paper.get((*v, m)))
            for m, source in columns
        ]
        mine = {seed for r in record["seeds"] if (r["system"], r["variant"]) == v for seed in r["values"]}
        rows.append((names[v], *cells, seed_text(mine, record.get("places", {}))))
    origin = {"ours": "", "paper": f", {paper_dataset} (paper)"}
    headings = (m.replace("_", " ") + origin[source] for m, source in columns)
    return Table(("variant", *headings, "seeds"), tuple(rows), {})


def _values(row: Mapping[str, Any], seed: int) -> list[float]:
    """A metric's values, one a seed; of a speed the run's own, for others ran on other machines, or on busier ones."""
    if row["metric"] in SPEEDS:
        return [value for name, value in row["values"].items() if name == str(seed)]
    return list(row["values"].values())


def seed_text(seeds: Collection[str], places: Mapping[str, str]) -> str:
    """Which seeds numbers are of, by where their records lie: "0 here; 1–5 kept".

    Args:
        places: seed to "here", "kept" (committed) or "kept, older code"; a seed without a place is here.
    """
    groups: dict[str, list[list[int]]] = {}
    for seed in sorted(map(int, seeds)):
        stretches = groups.setdefault(places.get(str(seed), "here"), [])
        if stretches and seed == stretches[-1][-1] + 1:
            stretches[-1].append(seed)
        else:
            stretches.append([seed])
    texts = {
        place: ", ".join(f"{x[0]}–{x[-1]}" if len(x) > 2 else ", ".join(map(str, x)) for x in stretches)
        for place, stretches in groups.items()
    }
    return "; ".join(f"{text} {place}" for place, text in texts.items())


def row_names(record: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """What each (system, variant) of a record is called in a table: its form; its system where there are several."""
    pairs = dict.fromkeys((row["system"], row["variant"]) for row in record["seeds"])
    if len({system for system, _ in pairs}) == 1:
        return {pair: pair[1] for pair in pairs}
    return {pair: pair[0] if pair[1] == "full" else " ".join(pair) for pair in pairs}


def reference_table(
    chapter: str, metrics: Sequence[str], variants: Sequence[str] = ("full", "exact"), root: Path | None = None
) -> Table:
    """The committed runs of a chapter: one row a configuration, mean ± spread over its seeds.

    Args:
        metrics: columns, each once a variant that has it. variants: by their names in `row_names`.
        root: of the reference runs, the repository's if None.
    """
    groups: dict[tuple, list[dict[str, Any]]] = {}
    for _, record in records_under(root or reference_root()):
        if record["chapter"] == chapter:
            key = record["dataset"], record["preset"], record["parameters"]["height"], record["configuration"]
            groups.setdefault(key, []).append(record)
    everything = [record for records in groups.values() for record in records]
    columns = [(v, m) for m in metrics for v in variants if any(_value(r, v, m) is not None for r in everything)]
    rows = []
    for (dataset, preset, height, configuration), records in sorted(groups.items()):
        values = [[_value(r, *column) for r in records] for column in columns]
        cells = (mean_and_spread([v for v in found if v is not None]) for found in values)
        hours = sum(r["seconds"] for r in records) / 3600 / len(records)
        rows.append((dataset, preset, f"{height} px", str(len(records)), *cells, f"{hours:.2f}", configuration))
    names = (f"{m.replace('_', ' ')}, {v}" for v, m in columns)
    header = ("data", "preset", "height", "seeds", *names, "hours a seed", "run")
    return Table(header, tuple(rows), {})


def _value(record: Mapping[str, Any], variant: str, metric: str) -> float | None:
    names = row_names({"seeds": record["metrics"]})
    found = [
        m["value"] for m in record["metrics"] if names[m["system"], m["variant"]] == variant and m["metric"] == metric
    ]
    return found[0] if found else None


def verdict(better: Sequence[float], worse: Sequence[float]) -> str:
    """Whether the first of two sets of numbers, one a seed, is lower: "holds", "does not hold" or "undecided".

    Decided only if the gap of the means exceeds the sum of both sample standard deviations. One seed has no spread,
    and decides nothing.
    """
    if min(len(better), len(worse)) < 2:
        return "undecided (one seed)"
    gap = float(np.mean(worse) - np.mean(better))
    spread = math.fsum(float(np.std(x, ddof=1)) for x in (better, worse))
    if abs(gap) <= spread:
        return "undecided (spreads overlap)"
    return "holds" if gap > 0 else "does not hold"


def verdicts(record: Mapping[str, Any], claims: Mapping[str, tuple[str, str, str]]) -> Table:
    """A verdict on each claim that one variant's metric is lower than another's.

    Args:
        record: with `seeds`. claims: sentence to (metric, row that should be lower, row that should not); rows by
            their names in `row_names`.
    """
    names = row_names(record)
    values = {
        (row["metric"], names[row["system"], row["variant"]]): list(row["values"].values()) for row in record["seeds"]
    }
    rows = []
    for claim, (metric, better, worse) in claims.items():
        a, b = values.get((metric, better), []), values.get((metric, worse), [])
        rows.append((claim, metric, mean_and_spread(a), mean_and_spread(b), verdict(a, b)))
    return Table(("claim", "metric", "lower", "than", "verdict"), tuple(rows), {})
