"""Changes that undo how a field is written. Each returns a new file."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cpose.datasets.conventions.fields import AnnotationFields
from cpose.geometry.rotation import matrix_from_quaternion, quaternion_from_matrix
from cpose.structures.camera import PROJECTION_FORMS, pixel_projection

Form = Callable[[AnnotationFields], AnnotationFields]


def multiply(fields: AnnotationFields, names: Sequence[str], factor: float) -> AnnotationFields:
    """Multiply fields by a factor; the plane goes with them if the whole frame is meant."""
    plane = fields.plane
    if len(names) > 1 and plane is not None:
        plane = plane * [[factor], [1.0]]
    scaled = {name: getattr(fields, name) * factor for name in names}
    return replace(fields, plane=plane, **scaled)


def reorder_points(
    fields: AnnotationFields, names: Sequence[str], order: np.ndarray
) -> AnnotationFields:
    """Take the points of fields in another order."""
    return replace(fields, **{name: getattr(fields, name)[:, order] for name in names})


def turn_points(fields: AnnotationFields, matrix: np.ndarray) -> AnnotationFields:
    """Turn the 3D points from another camera frame."""
    return replace(fields, keypoints_3d=fields.keypoints_3d @ matrix.T)


def turn_pose(fields: AnnotationFields, matrix: np.ndarray) -> AnnotationFields:
    """Turn location and rotation; a mirrored frame has objects whose x axis is mirrored too."""
    known = np.isfinite(fields.quaternion).all(axis=1) & fields.quaternion.any(axis=1)
    quaternion = fields.quaternion.copy()
    mirror = np.diag([np.linalg.det(matrix), 1.0, 1.0])
    turned = matrix @ matrix_from_quaternion(quaternion[known]) @ mirror
    quaternion[known] = quaternion_from_matrix(turned)
    return replace(fields, location=fields.location @ matrix.T, quaternion=quaternion)


def turn_all(fields: AnnotationFields, matrix: np.ndarray) -> AnnotationFields:
    """Turn points, pose and plane from another camera frame."""
    plane = None if fields.plane is None else fields.plane @ matrix.T
    return replace(turn_pose(turn_points(fields, matrix), matrix), plane=plane)


def raise_location(fields: AnnotationFields) -> AnnotationFields:
    """Move the location from the middle of the base to that of the cuboid."""
    up = matrix_from_quaternion(fields.quaternion)[:, :, 1]
    return replace(fields, location=fields.location + up * fields.scale[:, 1:2] / 2)


def to_pixels(offset: float, factor: float) -> Form:
    """Return the change of 2D points from another range to pixels."""

    def apply(fields: AnnotationFields) -> AnnotationFields:
        points = (fields.projected_cuboid + offset) * factor * np.array(fields.image_wh)
        return replace(fields, projected_cuboid=points)

    return apply


def count_from_top(fields: AnnotationFields) -> AnnotationFields:
    """Count v of 2D points from the top of the image."""
    points = fields.projected_cuboid * [1, -1] + [0, fields.image_wh[1]]
    return replace(fields, projected_cuboid=points)


def count_from_left(fields: AnnotationFields) -> AnnotationFields:
    """Count u of 2D points from the left of the image."""
    points = fields.projected_cuboid * [-1, 1] + [fields.image_wh[0], 0]
    return replace(fields, projected_cuboid=points)


def pick_axes(name: str, index: Sequence[int]) -> Form:
    """Return the change that takes the last axis of a field in another order."""
    return lambda fields: replace(fields, **{name: getattr(fields, name)[..., list(index)]})


def conjugate(fields: AnnotationFields) -> AnnotationFields:
    """Invert the rotation of each object."""
    return replace(fields, quaternion=fields.quaternion * [-1, -1, -1, 1])


def of_intrinsics(change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Form:
    """Return a change of the intrinsics; ``change`` gets them and the image size (2,)."""

    def apply(fields: AnnotationFields) -> AnnotationFields:
        if fields.intrinsics is None:
            return fields
        changed = change(fields.intrinsics, np.array(fields.image_wh, dtype=np.float64))
        return replace(fields, intrinsics=changed)

    return apply


def fill_principal_point(fields: AnnotationFields) -> AnnotationFields:
    """Take the principal point of the projection matrix, else the middle of the image."""
    if fields.intrinsics is None or fields.intrinsics[2:].any():
        return fields
    known = take_projection(fields).intrinsics
    found = np.array(fields.image_wh) / 2
    if known is not None and known[2:].any():
        found = known[2:]
    return replace(fields, intrinsics=np.concatenate([fields.intrinsics[:2], found]))


def take_projection(fields: AnnotationFields) -> AnnotationFields:
    """Take the intrinsics of the projection matrix."""
    if fields.projection_matrix is None:
        return fields
    projection = pixel_projection(fields.projection_matrix, fields.image_wh)
    if projection is None:
        return fields
    return replace(fields, intrinsics=projection[[0, 1, 0, 1], [0, 1, 2, 2]])


def undo_form(form: str, fields: AnnotationFields) -> AnnotationFields:
    """Write the projection matrix as Objectron does."""
    if fields.projection_matrix is None:
        return fields
    matrix = PROJECTION_FORMS[form](fields.projection_matrix)
    return replace(fields, projection_matrix=matrix)
