"""What one file says that its fields do not contradict, and that is hardly meant all the same."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cpose.annotation.checks.issues import ERROR, NOTE, WARNING, Issue
from cpose.datasets.annotations.annotation import Annotation
from cpose.datasets.conventions.consistency import (
    MIN_DEPTH,
    PosedObjects,
    all_points,
    pose_objects,
)
from cpose.files.image_header import ImageHeader
from cpose.structures.camera import cv_from_gl

ROUND_CLASSES = ('bottle', 'cup')
"""Classes of objects that look the same from all sides, unless a file says otherwise."""
PLAIN_CLASSES = ('bike', 'book', 'camera', 'cereal_box', 'laptop', 'shoe')
"""Classes whose objects have a front."""
MOST_ROUNDNESS = 1.2
"""Ratio of the x and z extents of an object that can be turned about its y axis."""
MOST_SAME = 0.02
"""Mean distance of the corners of two objects that are one, of the diagonal."""
MOST_UNEQUAL_FOCAL = 1.1
FOCAL_RANGE = (0.3, 12.0)
"""Focal lengths of photographs, in units of the longer side."""
UNIT_LENGTH = 1e-2
HALF_TURNS = (2, 3, 4)
"""Values of EXIF that keep width and height."""


def find_implausible(
    annotation: Annotation, content: Mapping[str, Any], header: ImageHeader | None
) -> list[Issue]:
    """Return what is hardly meant in one file.

    Args:
        annotation: The file after its convention.
        content: The parsed file.
        header: Of its picture, None where it cannot be read.
    """
    issues = [*_camera_issues(annotation)]
    if header is not None:
        issues += _turn_issues(annotation, header)
    if len(annotation.fields):
        objects = pose_objects([annotation.fields])
        issues += _place_issues(objects)
        issues += _quaternion_issues(content)
        issues += _symmetry_issues(annotation, content)
        issues += _double_issues(annotation)
    return issues


def _rows(is_wrong: Sequence[bool] | np.ndarray) -> tuple[int, ...]:
    return tuple(np.flatnonzero(is_wrong).tolist())


def _camera_issues(annotation: Annotation) -> Iterator[Issue]:
    if annotation.intrinsics is None:
        yield Issue(
            NOTE, 'no_camera', 'camera_data', 'has no intrinsics, so no pose counts in the metric'
        )
        return
    (fx, _, cx), (_, fy, cy), _ = annotation.intrinsics.tolist()
    width, height = annotation.image_wh
    field = 'camera_data.intrinsics'
    ratio = max(fx / fy, fy / fx)
    if ratio > MOST_UNEQUAL_FOCAL:
        problem = 'has unequal focal lengths: was the picture resized on one side only?'
        yield Issue(WARNING, 'unequal_focal', field, problem, (), ratio, 'times')
    focal = fx / max(width, height)
    if not FOCAL_RANGE[0] <= focal <= FOCAL_RANGE[1]:
        problem = 'has a focal length that no camera has, in units of the longer side'
        yield Issue(WARNING, 'odd_focal', field, problem, (), focal)
    if not (0 <= cx <= width and 0 <= cy <= height):
        yield Issue(WARNING, 'center_outside', field, 'has cx, cy outside the picture')


def _turn_issues(annotation: Annotation, header: ImageHeader) -> Iterator[Issue]:
    """Tell of a turn of EXIF that the annotation does not follow, or may not follow."""
    width, height = header.image_wh
    tag = f'the picture has an EXIF orientation of {header.orientation}'
    if header.is_turned_by_quarter and annotation.image_wh == (width, height) != (height, width):
        problem = (
            f'ignores that {tag}: the corners are those of the stored pixels. cpose reads it so, '
            'other programs turn the picture'
        )
        yield Issue(WARNING, 'exif_ignored', 'camera_data', problem)
    elif header.orientation in HALF_TURNS or (header.orientation > 1 and width == height):
        problem = (
            f'may ignore that {tag}: its size fits both ways. The picture is turned; look whether '
            'the corners fit'
        )
        yield Issue(WARNING, 'exif_doubtful', 'camera_data', problem)


def _place_issues(objects: PosedObjects) -> Iterator[Issue]:
    depth = cv_from_gl(all_points(objects))[..., 2]
    is_known = np.isfinite(depth).all(axis=1)
    with np.errstate(invalid='ignore'):
        is_behind = is_known & (depth <= MIN_DEPTH).all(axis=1)
        is_partly = is_known & (depth <= MIN_DEPTH).any(axis=1) & ~is_behind
    field = 'keypoints_3d'
    if is_behind.any():
        rows, far = _rows(is_behind), float(-depth[is_behind].min())
        yield Issue(
            ERROR, 'behind_camera', field, 'lies behind the camera', rows, far, is_blocking=True
        )
    if is_partly.any():
        problem = 'reaches behind the camera with some of its corners'
        yield Issue(WARNING, 'partly_behind_camera', field, problem, _rows(is_partly))
    low, high = objects.points_image.min(axis=1), objects.points_image.max(axis=1)
    is_outside = ((high < 0) | (low > objects.image_wh)).any(axis=1)
    if is_outside.any():
        problem = 'lies wholly outside the picture'
        yield Issue(WARNING, 'outside_picture', 'projected_cuboid', problem, _rows(is_outside))


def _quaternion_issues(content: Mapping[str, Any]) -> Iterator[Issue]:
    lengths = []
    for item in content['objects']:
        try:
            values = np.array(item.get('quaternion_xyzw'), dtype=np.float64)
        except (TypeError, ValueError):
            values = np.zeros(0)
        known = values.shape == (4,) and np.isfinite(values).all()
        lengths.append(float(np.linalg.norm(values)) if known else 1.0)
    off = np.abs(np.array(lengths) - 1)
    if (off > UNIT_LENGTH).any():
        worst = lengths[int(off.argmax())]
        yield Issue(
            WARNING,
            'quaternion_length',
            'quaternion_xyzw',
            'has a length other than 1',
            _rows(off > UNIT_LENGTH),
            worst,
        )


def _symmetry_issues(annotation: Annotation, content: Mapping[str, Any]) -> Iterator[Issue]:
    scale = annotation.cuboids.dims_metric
    ratio = np.maximum(scale[:, 0] / scale[:, 2], scale[:, 2] / scale[:, 0])
    names, codes = annotation.class_names, annotation.symmetric
    is_round = [_is_round(name, code) for name, code in zip(names, codes, strict=True)]
    is_oval = np.array(is_round) & (ratio > MOST_ROUNDNESS)
    if is_oval.any():
        yield Issue(
            WARNING,
            'symmetry_of_unequal_sides',
            'symmetric',
            'means that the object can be turned about its y axis, but its x and z extents differ',
            _rows(is_oval),
            float(ratio[is_oval].max()),
            'times',
        )
    is_plain = np.array(
        [name in PLAIN_CLASSES and code is True for name, code in zip(names, codes, strict=True)]
    )
    if is_plain.any():
        yield Issue(
            NOTE,
            'symmetry_of_a_class_without',
            'symmetric',
            'is true, but the class has no symmetry, so it counts as not symmetric',
            _rows(is_plain),
        )
    has_handle = np.array(
        [
            item.get('mug') in (True, 'True', 'true') and (code is True or (code or 0) > 1)
            for item, code in zip(content['objects'], codes, strict=True)
        ]
    )
    if has_handle.any():
        problem = 'is true beside mug, which means a handle'
        yield Issue(WARNING, 'symmetry_with_handle', 'symmetric', problem, _rows(has_handle))


def _is_round(name: str | None, code: bool | int | None) -> bool:
    """Tell whether an object has equal views at other angles than half turns."""
    if code is None or code is True:
        return name in ROUND_CLASSES
    return code > 2


def _double_issues(annotation: Annotation) -> Iterator[Issue]:
    corners, names = annotation.cuboids.keypoints_image[:, 1:], annotation.class_names
    size = np.linalg.norm(corners.max(axis=1) - corners.min(axis=1), axis=1)
    for second in range(1, len(names)):
        distance = np.linalg.norm(corners[:second] - corners[second], axis=2).mean(axis=1)
        for first in np.flatnonzero(distance <= MOST_SAME * size[second]).tolist():
            if names[first] == names[second]:
                problem = 'is the same as that of another object'
                yield Issue(WARNING, 'double_object', 'projected_cuboid', problem, (second, first))
                break
