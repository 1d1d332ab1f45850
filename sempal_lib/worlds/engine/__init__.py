"""What the procedural worlds share.

TODO
"""

from sempal_lib.worlds.engine.canvas import Drawing, drawn_height, fill, sample
from sempal_lib.worlds.engine.dice import Dice
from sempal_lib.worlds.engine.flat import Box, FlatPatch, FlatPicture, FlatScene
from sempal_lib.worlds.engine.light import FrontLight, bend_over, evening, pooled, warm
from sempal_lib.worlds.engine.noise import TILE, grain, noise, noise_at
from sempal_lib.worlds.engine.outlines import curve, within
from sempal_lib.worlds.engine.patterns import (
    Color,
    band,
    blend,
    bond,
    choose,
    class_means,
    fraction,
    line,
    mix,
    one_of,
    pick,
    ramp,
    tint,
    unit,
)
from sempal_lib.worlds.engine.picture import Patch, Picture, plain
from sempal_lib.worlds.engine.samples import Samples
from sempal_lib.worlds.engine.style import Chances, Style
from sempal_lib.worlds.engine.world import Scene, World

__all__ = [
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
    "choose",
    "class_means",
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
    "pick",
    "plain",
    "pooled",
    "ramp",
    "sample",
    "tint",
    "unit",
    "warm",
    "within",
]  # fmt: skip
