"""What editors share: steps that can be undone, buttons for them, a status line, files that are never overwritten."""

import re
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as ipw
from PIL import Image

from sempal_lib.files import replacing
from sempal_lib.widgets.history import History

_ICONS = {"undo": "undo", "redo": "repeat", "reset": "fast-backward", "save": "save"}
_FILE = re.compile(r"(?:layout|picture)-(\d+)\.png")


class Editor(ipw.VBox):
    """An editor's history, its buttons and its status. What is edited, shown and reset a subclass says.

    Attributes:
        folder: where *save* writes. buttons: "undo", "redo", "reset" and "save". status: one line of text.
    Chapter: Changing a part.
    """

    folder: Path
    buttons: dict[str, ipw.Button]
    status: ipw.HTML
    _history: History[Any]

    def undo(self) -> None:
        self._history.undo()
        self._show()

    def redo(self) -> None:
        self._history.redo()
        self._show()

    def reset(self) -> None:
        raise NotImplementedError

    def _show(self, begin: float | None = None) -> None:
        """Bring all controls in line with what is now. begin: when the hand asked for it, of time.perf_counter."""
        raise NotImplementedError

    def _save(self) -> None:
        """Save, and say so."""
        raise NotImplementedError

    def _make_buttons(self) -> None:
        narrow = ipw.Layout(width="72px")  # all stand in one row of a desktop
        self.buttons = {name: ipw.Button(description=name, icon=icon, layout=narrow) for name, icon in _ICONS.items()}
        for name, act in (("undo", self.undo), ("redo", self.redo), ("reset", self.reset), ("save", self._save)):
            self.buttons[name].on_click(lambda _, act=act: self._try(act))

    def _show_buttons(self) -> None:
        self.buttons["undo"].disabled = not self._history.can_undo
        self.buttons["redo"].disabled = not self._history.can_redo

    def _try(self, act: Callable[[], object]) -> None:
        """Do what a hand asked for; what cannot be is said in the status, and the controls go back."""
        try:
            act()
        except (ValueError, OSError) as error:
            self._show()
            self._tell(str(error))

    def _tell(self, text: str) -> None:
        self.status.value = f'<span class="sempal-status">{escape(text)}</span>'

    def _write(self, images: Mapping[str, Image.Image]) -> list[Path]:
        """Write images, by "layout" or "picture", into the folder as PNG, all under the next free number."""
        self.folder.mkdir(parents=True, exist_ok=True)
        taken = [_FILE.fullmatch(path.name) for path in self.folder.iterdir()]
        number = max((int(match[1]) for match in taken if match), default=-1) + 1
        files = [self.folder / f"{name}-{number:03d}.png" for name in images]
        for file, image in zip(files, images.values(), strict=True):
            with replacing(file) as new:
                image.save(new, "PNG")
        return files
