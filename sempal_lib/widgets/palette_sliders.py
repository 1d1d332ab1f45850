"""Sliders that hold a palette: one moves, the others share the rest, and each can be locked."""

from collections.abc import Callable, Iterable

import ipywidgets as ipw
import numpy as np

from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import hex_colour
from sempal_lib.widgets.simplex import STEP, on_steps, rescale


class PaletteSliders:
    """One slider a class in the class's colour, with a lock beside it; together they say a palette.

    Args:
        palette: where to start, float64 [C], sums to 1. moved: called with the class whose slider was moved by hand.
        shown: indices of the classes that get a slider, None for all; the others are rescaled all the same.
    Attributes:
        palette: what they say now, float64 [C]. sliders, locks: by the class's name.
    Chapter: Progressive layouts, guided by a palette. Changing a part.
    """

    def __init__(
        self,
        label_space: LabelSpace,
        palette: np.ndarray,
        moved: Callable[[int], None],
        shown: Iterable[int] | None = None,
    ):
        self.label_space, self._moved = label_space, moved
        # The last palette with several classes: when one has taken all, the others come back in its ratio.
        self.palette = self._memory = palette.copy()
        self._busy = self._disabled = False
        self._shown = list(range(label_space.num_classes) if shown is None else shown)
        self.sliders: dict[str, ipw.FloatSlider] = {}
        self.locks: dict[str, ipw.ToggleButton] = {}
        self._lines: dict[int, ipw.HBox] = {}
        values = on_steps(palette)
        for c in self._shown:
            self._make(c, label_space.names[c], values[c])

    def _make(self, c: int, name: str, value: float) -> None:
        slider = ipw.FloatSlider(
            value, min=0, max=1, step=STEP, readout_format=".3f", description=name,
            style={"description_width": "88px", "handle_color": hex_colour(self.label_space.colors[c])},
            layout=ipw.Layout(flex="1 1 auto", width="auto", min_width="0"),
        )  # fmt: skip
        lock = ipw.ToggleButton(
            icon="unlock", tooltip=f"keep the proportion of {name}", layout=ipw.Layout(width="36px")
        )
        slider.observe(lambda change: self._slide(c, change["new"]), "value")
        lock.observe(lambda _: self._lock(), "value")
        self.sliders[name], self.locks[name] = slider, lock
        # Where they are many, their box scrolls and does not squeeze them, so that the picture stays in sight.
        self._lines[c] = ipw.HBox([slider, lock], layout=ipw.Layout(flex="0 0 auto"))

    def lines(self, classes: Iterable[int]) -> list[ipw.HBox]:
        """A slider and its lock, for each class; always the same ones."""
        return [self._lines[c] for c in classes]

    def rows(self, classes: Iterable[int], height: str) -> ipw.VBox:
        """The lines of classes, one below the other, in a box that scrolls beyond a height."""
        return ipw.VBox(self.lines(classes), layout=ipw.Layout(max_height=height, overflow="auto", flex="0 0 auto"))

    def set(self, palette: np.ndarray, memory: np.ndarray | None = None) -> None:
        """Show a palette, without a call of `moved`. memory: whose ratio the others take where one class has all."""
        self.palette = palette
        if np.count_nonzero(palette[~self.locked()]) > 1:
            self._memory = palette.copy()
        elif memory is not None:
            self._memory = memory
        self._busy = True
        try:
            values = on_steps(palette)
            for c in self._shown:
                self.sliders[self.label_space.names[c]].value = values[c]
        finally:
            self._busy = False

    def unlock(self) -> None:
        for lock in self.locks.values():
            lock.value = False

    def locked(self) -> np.ndarray:
        """Which classes keep their proportion, bool [C]."""
        locked = np.zeros(self.label_space.num_classes, bool)
        for c in self._shown:
            locked[c] = self.locks[self.label_space.names[c]].value
        return locked

    def _slide(self, index: int, value: float) -> None:
        if self._busy:  # the move of another slider set this one
            return
        self.set(rescale(self.palette, index, value, self.locked(), self._memory))
        self._moved(index)

    def disable(self, disabled: bool) -> None:
        """Let no slider move, or all that are not locked."""
        self._disabled = disabled
        self._lock()

    def _lock(self) -> None:
        for name, lock in self.locks.items():
            self.sliders[name].disabled = lock.value or self._disabled
            lock.icon = "lock" if lock.value else "unlock"
