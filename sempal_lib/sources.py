"""The library's own code, shown in the book."""

import inspect
from typing import Any

from IPython.display import Code


def source(thing: Any) -> Code:
    """The source of a function, class or method, coloured, as it runs in this kernel."""
    return Code(inspect.getsource(thing), language="python")
