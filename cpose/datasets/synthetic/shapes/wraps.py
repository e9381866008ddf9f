"""Prints around a surface of revolution: labels of bottles, pictures on cups."""

from dataclasses import dataclass

import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.painting.textures import BoxStyle, paint_face, sample_style
from cpose.datasets.synthetic.shapes.base import PlacedCuboid
from cpose.datasets.synthetic.shapes.gloss import Lighting, look_up
from cpose.datasets.synthetic.shapes.lathe import Hits

AROUND = (48, 480)
"""Least and greatest width of a print that goes around, pixels."""


@dataclass(frozen=True)
class Wrap:
    """A print around a surface.

    Attributes:
        texture: (h, w, 3) uint8, from its left to its right end as seen from outside.
        band: Lower and upper border, share of the height.
        arc: Share of the circle that it covers.
        turn: Where its middle is, share of the circle.
        opacity: 1 for paper; less lets the ground through.
        gloss: Share of the surface's reflections.
    """

    texture: np.ndarray
    band: tuple[float, float]
    arc: float
    turn: float
    opacity: float = 1.0
    gloss: float = 0.5

    def lay(self, shaded: np.ndarray, hits: Hits, height: np.ndarray, lighting: Lighting) -> None:
        """Lay it over lit colours (N, 3) where it is, in place.

        Args:
            shaded: (N, 3) grey levels.
            hits: N points of the surface.
            height: (N,) their heights as shares of that of the object.
            lighting: Light at the points.
        """
        low, high = self.band
        part = np.flatnonzero((height >= low) & (height < high))
        if not len(part):
            return
        x, _, z = hits.points[:, part]
        around = (self.turn - np.arctan2(z, x) / np.float32(2 * np.pi)) % 1 - 0.5
        is_on = np.abs(around) < self.arc / 2
        part, around = part[is_on], around[is_on]
        if not len(part):
            return
        rows, columns = self.texture.shape[:2]
        across = ((around / self.arc + 0.5) * columns - 0.5).astype(np.float32)
        down = ((high - height[part]) / (high - low) * rows - 0.5).astype(np.float32)
        colours = look_up(self.texture, across, down)
        lit = colours * lighting.diffuse[part, None] + self.gloss * lighting.mirrored[part, None]
        shaded[part] = self.opacity * lit + (1 - self.opacity) * shaded[part]


def paint_wrap(
    rng: np.random.Generator,
    box: PlacedCuboid,
    camera: VirtualCamera,
    band: tuple[float, float],
    arc: float,
    density: float,
    style: BoxStyle | None = None,
) -> Wrap:
    """Paint a print with a front and a back, at about the size it appears.

    Args:
        rng: Source of randomness.
        box: The cuboid of the object.
        camera: The camera.
        band: Lower and upper border, share of the height.
        arc: Share of the circle that it covers.
        density: Factor on the number of printed elements.
        style: Its colours; None samples some.
    """
    depth = float(camera.to_cv(box.keypoints_world[0])[2])
    around = np.pi * float(box.dims[0]) * arc
    tall = (band[1] - band[0]) * float(box.dims[1])
    pixels = float(camera.intrinsics[0, 0]) / max(depth, 0.05)
    scale = min(max(2 * around * pixels, AROUND[0]), AROUND[1]) / around
    half = max(12, round(around * scale / 2)), max(8, round(tall * scale))
    style = style or sample_style(rng, density)
    sides = [paint_face(rng, style, half, is_main=is_front) for is_front in (True, False)]
    texture = np.concatenate(sides if arc > 0.6 else [paint_face(rng, style, half)], axis=1)
    return Wrap(texture, band, arc, rng.uniform(0, 1), gloss=rng.uniform(0.1, 0.9))
