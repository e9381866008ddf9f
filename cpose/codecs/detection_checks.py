"""What a network or a model file may give: checked before poses are made of it.

Foreign exporters, damaged files and half precision that overflows give numbers that would otherwise
become poses, other categories or "no objects".
"""

from collections.abc import Mapping

import numpy as np

from cpose.errors import CheckpointError

ADVICE = ('Export the model again', 'Run it in single precision')


def check_detections(
    arrays: Mapping[str, np.ndarray], widths: Mapping[str, int], num_classes: int | None
) -> None:
    """Check names, shapes, scores and category numbers of decoded detections.

    Corners and boxes may be anything: those that are not finite belong to no object.

    Args:
        arrays: (B, T, width) by name.
        widths: Names of the outputs that there must be, with their last lengths.
        num_classes: Number of categories, None if it is not known.

    Raises:
        CheckpointError: If something else than detections is there.
    """
    missing = sorted(widths.keys() - arrays.keys())
    if missing:
        raise CheckpointError(f'The network gives no output {", ".join(missing)}', advice=ADVICE[0])
    counts = np.shape(arrays['scores'])[:2]
    for name, width in widths.items():
        shape = np.shape(arrays[name])
        if shape != (*counts, width):
            wanted = ('images', 'detections', str(width))
            raise CheckpointError(
                f'must have the shape ({", ".join(wanted)}), with as many detections as the scores',
                argument=name,
                value=shape,
                advice=ADVICE[0],
            )
    scores, classes = arrays['scores'], arrays['clses']
    _refuse('scores', scores, ~((scores >= 0) & (scores <= 1)), 'must be 0 to 1')
    is_class = (classes >= 0) & (np.floor(classes) == classes)
    limit = ''
    if num_classes is not None:
        is_class &= classes < num_classes
        limit = f', 0 to {num_classes - 1}'
    _refuse('clses', classes, ~is_class, f'must be a category number{limit}')


def _refuse(name: str, values: np.ndarray, is_wrong: np.ndarray, problem: str) -> None:
    if is_wrong.any():
        image, detection = (int(place) for place in np.argwhere(is_wrong)[0][:2])
        raise CheckpointError(
            f'{problem}; so it is not in {np.count_nonzero(is_wrong)} of {is_wrong.size} '
            f'detections, first in detection {detection} of image {image} of the batch',
            argument=name,
            value=float(values[is_wrong][0]),
            advice=ADVICE,
        )
