"""Name what cannot be evaluated because it is not annotated."""

import logging
from collections.abc import Sequence

import numpy as np
from mmengine.logging import print_log

from cpose.evaluation.image_record import ImageRecord


def warn_of_missing_annotations(records: Sequence[ImageRecord]) -> None:
    """Log how many objects lack 3D points and how many images a camera, with the first of each."""
    missing = [~np.isfinite(record.truth.keypoints_gl).all(axis=(1, 2)) for record in records]
    num_missing = sum(int(is_missing.sum()) for is_missing in missing)
    if num_missing:
        first = next(n for n, is_missing in enumerate(missing) if is_missing.any())
        num_objects = sum(len(is_missing) for is_missing in missing)
        _warn(
            f'{num_missing} of {num_objects} objects have no 3D points and do not count: '
            f'{records[first].image_name}, objects[{missing[first].argmax()}] is the first. '
            'Annotate keypoints_3d, or location and quaternion_xyzw.'
        )
    blind = [record.image_name for record in records if record.projection is None]
    if blind:
        _warn(
            f'{len(blind)} of {len(records)} images have no camera, so no pose is found in them: '
            f'{blind[0]} is the first. Annotate camera_data.intrinsics.'
        )


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)
