"""Imports within the library go one way: no module imports itself in the end, and no layer one above it.

Counted are all import statements, those within functions and under TYPE_CHECKING too. `from package import name` counts
as an import of the module of that name where there is one, else of the package. Not counted is that Python runs a
package's __init__ before its modules.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sempal_lib

# From below to above; what stands in one line may import each other. Modules that are not named are left alone.
LAYERS = (
    ("labels", "label_spaces", "label_spaces_of_people"),
    ("scenes", "palettes", "layers", "spade_layers", "losses", "losses_of_classes"),
    ("worlds",),
    ("datasets",),
    ("layout_gans", "image_gans", "segmentation"),
    ("metrics", "training"),
    ("figures", "widgets"),
)
WORLDS = ("street", "facades", "rooms", "fashion", "faces", "crossview")  # all import the engine; none another, but:
BUILT_ON = {("crossview", "street")}


def imports_of(sources: dict[str, str]) -> dict[str, set[str]]:
    """Modules and what each imports of them. sources: text by dotted name, packages by their own name."""
    graph: dict[str, set[str]] = {}
    for name, source in sources.items():
        found = graph.setdefault(name, set())
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names if alias.name in sources)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{name}: relative import; write the full name"
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    found.update({inner if inner in sources else node.module} & sources.keys())
    return graph


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle of imports, first and last the same; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1][::-1]
    return []


def layer(module: str) -> int | None:
    part = module.split(".")[1] if "." in module else ""
    return next((height for height, names in enumerate(LAYERS) if part in names), None)


def world(module: str) -> str:
    """The part of `worlds` that a module belongs to, or nothing."""
    return module.split(".")[2] if module.startswith("sempal_lib.worlds.") else ""


def upward(graph: dict[str, set[str]]) -> list[str]:
    """Imports against the direction, as "a imports b"."""
    wrong = []
    for name, other in ((name, other) for name, found in graph.items() for other in found):
        below, above = layer(name), layer(other)
        higher = below is not None and above is not None and below < above
        aside = world(other) != world(name) in (*WORLDS, "engine") and world(other) in WORLDS
        if higher or (aside and (world(name), world(other)) not in BUILT_ON):
            wrong.append(f"{name} imports {other}")
    return sorted(wrong)


@pytest.fixture(scope="module")
def graph():
    root = Path(sempal_lib.__file__).parent
    files = {
        ".".join(("sempal_lib", *path.relative_to(root).with_suffix("").parts)): path for path in root.rglob("*.py")
    }
    found = imports_of({name.removesuffix(".__init__"): path.read_text("utf-8") for name, path in files.items()})
    assert len(found) > 90
    return found


def test_no_circles(graph):
    assert circle(graph) == []


def test_imports_go_one_way(graph):
    assert upward(graph) == []


def test_worlds_have_one_engine(graph):
    for world in WORLDS:
        inside = {name for name in graph if name.startswith(f"sempal_lib.worlds.{world}")}
        assert any(other.startswith("sempal_lib.worlds.engine") for name in inside for other in graph[name])


def test_circles_and_wrong_ways_are_found():
    sources = {
        "sempal_lib": "",
        "sempal_lib.worlds": "def f():\n    from sempal_lib.datasets import load",
        "sempal_lib.datasets": "from sempal_lib import worlds",
        "sempal_lib.worlds.engine.world": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from sempal_lib.worlds.rooms.room import Room",
        "sempal_lib.worlds.rooms.room": "import sempal_lib.worlds.street.town",
        "sempal_lib.worlds.street.town": "",
    }
    graph = imports_of(sources)
    assert set(circle(graph)) == {"sempal_lib.worlds", "sempal_lib.datasets"}
    assert upward(graph) == [
        "sempal_lib.worlds imports sempal_lib.datasets",
        "sempal_lib.worlds.engine.world imports sempal_lib.worlds.rooms.room",
        "sempal_lib.worlds.rooms.room imports sempal_lib.worlds.street.town",
    ]
