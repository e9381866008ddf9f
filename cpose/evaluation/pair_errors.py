"""What evaluation protocols measure in the same way.

Letters: n pairs, N rows.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cpose.evaluation.functional.pose_errors import mean_corner_distance
from cpose.evaluation.image_record import ImageRecord
from cpose.evaluation.matched_pairs import MatchedPairs, gather_pairs, project_views
from cpose.geometry.symmetry import full_turn, rotate_about_up

VIEWS_AT_ONCE = 6400

Matches = tuple[Sequence[ImageRecord], np.ndarray, np.ndarray]
"""Records; rows (N, 3), numbers of image, prediction and object; numbers of the matched rows."""

ErrorFunction = Callable[[MatchedPairs, np.ndarray], Mapping[str, np.ndarray]]
"""From n pairs and their scales (n,) to errors (n,) by name."""


def measure_matches(
    matches: Matches,
    scale_rule: Any,
    errors: ErrorFunction,
    values: Mapping[str, np.ndarray],
    num_rotations: int,
) -> np.ndarray:
    """Measure matched rows, as many at a time as keep their views small.

    Args:
        matches: What was matched.
        scale_rule: Makes predictions metric.
        errors: Measures pairs.
        values: (N,) by name; filled in place where rows are measured.
        num_rotations: Views of each pair.

    Returns:
        (N,) scales of the predictions, NaN where nothing was measured.
    """
    records, rows, measured = matches
    factors = np.full(len(rows), np.nan)
    at_once = max(VIEWS_AT_ONCE // num_rotations, 1)
    for begin in range(0, len(measured), at_once):
        places = measured[begin : begin + at_once]
        pairs = gather_pairs(records, rows[places])
        factors[places] = scale_rule.factors(pairs)
        for name, value in errors(pairs, factors[places]).items():
            values[name][places] = value
    return factors


def corner_errors(
    pairs: MatchedPairs, keypoints_gl: np.ndarray, annotated: np.ndarray, num_rotations: int
) -> dict[str, np.ndarray]:
    """Measure corner distances in the image, least over the rotations of the true solid.

    Args:
        pairs: Predictions, projections and sizes of the images.
        keypoints_gl: (n, 9, 3) of the true solids, Objectron camera frame.
        annotated: (n, 9, 2) pixels, used where the projection is unknown.
        num_rotations: Rotations about the up axis.

    Returns:
        (n,) ``pixel``, shares of the sides of the image, and ``pixel_px``, pixels.
    """
    views = rotate_about_up(keypoints_gl, full_turn(num_rotations))
    corners = project_views(views, pairs.projections, annotated)[:, :, 1:]
    pred, unit = pairs.pred_points[:, None, 1:], pairs.image_wh[:, None]
    return {
        'pixel': mean_corner_distance(pred, corners, unit).min(axis=1),
        'pixel_px': mean_corner_distance(pred, corners, np.ones_like(unit)).min(axis=1),
    }
