"""Light on what is seen from the front: sun and sky, shadows of what stands out, and what a camera makes of it."""

from math import cos, radians, sin

import numpy as np

from sempal_lib.worlds.engine.style import Style

Array = np.ndarray


class FrontLight(Style):
    """A style whose light falls on a front that faces the camera. Its factors, beside those that a world adds:

    sun: light of the sun, 0 overcast to 1. azimuth: where it stands, degrees, -65 left to 65 right.
    elevation: degrees above the horizon. warmth: 0 white to 1 the light of evening. clouds: 0 to 1.
    """

    @staticmethod
    def weather(clouds: float, aside: float, elevation: float) -> dict[str, float]:
        """These factors from the clouds and the sun's elevation. aside: 0 far left to 1 far right."""
        return {
            "sun": 0.0 if clouds > 0.8 else 1 - 0.35 * clouds, "azimuth": 130 * aside - 65, "elevation": elevation,
            "warmth": evening(elevation), "clouds": clouds,
        }  # fmt: skip

    @property
    def direction(self) -> tuple[float, float]:
        """Towards the sun from a point of the front, for each unit that one comes out of it: right and up."""
        side, rise = radians(self.azimuth), radians(self.elevation)
        out = max(cos(side) * cos(rise), 0.3)
        return sin(side) * cos(rise) / out, sin(rise) / out

    @property
    def sunlight(self) -> Array:
        """[3]"""
        return 0.62 * self.sun * warm(1.06, 0.16, 0.9, 0.38, self.warmth)

    @property
    def skylight(self) -> Array:
        """[3]"""
        bright = 0.5 + 0.36 * (1 - self.sun) - 0.05 * self.warmth
        return bright * np.array([0.94, 1.0, 1.1], np.float32)

    @property
    def zenith(self) -> Array:
        """Colour of the sky, [3]."""
        blue = np.array([0.36, 0.58, 0.88], np.float32)
        grey = np.array([0.72, 0.75, 0.79], np.float32)
        return blue + (grey - blue) * (1 - self.sun if self.sun == 0 else 0.35 * self.clouds)

    @property
    def horizon(self) -> Array:
        """[3]"""
        pale = np.array([0.84, 0.89, 0.94], np.float32)
        return pale + (np.array([0.98, 0.8, 0.6], np.float32) - pale) * 0.8 * self.warmth * self.sun


def warm(red: float, less_green: float, blue: float, less_blue: float, warmth: float) -> Array:
    """Colour of a light, [3]: as given at warmth 0, with so much less green and blue at 1."""
    return np.array([red, 1.0 - less_green * warmth, blue - less_blue * warmth], np.float32)


def evening(elevation: float) -> float:
    """Warmth of the sun's light by its elevation in degrees, 0 to 1."""
    return min(max((34 - elevation) / 18, 0.0), 1.0)


def on_relief(relief: Array, style: FrontLight) -> tuple[Array, Array]:
    """Light of the sky and of the sun on a front, each [H, W], about 0 to 1.

    Args:
        relief: how far each sample stands out, 1/256 of the picture's height, [H, W].
    """
    near, shadow = _shadow(relief, style.direction)
    # Edges that look towards the light are bright, those that look away dark.
    right, up = style.direction
    bump = np.zeros_like(relief)
    bump[1:] += up * 0.5 * (relief[1:] - relief[:-1])
    sideways = relief[:, 1:] - relief[:, :-1]
    bump[:, 1:] -= 0.5 * right * sideways
    np.clip(bump * (0.12 * min(len(relief) / 256, 1.0)), -0.3, 0.35, out=bump)
    hollow = np.clip((near - relief) * 0.05, 0, 0.5)
    return 1 - hollow + 0.3 * bump, (1 - shadow) * (1 + bump)


def _shadow(relief: Array, direction: tuple[float, float]) -> tuple[Array, Array]:
    """Mean relief around each sample, and the share of the sun's light that something takes from it."""
    high, wide = relief.shape
    scale = high / 256
    pad = int(np.ceil(14 * scale * max(abs(direction[0]), direction[1], 1))) + 1
    padded = np.pad(relief, pad, mode="edge")
    highest = np.full_like(relief, -99)
    for height in (0.7, 1.5, 2.5, 3.5, 5.0, 7.0, 9.0, 12.0):
        dx, dy = round(direction[0] * height * scale), round(direction[1] * height * scale)
        np.maximum(highest, padded[pad - dy : pad - dy + high, pad + dx : pad + dx + wide] - height, out=highest)
    shadow = np.clip((highest - relief) * 1.2 + 0.2, 0, 1)
    reach = max(round(3 * scale), 1)
    total = np.cumsum(np.cumsum(np.pad(padded, ((1, 0), (1, 0))), axis=0, dtype=np.float32), axis=1, dtype=np.float32)
    a, b = pad - reach, pad + reach + 1
    near = total[b : b + high, b : b + wide] + total[a : a + high, a : a + wide]
    near -= total[b : b + high, a : a + wide] + total[a : a + high, b : b + wide]
    return near / (2 * reach + 1) ** 2, shadow


def pooled(samples: Array) -> Array:
    """Means of two by two samples, [H, W] to [H/2, W/2]."""
    pairs = samples[0::2] + samples[1::2]
    return 0.25 * (pairs[:, 0::2] + pairs[:, 1::2])


def bend_over(image: Array, knee: float, slope: float) -> Array:
    """Highlights above `knee` bend over towards 1 instead of being cut off."""
    return np.where(image > knee, knee + (1 - knee) * np.tanh((image - knee) * slope), image)
