"""What a network or a model file may give: checked before poses are made of it.

Foreign exporters, damaged files and half precision that overflows give numbers that would otherwise
become poses, other categories or "no objects".
"""

from collections.abc import Mapping

import numpy as np

from cpose.errors import CheckpointError

MAY_BE_MISSING = ('kps_heatmap_mean',)
"""Outputs that a sound network may have no value of."""
MOST_CLASSES = 1 << 31
ADVICE = ('Export the model again', 'Run it in single precision')


def check_detections(
    arrays: Mapping[str, np.ndarray],
    widths: Mapping[str, int],
    num_classes: int | None,
    num_images: int,
) -> None:
    """Check names, shapes, types, scores and category numbers of decoded detections.

    Single corners and boxes may be anything: those that are not finite belong to no object. An
    output without any finite number is no output.

    Args:
        arrays: (B, T, width) by name.
        widths: Names of the outputs that there must be, with their last lengths.
        num_classes: Number of categories, None if it is not known.
        num_images: B.

    Raises:
        CheckpointError: If something else than detections is there.
    """
    missing = sorted(widths.keys() - arrays.keys())
    if missing:
        raise CheckpointError(f'The network gives no output {", ".join(missing)}', advice=ADVICE[0])
    count = np.shape(arrays['scores'])[1:2]
    for name, width in widths.items():
        _check_array(name, arrays[name], (num_images, *count, width))
    scores, classes = arrays['scores'], arrays['clses']
    _refuse('scores', scores, ~((scores >= 0) & (scores <= 1)), 'must be 0 to 1')
    is_class = (classes >= 0) & (np.floor(classes) == classes)
    is_class &= classes < (MOST_CLASSES if num_classes is None else num_classes)
    limit = '' if num_classes is None else f', 0 to {num_classes - 1}'
    _refuse('clses', classes, ~is_class, f'must be a category number{limit}')


def _check_array(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if np.shape(array) != shape:
        wanted = f'({shape[0]} images, detections, {shape[-1]})'
        raise CheckpointError(
            f'The output {name} must have the shape {wanted}, with as many detections as the '
            f'scores, not {np.shape(array)}',
            advice=ADVICE[0],
        )
    if array.dtype.kind not in ('iuf' if name == 'clses' else 'f'):
        raise CheckpointError(
            f'The output {name} must be floating point numbers, not {array.dtype}',
            advice=ADVICE[0],
        )
    if name not in MAY_BE_MISSING and array.size and not np.isfinite(array).any():
        raise CheckpointError(
            f'The output {name} holds {array.size} values, none of which is finite', advice=ADVICE
        )


def _refuse(name: str, values: np.ndarray, is_wrong: np.ndarray, problem: str) -> None:
    if is_wrong.any():
        image, detection = (int(place) for place in np.argwhere(is_wrong)[0][:2])
        raise CheckpointError(
            f'The output {name} {problem}; so it is not in {np.count_nonzero(is_wrong)} of '
            f'{is_wrong.size} detections, first {values[is_wrong][0]:g} in detection {detection} '
            f'of image {image} of the batch',
            advice=ADVICE,
        )
