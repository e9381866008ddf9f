"""Compare annotated objects with what the categories of a data set expect.

Letters: T objects of all images.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log

from cpose.codecs.symmetries import SYMMETRIC_ABSENT, SYMMETRIC_TRUE
from cpose.datasets.annotations.annotation_table import AnnotationTable
from cpose.datasets.annotations.data_problems import DataProblems
from cpose.errors import ConfigError, nearest_names
from cpose.structures.camera import cv_from_gl

UNKNOWN_LABEL = -1
LEFT_OUT_LABEL = -2
IGNORED_LABEL = -3
FATES = {'leave_out': LEFT_OUT_LABEL, 'ignore': IGNORED_LABEL}
"""What a class may be instead of a category."""
OTHER_CLASSES = '*'
"""Stands for all classes that are not named."""
MIN_DEPTH = 1e-6


def check_classes(classes: Mapping[str, str], categories: Sequence[str]) -> None:
    """Check what the classes of annotations are to count as.

    Raises:
        ConfigError: If one is to be something else than a category, left out or ignored.
    """
    known = (*categories, *FATES)
    if not isinstance(classes, Mapping):
        raise ConfigError(
            'must be a dict of class and category',
            argument='classes',
            value=classes,
            advice="Give for example dict(carton='box', person='leave_out')",
        )
    for name, meaning in classes.items():
        if not isinstance(name, str):
            raise ConfigError(
                f'names the class {name!r}, which is no text',
                argument='classes',
                advice='Put it in quotes',
            )
        if meaning not in known:
            raise ConfigError(
                f'makes {name!r} {meaning!r}, which is no category, leave_out or ignore',
                argument='classes',
                advice=nearest_names(str(meaning), known),
            )


def label_objects(
    table: AnnotationTable,
    categories: Sequence[str],
    classes: Mapping[str, str] | None = None,
    of_folder: str | None = None,
) -> np.ndarray:
    """Return the category number of every object.

    With a single category, or in a folder of one, every object belongs to it whose class is no
    other category, unless ``classes`` says otherwise.

    Args:
        table: The annotations.
        categories: Names of the categories in the order of their numbers.
        classes: Category by class, ``leave_out`` or ``ignore``; ``*`` stands for all others.
        of_folder: Category of the folder, None where none is known.

    Returns:
        (T,) int64; `UNKNOWN_LABEL` for a class that is nothing.
    """
    classes = classes or {}
    numbers = {**FATES, **{name: number for number, name in enumerate(categories)}}
    only = categories[0] if len(categories) == 1 else of_folder
    meant = classes.get(OTHER_CLASSES, only)
    default = UNKNOWN_LABEL if meant is None else numbers.get(meant, UNKNOWN_LABEL)
    labels = np.full(len(table.objects), default, dtype=np.int64)
    names = table.objects['class_name']
    for name, meaning in {**{name: name for name in categories}, **classes}.items():
        labels[names == name.encode()] = numbers[meaning]
    return labels


def ignored_boxes(table: AnnotationTable, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rectangles of ignored objects (Q, 4) and the number of the image of each (Q,).

    They are left, top, right and bottom of the projected corners, pixels.
    """
    rows = np.flatnonzero(labels == IGNORED_LABEL)
    corners = table.objects['keypoints_image'][rows, 1:]
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return boxes, image_of_object(table)[rows]


def image_of_object(table: AnnotationTable) -> np.ndarray:
    """Return the number of the image of each object (T,)."""
    return np.repeat(np.arange(len(table)), table.images['num_objects'])


def symmetry_orders(
    table: AnnotationTable, labels: np.ndarray, symmetries: Sequence[Any]
) -> np.ndarray:
    """Return the number of equivalent views of each object (T,).

    Args:
        table: The annotations.
        labels: (T,) category numbers; others than categories have one view.
        symmetries: Symmetry object of each category.
    """
    orders = np.array([symmetry.order for symmetry in symmetries])[np.maximum(labels, 0)]
    code = table.objects['symmetric']
    uses_category = (code == SYMMETRIC_ABSENT) | (code == SYMMETRIC_TRUE)
    order = np.where(uses_category, orders, np.maximum(code, 1))
    return np.where(labels >= 0, order, 1)


def has_target(
    table: AnnotationTable, labels: np.ndarray, orders: np.ndarray, max_objs: int | None
) -> np.ndarray:
    """Tell which objects (T,) are trained on wherever they are inside the picture.

    See `ExpandSymmetries`: those of the first ``max_objs`` that do not reach behind the camera.
    """
    depth = cv_from_gl(table.objects['keypoints_gl'])[..., 2]
    is_behind = depth <= MIN_DEPTH
    is_right = np.where(orders > 1, (depth > MIN_DEPTH).all(axis=1), True)
    is_right &= is_behind.all(axis=1) | ~is_behind.any(axis=1)
    place = np.arange(len(labels)) - np.repeat(
        table.object_ranges()[:-1], table.images['num_objects']
    )
    return is_right & (labels >= 0) & (place < (max_objs or len(labels) + 1))


def keep_consistent(
    table: AnnotationTable,
    labels: np.ndarray,
    categories: Sequence[str],
    symmetries: Sequence[Any],
    problems: DataProblems,
) -> AnnotationTable:
    """Leave out images with objects that the categories do not explain.

    Args:
        table: The annotations.
        labels: (T,) of `label_objects`.
        categories: Names of the categories.
        symmetries: Symmetry object of each category.
        problems: Receives the images left out.

    Returns:
        The table itself if all is well.
    """
    objects = table.objects
    is_unknown = labels == UNKNOWN_LABEL
    needs_points = symmetry_orders(table, labels, symmetries) > 1
    owner = image_of_object(table)
    lacks_projection = np.isnan(table.images['projection']).any(axis=(1, 2))[owner]
    lacks_points = np.isnan(objects['keypoints_gl']).any(axis=(1, 2))
    known = ', '.join(categories)
    checks = (
        (
            is_unknown,
            f'class is none of the categories {known} of metainfo.category; the key classes of '
            'the data set says what other classes count as',
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
    return _drop_images(table, owner, checks, problems)


def warn_of_lost_symmetry(
    table: AnnotationTable, labels: np.ndarray, symmetries: Sequence[Any], where: str
) -> None:
    """Tell once how many objects are called symmetric though their category has no symmetry."""
    orders = np.array([symmetry.order for symmetry in symmetries])[np.maximum(labels, 0)]
    count = int(((table.objects['symmetric'] == SYMMETRIC_TRUE) & (orders == 1)).sum())
    if count:
        text = (
            f'{count} objects of {where} have symmetric: true, but their category has no symmetry '
            'in metainfo.symmetry: they count as not symmetric.'
        )
        print_log(text, logger='current', level=logging.WARNING)


def warn_of_absent_classes(
    table: AnnotationTable, classes: Mapping[str, str], where: object
) -> None:
    """Tell which names of ``classes`` no object has, as a name with a misprint does nothing."""
    found = {name.decode() for name in np.unique(table.objects['class_name'])}
    absent = [name for name in classes if name not in (*found, OTHER_CLASSES)]
    if absent and found:
        text = (
            f'No object of {where} has the class {" or ".join(map(repr, absent))}, which the key '
            f'classes of the data set names. {nearest_names(absent[0], map(repr, found))}'
        )
        print_log(text, logger='current', level=logging.WARNING)


def warn_of_invisible_objects(table: AnnotationTable, where: str) -> None:
    """Tell if all objects have the visibility 0, so that none counts in the metric."""
    visibility = table.objects['visibility']
    if len(visibility) and not visibility.any():
        text = (
            f'All {len(visibility)} objects of {where} have visibility 0, so none counts in the '
            "metric. Where nobody knows it, set convention=dict(visibility='unknown')."
        )
        print_log(text, logger='current', level=logging.WARNING)


def _drop_images(
    table: AnnotationTable,
    owner: np.ndarray,
    checks: Sequence[tuple[np.ndarray, str]],
    problems: DataProblems,
) -> AnnotationTable:
    is_dropped = np.zeros(len(table), dtype=bool)
    first_object = table.object_ranges()
    for is_wrong, reason in checks:
        for number in np.flatnonzero(is_wrong):
            image = owner[number]
            name = table.objects['class_name'][number].decode()
            place = f'objects[{number - first_object[image]}]'
            path = table.paths[image]
            problems.add(reason, path, f'{path}, {place} of class {name!r}')
            is_dropped[image] = True
    return table.select(np.flatnonzero(~is_dropped)) if is_dropped.any() else table
