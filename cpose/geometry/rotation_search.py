"""The rotation about the up axis at which cuboids overlap most, without trying every angle.

Rotating a solid by a small angle can add at most the volume that flows in through its surface.
That bounds the overlap between two angles already tried; angles whose bound does not reach the
best overlap found so far are left out, so the result is that of trying all.

Letters: N pairs, A angles; the pair is the last axis of geometric arrays.
"""

from dataclasses import dataclass

import numpy as np

from cpose.geometry.cuboid_overlap import (
    corner_and_spans,
    cross_product,
    face_normals,
    frame_from_camera,
    unit_cube_overlap,
)
from cpose.geometry.symmetry import up_axes

PAIRS_PER_SEARCH = 128
EVALUATIONS_AT_ONCE = 512
FIRST_TRIES = 6
"""The coarsest level tries at least so many angles of each pair."""

TIE = 1e-12
"""Overlaps that differ by less, as shares of the annotated volume, count as equal."""

UPRIGHT = 1e-12
"""Largest cosine between up axis and footprint for which half a turn changes nothing."""


@dataclass(frozen=True)
class _Turning:
    """Predictions turning about their up axis, in the frame in which the annotated one is [0, 1]³.

    Row 0 of each part is the corner, rows 1 to 3 are the spans. ``rate`` bounds the change of
    the overlap per radian; all volumes are shares of the annotated one's.
    """

    fixed: np.ndarray
    across: np.ndarray
    sideways: np.ndarray
    volume: np.ndarray
    rate: np.ndarray

    def overlaps(self, pairs: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """Return the overlap (K,) of the given pairs (K,) at the given angles (K,)."""
        result = np.empty(len(pairs))
        for begin in range(0, len(pairs), EVALUATIONS_AT_ONCE):
            rows = slice(begin, begin + EVALUATIONS_AT_ONCE)
            chosen = pairs[rows]
            turned = self.fixed[..., chosen] + self.across[..., chosen] * np.cos(angles[rows])
            turned += self.sideways[..., chosen] * np.sin(angles[rows])
            result[rows] = unit_cube_overlap(turned[0], turned[1:])
        return result


def best_overlaps(
    pred: np.ndarray, gt: np.ndarray, angles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the largest overlap over rotations of the prediction about its own up axis.

    Args:
        pred: (N, 9, 3) keypoints with a volume.
        gt: (N, 9, 3) keypoints with a volume, same frame.
        angles: (A,), radians, right-handed about the up axis, through keypoint 0.

    Returns:
        (N,) largest overlap as a share of the volume of ``gt``, and (N,) number of its angle.
    """
    fraction, index = np.zeros(len(pred)), np.zeros(len(pred), dtype=np.int64)
    is_upright = _is_upright(pred)
    for is_member, period in ((is_upright, np.pi), (~is_upright, 2 * np.pi)):
        members = np.flatnonzero(is_member)
        distinct, numbers = _distinct_angles(angles, period)
        for begin in range(0, len(members), PAIRS_PER_SEARCH):
            rows = members[begin : begin + PAIRS_PER_SEARCH]
            turning = _turning(pred[rows], gt[rows])
            fraction[rows], index[rows] = _search(turning, distinct, numbers, period)
    return fraction, index


def _search(
    turning: _Turning, angles: np.ndarray, numbers: np.ndarray, period: float
) -> tuple[np.ndarray, np.ndarray]:
    """Try coarse, then ever finer steps of the sorted angles where the bound allows a gain.

    Of angles that tie the one of least number wins.
    """
    bound = np.repeat(np.minimum(turning.volume, 1)[:, None], len(angles), axis=1)
    overlap = np.full_like(bound, -np.inf)
    stride = 1 << max(0, int(np.log2(max(1, len(angles) / FIRST_TRIES))))
    tried = np.arange(0, len(angles), stride)
    while True:
        best = overlap.max(axis=1, keepdims=True)
        pairs, which = np.nonzero(bound[:, tried] > best - TIE)
        columns = tried[which]
        overlap[pairs, columns] = turning.overlaps(pairs, angles[columns])
        bound[pairs, columns] = overlap[pairs, columns]
        if stride == 1:
            break
        known = np.arange(0, len(angles), stride)
        stride //= 2
        tried = np.arange(stride, len(angles), 2 * stride)
        _tighten(bound, angles, known, tried, turning.rate, period)
    best = overlap.max(axis=1)
    is_tied = overlap >= best[:, None] - TIE
    return best, np.where(is_tied, numbers, np.iinfo(np.int64).max).min(axis=1)


def _tighten(
    bound: np.ndarray,
    angles: np.ndarray,
    known: np.ndarray,
    tried: np.ndarray,
    rate: np.ndarray,
    period: float,
) -> None:
    """Bound the overlap at the angles ``tried`` by that at their neighbours in ``known``."""
    right = np.searchsorted(known, tried)
    for neighbour in (known[right - 1], known[right % len(known)]):
        gap = np.abs(angles[tried] - angles[neighbour])
        gap = np.minimum(gap, period - gap)
        bound[:, tried] = np.minimum(bound[:, tried], bound[:, neighbour] + rate[:, None] * gap)


def _distinct_angles(angles: np.ndarray, period: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the different angles in increasing order and the number each is first met at."""
    folded = np.mod(angles, period)
    _, numbers = np.unique(np.round(folded, 12), return_index=True)
    return folded[numbers], numbers


def _turning(pred: np.ndarray, gt: np.ndarray) -> _Turning:
    gt_corner, gt_spans = corner_and_spans(gt)
    corner, spans = corner_and_spans(pred)
    axis, center = up_axes(pred).T, pred[:, 0].T
    vectors = np.concatenate([(corner - center)[None], spans])
    along = (vectors * axis).sum(axis=1, keepdims=True) * axis
    fixed = along.copy()
    fixed[0] += center - gt_corner
    sideways = np.stack([cross_product(axis, vector) for vector in vectors])
    matrix = frame_from_camera(gt_spans)
    normals = face_normals(spans)
    scale = np.abs((face_normals(gt_spans)[0] * gt_spans[0]).sum(axis=0))
    parts = fixed, vectors - along, sideways
    in_frame = [np.einsum('ijn,kjn->kin', matrix, part) for part in parts]
    return _Turning(
        fixed=in_frame[0],
        across=in_frame[1],
        sideways=in_frame[2],
        volume=np.abs((normals[0] * spans[0]).sum(axis=0)) / scale,
        rate=_inflow(vectors[0], spans, normals, axis) / scale,
    )


def _inflow(
    corner: np.ndarray, spans: np.ndarray, normals: np.ndarray, axis: np.ndarray
) -> np.ndarray:
    """Bound the volume that a solid sweeps up per radian, corners relative to the centre.

    Half of the integral of |velocity · normal| over the surface; on each face the mean of the
    absolute value is at most the root of the mean square of that linear function.
    """
    total = np.zeros(corner.shape[1])
    for number in range(3):
        first, second = spans[(number + 1) % 3], spans[(number + 2) % 3]
        flow = [
            (cross_product(axis, vector) * normals[number]).sum(axis=0)
            for vector in (corner + (first + second) / 2, spans[number], first, second)
        ]
        spread = (flow[2] ** 2 + flow[3] ** 2) / 12
        total += np.sqrt(flow[0] ** 2 + spread) + np.sqrt((flow[0] + flow[1]) ** 2 + spread)
    return total / 2


def _is_upright(keypoints: np.ndarray) -> np.ndarray:
    """Tell which cuboids are right prisms about their up axis with keypoint 0 in the middle."""
    corner, spans = corner_and_spans(keypoints)
    axis = up_axes(keypoints).T
    longest = np.sqrt((spans**2).sum(axis=1)).max(axis=0)
    tilt = np.abs((spans[[0, 2]] * axis).sum(axis=1)).max(axis=0)
    arm = corner + spans.sum(axis=0) / 2 - keypoints[:, 0].T
    offset = np.sqrt((cross_product(axis, arm) ** 2).sum(axis=0))
    return np.maximum(tilt, offset) <= UPRIGHT * longest
