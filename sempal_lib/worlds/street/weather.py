"""Weather and light of toy-street: the known factors of a scene's looks."""

from functools import cached_property
from typing import Any

import numpy as np
import torch

from sempal_lib.worlds.engine import Style, blend, noise_at, ramp, unit


class Weather(Style):
    """The style factors.

    sun_elevation: degrees above the horizon, -7 (dusk) to 60. sun_azimuth: degrees right of the street's direction,
    -180 to 180. cloudiness: 0 clear to 1 overcast. fog: 0 none, 1 dense (sight of about 30 m). wetness: 0 dry, 1 a
    mirror of a road. autumn: 0 green leaves, 1 all coloured. sky_color: of the zenith.
    """

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Weather":
        kind, a, b, c, d, e = rng.random(6).tolist()
        elevation = 14 + 46 * a if kind < 0.68 else 3 + 11 * a if kind < 0.82 else -7 + 8 * a
        clouds = 0.5 - 0.5 * float(np.cos(np.pi * b)) if b < 0.7 else 0.85 + 0.5 * (b - 0.7)
        rain = clouds > 0.6 and c < 0.45
        return cls(
            sun_elevation=elevation, sun_azimuth=float(rng.uniform(-180, 180)), cloudiness=clouds,
            fog=0.35 + 0.65 * d if e < 0.09 else 0.1 * d * d + (0.15 if rain else 0.0),
            wetness=0.4 + 1.3 * c if rain else 0.0, autumn=float(rng.random()) if rng.random() < 0.25 else 0.0,
        )  # fmt: skip

    def factors(self) -> dict[str, Any]:
        return {**super().factors(), "sky_color": torch.from_numpy(self.zenith.copy())}

    @cached_property
    def day(self) -> float:
        """Brightness of the sky, 0 to 1."""
        return float(ramp(self.sun_elevation, -9, 10))

    @cached_property
    def lamps(self) -> float:
        """How far lamps and windows are lit, 0 to 1."""
        return float(1 - ramp(self.sun_elevation, -2, 5))

    @cached_property
    def sun(self) -> np.ndarray:
        """Light of the sun where nothing is between, [3]."""
        warm = blend((1.0, 0.55, 0.25), (1.0, 0.93, 0.8), ramp(self.sun_elevation, 0, 22))
        clear = (1 - ramp(self.cloudiness, 0.3, 0.8)) * (1 - 0.7 * self.fog)
        return 0.85 * float(clear * ramp(self.sun_elevation, -0.5, 9)) * warm

    @cached_property
    def ambient(self) -> np.ndarray:
        """Light of the sky, [3]."""
        clouds = float(ramp(self.cloudiness, 0.3, 0.9))
        bright = blend((0.6, 0.65, 0.74), (0.8, 0.82, 0.85), clouds)
        return blend((0.27, 0.29, 0.42), bright, self.day)

    @cached_property
    def zenith(self) -> np.ndarray:
        clear = blend((0.09, 0.12, 0.28), (0.3, 0.52, 0.85), self.day)
        grey = blend((0.16, 0.17, 0.24), (0.72, 0.74, 0.78), self.day)
        return blend(clear, grey, float(ramp(self.cloudiness, 0.55, 1)))

    @cached_property
    def haze(self) -> np.ndarray:
        """Colour of the air towards the horizon, [3]."""
        low = float(1 - ramp(self.sun_elevation, 4, 22)) * (1 - 0.8 * self.cloudiness)
        pale = blend((0.3, 0.29, 0.38), (0.84, 0.88, 0.93), self.day)
        return blend(pale, blend((0.62, 0.38, 0.32), (0.98, 0.78, 0.55), self.day), 0.8 * low)

    @cached_property
    def direction(self) -> tuple[float, float, float]:
        """Towards the sun: x and z of unit length, and the tangent of its elevation."""
        azimuth = np.radians(self.sun_azimuth)
        return float(np.sin(azimuth)), float(np.cos(azimuth)), float(np.tan(np.radians(max(self.sun_elevation, 2.0))))

    def sky(self, rx, ry, rz, seed: float) -> np.ndarray:
        """Colours of the sky along rays.

        Args:
            rx, ry, rz: the rays, [P], ry > 0 above the horizon. seed: where in the clouds.
        Returns:
            float32 [3, P].
        """
        up = np.maximum(ry, 0.004)
        rise = np.sqrt(up / (1 + up))
        zenith, haze = self.zenith, self.haze
        color = haze[:, None] + (zenith - haze)[:, None] * np.minimum(1.6 * rise, 1)
        # Clouds on a plane overhead; they melt into the haze far out.
        reach = 1 / (up + 0.08)
        density = noise_at("cloud", 9 * rx * reach + 256 * seed, 9 * rz * reach)
        density += 0.25 * (noise_at("cloud", 31 * rx * reach, 31 * rz * reach + 256 * seed) - 0.5)
        edge = 1.12 - 1.25 * self.cloudiness
        cover = ramp(density, edge, edge + 0.35) * np.minimum(6 * up, 1) * (0.9 - 0.3 * self.fog)
        sun_x, sun_z, tangent = self.direction
        length = np.sqrt((rx * rx + rz * rz + ry * ry) * np.float32(1 + tangent * tangent))
        cosine = (rx * sun_x + rz * sun_z + ry * tangent) / length
        white = 0.35 + 0.65 * self.day
        shade = white * (1.0 - (0.25 + 0.2 * self.cloudiness) * unit(density - edge))
        tint = blend((1, 1, 1), haze / haze.max(), 0.6)
        color += (shade * tint[:, None] - color) * cover
        glow = np.maximum(cosine, 0) ** 24
        return color + (0.75 * glow * (1 - 0.8 * cover)) * self.sun[:, None]
