"""The library's code as the book shows it."""

from sempal_lib.losses import entropy_loss
from sempal_lib.sources import source


def test_source_is_the_functions_own_text_and_coloured():
    shown = source(entropy_loss)
    assert shown.data.startswith("def entropy_loss(soft_layout: Tensor) -> Tensor:")
    assert "Semantic Palette, eq. 3" in shown.data
    assert 'class="highlight"' in shown._repr_html_()
