"""Cartons: printed cuboids, closed or open."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.painting.box_painter import (
    FACE_CORNERS,
    PaintedFace,
    draw_box,
    draw_flaps,
    mirror_faces,
    open_top,
    paint_faces,
    paint_flaps,
    paint_visible_faces,
)
from cpose.datasets.synthetic.painting.textures import paint_face, sample_style
from cpose.datasets.synthetic.settings import RealismSettings, sample_dims
from cpose.datasets.synthetic.shapes.base import PlacedCuboid, View
from cpose.registry import SHAPES

TOUCHING = 2e-6
"""Metres between a box and what stands on it; placing leaves half of it, against rounding."""
PRINT_SIDE = 400
"""Longer side of the largest face of one particular box, pixels."""
PRINT_STREAM = 31
NEAREST_REFLECTION = 0.05
"""Metres in front of the camera from which on reflections are drawn."""


@SHAPES.register_module()
class Carton:
    """Boxes of any proportions; ``realism`` says how slender and how often open."""

    metainfo: ClassVar[dict[str, Any]] = {
        'category': 'cuboid',
        'symmetry': {'type': 'CuboidSymmetry'},
        'eval_num_symmetry': 1,
    }
    look_alikes = ('Carton', 'Book')
    is_labelled_by_view = True

    def sample(self, rng: np.random.Generator, realism: RealismSettings) -> 'CartonForm':
        """Sample extents."""
        return CartonForm(sample_dims(rng, realism.sides, realism.slender))


class OneCarton:
    """One particular box, of the same size and print wherever it is seen.

    Args:
        dims: (3,) metres along its x, y, z.
        print_seed: Of its print.
    """

    metainfo = Carton.metainfo
    look_alikes = Carton.look_alikes
    is_labelled_by_view = False

    def __init__(self, dims: tuple[float, float, float], print_seed: int) -> None:
        self.form = CartonForm(np.array(dims), print_seed)

    def sample(self, _: np.random.Generator, __: RealismSettings) -> 'CartonForm':
        """Return the box."""
        return self.form


@dataclass(frozen=True)
class CartonForm:
    """A carton, which fills its cuboid.

    Attributes:
        dims: (3,) metres.
        print_seed: Of the print of one particular box; None for any.
    """

    dims: np.ndarray
    print_seed: int | None = None
    outline = None
    rest = None
    carries = True

    def paint(self, rng: np.random.Generator, box: PlacedCuboid, view: View) -> 'PaintedFaces':
        """Paint the visible faces, and flaps if it is open."""
        if self.print_seed is not None:
            textures = print_faces(self.print_seed, self.dims)
            printed = paint_faces(
                rng, view.camera, box.keypoints_world, view.light, lambda name, _: textures[name]
            )
            return PaintedFaces([printed], box.level == 0)
        realism = view.realism
        style = sample_style(rng, realism.print_density)
        faces = paint_visible_faces(rng, view.camera, box, style, view.light)
        top = box.heights[1]
        is_covered = any(abs(other.level - top) <= TOUCHING for other in view.boxes)
        if is_covered or realism.flaps == 0 or rng.random() >= realism.flaps:
            return PaintedFaces([faces], box.level == 0)
        open_top(rng, faces, box.world_from_object[:, 1])
        behind, front = paint_flaps(rng, view.camera, box, style, view.light)
        return PaintedFaces([faces], box.level == 0, behind, front)


@cache
def _print(seed: int, wide: float, high: float, deep: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([seed, PRINT_STREAM])
    style = sample_style(rng)
    sides = {'x': (deep, high), 'y': (wide, deep), 'z': (wide, high)}
    scale = PRINT_SIDE / max(wide, high, deep)
    textures = {}
    for name in FACE_CORNERS:
        width, height = (max(12, round(side * scale)) for side in sides[name[1]])
        is_main = name in ('+z', '-z', '+y')
        textures[name] = paint_face(rng, style, (width, height), is_main=is_main)
    return textures


def print_faces(seed: int, dims: np.ndarray) -> dict[str, np.ndarray]:
    """Return the print of one particular box: a texture (h, w, 3) uint8 BGR for each face.

    Args:
        seed: Another one gives another print.
        dims: (3,) extents along x, y, z, of which the proportions count.
    """
    wide, high, deep = dims.tolist()
    return _print(seed, wide, high, deep)


@dataclass(frozen=True)
class PaintedFaces:
    """An object of flat faces.

    Attributes:
        parts: Visible faces of each convex part, the farthest first.
        is_mirrored: Whether a glossy plane mirrors it.
        behind: Flaps that it covers.
        front: Flaps that cover it.
    """

    parts: list[list[PaintedFace]]
    is_mirrored: bool = True
    behind: list[PaintedFace] = field(default_factory=list)
    front: list[PaintedFace] = field(default_factory=list)

    def draw(self, image: np.ndarray, camera: VirtualCamera) -> None:
        """Draw flaps behind, faces and flaps in front, in place."""
        draw_flaps(image, camera, self.behind)
        for faces in self.parts:
            draw_box(image, camera, faces)
        draw_flaps(image, camera, self.front)

    def draw_mirrored(self, image: np.ndarray, camera: VirtualCamera) -> None:
        """Draw the faces as the plane mirrors them, in place."""
        for part in self.parts if self.is_mirrored else ():
            faces = mirror_faces(part)
            depths = [camera.to_cv(face.corners_world)[:, 2].min() for face in faces]
            if faces and min(depths) > NEAREST_REFLECTION:
                draw_box(image, camera, faces)
