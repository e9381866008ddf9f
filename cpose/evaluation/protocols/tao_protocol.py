"""The rules of TAO PyTorch 6.25.10, its peculiarities included.

Letters: n predictions, P predictions and N objects of one image.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from cpose.evaluation.assessment import Assessment
from cpose.evaluation.evaluation_symmetry import EvaluationSymmetry
from cpose.evaluation.functional.matching import UNMATCHED, corner_distances, match_nearest
from cpose.evaluation.matched_pairs import AlignedPairs, MatchedPairs, measure_matches
from cpose.evaluation.metric_spec import MetricSpec, measure_pairs
from cpose.evaluation.metric_table import METRIC_TABLE
from cpose.evaluation.protocols.counting import CountingProtocol
from cpose.evaluation.records import EvaluationRecord
from cpose.geometry.iou3d import best_rotation
from cpose.geometry.symmetry import rotate_about_up
from cpose.registry import METRICS


@METRICS.register_module()
class TaoProtocol(CountingProtocol):
    """Match each prediction to its nearest object, however often an object is taken.

    Images without a visible object are skipped; in the others all objects count, visible or
    not. Predictions nearest to an object below the visibility get score 0. Duplicates count as
    hits, so average precision can exceed 1. The prediction is rotated by angles that include
    both 0 and a full turn. Predictions without a pose do not exist in TAO and are left out.

    Args:
        min_score: Predictions count if their score is above.
        min_visibility: Objects below are not matched.
        scale_rule: Config of the rule that makes predictions metric.
    """

    def assess(
        self,
        records: Sequence[EvaluationRecord],
        symmetry: EvaluationSymmetry,
        metrics: Sequence[MetricSpec] = METRIC_TABLE,
    ) -> Assessment:
        """Match the predictions of one category and measure them by all metrics."""
        matched = [self._match(number, record) for number, record in enumerate(records)]
        rows = np.concatenate([rows for rows, _ in matched] or [np.zeros((0, 3), np.int64)])
        is_matched = rows[:, 2] != UNMATCHED
        values = {metric.key: np.full(len(rows), _missed_value(metric)) for metric in metrics}
        matches = np.flatnonzero(is_matched)
        factors = measure_matches(
            (records, rows, matches),
            self.scale_rule,
            partial(_measure, num_rotations=symmetry.num_rotations, metrics=metrics),
            values,
            symmetry.num_rotations,
        )
        scores = np.array([records[image].predictions.scores[pred] for image, pred, _ in rows])
        return Assessment(
            scores=np.where(is_matched, scores, 0.0) if len(rows) else np.zeros(0),
            values=values,
            rows=rows,
            num_objects=sum(count for _, count in matched),
            factors=factors,
            num_images=len(records),
        )

    def _match(self, number: int, record: EvaluationRecord) -> tuple[np.ndarray, int]:
        annotations, predictions = record.annotations, record.predictions
        if not _has_visible_object(record, self.min_visibility):
            return np.zeros((0, 3), dtype=np.int64), 0
        kept = np.flatnonzero((predictions.scores > self.min_score) & predictions.has_pose)
        distances = corner_distances(
            predictions.keypoints_image[kept, 1:],
            annotations.keypoints_image[:, None, 1:],
            record.image_wh,
        )
        nearest = match_nearest(distances)
        is_usable = annotations.visibility >= self.min_visibility
        is_usable &= np.isfinite(annotations.keypoints_gl).all(axis=(1, 2))
        objects = np.where(is_usable[nearest], nearest, UNMATCHED)
        return np.stack([np.full_like(kept, number), kept, objects], axis=1), len(annotations)


def _missed_value(metric: MetricSpec) -> float:
    """Return what a prediction without an object gets; most of TAO's equal a threshold: hits."""
    return metric.missed_value if metric.tao is None else metric.tao.missed


def _has_visible_object(record: EvaluationRecord, min_visibility: float) -> bool:
    center = record.annotations.keypoints_image[:, 0]
    is_inside = ((center > 0) & (center < record.image_wh)).all(axis=1)
    is_in_front = record.annotations.keypoints_gl[:, 0, 2] < 0
    return bool(((record.annotations.visibility > min_visibility) & is_inside & is_in_front).any())


def _measure(
    pairs: MatchedPairs,
    factors: np.ndarray,
    num_rotations: int,
    metrics: Sequence[MetricSpec],
) -> dict[str, np.ndarray]:
    """Measure pairs; azimuth, ADD and ADD-S follow rules of TAO's own."""
    aligned = _align(pairs, factors, num_rotations)
    values = measure_pairs(metrics, aligned)
    (azimuth, _), (gt_azimuth, _) = aligned.viewpoints_deg
    error = np.abs(azimuth - gt_azimuth) % aligned.azimuth_period_deg
    values['azimuth'] = np.where(error > 180, 360 - error, error)
    for key in ('add', 'adds'):
        values[key] = np.where(aligned.iou > 0, values[key], 1.0)
    return values


def _align(pairs: MatchedPairs, factors: np.ndarray, num_rotations: int) -> AlignedPairs:
    """Rotate predictions to the best 3D IoU."""
    pred = pairs.pred_keypoints * factors[:, None, None]
    # TAO turns the box against the angle; the set of angles is the same either way.
    angles = -np.linspace(0, 2 * np.pi, num_rotations)
    iou, best = best_rotation(pred, pairs.gt_keypoints, angles)
    return AlignedPairs(
        matched=pairs,
        pred_keypoints=rotate_about_up(pred, angles[best][:, None])[:, 0],
        gt_keypoints=pairs.gt_keypoints,
        gt_points=pairs.gt_points,
        gt_dims=pairs.gt_dims,
        iou=iou,
        num_rotations=num_rotations,
        azimuth_period_deg=360.0 / num_rotations,
    )
