"""Round distractors: cups, cans, bottles, bowls and balls, turned about a vertical axis."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.painting.materials import sample_colour
from cpose.datasets.synthetic.painting.raster import draw_quad
from cpose.datasets.synthetic.painting.textures import paint_face, sample_style

SIDES = 24
SHIFT = 4
STRIP = 8
"""Width in pixels of a print's part on one side."""
SMALLEST_LABEL = 24
"""Pixels, width and height of the ring together, below which a print could not be told."""


def _unit_vectors(angles: np.ndarray) -> np.ndarray:
    return np.array([np.cos(angles), np.zeros_like(angles), np.sin(angles)]).T


CORNERS = _unit_vectors(np.arange(SIDES) * (2 * np.pi / SIDES))
NORMALS = _unit_vectors((np.arange(SIDES) + 0.5) * (2 * np.pi / SIDES))
"""(24, 3) directions of corners and sides as seen from the axis."""

PROFILES = (
    ('can', ((0.30, 0.0), (0.32, 0.03), (0.32, 0.95), (0.28, 1.0))),
    ('cup', ((0.33, 0.0), (0.40, 0.1), (0.45, 0.95), (0.45, 1.0))),
    ('bottle', ((0.17, 0.0), (0.19, 0.05), (0.19, 0.55), (0.07, 0.78), (0.06, 0.97), (0.06, 1.0))),
    ('bowl', ((0.35, 0.0), (0.6, 0.2), (0.85, 0.6), (0.9, 0.65))),
    ('vase', ((0.2, 0.0), (0.36, 0.25), (0.34, 0.5), (0.14, 0.8), (0.2, 1.0))),
    (
        'ball',
        ((0.1, 0.0), (0.31, 0.12), (0.46, 0.3), (0.5, 0.5), (0.46, 0.7), (0.31, 0.88), (0.1, 1.0)),
    ),
    ('cone', ((0.35, 0.0), (0.02, 1.0))),
)
"""Name and rings (radius, height) relative to the height."""


@dataclass(frozen=True)
class Solid:
    """A solid of revolution on the plane.

    Attributes:
        position: (2,) world X and Z of the axis.
        profile: (R, 2) radius and height of each ring, metres, from the bottom up.
        colours: (R, 3) BGR of each band between rings; the last one is the lid's.
        label_seed: Seed of the print around its highest band; None without print.
    """

    position: np.ndarray
    profile: np.ndarray
    colours: np.ndarray
    label_seed: int | None = None

    @cached_property
    def rings_world(self) -> np.ndarray:
        """(R, S, 3) points of every ring."""
        axis = np.array([self.position[0], 0.0, self.position[1]])
        heights = self.profile[:, None, 1:] * np.array([0.0, 1.0, 0.0])
        return np.asarray(CORNERS * self.profile[:, None, :1] + heights + axis)

    @property
    def outline_world(self) -> np.ndarray:
        """(R·S, 3) points whose hull contains the solid."""
        return self.rings_world.reshape(-1, 3)

    @property
    def heights(self) -> tuple[float, float]:
        """Metres from the plane to its lowest and its highest point."""
        return 0.0, float(self.profile[:, 1].max())

    @cached_property
    def footprint(self) -> np.ndarray:
        """(S / 2, 2) world X and Z of a polygon around the widest ring."""
        ring = self.rings_world[int(np.argmax(self.profile[:, 0])), ::2][:, [0, 2]]
        growth = 1 / np.cos(2 * np.pi / SIDES)
        return np.asarray((ring - self.position) * growth + self.position)


def sample_solid(
    rng: np.random.Generator,
    position: np.ndarray,
    height: float,
    printed: float = 0.0,
    left_out: Collection[str] = (),
) -> Solid:
    """Sample kind, slenderness and colours of a solid.

    Args:
        rng: Source of randomness.
        position: (2,) world X and Z of its axis.
        height: Metres.
        printed: Probability of a print around it.
        left_out: Kinds that do not occur.
    """
    profiles = [rings for kind, rings in PROFILES if kind not in left_out]
    rings = np.array(profiles[int(rng.integers(len(profiles)))])
    rings = rings * height * [np.exp(rng.uniform(-0.25, 0.25)), 1.0]
    colours = np.repeat(sample_colour(rng)[None], len(rings), axis=0)
    if rng.random() < 0.5:
        colours[int(rng.integers(len(rings)))] = sample_colour(rng)
    is_printed = printed > 0 and rng.random() < printed
    seed = int(rng.integers(1 << 32)) if is_printed else None
    return Solid(position, rings, colours.astype(np.float64), seed)


def draw_solid(
    image: np.ndarray, camera: VirtualCamera, solid: Solid, light: np.ndarray, ambient: float
) -> None:
    """Draw a solid on a (H, W, 3) uint8 image, in place.

    Args:
        image: The picture so far.
        camera: The camera.
        solid: The solid, wholly in front of the camera.
        light: (3,) unit vector towards the lamp, world.
        ambient: Share of the light that comes from everywhere.
    """
    rings = solid.rings_world
    pixels = np.round(camera.project(rings) * (1 << SHIFT)).astype(np.int32)
    axis = np.array([solid.position[0], 0.0, solid.position[1]])
    facing = np.flatnonzero((NORMALS @ (camera.position - axis)) > solid.profile[:, 0].min())
    shade = ambient + (1 - ambient) * np.clip(NORMALS @ light + 0.25, 0.0, 1.1)
    colours = (solid.colours[:, None] * shade[:, None]).tolist()
    after = (facing + 1) % SIDES
    for band in range(len(rings) - 1):
        lower, upper = pixels[band], pixels[band + 1]
        corners = lower[facing], lower[after], upper[after], upper[facing]
        quads = np.concatenate(corners, axis=1).reshape(-1, 4, 2)
        for side, quad in zip(facing.tolist(), quads, strict=True):
            cv2.fillConvexPoly(image, quad, colours[band][side], cv2.LINE_AA, SHIFT)
    if solid.label_seed is not None:
        _draw_label(image, camera, solid, facing, shade)
    if camera.height > solid.profile[-1, 1]:
        lid = solid.colours[-1] * (ambient + (1 - ambient) * light[1])
        cv2.fillConvexPoly(image, pixels[-1], lid.tolist(), cv2.LINE_AA, SHIFT)


def _draw_label(
    image: np.ndarray, camera: VirtualCamera, solid: Solid, facing: np.ndarray, shade: np.ndarray
) -> None:
    """Draw a print around the highest band, one strip for each side."""
    rng = np.random.default_rng(solid.label_seed)
    band = int(np.diff(solid.profile[:, 1]).argmax())
    upper, lower = camera.project(solid.rings_world[[band + 1, band]])
    if np.ptp(upper[:, 0]) + np.ptp(upper[:, 1]) < SMALLEST_LABEL:
        return
    paper = paint_face(rng, sample_style(rng), (SIDES * STRIP, 8 * STRIP))
    for side in facing.tolist():
        strip = paper[:, (SIDES - 1 - side) * STRIP : (SIDES - side) * STRIP]
        after = (side + 1) % SIDES
        quad = np.array([upper[after], upper[side], lower[side], lower[after]])
        draw_quad(image, cv2.convertScaleAbs(strip, alpha=float(shade[side])), quad)
