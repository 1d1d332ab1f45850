"""The library's own code, shown in the book."""

import inspect
import re
import textwrap
from typing import Any

from IPython.display import Code

LONGEST = 85  # characters that a page shows side by side


def source(thing: Any) -> Code:
    """The source of a function, class or method, coloured, as it runs in this kernel; its long texts are wrapped."""
    lines = inspect.getsource(thing).splitlines()
    return Code("\n".join(wrapped for line in _marked(lines) for wrapped in line) + "\n", language="python")


def _marked(lines: list[str]):
    """Lines, of which those of docstrings and those that are comments alone become several where they are too long."""
    within = False
    for line in lines:
        text = within or line.strip().startswith(('"""', "#"))
        if line.count('"""') == 1:
            within = not within
        yield _wrapped(line) if text and len(line) > LONGEST else [line]


def _wrapped(line: str) -> list[str]:
    indent = re.match(r"\s*", line)[0]  # type: ignore[index]
    comment = line.strip().startswith("#")
    # What follows a name, as in "scores: of each class", is set in; a comment goes on as a comment.
    named = re.match(r"\s*(\w+(, \w+)*:|Source:|Chapter:) ", line)
    further = indent + ("# " if comment else "    " if named else "")
    return textwrap.wrap(
        line.strip(), LONGEST, initial_indent=indent, subsequent_indent=further, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
