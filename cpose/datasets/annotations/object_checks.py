"""Compare annotated objects with what the categories of a data set expect."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cpose.codecs.symmetries import SYMMETRIC_ABSENT, SYMMETRIC_TRUE
from cpose.datasets.annotations.annotation_table import AnnotationTable
from cpose.datasets.annotations.data_problems import DataProblems

UNKNOWN_LABEL = -1


def label_objects(table: AnnotationTable, categories: Sequence[str]) -> np.ndarray:
    """Return the category number of every object, −1 for a class that is not a category.

    With a single category every object belongs to it, whatever its class.

    Args:
        table: The annotations.
        categories: Names of the categories in the order of their numbers.

    Returns:
        (T,) int64.
    """
    if len(categories) == 1:
        return np.zeros(len(table.objects), dtype=np.int64)
    labels = np.full(len(table.objects), UNKNOWN_LABEL, dtype=np.int64)
    for number, category in enumerate(categories):
        labels[table.objects['class_name'] == category.encode()] = number
    return labels


def keep_consistent(
    table: AnnotationTable,
    categories: Sequence[str],
    symmetries: Sequence[Any],
    problems: DataProblems,
) -> AnnotationTable:
    """Leave out images with objects that the categories do not explain.

    Args:
        table: The annotations.
        categories: Names of the categories.
        symmetries: Symmetry object of each category.
        problems: Receives the images left out.

    Returns:
        The table itself if all is well.
    """
    objects = table.objects
    labels = label_objects(table, categories)
    is_unknown = labels == UNKNOWN_LABEL
    orders = np.array([symmetry.order for symmetry in symmetries])[labels]
    code = objects['symmetric']
    is_contradicted = (code == SYMMETRIC_TRUE) & (orders == 1) & ~is_unknown
    uses_category = (code == SYMMETRIC_ABSENT) | (code == SYMMETRIC_TRUE)
    order = np.where(uses_category, orders, code)
    image_of_object = np.repeat(np.arange(len(table)), table.images['num_objects'])
    lacks_projection = np.isnan(table.images['projection']).any(axis=(1, 2))[image_of_object]
    lacks_points = np.isnan(objects['keypoints_gl']).any(axis=(1, 2))
    needs_points = (order > 1) & ~is_unknown
    known = ', '.join(categories)
    checks = (
        (is_unknown, f'class is none of the categories {known} of metainfo.category'),
        (
            is_contradicted,
            'symmetric is true, but the category has no symmetry in metainfo.symmetry; give the '
            'number of equivalent rotations instead',
        ),
        (
            needs_points & lacks_points,
            'symmetric object without keypoints_3d, or location and quaternion_xyzw',
        ),
        (
            needs_points & lacks_projection,
            'symmetric object without camera_data.camera_projection_matrix or intrinsics',
        ),
    )
    return _drop_images(table, image_of_object, checks, problems)


def _drop_images(
    table: AnnotationTable,
    image_of_object: np.ndarray,
    checks: Sequence[tuple[np.ndarray, str]],
    problems: DataProblems,
) -> AnnotationTable:
    is_dropped = np.zeros(len(table), dtype=bool)
    first_object = table.object_ranges()
    for is_wrong, reason in checks:
        for number in np.flatnonzero(is_wrong):
            image = image_of_object[number]
            name = table.objects['class_name'][number].decode()
            place = f'objects[{number - first_object[image]}]'
            path = table.paths[image]
            problems.add(reason, path, f'{path}, {place} of class {name!r}')
            is_dropped[image] = True
    return table.select(np.flatnonzero(~is_dropped)) if is_dropped.any() else table
