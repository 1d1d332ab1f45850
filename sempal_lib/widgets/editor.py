"""What editors share: steps that can be undone, buttons for them, a status line, files that are never overwritten."""

import json
import re
import time
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as ipw
from PIL import Image

from sempal_lib.files import replacing
from sempal_lib.widgets.history import History

_ICONS = {"undo": "undo", "redo": "repeat", "reset": "fast-backward", "save": "save"}
_FILE = re.compile(r"(?:layout|picture|recipe)-(\d+)\.(?:png|json)")


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
    _busy = False  # whether controls are set by the editor, and not by a hand

    def undo(self) -> None:
        self._history.undo()
        self._show()

    def redo(self) -> None:
        self._history.redo()
        self._show()

    def reset(self) -> None:
        raise NotImplementedError

    def save(self) -> list[Path]:
        """Write what is shown into the folder, under the next free number; never over a file. Returns the files."""
        raise NotImplementedError

    def _show(self, begin: float | None = None) -> None:
        """Bring all controls in line with what is now. begin: when the hand asked for it, of time.perf_counter."""
        raise NotImplementedError

    def _save(self) -> None:
        self._tell("saved " + " and ".join(map(str, self.save())))

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

    def _ask(self, act: Callable[[], object]) -> None:
        """Do what a hand asked for, unless a control only follows."""
        if not self._busy:
            self._try(act)

    def _tell(self, text: str, begin: float | None = None) -> None:
        """Say something, and how long it took since `begin`, of time.perf_counter."""
        took = "" if begin is None else f" · {1000 * (time.perf_counter() - begin):.0f} ms"
        self.status.value = f'<span class="sempal-status">{escape(text + took)}</span>'

    def _write(self, images: Mapping[str, Image.Image], recipe: Any = None) -> list[Path]:
        """Write images, by "layout" or "picture", into the folder as PNG, all under the next free number.

        recipe: what made them, for a JSON file beside them.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        taken = [_FILE.fullmatch(path.name) for path in self.folder.iterdir()]
        number = max((int(match[1]) for match in taken if match), default=-1) + 1
        files = [self.folder / f"{name}-{number:03d}.png" for name in images]
        for file, image in zip(files, images.values(), strict=True):
            with replacing(file) as new:
                image.save(new, "PNG")
        if recipe is not None:
            files.append(self.folder / f"recipe-{number:03d}.json")
            with replacing(files[-1]) as new:
                new.write_text(json.dumps(recipe, indent=1) + "\n", "utf-8")
        return files
