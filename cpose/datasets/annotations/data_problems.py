"""What is wrong with the files of a data set: find it, then refuse the files or leave them out."""

import logging
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from mmengine.logging import print_log

from cpose.codecs.symmetries import SYMMETRIC_ABSENT, SYMMETRIC_TRUE
from cpose.datasets.annotations.annotation_table import AnnotationTable
from cpose.errors import ConfigError, DataError

OnError = Literal['raise', 'skip']
SHOWN = 3


def check_on_error(on_error: str) -> None:
    """Check the policy for images that cannot be used.

    Raises:
        ConfigError: If it is none.
    """
    if on_error not in ('raise', 'skip'):
        raise ConfigError(
            'is unknown', argument='on_error', value=on_error, advice="Use 'raise' or 'skip'"
        )


class DataProblems:
    """Files of a data set that cannot be used, by reason.

    Args:
        on_error: ``'raise'`` refuses the data set, ``'skip'`` leaves the files out and logs how
            many.
    """

    def __init__(self, on_error: OnError = 'raise') -> None:
        check_on_error(on_error)
        self.on_error = on_error
        self._details: dict[str, dict[str, str]] = {}

    def __len__(self) -> int:
        """Return the number of files."""
        return len(set().union(*self._details.values()))

    def add(self, reason: str, path: str, detail: str | None = None) -> None:
        """Note a file under a reason, once.

        Args:
            reason: What is wrong, for all files that have it.
            path: The file.
            detail: Path and place in the file, if the path does not say it.
        """
        self._details.setdefault(reason, {}).setdefault(path, detail or path)

    def describe(self) -> str:
        """Return a line for each reason, with how many files have it and the first few."""
        return '\n'.join(
            f'  {len(details)} × {reason}: {_first_few(list(details.values()))}'
            for reason, details in self._details.items()
        )

    def report(self, where: str) -> None:
        """Raise or log what was noted, if anything.

        Args:
            where: The data set, for the message.

        Raises:
            DataError: With ``on_error='raise'``; names the count and the first few files.
        """
        if not self._details:
            return
        reasons = self.describe()
        if self.on_error == 'raise':
            raise DataError(
                f'Unusable files in {where}: {len(self)}.\n{reasons}\n',
                advice=(
                    'Correct or remove them',
                    "Set on_error='skip' for this data set to leave them out",
                ),
            )
        text = f'Left out of {where}: {len(self)} files.\n{reasons}'
        print_log(text, logger='current', level=logging.WARNING)


def _first_few(details: list[str]) -> str:
    rest = len(details) - SHOWN
    return '; '.join(details[:SHOWN]) + (f'; and {rest} more' if rest > 0 else '')


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
