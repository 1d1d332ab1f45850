"""Widgets over generators: alive with a kernel, frames of real output behind linked sliders without one.

`explore` and `sweep` take a generator that follows palettes: anything with `.settings.num_classes`,
`.settings.latent_dim`, `.size` (H, W) and `.generate(z [B, Z], palette [B, C], iterations=1, exact=False)` -> int64
[B, H, W].
"""

from sempal_lib.widgets.explorer import PaletteExplorer, explore
from sempal_lib.widgets.simplex import STEP, on_steps, rescale
from sempal_lib.widgets.sweep import sweep

__all__ = ["STEP", "PaletteExplorer", "explore", "on_steps", "rescale", "sweep"]
