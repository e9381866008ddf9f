"""One box of a picture: what a person says of it, what follows, and how the file holds both."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cpose.annotation.cuboid_problem import PIXELS_PER_SIGMA, CuboidProblem
from cpose.annotation.cuboid_solver import CuboidSolution, solve_cuboid
from cpose.annotation.server.cameras import PictureCamera
from cpose.datasets.annotations.object_fields import read_class_name, read_symmetric
from cpose.datasets.annotations.tao_writer import describe_pose
from cpose.files.json_files import JsonFields
from cpose.structures.camera import gl_from_cv
from cpose.structures.cuboid import NUM_CORNERS

BOX_ID = re.compile('[A-Za-z0-9_-]{1,40}')
SOFT_TRUST = 0.1
"""Weight of a corner that comes from a file or a model: it yields to those that are placed."""
LEAST_TO_DOUBT = 6
"""Placed corners of which one can be told to be wrong."""
MUCH_BETTER = 3.0
"""Factor between the residuals with a corner that is wrong and without it."""
FARTHEST = 3.0
"""Distance of a corner from the picture, its longer sides."""
MOST_SIZE = 1e4
SOURCES = ('clicked', 'model', 'file')
NOTE = 'annotation'
"""Field of an object with what a person said; readers of the format leave it out."""


@dataclass(frozen=True)
class Box:
    """A box as a person describes it.

    Attributes:
        id: Unique in the picture.
        category: Class of the object.
        corners: (8, 2) pixels, NaN where not placed.
        is_soft: (8,) bool, corners that come from a file or a model.
        sizes: (3,) extents along x, y, z, NaN where unknown.
        is_upright: Whether it stands upright.
        symmetric: Field of the format: None, a boolean or the number of equivalent rotations.
        visibility: 0 to 1.
        source: Where its first corners came from, one of `SOURCES`.
        solution: The posed box, None if there is none yet.
        stored: The object of the file while it says the same, with what else is there.
    """

    id: str
    category: str
    corners: np.ndarray
    is_soft: np.ndarray
    sizes: np.ndarray
    is_upright: bool = True
    symmetric: bool | int | None = None
    visibility: float = 1.0
    source: str = 'clicked'
    solution: CuboidSolution | None = field(default=None, repr=False)
    stored: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def is_posed(self) -> bool:
        """Whether there is a pose to write."""
        return self.solution is not None or self.stored is not None

    def has_same_geometry(self, other: 'Box') -> bool:
        """Tell whether another description leads to the same pose."""
        arrays = ('corners', 'is_soft', 'sizes')
        return self.is_upright == other.is_upright and all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=name != 'is_soft')
            for name in arrays
        )

    def says(self) -> dict[str, Any]:
        """Return the description as plain values."""
        return {
            'id': self.id,
            'category': self.category,
            'corners': [None if np.isnan(row[0]) else row.tolist() for row in self.corners],
            'soft': self.is_soft.tolist(),
            'sizes': [None if np.isnan(size) else float(size) for size in self.sizes],
            'upright': self.is_upright,
            'symmetric': self.symmetric,
            'visibility': self.visibility,
            'source': self.source,
        }

    def shows(self) -> dict[str, Any]:
        """Return the description with what follows from it, for the page."""
        return {**self.says(), 'solution': self._solution_json()}

    def _solution_json(self) -> dict[str, Any] | None:
        if self.solution is not None:
            return solution_json(self.solution)
        if self.stored is None:
            return None
        note = _note(self.stored)
        return {
            'keypoints': self.stored['projected_cuboid'],
            'dims': self.stored['scale'],
            'residual_px': note.get('residual_px'),
            'undetermined': note.get('undetermined', []),
            'is_ambiguous': False,
            'up': None,
            'state': None,
            'suspect': None,
        }

    def to_object(self, number: int) -> dict[str, Any]:
        """Return the object of the file; what is there already keeps all its fields and digits."""
        named = {
            'class': self.category,
            'visibility': self.visibility,
            'symmetric': self.symmetric,
        }
        stored = dict(self.stored or {'name': f'{self.category}_{number}'})
        content = {**stored, **named}
        if self.symmetric is None:
            content.pop('symmetric')
        if self.solution is None:
            return content
        content.pop('keypoints_3d', None)
        return {
            **content,
            'provenance': 'annotated',
            **describe_pose(self.solution.keypoints_gl),
            'projected_cuboid': self.solution.keypoints_image.tolist(),
            'scale': self.solution.dims.tolist(),
            'keypoints_3d': self.solution.keypoints_gl.tolist(),
            NOTE: {
                **{name: self.says()[name] for name in ('id', 'corners', 'soft', 'sizes')},
                'upright': self.is_upright,
                'source': self.source,
                'residual_px': round(self.solution.residual_px, 3),
                'undetermined': list(self.solution.undetermined),
                'unit': 'height' if np.isnan(self.sizes).all() else 'metre',
            },
        }


def solution_json(solution: CuboidSolution) -> dict[str, Any]:
    """Return what the page draws and tells of a posed box."""
    return {
        'keypoints': solution.keypoints_image.tolist(),
        'dims': solution.dims.tolist(),
        'residual_px': solution.residual_px,
        'undetermined': list(solution.undetermined),
        'is_ambiguous': solution.is_ambiguous,
        'focal': float(solution.intrinsics[0, 0]),
        'up': solution.rotation[:, 1].tolist(),
        'state': solution.state.tolist(),
        'suspect': solution.suspect,
    }


def parse_box(fields: JsonFields, image_wh: tuple[int, int]) -> Box:
    """Read a box that the page sends.

    Raises:
        DataError: If a value is wrong; the message names the field.
    """
    name = fields.value('id')
    if not (isinstance(name, str) and BOX_ID.fullmatch(name)):
        raise fields.error('id', 'must be letters, digits, _ and -, at most 40')
    category = read_class_name(_renamed(fields))
    if not category or not category.strip():
        raise fields.error('category', 'must be the name of a category')
    source = fields.get('source') or 'clicked'
    if source not in SOURCES:
        raise fields.error('source', f'must be one of {", ".join(SOURCES)}')
    visibility = float(fields.array('visibility', ())) if fields.has('visibility') else 1.0
    if not 0 <= visibility <= 1:
        raise fields.error('visibility', 'must be a number from 0 to 1')
    is_upright = fields.get('upright')
    return Box(
        id=name,
        category=category.strip(),
        corners=_read_corners(fields, image_wh),
        is_soft=_read_soft(fields),
        sizes=_read_sizes(fields),
        is_upright=True if is_upright is None else bool(is_upright),
        symmetric=read_symmetric(fields),
        visibility=visibility,
        source=source,
    )


def stored_box(item: JsonFields, content: Mapping[str, Any], number: int) -> Box:
    """Return the box of an object of a file, checked by `read_annotation` before.

    Args:
        item: The object.
        content: The same, as parsed.
        number: Its place in the file.
    """
    note = _note(content)
    corners = np.array(content['projected_cuboid'], dtype=np.float64)[1:]
    box = Box(
        id=f'file-{number}',
        category=read_class_name(item) or 'object',
        corners=corners,
        is_soft=np.ones(NUM_CORNERS, dtype=bool),
        sizes=np.full(3, np.nan),
        symmetric=read_symmetric(item),
        visibility=float(content.get('visibility', 1.0)),
        source='file',
        stored=content,
    )
    said = JsonFields({**box.says(), **note}, '')
    parsed = parse_box(said, (1 << 20, 1 << 20)) if note else box
    return replace(parsed, stored=content)


def solve_box(
    box: Box,
    camera: PictureCamera,
    image_wh: tuple[int, int],
    up_cv: np.ndarray | None = None,
    start: np.ndarray | None = None,
    is_whole: bool = True,
    is_estimate: bool = False,
) -> CuboidSolution | None:
    """Return the posed box, see `solve_cuboid`.

    A camera that is not held level shows by corners that fit much better without that assumption,
    which is then dropped. A corner that was mistaken for another shows by others that fit much
    better without it; it is named where the search is whole.

    Args:
        box: The description.
        camera: Of the picture; its focal length counts as unknown while it is estimated.
        image_wh: Width and height of the picture, pixels.
        up_cv: The vertical by another upright box, OpenCV camera frame.
        start: See `solve_cuboid`.
        is_whole: See `solve_cuboid`.
        is_estimate: Whether the focal length of the camera is an estimate by the same corners, of
            which a wrong one spoils it.
    """
    problem = CuboidProblem(
        corners_image=box.corners,
        image_wh=image_wh,
        intrinsics=None if camera.is_estimated else camera.intrinsics,
        dims=box.sizes,
        distortion=camera.distortion,
        is_upright=box.is_upright,
        up_cv=up_cv,
        trust=np.where(box.is_soft & ~box.is_soft.all(), SOFT_TRUST, 1.0),
    )
    found = solve_cuboid(problem, start, is_whole)
    is_doubtful = found is not None and found.residual_px > max(image_wh) / PIXELS_PER_SIGMA
    if found is None or not is_doubtful:
        return found
    if box.is_upright and up_cv is None:
        leaning = replace(problem, is_upright=False)
        free = solve_cuboid(leaning, start, is_whole)
        if free is not None and free.residual_px < found.residual_px / 2:
            problem, found = leaning, free
    if not is_whole:
        return found
    doubted = replace(problem, intrinsics=None) if is_estimate else problem
    return replace(found, suspect=_find_suspect(doubted, found))


def _find_suspect(problem: CuboidProblem, found: CuboidSolution) -> int | None:
    """Return the corner without which the others fit much better, None if there is none."""
    placed = np.flatnonzero(np.isfinite(problem.corners_image[:, 0]))
    if len(placed) < LEAST_TO_DOUBT:
        return None
    residuals = []
    for corner in placed:
        corners = problem.corners_image.copy()
        corners[corner] = np.nan
        others = solve_cuboid(replace(problem, corners_image=corners))
        residuals.append(np.inf if others is None else others.residual_px)
    best = int(np.argmin(residuals))
    return int(placed[best]) if residuals[best] < found.residual_px / MUCH_BETTER else None


def ground_plane(boxes: Sequence[Box]) -> dict[str, Any]:
    """Return the plane below the first upright box that is posed here, as fields of a file."""
    for box in boxes:
        if box.is_upright and box.solution is not None:
            up = box.solution.rotation[:, 1]
            base = box.solution.location_cv - up * box.solution.dims[1] / 2
            return plane_content(base, up)
    return {}


def plane_content(point_cv: np.ndarray, normal_cv: np.ndarray) -> dict[str, Any]:
    """Return the fields of a file that hold a plane, given in the OpenCV camera frame."""
    plane = {'plane_center': gl_from_cv(point_cv), 'plane_normal': gl_from_cv(normal_cv)}
    return {'AR_data': {name: value.tolist() for name, value in plane.items()}}


def _note(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a person said of an object, empty where that is not known."""
    note = content.get(NOTE)
    return note if isinstance(note, dict) else {}


def _renamed(fields: JsonFields) -> JsonFields:
    return JsonFields({'class': fields.get('category')}, 'page')


def _read_corners(fields: JsonFields, image_wh: tuple[int, int]) -> np.ndarray:
    rows = fields.value('corners')
    if not isinstance(rows, list) or len(rows) != NUM_CORNERS:
        raise fields.error('corners', 'must be a list of eight points or nulls')
    filled = [[np.nan, np.nan] if row is None else row for row in rows]
    try:
        corners = np.array(filled, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise fields.error('corners', 'must hold points of two numbers') from error
    if corners.shape != (NUM_CORNERS, 2):
        raise fields.error('corners', 'must hold points of two numbers')
    given = corners[[row is not None for row in rows]]
    if not (np.abs(given) <= FARTHEST * max(image_wh)).all():
        raise fields.error('corners', 'must lie in the picture or around it')
    return corners


def _read_soft(fields: JsonFields) -> np.ndarray:
    values = fields.get('soft') or [False] * NUM_CORNERS
    if not isinstance(values, list) or len(values) != NUM_CORNERS:
        raise fields.error('soft', 'must be a list of eight booleans')
    return np.array([value is True for value in values])


def _read_sizes(fields: JsonFields) -> np.ndarray:
    values = fields.get('sizes') or [None] * 3
    if not isinstance(values, list) or len(values) != 3:
        raise fields.error('sizes', 'must be a list of three numbers or nulls')
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and 0 < value <= MOST_SIZE):
            raise fields.error('sizes', f'must be above 0 and at most {MOST_SIZE:g}')
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
