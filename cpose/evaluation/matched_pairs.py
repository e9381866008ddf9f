"""Matched predictions and objects of many images side by side.

Letters: n pairs, S views.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cpose.evaluation.functional.pose_errors import mean_corner_distance, viewpoint_angles_deg
from cpose.evaluation.records import EvaluationRecord
from cpose.geometry.projection import MOST_COEFFICIENTS, pad_distortion, project_points
from cpose.geometry.symmetry import full_turn, rotate_about_up
from cpose.structures.camera import cv_from_gl


@dataclass(frozen=True)
class MatchedPairs:
    """One row per pair; frames and units as in `EvaluationRecord`.

    Attributes:
        pred_keypoints: (n, 9, 3), Objectron camera frame.
        pred_points: (n, 9, 2), image pixels.
        pred_dims: (n, 3).
        gt_keypoints: (n, 9, 3), metres, Objectron camera frame.
        gt_points: (n, 9, 2) as annotated, image pixels.
        gt_dims: (n, 3).
        planes: (n, 2, 3), NaN where there is no ground plane.
        projections: (n, 3, 3), NaN where unknown.
        distortions: (n, 14) lens coefficients, 0 without distortion.
        image_wh: (n, 2), pixels.
        pred_extras: (n, ...) by name, what the model predicts besides; NaN where it does not.
        gt_extras: (n, ...) by name, what is annotated besides; NaN where it is not.
    """

    pred_keypoints: np.ndarray
    pred_points: np.ndarray
    pred_dims: np.ndarray
    gt_keypoints: np.ndarray
    gt_points: np.ndarray
    gt_dims: np.ndarray
    planes: np.ndarray
    projections: np.ndarray
    distortions: np.ndarray
    image_wh: np.ndarray
    pred_extras: Mapping[str, np.ndarray]
    gt_extras: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.image_wh)


PAIR_SHAPES = {
    'pred_keypoints': (9, 3),
    'pred_points': (9, 2),
    'pred_dims': (3,),
    'gt_keypoints': (9, 3),
    'gt_points': (9, 2),
    'gt_dims': (3,),
    'planes': (2, 3),
    'projections': (3, 3),
    'distortions': (MOST_COEFFICIENTS,),
    'image_wh': (2,),
}
"""Shape of one pair in each array of `MatchedPairs`."""


def gather_pairs(records: Sequence[EvaluationRecord], rows: np.ndarray) -> MatchedPairs:
    """Collect the pairs named by ``rows`` (n, 3): numbers of image, prediction and object."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in PAIR_SHAPES}
    for image, pred, gt in rows:
        record = records[image]
        plane, projection = record.annotations.plane_gl, record.projection
        values = (
            record.predictions.keypoints_gl[pred],
            record.predictions.keypoints_image[pred],
            record.predictions.dims[pred],
            record.annotations.keypoints_gl[gt],
            record.annotations.keypoints_image[gt],
            record.annotations.dims_metric[gt],
            np.full((2, 3), np.nan) if plane is None else plane,
            np.full((3, 3), np.nan) if projection is None else projection,
            pad_distortion(record.distortion),
            record.image_wh,
        )
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    arrays = {
        name: np.asarray(columns[name], dtype=np.float64).reshape(len(rows), *shape)
        for name, shape in PAIR_SHAPES.items()
    }
    pred_extras = _gather_extras((records[i].predictions.extras, pred) for i, pred, _ in rows)
    gt_extras = _gather_extras((records[i].annotations.extras, gt) for i, _, gt in rows)
    return MatchedPairs(**arrays, pred_extras=pred_extras, gt_extras=gt_extras)


def _gather_extras(
    items: Iterable[tuple[Mapping[str, np.ndarray], int]],
) -> dict[str, np.ndarray]:
    """Stack one row of each item's arrays by name; NaN where an item lacks the name."""
    rows = [{name: array[row] for name, array in extras.items()} for extras, row in items]
    shapes = {name: np.shape(value) for row in rows for name, value in row.items()}
    return {
        name: np.array([row.get(name, np.full(shape, np.nan)) for row in rows], dtype=np.float64)
        for name, shape in shapes.items()
    }


def project_views(
    keypoints_gl: np.ndarray,
    projections: np.ndarray,
    distortions: np.ndarray,
    annotated: np.ndarray,
) -> np.ndarray:
    """Project equivalent views of objects to the image.

    Args:
        keypoints_gl: (n, S, 9, 3), Objectron camera frame, the annotated view first.
        projections: (n, 3, 3) pixels, NaN where unknown.
        distortions: (n, 14) lens coefficients, see `pad_distortion`.
        annotated: (n, 9, 2) pixels that take the place of all views where the projection is
            unknown.

    Returns:
        (n, S, 9, 2), image pixels.
    """
    with np.errstate(divide='ignore', invalid='ignore'):
        points_cv = cv_from_gl(keypoints_gl)
        rays = project_points(points_cv, np.eye(3))
        for k in np.flatnonzero(distortions.any(axis=1)):
            rays[k] = project_points(points_cv[k], np.eye(3), distortions[k])
        turned = np.einsum('nskj,nij->nski', rays, projections[:, :2, :2])
    points = turned + projections[:, None, None, :2, 2]
    is_known = np.isfinite(points).all(axis=(1, 2, 3))
    return np.where(is_known[:, None, None, None], points, annotated[:, None])


VIEWS_AT_ONCE = 6400

Matches = tuple[Sequence[EvaluationRecord], np.ndarray, np.ndarray]
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


@dataclass(frozen=True)
class AlignedPairs:
    """Matched pairs as a protocol compares them: metric, and in the best of all equal poses.

    Attributes:
        matched: The pairs as predicted and annotated.
        pred_keypoints: (n, 9, 3) of the prediction at the rotation that counts, metres, Objectron
            camera frame.
        gt_keypoints: (n, 9, 3), metres, Objectron camera frame, corner by corner those of
            ``pred_keypoints``; the annotated ones in another order where a symmetry says so.
        gt_points: (n, 9, 2) as annotated, in this order, image pixels.
        gt_dims: (n, 3) in this order.
        iou: (n,) 3D IoU.
        num_rotations: Number of equally spaced rotations about the up axis that count as equal.
        azimuth_period_deg: Rotation after which azimuths count as equal.
    """

    matched: MatchedPairs
    pred_keypoints: np.ndarray
    gt_keypoints: np.ndarray
    gt_points: np.ndarray
    gt_dims: np.ndarray
    iou: np.ndarray
    num_rotations: int
    azimuth_period_deg: float

    @cached_property
    def viewpoints_deg(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Return azimuth and polar angle (n,) of predictions, then of objects as annotated."""
        poses = self.pred_keypoints, self.matched.gt_keypoints
        return tuple(viewpoint_angles_deg(keypoints) for keypoints in poses)

    def corner_distance(self, unit: np.ndarray) -> np.ndarray:
        """Measure corner distances in the image, least over the rotations of the true solid.

        Args:
            unit: (n, 2) pixels along x and y that count as one.

        Returns:
            (n,) in that unit.
        """
        pred = self.matched.pred_points[:, None, 1:]
        return mean_corner_distance(pred, self._corner_views, unit[:, None]).min(axis=1)

    @cached_property
    def _corner_views(self) -> np.ndarray:
        """Project the corners of the rotated true solids: (n, S, 8, 2), image pixels."""
        views = rotate_about_up(self.gt_keypoints, full_turn(self.num_rotations))
        return project_views(
            views, self.matched.projections, self.matched.distortions, self.gt_points
        )[:, :, 1:]
