"""The lamp of a scene."""

from dataclasses import dataclass

import numpy as np

from cpose.datasets.synthetic.chance import log_uniform


@dataclass(frozen=True)
class Light:
    """One lamp far away plus light from everywhere.

    Attributes:
        direction: (3,) unit vector towards the lamp, world.
        ambient: Share of the light that comes from everywhere, 0 to 1.
        shadow: Darkness of the cast shadow, 0 to 1.
        softness: Blur of the shadow's border as a share of the box's image size.
    """

    direction: np.ndarray
    ambient: float
    shadow: float
    softness: float


def sample_light(rng: np.random.Generator, strength: tuple[float, float]) -> Light:
    """Sample a lamp anywhere above the plane."""
    azimuth = rng.uniform(0, 2 * np.pi)
    elevation = np.radians(rng.triangular(18, 60, 88))
    direction = np.array(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.sin(azimuth),
        ]
    )
    softness = log_uniform(rng, 0.012, 0.15)
    return Light(direction, rng.uniform(0.35, 0.85), rng.uniform(*strength), softness)
