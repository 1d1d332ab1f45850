"""Tables of the book, as HTML and as Markdown, and how numbers stand in them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

NOTHING = "–"
# What stays on one line in a narrow cell: a number, its spread, its interval. Between them the line may end.
_WHOLE = re.compile(r"\S+(?= ± )|± \S+|\[[−\d][−\d.,e ]*\]")


@dataclass(frozen=True)
class Table:
    """A table that notebooks show as HTML and text exports as Markdown.

    Args:
        header: one name a column.
        rows: texts, as many a row as there are columns; plain text, escaped on the way out.
        links: (row, column) -> address that the cell leads to.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    links: Mapping[tuple[int, int], str]

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name).replace(' %', '&nbsp;%')}</th>" for name in self.header)
        body = "".join(
            "<tr>" + "".join(f"<td>{self._html(i, j)}</td>" for j in range(len(row))) + "</tr>"
            for i, row in enumerate(self.rows)
        )
        # The box scrolls by itself, so that a wide table does not widen a phone's page.
        return (
            '<div style="overflow-x:auto"><table class="sempal-table">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _repr_markdown_(self) -> str:
        lines = ["| " + " | ".join(self.header) + " |", "| " + " | ".join("---" for _ in self.header) + " |"]
        for i, row in enumerate(self.rows):
            lines.append("| " + " | ".join(self._markdown(i, j) for j in range(len(row))) + " |")
        return "\n".join(lines)

    def _html(self, i: int, j: int) -> str:
        text, link = escape(self.rows[i][j]), self.links.get((i, j))
        text = _WHOLE.sub(r'<span style="white-space:nowrap">\g<0></span>', text)
        return f'<a href="{escape(link)}">{text}</a>' if link else text

    def _markdown(self, i: int, j: int) -> str:
        text, link = self.rows[i][j].replace("|", "\\|"), self.links.get((i, j))
        return f"[{text}]({link})" if link else text


def number(value: float | None) -> str:
    """Three significant digits; "0" for zero itself; "–" for None and for what is not a number."""
    if value is None or np.isnan(value):
        return NOTHING
    if value == 0:
        return "0"
    return f"{value:.{_decimals(value)}f}" if _plain(value) else f"{value:.1e}"


def mean_and_spread(values: Sequence[float]) -> str:
    """Mean ± sample standard deviation, at least one digit of it; no ± for one value or zeros, "–" for none."""
    if not values:
        return NOTHING
    mean = float(np.mean(values))
    if len(values) == 1 or not np.isfinite(mean):
        return number(mean)
    spread = float(np.std(values, ddof=1))
    if mean == spread == 0:
        return "0"
    if not _plain(mean):
        return f"{mean:.1e} ± {spread:.1e}"
    decimals = _decimals(mean) if spread == 0 else max(_decimals(mean), -int(np.floor(np.log10(spread))))
    return f"{mean:.{decimals}f} ± {spread:.{decimals}f}"


def duration(seconds: float) -> str:
    """A time for people: "48 s", "12 min", "3.4 h"."""
    if round(seconds) < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if round(seconds / 60) < 100 else f"{seconds / 3600:.1f} h"


def _plain(value: float) -> bool:
    """Whether the value reads well without an exponent."""
    return value == 0 or 1e-3 <= abs(value) < 1e6


def _decimals(value: float) -> int:
    return 2 if value == 0 else max(0, 2 - int(np.floor(np.log10(abs(value)))))
