"""One picture at several input sizes, and one pose per object from what is found at them.

Letters: N poses of one category.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cpose.codecs.detections import box_iou
from cpose.errors import ConfigError, check_number
from cpose.models.detectors.runtime_pose import RuntimePose
from cpose.structures.object_pose import ObjectPose, PoseResult

INPUT_STEP = 32
"""Pixels; sides of the network input are multiples of it, as the data sets have it."""
MOST_SCALE = 16
SAME_OBJECT = 0.3
"""IoU of the boxes in the image from which on poses found at two sizes are of one object."""
TRUSTED_SPAN = (0.15, 0.6)
"""Longer sides of boxes for which a size is right, in longer sides of the network input at scale 1.

A network does best on objects of the sizes that it was trained on: Singh and Davis, "An Analysis of
Scale Invariance in Object Detection" (CVPR 2018).
"""


def pyramid_sizes(scales: Sequence[float], input_wh: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the sizes of the network input, widths and heights, in the order of the scales.

    Args:
        scales: Factors of the network input; sides are rounded to multiples of 32.
        input_wh: Width and height at the scale 1.

    Raises:
        ConfigError: If a scale is no number above 0, or two lead to the same size.
    """
    if isinstance(scales, str) or not isinstance(scales, Sequence) or not scales:
        raise ConfigError(
            'is no list of factors of the network input',
            argument='scales',
            value=scales,
            advice='Give for example 0.5 1 2',
        )
    sizes: list[tuple[int, int]] = []
    for scale in scales:
        check_number('scales', scale, above=0, most=MOST_SCALE)
        width, height = (_round_side(side * scale) for side in input_wh)
        if (width, height) in sizes:
            raise ConfigError(
                f'leads twice to an input of {width}×{height}: sides are multiples of {INPUT_STEP}',
                argument='scales',
                value=list(scales),
                advice=f'Leave out {scale:g}',
            )
        sizes.append((width, height))
    return sizes


def _round_side(side: float) -> int:
    return max(round(side / INPUT_STEP), 1) * INPUT_STEP


def refuse_fixed_size(model: Any, scales: Sequence[float]) -> None:
    """Raise if a model cannot be run at several input sizes.

    Raises:
        ConfigError: If it is a file of another runtime, and there is another scale than 1.
    """
    if isinstance(model, RuntimePose) and tuple(scales) != (1,):
        raise ConfigError(
            'needs a network for every input size, but the model file has one size',
            argument='scales',
            value=list(scales),
            advice=('Give the PyTorch checkpoint', 'Leave the scales out'),
        )


def reads_previous(model: Any) -> bool:
    """Tell whether a model reads the frame before, beside the image."""
    return bool(getattr(getattr(model, 'data_preprocessor', None), 'reads_previous', False))


def refuse_memory_of_scales(is_read: bool, scales: Sequence[float]) -> None:
    """Raise if a network that reads the frame before shall run at several input sizes.

    Raises:
        ConfigError: If there is another scale than 1.
    """
    if is_read and tuple(scales) != (1,):
        raise ConfigError(
            'is for networks of single images, and this one reads the frame before',
            argument='scales',
            value=list(scales),
            advice='Leave the scales out',
        )


def merge_results(results: Sequence[PoseResult], scales: Sequence[float]) -> PoseResult:
    """Return the result of one picture from those at several input sizes.

    See `trust_poses` and `merge_poses`.

    Args:
        results: What was found at each size.
        scales: Their factors of the network input.
    """
    first, *others = results
    if not others:
        return first
    found = [
        trust_poses(result, scale, scales) for result, scale in zip(results, scales, strict=True)
    ]
    return replace(first, poses=merge_poses(found))


def trust_poses(result: PoseResult, scale: float, scales: Sequence[float]) -> list[ObjectPose]:
    """Leave out what another size of the input shows better.

    That are boxes longer than `TRUSTED_SPAN` where there is a smaller size, and boxes shorter than
    it where there is a larger one.

    Args:
        result: What was found at one size.
        scale: Its factor of the network input.
        scales: Those of all sizes.

    Returns:
        The poses that stay, in their order.
    """
    least, most = TRUSTED_SPAN
    least = least if scale < max(scales) else 0
    most = most if scale > min(scales) else np.inf
    boxes = np.array([pose.bbox_image for pose in result.poses], dtype=np.float64).reshape(-1, 4)
    spans = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) * scale / max(result.image_wh)
    is_trusted = (spans >= least) & (spans <= most)
    return [pose for pose, is_kept in zip(result.poses, is_trusted, strict=True) if is_kept]


def merge_poses(found: Sequence[Sequence[ObjectPose]]) -> list[ObjectPose]:
    """Keep the best-scoring pose of each object.

    A pose gives way to a better one of its category that overlaps it and was found at another
    size. Those of one size are told apart already, by its suppression of duplicates.

    Args:
        found: The poses of one picture, by input size.

    Returns:
        The poses that stay, best score first.
    """
    poses = [(pose, size) for size, of_size in enumerate(found) for pose in of_size]
    poses.sort(key=lambda item: -item[0].score)
    boxes = np.array([pose.bbox_image for pose, _ in poses], dtype=np.float64).reshape(-1, 4)
    labels, sizes = np.array([(pose.label, size) for pose, size in poses]).reshape(-1, 2).T
    is_rival = (labels[:, None] == labels) & (sizes[:, None] != sizes)
    is_rival &= box_iou(boxes) >= SAME_OBJECT
    kept: list[int] = []
    for number in range(len(poses)):
        if not is_rival[number, kept].any():
            kept.append(number)
    return [poses[number][0] for number in kept]
