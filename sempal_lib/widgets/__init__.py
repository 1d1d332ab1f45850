"""Widgets over generators: alive with a kernel, frames of real output behind linked sliders without one.

`explore` and `sweep` take a generator that follows palettes: anything with `.settings.num_classes`,
`.settings.latent_dim`, `.size` (H, W) and `.generate(z [B, Z], palette [B, C], iterations=1, exact=False)` -> int64
[B, H, W]. They also take a painter of its layouts, an `image_gans.ImageGenerator`: its pictures are shown beside them,
and where its `noise_dim` is not 0, a slider moves through styles. `walk` takes a generator without palettes:
`.settings` as above and `.generate(z [B, Z])` -> int64 [B, H, W], or pictures, float [B, 3, H, W] in [-1, 1].
`edit_region` takes a generator of parts: `.settings` and `.size` as above, and
`.edit(layout [H, W], region [H, W], palette [C], seed=0, exact=False, iterations=None)` -> int64 [H, W], as
`layout_gans.PartialGenerator`; and a painter. `explore_latents` takes an `image_gans.ImageGenerator` with `latents`,
and its encoder. `show_classes` takes an `image_gans.LgganGenerator`,
and `show_sources` an `image_gans.ImageGenerator` that is given another view. `edit_face`
takes a generator of additions, `.settings.num_classes` and `.add(layout [H, W], additions [C], seed=0, over=None)` ->
int64 [H, W], as `layout_gans.FaceGenerator`: additions are shares of the frame, and `over` the classes that may be
painted over, bool [C], None: all. And a painter of persons, a `training.StylePainter` or what has its methods.

The toys (`activation_toy`, `simplex_toy`, `temperature_toy`, `frames_toy`, `palette_strip`, `progress_toy`) are
JavaScript alone and need no kernel.
"""

from sempal_lib.widgets.class_pictures import ClassView, show_classes
from sempal_lib.widgets.explorer import PaletteExplorer, explore
from sempal_lib.widgets.face_editor import FaceEditor, edit_face
from sempal_lib.widgets.frames import sweep
from sempal_lib.widgets.latent_explorer import LatentExplorer, explore_latents
from sempal_lib.widgets.latents import LatentWalker, latent_path, walk
from sempal_lib.widgets.region_editor import RegionEditor, edit_region
from sempal_lib.widgets.simplex import STEP, on_steps, rescale
from sempal_lib.widgets.source_frames import show_sources
from sempal_lib.widgets.toys import (
    activation_toy,
    frames_toy,
    palette_strip,
    progress_toy,
    simplex_toy,
    temperature_toy,
)

__all__ = [
    "STEP",
    "ClassView",
    "FaceEditor",
    "LatentExplorer",
    "LatentWalker",
    "PaletteExplorer",
    "RegionEditor",
    "activation_toy",
    "edit_face",
    "edit_region",
    "explore",
    "explore_latents",
    "frames_toy",
    "latent_path",
    "on_steps",
    "palette_strip",
    "progress_toy",
    "rescale",
    "show_classes",
    "show_sources",
    "simplex_toy",
    "sweep",
    "temperature_toy",
    "walk",
]
