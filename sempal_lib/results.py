"""From run records to the tables and verdicts of a chapter. No number in them is typed."""

import csv
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sempal_lib.records import SPEEDS, by_seed, records_under, reference_root
from sempal_lib.tables import NOTHING, Table, duration, mean_and_spread, number


@cache
def _paper_rows() -> dict[tuple[str, str, str, str], tuple[str, str]]:
    """(system, variant, dataset, metric) to (value as it is printed, where it stands), from reference/paper.csv."""
    with open(reference_root() / "paper.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(r["system"], r["variant"], r["dataset"], r["metric"]): (r["value"], r["source"]) for r in rows}


@cache
def published() -> dict[tuple[str, str, str, str], tuple[float, str]]:
    """The papers' numbers: (system, variant, dataset, metric) to (value, where it stands), from reference/paper.csv."""
    return {key: (float(value), where) for key, (value, where) in _paper_rows().items()}


def printed(system: str, variant: str, dataset: str, metric: str) -> str:
    """A paper's number with the digits that it has there, or "–": three digits of ours would claim more."""
    return _paper_rows().get((system, variant, dataset, metric), (NOTHING, ""))[0]


def comparison(
    record: Mapping[str, Any], paper_dataset: str, metrics: Sequence[str], rows_of: Sequence[str] | None = None
) -> Table:
    """A record's numbers, and below those of each variant the paper's, where it has any: one column a metric.

    Args:
        record: of a run, with `seeds`: the values of every seed of its configuration.
        paper_dataset: the data set whose published numbers are shown. metrics: columns, in order; those that neither
            has are left out.
        rows_of: which variants, in order, by their names in `row_names`; None: all that have one of the metrics.
    """
    ours = {(r["system"], r["variant"], r["metric"]): _values(r, record["seed"]) for r in record["seeds"]}
    names = row_names(record)
    variants = list(dict.fromkeys((system, variant) for system, variant, metric in ours if metric in metrics))
    if rows_of is not None:
        variants = sorted((v for v in variants if names[v] in rows_of), key=lambda v: rows_of.index(names[v]))
    paper = {(*v, m): text for v in variants for m in metrics if (text := printed(*v, paper_dataset, m)) != NOTHING}
    columns = [m for m in metrics if any((*v, m) in ours or (*v, m) in paper for v in variants)]
    rows = []
    for v in variants:
        mine = {seed for r in record["seeds"] if (r["system"], r["variant"]) == v for seed in r["values"]}
        seeds = seed_text(mine, record.get("places", {}))
        rows.append((names[v], *(mean_and_spread(ours.get((*v, m), [])) for m in columns), seeds))
        if any((*v, m) in paper for m in columns):
            rows.append((f"paper, {paper_dataset}", *(paper.get((*v, m), NOTHING) for m in columns), NOTHING))
    return Table(("variant", *(m.replace("_", " ") for m in columns), "seeds"), tuple(rows), {})


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
    """The committed runs of a chapter: one row a configuration and variant, mean ± spread over its seeds.

    Args:
        metrics: columns, in order; those that no row has are left out.
        variants: rows, by their names in `row_names`; each once a configuration that has one of the metrics.
        root: of the reference runs, the repository's if None.
    Returns:
        A table; a run's training is the mean over its seeds, of all networks that it trained, and stands in its first
        row.
    """
    groups = _configurations(chapter, root)
    found = {
        (key, v): {m: [x for r in records if (x := _value(r, v, m)) is not None] for m in metrics}
        for key, records in groups.items()
        for v in variants
    }
    found = {row: values for row, values in found.items() if any(values.values())}
    columns = [m for m in metrics if any(values[m] for values in found.values())]
    rows, said = [], set()
    for (key, v), values in found.items():
        dataset, preset, height, configuration = key
        took = sum(r["seconds"] for r in groups[key]) / len(groups[key])
        seeds = str(max(map(len, values.values())))
        run = (duration(took), configuration) if key not in said else ("", "")
        rows.append(
            (f"{dataset}, {height} px, {preset}", v, *(mean_and_spread(values[m]) for m in columns), seeds, *run)
        )
        said.add(key)
    header = ("data", "variant", *(m.replace("_", " ") for m in columns), "seeds", "training", "run")
    return Table(header, tuple(rows), {})


def _configurations(chapter: str, root: Path | None) -> dict[tuple[str, str, int, str], list[dict[str, Any]]]:
    """The committed records of a chapter by data set, preset, height and configuration, in order."""
    groups: dict[tuple[str, str, int, str], list[dict[str, Any]]] = {}
    for _, record in records_under(root or reference_root()):
        if record["chapter"] == chapter:
            key = record["dataset"], record["preset"], record["parameters"]["height"], record["configuration"]
            groups.setdefault(key, []).append(record)
    return dict(sorted(groups.items()))


def reference_verdicts(
    chapter: str, metrics: Sequence[str], lower: str, higher: str, root: Path | None = None
) -> Table:
    """Verdicts on the claim that one variant is lower than another, on each committed configuration that has both.

    Configurations may differ in what neither variant depends on, as faces with and without the novelty loss share
    their painters. Such have the same values on every seed that both have, and are one row.

    Args:
        metrics: a row each. lower, higher: variants, by their names in `row_names`. root: as in `reference_table`.
    """
    rows: list[tuple[str, str, dict[str, float], dict[str, float]]] = []
    for (dataset, preset, height, _), records in _configurations(chapter, root).items():
        values = _values_by_row({"seeds": by_seed(records)})
        for metric in metrics:
            if {(metric, lower), (metric, higher)} <= values.keys():
                where = f"{dataset}, {height} px, {preset}"
                row = where, metric, dict(values[metric, lower]), dict(values[metric, higher])
                same = next((one for one in rows if one[:2] == row[:2] and _alike(one[2:], row[2:])), None)
                if same is None:
                    rows.append(row)
                else:
                    same[2].update(row[2])
                    same[3].update(row[3])
    table = verdict_table(rows)
    return Table(("data", table.header[1], lower, higher, *table.header[4:]), table.rows, table.links)


def _alike(one: Sequence[Mapping[str, float]], other: Sequence[Mapping[str, float]]) -> bool:
    """Whether values by seed are the same ones on the seeds that both have, and these are some."""
    shared = [first.keys() & second.keys() for first, second in zip(one, other, strict=True)]
    pairs = zip(one, other, shared, strict=True)
    return all(shared) and all(a[seed] == b[seed] for a, b, seeds in pairs for seed in seeds)


def _value(record: Mapping[str, Any], variant: str, metric: str) -> float | None:
    names = row_names({"seeds": record["metrics"]})
    found = [
        m["value"] for m in record["metrics"] if names[m["system"], m["variant"]] == variant and m["metric"] == metric
    ]
    return found[0] if found else None


HOLDS, HOLDS_NOT, UNDECIDED = "holds", "does not hold", "undecided"
# Relative to the values: two sums of the same float32 numbers differ by as much, in whatever order they were added.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Comparison:
    """Two variants' values of one metric, compared pair by pair on the same seeds. Made by `compare`.

    Attributes:
        difference: mean of second − first; NaN without a pair.
        low, high: its 95 % interval; NaN with fewer than two pairs, which have none.
        seeds: number of pairs.
        verdict: on the claim that the first is lower: "holds" and "does not hold" if the interval lies on that side of
            zero, "undecided" if it holds zero, and with fewer than two seeds.
    """

    difference: float
    low: float
    high: float
    seeds: int
    verdict: str

    @property
    def words(self) -> str:
        """How the first stands to the second, for a sentence: "lower by 0.02 (95 % interval 0.01 to 0.03, 6 seeds)"."""
        if math.isnan(self.difference):
            return "not compared (no seed has both)" if not self.seeds else "not compared (a value is no number)"
        sign = -1 if self.difference < 0 else 1
        mean, low, high = self._texts(sign * self.difference, *sorted((sign * self.low, sign * self.high)))
        how = f"{'lower' if sign > 0 else 'higher'} by {mean}" if self.difference else "the same"
        if self.seeds < 2:
            return f"{how} (one seed, which decides nothing)"
        undecided = "undecided: " if self.verdict == UNDECIDED else ""
        return f"{how} ({undecided}95 % interval {low} to {high}, {self.seeds} seeds)"

    @property
    def interval(self) -> str:
        """Difference and interval for a table: "0.012 [0.003, 0.021]"; "–" where there is none."""
        if math.isnan(self.difference):
            return NOTHING
        mean, low, high = self._texts(self.difference, self.low, self.high)
        return mean if math.isnan(self.low) else f"{mean} [{low}, {high}]"

    def _texts(self, *values: float) -> list[str]:
        """Numbers with as many decimals as the interval makes sense of, and as show that it leaves zero out."""
        if math.isnan(self.low):
            return [number(value).replace("-", "−") for value in values]
        size, half = max(abs(self.low), abs(self.high)), (self.high - self.low) / 2
        if 0 < size < 1e-3 or size >= 1e6:
            return [f"{value:.1e}".replace("-", "−") for value in values]
        digits = [1 - _magnitude(max(half, size / 10))]
        if self.verdict != UNDECIDED:
            digits.append(min(-_magnitude(min(abs(self.low), abs(self.high))), digits[0] + 3))
        return [f"{value:.{max(0, *digits)}f}".replace("-", "−") for value in values]


def _magnitude(value: float) -> int:
    return math.floor(math.log10(value)) if value else 0


def compare(first: Mapping[str, float], second: Mapping[str, float]) -> Comparison:
    """Compare two variants on the seeds that both have, pair by pair: is the first lower?

    A seed makes data, first weights and noise of both, so that much of what differs between seeds is the same within a
    pair, and a difference of pairs is known better than a difference of means.

    Args:
        first, second: value by seed.
    Returns:
        Mean of second − first, with the 95 % interval of Student's t over the pairs' differences. What differs by
        rounding of float32 alone counts as equal. A value that is no number leaves the comparison undecided.
    """
    seeds = sorted(first.keys() & second.keys())
    a, b = (np.array([values[seed] for seed in seeds], dtype=float) for values in (first, second))
    if not np.isfinite([a, b]).all():
        return Comparison(math.nan, math.nan, math.nan, len(seeds), UNDECIDED)
    differences = np.where(np.isclose(a, b, rtol=_ROUNDING, atol=0), 0.0, b - a)
    if len(seeds) < 2:
        mean = float(differences[0]) if seeds else math.nan
        return Comparison(mean, math.nan, math.nan, len(seeds), UNDECIDED)
    from scipy.special import stdtrit  # here, for it is slow to import

    mean = math.fsum(differences) / len(seeds)
    spread = 0.0 if (differences == differences[0]).all() else float(np.std(differences, ddof=1))
    half = float(stdtrit(len(seeds) - 1, 0.975)) * spread / math.sqrt(len(seeds))
    low, high = mean - half, mean + half
    return Comparison(mean, low, high, len(seeds), HOLDS if low > 0 else HOLDS_NOT if high < 0 else UNDECIDED)


def compared(record: Mapping[str, Any], metric: str, lower: str, higher: str) -> Comparison:
    """`compare` of two rows of a record with `seeds`, by their names in `row_names`; a missing row has no seed."""
    values = _values_by_row(record)
    return compare(values.get((metric, lower), {}), values.get((metric, higher), {}))


def _values_by_row(record: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, float]]:
    names = row_names(record)
    return {(row["metric"], names[row["system"], row["variant"]]): row["values"] for row in record["seeds"]}


def verdicts(record: Mapping[str, Any], claims: Mapping[str, tuple[str, str, str]]) -> Table:
    """A verdict on each claim that one variant's metric is lower than another's.

    Args:
        record: with `seeds`. claims: sentence to (metric, row that should be lower, row that should not); rows by
            their names in `row_names`.
    """
    values = _values_by_row(record)
    return verdict_table(
        [
            (claim, metric, values.get((metric, lower), {}), values.get((metric, higher), {}))
            for claim, (metric, lower, higher) in claims.items()
        ]
    )


def verdict_table(rows: Iterable[tuple[str, str, Mapping[str, float], Mapping[str, float]]]) -> Table:
    """Verdicts on claims that something is lower in a first variant than in a second.

    Args:
        rows: claim, metric, and value by seed of the first and of the second.
    Returns:
        Mean ± sample standard deviation of both over all of their own seeds; over the seeds that they share the mean
        difference, second − first, with its 95 % interval, their number, and the verdict. See `compare`.
    """
    body = []
    for claim, metric, first, second in rows:
        found = compare(first, second)
        means = (mean_and_spread(list(values.values())) for values in (first, second))
        body.append((claim, metric.replace("_", " "), *means, found.interval, str(found.seeds), found.verdict))
    header = ("claim", "metric", "first", "second", "difference [95 % interval]", "seeds", "verdict")
    return Table(header, tuple(body), {})


def tally(table: Table) -> str:
    """How the verdicts of a `verdict_table` are spread, for a sentence: "5 hold, 1 does not, 6 are undecided"."""
    count = Counter(row[-1] for row in table.rows)
    words = ((HOLDS, "holds", "hold"), (HOLDS_NOT, "does not", "do not"), (UNDECIDED, "is undecided", "are undecided"))
    return ", ".join(f"{count[key]} {one if count[key] == 1 else many}" for key, one, many in words)
