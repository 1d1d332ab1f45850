"""A chapter's cells on their way to its page: set-up folded, figures with the alternative text of their captions."""

import base64
import io
import re

from PIL import Image

# *Figure 3. What to look for. (A grid: what a person who does not see it would want to know.)*
CAPTION = re.compile(r"^\*Figure (?P<number>\d+)\. (?P<text>.+?)\*$", re.M | re.S)
DESCRIPTION = re.compile(r"\s*\((?P<text>[^()]*(?:\([^()]*\)[^()]*)*)\)\s*$")
STYLE = re.compile(r"<style>.*?</style>", re.S)
IMAGES = ("image/png", "image/svg+xml", "image/jpeg")


def tags_of(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def shows_image(cell: dict) -> bool:
    """Whether a page shows a picture that this cell made."""
    return has_image(cell) and not {"remove-output", "hide-cell"} & {*tags_of(cell)}


def has_image(cell: dict) -> bool:
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return any(kind in one for one in data for kind in IMAGES)


def captions(text: str) -> list[tuple[int, str, str]]:
    """(number, caption, description) of every figure that a markdown text captions; the last is empty if not given."""
    found = []
    for match in CAPTION.finditer(text):
        caption = " ".join(match["text"].split())
        described = DESCRIPTION.search(caption)
        found.append((int(match["number"]), caption, described["text"] if described else ""))
    return found


def captioned(cells: list[dict]) -> list[dict]:
    """Cells whose pictures have their description as alternative text. The page shows the caption without it.

    The caption of a picture is the first in the next markdown cell. Those of solutions have none.
    """
    pictures: list[dict] = []
    for cell in cells:
        if cell["cell_type"] == "code":
            if shows_image(cell):
                pictures.append(cell)
            elif has_image(cell):
                cell["metadata"].setdefault("mystnb", {})["image"] = {"alt": "A picture of the solution."}
            continue
        found = captions(cell["source"])
        if pictures and found:
            number, caption, description = found[0]
            for one in pictures:
                alt = plain(description or caption)
                one["metadata"].setdefault("mystnb", {})["image"] = {"alt": f"Figure {number}. {alt}"}
        pictures = []
        cell["source"] = CAPTION.sub(_without_description, cell["source"])
    return cells


def _without_description(match: re.Match) -> str:
    text = DESCRIPTION.sub("", match["text"])
    return f":::{{div}} sempal-caption\n*Figure {match['number']}. {text.strip()}*\n:::"


def plain(text: str) -> str:
    """A caption as plain text: links become their words, signs of emphasis and mathematics go."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[*`$\\{}]", "", text)


def folded(cells: list[dict]) -> list[dict]:
    """Cells of a page: its set-up, which is the code before the first section, as one folded cell; and folds named.

    The code of a picture before that folds too. A hidden cell is a solution if it stands under the heading Exercises;
    elsewhere it is code. Hidden code that shows nothing is joined to the hidden code below it.
    """
    found: list[dict] = []
    section = ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            section = ([section, *re.findall(r"^## (.+)$", cell["source"], re.M)])[-1]
        elif cell["cell_type"] == "code" and not section and not shows_image(cell):
            before = found.pop() if found and "set-up" in tags_of(found[-1]) else None
            cell = _joined(before, cell)
            _name_fold(cell, "the set-up")
        elif cell["cell_type"] == "code" and not section:  # the picture that a chapter opens with
            cell["metadata"]["tags"] = [*{*tags_of(cell), "hide-input"}]
            _name_fold(cell, "the code")
        elif any(tag.startswith("hide-") for tag in tags_of(cell)):
            if found and _silent(found[-1]) and "hide-input" in tags_of(cell):
                cell["source"] = f"{found.pop()['source']}\n\n{cell['source']}"
            _name_fold(cell, "solution" if section == "Exercises" else "the code")
        found.append(cell)
    return found


def _silent(cell: dict) -> bool:
    """Whether a page would show this cell as a fold and nothing below it."""
    tags = {*tags_of(cell)}
    return cell["cell_type"] == "code" and "hide-input" in tags and "set-up" not in tags and not cell["outputs"]


def _name_fold(cell: dict, name: str) -> None:
    prompts = {"code_prompt_show": f"Show {name}", "code_prompt_hide": f"Hide {name}"}
    cell["metadata"]["mystnb"] = {**cell["metadata"].get("mystnb", {}), **prompts}


def _joined(before: dict | None, cell: dict) -> dict:
    """One folded cell of set-up, of the set-up so far and another cell, whose output goes if its tags say so."""
    outputs = [] if {"remove-output", "hide-cell"} & {*tags_of(cell)} else cell["outputs"]
    if before is None:
        return {**cell, "outputs": outputs, "metadata": {"tags": ["set-up", "hide-input"]}}
    return {**before, "source": f"{before['source']}\n\n{cell['source']}", "outputs": before["outputs"] + outputs}


def pack_pictures(notebook):
    """The notebook with its PNG outputs packed as tightly as PNG can: the same pixels in fewer bytes."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        data = output.get("data", {})
        if "image/png" in data:
            given = base64.b64decode(data["image/png"])
            with Image.open(io.BytesIO(given)) as picture, io.BytesIO() as packed:
                picture.save(packed, "png", optimize=True)
                data["image/png"] = base64.b64encode(min(packed.getvalue(), given, key=len)).decode() + "\n"
    return notebook


def lean(notebook):
    """The notebook without what no page shows of its outputs: LaTeX beside HTML, and style sheets a second time."""
    seen: set[str] = set()
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        data = output.get("data", {})
        if "text/html" in data:
            data.pop("text/latex", None)
            sheets = set(STYLE.findall(data["text/html"]))
            for sheet in sheets & seen:  # shown code brings one each time; one serves the whole page
                data["text/html"] = data["text/html"].replace(sheet, "")
            seen |= sheets
    return notebook
