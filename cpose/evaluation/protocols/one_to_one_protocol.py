"""The rules this project stands by: one prediction per object, symmetry folded everywhere.

Letters: n predictions, P predictions and N objects of one image, R names of the same solid,
S rotations, V = S·R equivalent views.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from cpose.evaluation.assessment import Assessment
from cpose.evaluation.evaluation_symmetry import EvaluationSymmetry
from cpose.evaluation.functional.matching import (
    IGNORED,
    UNMATCHED,
    corner_distances,
    keep_one_per_object,
    match_counted,
)
from cpose.evaluation.functional.pose_errors import average_distance
from cpose.evaluation.matched_pairs import (
    AlignedPairs,
    MatchedPairs,
    measure_matches,
    project_views,
)
from cpose.evaluation.metric_spec import MetricSpec, measure_pairs
from cpose.evaluation.metric_table import METRIC_TABLE
from cpose.evaluation.protocols.counting import CountingProtocol
from cpose.evaluation.records import EvaluationRecord
from cpose.geometry.iou3d import box_iou3d_symmetric
from cpose.geometry.projection import pad_distortion
from cpose.geometry.symmetry import full_turn, rotate_about_up
from cpose.registry import METRICS


@METRICS.register_module()
class OneToOneProtocol(CountingProtocol):
    """Give each visible object to one of the predictions that are nearest to it.

    It is the best-scoring one that overlaps the object, see `keep_one_per_object`. Only visible
    objects count; predictions nearest to others are ignored. All other predictions without an
    object are misses at every threshold: duplicates, those without a pose and those in images
    without objects. The annotated symmetry of an object takes the place of its category's.

    Args:
        min_score: Predictions count from this score on.
        min_visibility: Objects count from this visibility on.
        scale_rule: Config of the rule that makes predictions metric.
    """

    def assess(
        self,
        records: Sequence[EvaluationRecord],
        symmetry: EvaluationSymmetry,
        metrics: Sequence[MetricSpec] = METRIC_TABLE,
    ) -> Assessment:
        """Match the predictions of one category and measure them by all metrics."""
        matched = [self._match(n, record, symmetry) for n, record in enumerate(records)]
        rows = np.concatenate([rows for rows, _ in matched] or [np.zeros((0, 3), np.int64)])
        matches = np.flatnonzero(rows[:, 2] >= 0)
        values = {metric.key: np.full(len(rows), metric.missed_value) for metric in metrics}
        factors = np.full(len(rows), np.nan)
        symmetric = np.array([records[image].symmetric[gt] for image, _, gt in rows[matches]])
        for own, chosen in symmetry.by_object(symmetric):
            measured = measure_matches(
                (records, rows, matches[chosen]),
                self.scale_rule,
                partial(_measure, symmetry=own, metrics=metrics),
                values,
                own.num_rotations,
            )
            factors = np.fmax(factors, measured)
        scores = np.array([records[image].predictions.scores[pred] for image, pred, _ in rows])
        is_beaten = ~keep_one_per_object(rows, scores, values['iou'] > 0)
        rows[is_beaten, 2], factors[is_beaten] = UNMATCHED, np.nan
        for metric in metrics:
            values[metric.key][is_beaten] = metric.missed_value
        num_objects = sum(count for _, count in matched)
        return Assessment(scores, values, rows, num_objects, factors, len(records))

    def _match(
        self, number: int, record: EvaluationRecord, symmetry: EvaluationSymmetry
    ) -> tuple[np.ndarray, int]:
        annotations, predictions = record.annotations, record.predictions
        is_counted = annotations.visibility >= self.min_visibility
        is_counted &= np.isfinite(annotations.keypoints_gl).all(axis=(1, 2))
        kept = np.flatnonzero(predictions.scores >= self.min_score)
        distances = np.empty((len(kept), len(annotations)))
        for own, chosen in symmetry.by_object(record.symmetric):
            distances[:, chosen] = corner_distances(
                predictions.keypoints_image[kept, 1:],
                _equivalent_corners(record, chosen, own),
                record.image_wh,
            )
        objects = match_counted(distances, predictions.has_pose[kept], is_counted)
        rows = np.stack([np.full_like(kept, number), kept, objects], axis=1)
        return rows[objects != IGNORED], int(is_counted.sum())


def _equivalent_corners(
    record: EvaluationRecord, objects: np.ndarray, symmetry: EvaluationSymmetry
) -> np.ndarray:
    """Return the corners (N, V, 8, 2) of all equivalent views of some objects of an image."""
    annotated = record.annotations.keypoints_image[objects]
    points = annotated[:, None]
    if symmetry.num_rotations > 1 and record.projection is not None:
        angles = full_turn(symmetry.num_rotations)
        views = rotate_about_up(record.annotations.keypoints_gl[objects], angles)
        projections = np.repeat(record.projection[None], len(objects), axis=0)
        lens = np.repeat(pad_distortion(record.distortion)[None], len(objects), axis=0)
        points = project_views(views, projections, lens, annotated)
    named = points[:, :, symmetry.keypoint_orders[:, 1:]]
    num_views = named.shape[1] * named.shape[2]
    return named.reshape(len(objects), num_views, 8, 2)


def _measure(
    pairs: MatchedPairs,
    factors: np.ndarray,
    symmetry: EvaluationSymmetry,
    metrics: Sequence[MetricSpec],
) -> dict[str, np.ndarray]:
    return measure_pairs(metrics, _align(pairs, factors, symmetry))


def _align(pairs: MatchedPairs, factors: np.ndarray, symmetry: EvaluationSymmetry) -> AlignedPairs:
    """Choose one rotation of the prediction and one name of the true solid.

    Both are those of least ADD; the 3D IoU is the best over all rotations, no name changes it.
    """
    pred, gt = pairs.pred_keypoints * factors[:, None, None], pairs.gt_keypoints
    angles = full_turn(symmetry.num_rotations)
    views, each = rotate_about_up(pred, angles), np.arange(len(pred))
    by_name = [average_distance(views, gt[:, None, order]) for order in symmetry.keypoint_orders]
    distances = np.stack(by_name, axis=1).reshape(len(pred), len(by_name) * len(angles))
    name, rotation = np.divmod(distances.argmin(axis=1), len(angles))
    order = symmetry.keypoint_orders[name][..., None]
    return AlignedPairs(
        matched=pairs,
        pred_keypoints=views[each, rotation],
        gt_keypoints=np.take_along_axis(gt, order, axis=1),
        gt_points=np.take_along_axis(pairs.gt_points, order, axis=1),
        gt_dims=np.take_along_axis(pairs.gt_dims, symmetry.axis_orders[name], axis=1),
        iou=box_iou3d_symmetric(pred, gt, angles),
        num_rotations=symmetry.num_rotations,
        azimuth_period_deg=symmetry.azimuth_period_deg,
    )
