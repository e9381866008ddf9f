"""Matched predictions and objects of many images side by side.

Letters: n pairs, S views.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from cpose.evaluation.functional.pose_errors import mean_corner_distance
from cpose.evaluation.image_record import ImageRecord
from cpose.geometry.projection import project_points
from cpose.geometry.symmetry import full_turn, rotate_about_up
from cpose.structures.camera import cv_from_gl


@dataclass(frozen=True)
class MatchedPairs:
    """One row per pair; frames and units as in `ImageRecord`.

    Attributes:
        pred_keypoints: (n, 9, 3), Objectron camera frame.
        pred_points: (n, 9, 2), image pixels.
        pred_dims: (n, 3).
        gt_keypoints: (n, 9, 3), metres, Objectron camera frame.
        gt_points: (n, 9, 2) as annotated, image pixels.
        gt_dims: (n, 3).
        planes: (n, 2, 3), NaN where there is no ground plane.
        projections: (n, 3, 3), NaN where unknown.
        image_wh: (n, 2), pixels.
    """

    pred_keypoints: np.ndarray
    pred_points: np.ndarray
    pred_dims: np.ndarray
    gt_keypoints: np.ndarray
    gt_points: np.ndarray
    gt_dims: np.ndarray
    planes: np.ndarray
    projections: np.ndarray
    image_wh: np.ndarray

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.image_wh)


def gather_pairs(records: Sequence[ImageRecord], rows: np.ndarray) -> MatchedPairs:
    """Collect the pairs named by ``rows`` (n, 3): numbers of image, prediction and object."""
    columns: list[list[np.ndarray]] = [[] for _ in fields(MatchedPairs)]
    for image, pred, gt in rows:
        record = records[image]
        plane, projection = record.truth.plane_gl, record.projection
        values = (
            record.predictions.keypoints_gl[pred],
            record.predictions.keypoints_image[pred],
            record.predictions.dims[pred],
            record.truth.keypoints_gl[gt],
            record.truth.keypoints_image[gt],
            record.truth.dims_metric[gt],
            np.full((2, 3), np.nan) if plane is None else plane,
            np.full((3, 3), np.nan) if projection is None else projection,
            record.image_wh,
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    shapes = ((9, 3), (9, 2), (3,), (9, 3), (9, 2), (3,), (2, 3), (3, 3), (2,))
    return MatchedPairs(
        *(
            np.asarray(column, dtype=np.float64).reshape(len(rows), *shape)
            for column, shape in zip(columns, shapes, strict=True)
        )
    )


def project_views(
    keypoints_gl: np.ndarray, projections: np.ndarray, annotated: np.ndarray
) -> np.ndarray:
    """Project equivalent views of objects to the image.

    Args:
        keypoints_gl: (n, S, 9, 3), Objectron camera frame, the annotated view first.
        projections: (n, 3, 3) pixels, NaN where unknown.
        annotated: (n, 9, 2) pixels that take the place of all views where the projection is
            unknown.

    Returns:
        (n, S, 9, 2), image pixels.
    """
    with np.errstate(divide='ignore', invalid='ignore'):
        rays = project_points(cv_from_gl(keypoints_gl), np.eye(3))
        turned = np.einsum('nskj,nij->nski', rays, projections[:, :2, :2])
    points = turned + projections[:, None, None, :2, 2]
    is_known = np.isfinite(points).all(axis=(1, 2, 3))
    return np.where(is_known[:, None, None, None], points, annotated[:, None])


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
