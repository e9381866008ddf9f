"""Read the fields of one annotated object, as they are written."""

import numpy as np

from cpose.codecs.symmetries import parse_symmetric
from cpose.errors import DataError
from cpose.files.json_files import JsonFields
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.cuboid import CORNER_SIGNS, EDGES, NUM_KEYPOINTS, cuboid_keypoints

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
            'in Objectron order. Annotations with another number of points are not supported '
            '(dataset.num_joints of a TAO spec)',
        )
    return item.array('projected_cuboid', (NUM_KEYPOINTS, 2))


def read_keypoints_3d(item: JsonFields) -> np.ndarray:
    """Return centre and corners (9, 3) as written, NaN where they are not given."""
    if not item.has('keypoints_3d'):
        return np.full((NUM_KEYPOINTS, 3), np.nan)
    return item.array('keypoints_3d', (NUM_KEYPOINTS, 3))


def read_pose(item: JsonFields) -> tuple[np.ndarray, np.ndarray]:
    """Return location (3,) and quaternion (4,) as written, NaN where one is not given.

    Beside ``keypoints_3d`` nothing needs them, and what cannot be read counts as not given.
    """
    is_needed = not item.has('keypoints_3d')
    unknown = np.full(3, np.nan), np.full(4, np.nan)
    if not (item.has('location') and item.has('quaternion_xyzw')):
        return unknown
    try:
        quaternion = item.array('quaternion_xyzw', (4,))
        if not quaternion.any():
            raise item.error('quaternion_xyzw', 'must not be zero')
        return item.array('location', (3,)), quaternion
    except DataError:
        if is_needed:
            raise
        return unknown


def make_keypoints_gl(
    keypoints: np.ndarray, location: np.ndarray, quaternion: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Return keypoints (9, 3), those of the pose where they are NaN.

    Args:
        keypoints: (9, 3).
        location: (3,).
        quaternion: (4,), order x y z w.
        scale: (3,) extents.
    """
    if np.isfinite(keypoints[0, 0]) or np.isnan(quaternion[0]):
        return keypoints
    rotation = matrix_from_quaternion(quaternion)
    return cuboid_keypoints(scale) @ rotation.T + location


def read_scale(item: JsonFields) -> np.ndarray:
    """Return the extents (3,) along object x, y, z."""
    scale = item.array('scale', (3,))
    if (scale <= 0).any():
        raise item.error('scale', 'must be positive: the extents along object x, y, z')
    return scale


def read_visibility(item: JsonFields) -> float:
    """Return the visibility as written, 1 where it is absent."""
    return float(item.array('visibility', ())) if item.has('visibility') else 1.0


def read_class_name(item: JsonFields) -> str | None:
    """Return the name of the class, None where it is absent; Isaac Sim calls it ``label``."""
    if not item.has('class'):
        label = item.get('label')
        return label if isinstance(label, str) and len(label.encode()) <= CLASS_BYTES else None
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


def is_solid(corners: np.ndarray) -> bool:
    """Tell whether corners (8, 3) have edges of some length that span a volume."""
    first, second = np.transpose(EDGES)
    with np.errstate(over='ignore', invalid='ignore'):
        axes = CORNER_SIGNS.T @ corners
        lengths = np.linalg.norm(axes, axis=1, keepdims=True)
        has_edges = (corners[first] != corners[second]).any(axis=1).all() and lengths.all()
        return bool(has_edges and abs(np.linalg.det(axes / lengths)) > MIN_SOLID)
