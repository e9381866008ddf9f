"""Read one annotation file (TAO, NVlabs and other Objectron-derived JSON).

Foreign conventions end here: projection matrices of the quarter-turned Objectron camera become
pixel projections, locations with quaternions become keypoints. Letters: N objects.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cpose.codecs.symmetries import parse_symmetric
from cpose.datasets.annotations.extras import stack_extras
from cpose.errors import DataError
from cpose.files.json_files import JsonFields
from cpose.files.text_files import MOST_BYTES, read_json
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.camera import GL_FROM_CV, intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS, EDGES, NUM_KEYPOINTS, cuboid_keypoints
from cpose.structures.pose_data_sample import CuboidAnnotations

CLASS_BYTES = 64
"""Longest name of a class in UTF-8."""

OBJECT_FIELDS = (
    *('class', 'projected_cuboid', 'keypoints_3d', 'location', 'quaternion_xyzw', 'scale'),
    *('visibility', 'symmetric', 'mug'),
)
"""Fields of an object that are read here; other numbers become `CuboidAnnotations.extras`."""

MIN_SOLID = 1e-6
"""Least volume of the parallelepiped of a cuboid's unit axes; 1 where they are at right angles."""


def read_projected_cuboid(item: JsonFields) -> np.ndarray:
    """Return centre and corners (9, 2), image pixels."""
    value = item.value('projected_cuboid')
    if isinstance(value, list) and len(value) != NUM_KEYPOINTS:
        raise item.error(
            'projected_cuboid',
            f'has {len(value)} points, expected 9: the projected centre, then the eight corners '
            'in Objectron order. Annotations with another number of points are not supported',
        )
    return item.array('projected_cuboid', (NUM_KEYPOINTS, 2))


def read_keypoints_gl(item: JsonFields) -> np.ndarray:
    """Return centre and corners (9, 3), Objectron camera frame; NaN where they are unknown."""
    if item.has('keypoints_3d'):
        keypoints = item.array('keypoints_3d', (NUM_KEYPOINTS, 3))
        if not _is_solid(keypoints[1:]):
            raise item.error('keypoints_3d', 'must span a cuboid, with no edge of length 0')
        return keypoints
    if not (item.has('location') and item.has('quaternion_xyzw')):
        return np.full((NUM_KEYPOINTS, 3), np.nan)
    quaternion = item.array('quaternion_xyzw', (4,))
    if not quaternion.any():
        raise item.error('quaternion_xyzw', 'must not be zero')
    rotation = matrix_from_quaternion(quaternion)
    return cuboid_keypoints(read_scale(item)) @ rotation.T + item.array('location', (3,))


def read_scale(item: JsonFields) -> np.ndarray:
    """Return the extents (3,) along object x, y, z."""
    scale = item.array('scale', (3,))
    if (scale <= 0).any():
        raise item.error('scale', 'must be positive: the extents along object x, y, z')
    return scale


def read_visibility(item: JsonFields) -> float:
    """Return the visibility, 1 where it is absent."""
    return float(item.array('visibility', ())) if item.has('visibility') else 1.0


def read_class_name(item: JsonFields) -> str | None:
    """Return the name of the class, None where it is absent."""
    if not item.has('class'):
        return None
    name = item.value('class')
    if not isinstance(name, str):
        raise item.error('class', 'must be the name of a category')
    try:
        num_bytes = len(name.encode())
    except UnicodeEncodeError as error:
        raise item.error('class', 'must be text that UTF-8 can hold') from error
    if num_bytes > CLASS_BYTES:
        raise item.error('class', f'must not be longer than {CLASS_BYTES} bytes')
    return name


def read_symmetric(item: JsonFields) -> bool | int | None:
    """Return the field ``symmetric``, see `parse_symmetric`.

    A cup that NVlabs' tools mark with ``mug`` has a handle: without ``symmetric`` it counts as
    false.
    """
    if not item.has('symmetric'):
        return False if _parse(item, 'mug') is True else None
    return _parse(item, 'symmetric')


def _parse(item: JsonFields, name: str) -> bool | int | None:
    try:
        return parse_symmetric(item.get(name))
    except DataError as error:
        raise DataError(
            error.problem, value=error.value, place=item.place(name), advice=error.advice
        ) from error


def _is_solid(corners: np.ndarray) -> bool:
    """Tell whether corners (8, 3) have edges of some length that span a volume."""
    first, second = np.transpose(EDGES)
    axes = CORNER_SIGNS.T @ corners
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    has_edges = (corners[first] != corners[second]).any(axis=1).all() and lengths.all()
    return bool(has_edges and abs(np.linalg.det(axes / lengths)) > MIN_SOLID)


@dataclass(frozen=True)
class Annotation:
    """What one annotation file says.

    Attributes:
        image_wh: Width and height of the image, pixels.
        intrinsics: (3, 3) pixels, or None if absent.
        projection: (3, 3) pixels from OpenCV camera points, or None if absent. Files made from
            Objectron have a projection matrix that differs from their intrinsics by about two
            pixels; without one this equals ``intrinsics``.
        class_names: Class of each object, None where absent.
        symmetric: Field ``symmetric`` of each object, see `parse_symmetric`.
        cuboids: The objects, labels all 0.
    """

    image_wh: tuple[int, int]
    intrinsics: np.ndarray | None
    projection: np.ndarray | None
    class_names: tuple[str | None, ...]
    symmetric: tuple[bool | int | None, ...]
    cuboids: CuboidAnnotations


def read_annotation(path: str | Path) -> Annotation:
    """Read and check one annotation file.

    Optional are ``AR_data``, ``camera_view_matrix``, the camera matrices, and of an object
    ``class``, ``visibility``, ``symmetric`` and ``keypoints_3d``, which is rebuilt from
    ``location``, ``quaternion_xyzw`` and ``scale`` where possible and is NaN otherwise. A cup
    that NVlabs' tools mark with ``mug`` has a handle: without ``symmetric`` it counts as false.
    Other fields of objects that hold numbers are kept, see `stack_extras`.

    Raises:
        DataError: If the file cannot be read or a field is missing or wrong.
    """
    return parse_annotation(read_json(path, MOST_BYTES), str(path))


def parse_annotation(content: Any, path: str) -> Annotation:
    """Check the parsed JSON of one file, see `read_annotation`.

    Args:
        content: What the JSON parser returned.
        path: File name for messages.
    """
    root = JsonFields(content, path)
    camera = root.fields('camera_data')
    image_wh = (camera.positive_int('width'), camera.positive_int('height'))
    intrinsics = _intrinsics(camera)
    projection = _projection(camera, image_wh)
    objects = root.list_of_fields('objects')
    cuboids = CuboidAnnotations(
        labels=np.zeros(len(objects), dtype=np.int64),
        keypoints_gl=_stack([read_keypoints_gl(item) for item in objects], (9, 3)),
        keypoints_image=_stack([read_projected_cuboid(item) for item in objects], (9, 2)),
        dims_metric=_stack([read_scale(item) for item in objects], (3,)),
        visibility=np.array([read_visibility(item) for item in objects], dtype=np.float64),
        plane_gl=_ground_plane(root),
        extras=stack_extras([item.rest(OBJECT_FIELDS) for item in objects]),
    )
    return Annotation(
        image_wh=image_wh,
        intrinsics=projection if intrinsics is None else intrinsics,
        projection=intrinsics if projection is None else projection,
        class_names=tuple(read_class_name(item) for item in objects),
        symmetric=tuple(read_symmetric(item) for item in objects),
        cuboids=cuboids,
    )


def _stack(rows: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.stack(rows) if rows else np.zeros((0, *shape))


def _intrinsics(camera: JsonFields) -> np.ndarray | None:
    if not camera.has('intrinsics'):
        return None
    fields = camera.fields('intrinsics')
    fx, fy, cx, cy = (float(fields.array(name, ())) for name in ('fx', 'fy', 'cx', 'cy'))
    if fx <= 0 or fy <= 0:
        raise fields.error('fx' if fx <= 0 else 'fy', 'must be positive, pixels')
    return intrinsic_matrix(fx, fy, cx, cy)


def _projection(camera: JsonFields, image_wh: tuple[int, int]) -> np.ndarray | None:
    """Turn the 4×4 projection matrix of the Objectron camera into pixels from OpenCV points."""
    if not camera.has('camera_projection_matrix'):
        return None
    matrix = camera.array('camera_projection_matrix', (4, 4))
    width, height = image_wh
    pixels_from_ndc = np.array([[width / 2, 0, width / 2], [0, height / 2, height / 2], [0, 0, 1]])
    rows_uvw = matrix[[1, 0, 3], :3]
    projection = pixels_from_ndc @ rows_uvw @ GL_FROM_CV
    if matrix[[0, 1, 3], 3].any() or projection[2, 2] <= 0 or projection[2, :2].any():
        raise camera.error(
            'camera_projection_matrix', 'must be an OpenGL perspective matrix, row by row'
        )
    return projection / projection[2, 2]


def _ground_plane(root: JsonFields) -> np.ndarray | None:
    if not root.has('AR_data'):
        return None
    plane = root.fields('AR_data')
    if not (plane.has('plane_center') or plane.has('plane_normal')):
        return None
    normal = plane.array('plane_normal', (3,))
    if not normal.any():
        raise plane.error('plane_normal', 'must not be zero')
    return np.stack([plane.array('plane_center', (3,)), normal])
