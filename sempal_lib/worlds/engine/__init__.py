"""What the procedural worlds share, and how a new one is described.

A world is a class, a scene, a style and painters; see `facades` for a flat one, `rooms` and `street` for depth.

    class Head(FlatScene):                    # what there is and where, from back to front, by the dice alone
        space = FACES                         # a LabelSpace
        def __init__(self, rng):
            super().__init__(rng)             # a scene is dice, too: self.chance(0.3), self.between(0.1, 0.2)
            self.add("skin", "skin", (left, top, right, bottom), 4, "disc", self.thing())  # class, material, box,
            self.polygon("hair", "hair", curve(points), 2)                                 # relief, outline, instance
            self.finish()
    class HeadStyle(FrontLight):              # the known factors; the docstring says what each one is
        @classmethod
        def sample(cls, rng):
            a = Chances(rng, 20)              # a[n]: one of twenty chances; a.color takes n and n + 1
            return cls(skin_color=a.color(SKINS, 0), **cls.weather(a[2], a[3], 15 + 45 * a[4]))
    def skin(patch):                          # one painter a material, of that name; `plain` makes simple ones
        patch.set(patch.style.skin_color, 0.95 + 0.1 * patch.noise(2, 2))
        patch.raise_by(14 * bulge(patch.u, patch.v))           # for the light to catch

The class is a `World` with name, label_space, splits, default_size, step and least; `compose(rng)` returns the scene,
and `paint` returns `FlatPicture(scene, HeadStyle.sample(rng), drawing, height, rng).developed(painters)`. Put it into
`worlds.WORLDS`, and its class shares and its golden hash into the worlds' test. Another geometry needs a scene
with `labels`, `things` and `draw`, and its own kinds of `Picture` and `Patch`.
"""

from sempal_lib.worlds.engine.canvas import Drawing, drawn_height, fill, sample
from sempal_lib.worlds.engine.dice import Dice
from sempal_lib.worlds.engine.flat import Box, FlatPatch, FlatPicture, FlatScene, bulge
from sempal_lib.worlds.engine.light import FrontLight, bend_over, evening, pooled, warm
from sempal_lib.worlds.engine.noise import TILE, grain, noise, noise_at
from sempal_lib.worlds.engine.outlines import curve, within
from sempal_lib.worlds.engine.patterns import (
    PRINTS,
    Color,
    band,
    blend,
    bond,
    choose,
    class_means,
    contrasting,
    fraction,
    line,
    mix,
    one_of,
    palette,
    pick,
    printed,
    ramp,
    tint,
    unit,
)
from sempal_lib.worlds.engine.picture import Painted, Patch, Picture, plain
from sempal_lib.worlds.engine.samples import Samples
from sempal_lib.worlds.engine.style import Chances, Style
from sempal_lib.worlds.engine.world import Scene, World

__all__ = [
    "PRINTS",
    "TILE",
    "Box",
    "Chances",
    "Color",
    "Dice",
    "Drawing",
    "FlatPatch",
    "FlatPicture",
    "FlatScene",
    "FrontLight",
    "Painted",
    "Patch",
    "Picture",
    "Samples",
    "Scene",
    "Style",
    "World",
    "band",
    "bend_over",
    "blend",
    "bond",
    "bulge",
    "choose",
    "class_means",
    "contrasting",
    "curve",
    "drawn_height",
    "evening",
    "fill",
    "fraction",
    "grain",
    "line",
    "mix",
    "noise",
    "noise_at",
    "one_of",
    "palette",
    "pick",
    "plain",
    "pooled",
    "printed",
    "ramp",
    "sample",
    "tint",
    "unit",
    "warm",
    "within",
]  # fmt: skip
