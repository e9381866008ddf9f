"""Do the fields of an annotation agree with each other, and what explains it if they do not?

Compared are the projection of the 3D points with ``projected_cuboid``, their edges with ``scale``,
their order and handedness, location and quaternion with the points, and the intrinsics with the
projection matrix and the image. Letters: T objects of any number of images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cpose.datasets.conventions.fields import AnnotationFields
from cpose.datasets.conventions.names import UNITS
from cpose.geometry.projection import undistort_points
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.camera import cv_from_gl, intrinsic_matrix, pixel_projection
from cpose.structures.cuboid import CORNER_SIGNS, cuboid_keypoints

MIN_DEPTH = 1e-6
ROUNDING_PX = 1.5
"""Corners that are cut to whole pixels are off by up to 1.41 px."""
MOST_REPROJECTION = 0.02
"""Of the diagonal of the projected cuboid; clicked corners of photographs reach 0.009."""
MIN_SIZE_PX = 10.0
"""Distance of an object behind the camera at least."""
MOST_DOT_PX = 3.0
"""Size of corners that are no pixels but shares of the image."""
MOST_LENGTH = 0.03
"""Relative difference of an edge from ``scale``."""
MOST_POINT = 0.03
"""Distance of a 3D point from the cuboid that it belongs to, of the cuboid's diagonal."""
MOST_CAMERA = 0.005
"""Of the image's longer side, besides 1 px: files made from Objectron reach 0.003."""
RELATIONS = ('order', 'scale', 'pose', 'reprojection', 'camera')
RELATION_FIELDS = {
    'order': 'keypoints_3d',
    'scale': 'scale and keypoints_3d',
    'pose': 'location, quaternion_xyzw and keypoints_3d',
    'reprojection': 'keypoints_3d and projected_cuboid',
    'camera': 'camera_data',
}
UNITS_OF_MAGNITUDE = {
    'order': 'of the diagonal',
    'scale': 'times',
    'pose': 'of the diagonal',
    'reprojection': 'px',
    'camera': 'px',
}


@dataclass(frozen=True)
class Finding:
    """One contradiction of a file, or a field that is left aside.

    Attributes:
        field: The field that is wrong, or all that contradict each other.
        cause: The predicate of a sentence about it, such as 'is in centimetres'.
        relation: Entry of `RELATIONS`, empty for a field that is left aside.
        form: What the field holds by the table of conventions, empty where nothing explains it.
        magnitude: How far the fields are apart, in ``unit``.
        unit: Of the magnitude.
        objects: Numbers of the objects.
        is_used: Whether what is wrong is read; otherwise it is told and left aside.
    """

    field: str
    cause: str
    relation: str = ''
    form: str = ''
    magnitude: float | None = None
    unit: str = ''
    objects: tuple[int, ...] = ()
    is_used: bool = True

    @property
    def step(self) -> tuple[str, str] | None:
        """Field and form in the table of conventions, None where nothing explains it."""
        field, _, name = self.form.partition('=')
        return (field, name) if name else None

    def __str__(self) -> str:
        """Return a sentence without its full stop."""
        if self.magnitude is None:
            return f'{self.field} {self.cause}'
        amount = f'off by {self.magnitude:.3g} {self.unit}' if self.unit else f'{self.magnitude:g}'
        return f'{self.field} {self.cause} ({amount})'


@dataclass(frozen=True)
class PosedObjects:
    """Objects with their cameras; NaN where something is unknown.

    Attributes:
        image_wh: (T, 2) pixels.
        intrinsics: (T, 3, 3) pixels.
        projection: (T, 3, 3) pixels from OpenCV points, by the projection matrix of the file.
        has_odd_matrix: (T,) bool, whether there is a matrix that is no Objectron projection.
        points_image: (T, 9, 2) pixels that a pinhole would have seen.
        points_gl: (T, 9, 3) as annotated, Objectron frame.
        scale: (T, 3).
        location: (T, 3).
        rotation: (T, 3, 3) of the quaternion.
    """

    image_wh: np.ndarray
    intrinsics: np.ndarray
    projection: np.ndarray
    has_odd_matrix: np.ndarray
    points_image: np.ndarray
    points_gl: np.ndarray
    scale: np.ndarray
    location: np.ndarray
    rotation: np.ndarray


def pose_objects(files: Sequence[AnnotationFields]) -> PosedObjects:
    """Stack the objects of files."""
    counts = [len(item) for item in files]
    unknown = np.full((3, 3), np.nan)
    intrinsics, projections, odd = [], [], []
    for item in files:
        known = None
        if item.projection_matrix is not None:
            known = pixel_projection(item.projection_matrix, item.image_wh)
        odd.append(item.projection_matrix is not None and known is None)
        projections.append(unknown if known is None else known)
        k = item.intrinsics
        intrinsics.append(unknown if k is None else intrinsic_matrix(*k.tolist()))
    quaternion = np.concatenate([item.quaternion for item in files])
    known_rotation = np.isfinite(quaternion).all(axis=1) & quaternion.any(axis=1)
    rotation = np.full((len(quaternion), 3, 3), np.nan)
    with np.errstate(all='ignore'):
        rotation[known_rotation] = matrix_from_quaternion(quaternion[known_rotation])
    return PosedObjects(
        image_wh=np.repeat(np.array([item.image_wh for item in files]), counts, axis=0),
        intrinsics=np.repeat(np.stack(intrinsics), counts, axis=0),
        projection=np.repeat(np.stack(projections), counts, axis=0),
        has_odd_matrix=np.repeat(odd, counts),
        points_image=np.concatenate([_straight_points(item) for item in files]),
        points_gl=np.concatenate([item.keypoints_3d for item in files]),
        scale=np.concatenate([item.scale for item in files]),
        location=np.concatenate([item.location for item in files]),
        rotation=rotation,
    )


def _straight_points(item: AnnotationFields) -> np.ndarray:
    """Return the annotated pixels (N, 9, 2) without the distortion of the lens."""
    if item.distortion is None or item.intrinsics is None:
        return item.projected_cuboid
    camera = intrinsic_matrix(*item.intrinsics.tolist())
    return undistort_points(item.projected_cuboid, camera, item.distortion)


def measure_contradictions(
    objects: PosedObjects, may_be_relative: bool = True
) -> dict[str, np.ndarray]:
    """Return by relation how far each object's fields are apart, NaN where they agree.

    Args:
        objects: What to compare.
        may_be_relative: Whether ``scale`` may be relative to any length, not to the height alone.

    Returns:
        (T,) float64 by entry of `RELATIONS`; agreement within its tolerance, and relations of
        fields that are not there, are NaN.
    """
    with np.errstate(all='ignore'):
        axes = np.einsum('ki,tkj->tij', CORNER_SIGNS, objects.points_gl[:, 1:]) / 4
        edges = np.linalg.norm(axes, axis=2)
        diagonal = np.linalg.norm(edges, axis=1)
        return {
            'order': _order(objects.points_gl, axes, diagonal),
            'scale': _scale(edges, objects.scale, may_be_relative),
            'pose': _pose(objects, edges, diagonal),
            'reprojection': _reprojection(objects),
            'camera': _camera(objects),
        }


def _order(points: np.ndarray, axes: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Compare points (T, 9, 3) with the cuboid of their own axes (T, 3, 3); left-handed is 1."""
    corners = CORNER_SIGNS / 2 @ axes
    center = points[:, 1:].mean(axis=1, keepdims=True)
    expected = np.concatenate([np.zeros_like(center), corners], axis=1) + center
    distance = np.linalg.norm(points - expected, axis=2).max(axis=1) / diagonal
    distance = np.where(np.linalg.det(axes) < 0, np.maximum(distance, 1.0), distance)
    return np.where(distance > MOST_POINT, distance, np.nan)


def _scale(edges: np.ndarray, scale: np.ndarray, may_be_relative: bool) -> np.ndarray:
    """Compare edges (T, 3) with the scale; factors of known units are taken for mistakes."""
    ratio = edges / scale
    middle = np.exp(np.log(ratio).mean(axis=1))
    is_uniform = np.abs(ratio / middle[:, None] - 1).max(axis=1) <= MOST_LENGTH
    agrees = np.abs(middle - 1) <= MOST_LENGTH
    agrees |= np.abs(scale[:, 1] - 1) < 1e-3
    if may_be_relative:
        factors = np.array([*UNITS.values(), 0.5])
        factors = np.concatenate([factors, 1 / factors])
        agrees |= (np.abs(middle[:, None] / factors - 1) > MOST_LENGTH).all(axis=1)
    worst = np.exp(np.abs(np.log(ratio)).max(axis=1))
    return np.where((is_uniform & agrees) | np.isnan(middle), np.nan, worst)


def _pose(objects: PosedObjects, edges: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    turned = cuboid_keypoints(edges) @ objects.rotation.transpose(0, 2, 1)
    expected = turned + objects.location[:, None]
    distance = np.linalg.norm(expected - objects.points_gl, axis=2).max(axis=1) / diagonal
    return np.where(distance > MOST_POINT, distance, np.nan)


def _project(points_gl: np.ndarray, projection: np.ndarray) -> np.ndarray:
    """Return pixels (T, 9, 2), NaN behind the camera."""
    points = cv_from_gl(points_gl)
    points = np.where(points[..., 2:] > MIN_DEPTH, points, np.nan)
    homogeneous = points @ projection.transpose(0, 2, 1)
    return homogeneous[..., :2] / homogeneous[..., 2:]


def all_points(objects: PosedObjects) -> np.ndarray:
    """Return points (T, 9, 3), those of the pose where none are annotated."""
    located = objects.location[:, None]
    of_pose = cuboid_keypoints(objects.scale) @ objects.rotation.transpose(0, 2, 1) + located
    return np.where(np.isnan(objects.points_gl), of_pose, objects.points_gl)


def _cameras(objects: PosedObjects) -> np.ndarray:
    """Return (T, 3, 3), the projection matrix or the intrinsics."""
    is_known = np.isfinite(objects.projection).all(axis=(1, 2), keepdims=True)
    return np.where(is_known, objects.projection, objects.intrinsics)


def project_objects(objects: PosedObjects) -> np.ndarray:
    """Return the pixels (T, 9, 2) of the 3D points, NaN where unknown or behind the camera."""
    with np.errstate(all='ignore'):
        return _project(all_points(objects), _cameras(objects))


def measure_reprojection(objects: PosedObjects) -> np.ndarray:
    """Return (T,), the largest distance of a projected 3D point from its annotated pixel.

    An object wholly behind the camera is off by its whole size; NaN where something is unknown.
    """
    with np.errstate(all='ignore'):
        points, camera = all_points(objects), _cameras(objects)
        distance = np.linalg.norm(_project(points, camera) - objects.points_image, axis=2)
    worst = np.where(np.isnan(distance), -1.0, distance).max(axis=1)
    is_comparable = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(camera).all(axis=(1, 2))
    behind = np.where(is_comparable, np.maximum(_size(objects), MIN_SIZE_PX), np.nan)
    return np.where(worst < 0, behind, worst)


def _size(objects: PosedObjects) -> np.ndarray:
    """Return (T,) diagonals of the annotated corners, pixels."""
    corners = objects.points_image[:, 1:]
    return np.asarray(np.linalg.norm(corners.max(axis=1) - corners.min(axis=1), axis=1))


def _reprojection(objects: PosedObjects) -> np.ndarray:
    """Compare pixels; without 3D points an object of no size is off by that of the image."""
    distance, size = measure_reprojection(objects), _size(objects)
    is_dot = np.isnan(distance) & (size < MOST_DOT_PX)
    distance = np.where(is_dot, np.linalg.norm(objects.image_wh, axis=1), distance)
    return np.where(distance > ROUNDING_PX + MOST_REPROJECTION * size, distance, np.nan)


def _camera(objects: PosedObjects) -> np.ndarray:
    """Compare the intrinsics with the projection matrix, else with the image."""
    k, p, wh = objects.intrinsics, objects.projection, objects.image_wh
    rows = ([0, 1], [0, 1])
    focal_k, focal_p = k[:, rows[0], rows[1]], p[:, rows[0], rows[1]]
    by_focal = np.abs(focal_k / focal_p - 1) * wh / 2
    by_center = np.abs(k[:, :2, 2] - p[:, :2, 2])
    worst = np.maximum(by_focal, by_center).max(axis=1)
    is_zero = ~k[:, :2, 2].any(axis=1) & np.isnan(worst)
    worst = np.where(is_zero, np.linalg.norm(wh, axis=1) / 2, worst)
    has_none = objects.has_odd_matrix & np.isnan(k).any(axis=(1, 2))
    worst = np.where(has_none, wh.max(axis=1), worst)
    return np.where(worst > 1 + MOST_CAMERA * wh.max(axis=1), worst, np.nan)
