"""Compare detections whose order may differ.

Letters: N images, T detections, C classes, H W the maps.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from cpose.codecs.heatmap import suppress_non_peaks, top_cells

MIN_SCORE = 0.05
"""Detections below it do not count."""

OTHER_CLASS = 1e6
CORNER_OUTPUTS = ('kps', 'kps_heatmap_mean')
"""Outputs in which a corner is one of two things, by a comparison of numbers."""

Detections = Mapping[str, Tensor]


def sure_rows(logits: Tensor, count: int, doubt: float) -> Tensor:
    """Tell which detections stay if every logit changes by ``doubt`` at most.

    Those are peaks that exceed their neighbours, and the best logit that is left out, by more
    than twice as much.

    Args:
        logits: (N, C, H, W) centre heatmap, of which the best peaks were taken.
        count: T.
        doubt: Largest difference of a logit.

    Returns:
        (N, T) bool, in the order of the detections.
    """
    peaks = suppress_non_peaks(logits).flatten(1)
    best, index = top_cells(peaks, min(count + 1, peaks.shape[1]))
    left_out = best[:, count:].amax(dim=1, keepdim=True) if best.shape[1] > count else -torch.inf
    around = functional.unfold(
        functional.pad(logits.flatten(0, 1)[:, None], (1, 1, 1, 1), value=-torch.inf), 3
    )
    neighbours = torch.cat([around[:, :4], around[:, 5:]], dim=1).amax(dim=1)
    margin = logits.flatten(1) - neighbours.view(len(logits), -1)
    best, index = best[:, :count], index[:, :count]
    is_sure = (margin.gather(1, index) > 2 * doubt) & (best - left_out > 2 * doubt)
    return is_sure & (best.sigmoid() > MIN_SCORE)


def match_rows(
    expected: Detections, found: Detections, rows: Tensor
) -> Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """Pair chosen detections with the found ones of the same class and nearest position.

    Position is the box and the displaced corners, in which each heatmap cell differs.

    Args:
        expected: Outputs (N, T, ...) by name.
        found: Outputs (N, T, ...) by name.
        rows: (N, T) bool, which of the expected ones are looked for.

    Yields:
        Expected and found outputs (chosen, ...) of each image.
    """
    for image, chosen in enumerate(rows):
        own = {name: value[image][chosen] for name, value in expected.items()}
        other = {name: found[name][image] for name in expected}
        distance = torch.cdist(_position(own), _position(other), p=torch.inf)
        distance += OTHER_CLASS * (own['clses'] != other['clses'].T)
        nearest = distance.argmin(dim=1)
        yield own, {name: value[nearest] for name, value in other.items()}


def differences(
    pairs: Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]], bound: float
) -> tuple[dict[str, float], int, int]:
    """Return how far paired detections are apart.

    A difference counts relative to the magnitude where that is above 1. A corner that differs by
    more than the bound has been decided otherwise: that is counted, and left out of the numbers.
    What is no number stays one that is none.

    Args:
        pairs: From `match_rows`.
        bound: Largest difference of a corner that was decided alike.

    Returns:
        Largest difference by output, number of detections, and number of corners that were decided
        otherwise.
    """
    largest: dict[str, float] = {}
    count = others = 0
    for expected, found in pairs:
        count += len(expected['scores'])
        for name, value in expected.items():
            gap = (value - found[name]).abs() / value.abs().clamp(min=1)
            if name in CORNER_OUTPUTS:
                corner = gap.unflatten(-1, (-1, 2)).amax(dim=-1)
                others += int((corner > bound).sum())
                gap = corner[~(corner > bound)]
            most = gap.max() if gap.numel() else gap.new_zeros(())
            largest[name] = float(most.maximum(gap.new_tensor(largest.get(name, 0.0))))
    return largest, count, others


def _position(detections: dict[str, Tensor]) -> Tensor:
    return torch.cat([detections['bboxes'], detections['kps_displacement_mean']], dim=-1)
