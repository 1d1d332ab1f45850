"""The library's code as the book shows it."""

import re

from sempal_lib.losses import entropy_loss
from sempal_lib.sources import source


def test_source_is_the_functions_own_text_and_coloured():
    shown = source(entropy_loss)
    assert shown.data.startswith("def entropy_loss(soft_layout: Tensor) -> Tensor:")
    assert "Semantic Palette, eq. 3" in shown.data
    assert 'class="highlight"' in shown._repr_html_()


def sample():
    """What it is, in a sentence that goes on and on until it no longer fits the width of a page in any book.

    Args:
        layouts: class indices, integer [B, H, W], of which there may be many more than fit one line of a page.
    """
    # A comment as long as this one, which says why and takes its time to do so, goes on as a comment below.
    return "a line of code as long as this one stays as it is, for broken it would be another program than before"


def test_long_texts_of_a_source_are_wrapped_and_its_code_is_not():
    shown = source(sample).data
    lines = shown.splitlines()
    assert [line for line in lines if len(line) > 85] == [lines[-1]]
    assert "        layouts: class indices, integer [B, H, W]" in shown
    assert re.search(r"of which there may\b.*\n {12}\w.* page\.\n", shown)
    assert re.search(r"\n    # [^\n]*\bcomment below\.\n", shown)
