"""The metrics of every evaluation: the one table that scoring and all reports read.

Scoring, tables, plots, TAO's report, ``status.json``, comparisons of two models, searches and the
choice of the best checkpoint take keys, directions, thresholds and titles from here. At the end
stand further metrics, which are measured where ``extra_metrics`` names them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpose.errors import ConfigError
from cpose.evaluation.functional.pose_errors import (
    average_distance,
    average_nearest_distance,
    fold_angle_deg,
    outline_overlap,
    relative_scale_error,
)
from cpose.evaluation.matched_pairs import AlignedPairs
from cpose.evaluation.metric_spec import (
    MetricSpec,
    ReportedNumber,
    TaoMetric,
    TaoRow,
    describe_metric,
    list_numbers,
    metric_from_description,
    thresholds_up_to,
)
from cpose.geometry.scale_search import best_scale
from cpose.geometry.symmetry import full_turn
from cpose.registry import METRIC_SPECS

PRIMARY_NUMBER = 'AP50_3DIoU'
"""The number that models are ranked by."""

COUNTS = {'num_images': 'images', 'num_objects': 'objects that count'}
"""What a report counts, with its meaning."""

EXTRA_METRICS = 'extra_metrics'
"""Where a report describes the metrics that are not in `METRIC_TABLE`."""


def _azimuth_error(pairs: AlignedPairs) -> np.ndarray:
    (azimuth, _), (gt_azimuth, _) = pairs.viewpoints_deg
    return fold_angle_deg(azimuth - gt_azimuth, pairs.azimuth_period_deg)


def _polar_error(pairs: AlignedPairs) -> np.ndarray:
    (_, polar), (_, gt_polar) = pairs.viewpoints_deg
    return np.asarray(np.abs(polar - gt_polar))


METRIC_TABLE = (
    MetricSpec(
        key='iou',
        title='3D IoU',
        measure=lambda pairs: pairs.iou,
        numbers=(
            ReportedNumber(PRIMARY_NUMBER, 'AP at 3D IoU ≥ 0.5', 0.5, is_headline=True),
            ReportedNumber(
                'AP50_3DIoU_tao',
                'AP at 3D IoU ≥ 0.5 by the rules of TAO',
                0.5,
                is_headline=True,
                by_tao_rules=True,
                status_name='3DIoU',
            ),
            ReportedNumber(
                'mean_3DIoU',
                'mean 3D IoU of matched predictions',
                is_headline=True,
                tao=TaoRow(2, 'Mean 3D IoU'),
            ),
        ),
        thresholds=thresholds_up_to(1),
        larger_is_better=True,
        tao=TaoMetric(1, '3D IoU', missed=0.0),
    ),
    MetricSpec(
        key='pixel',
        title='2D corner distance',
        measure=lambda pairs: pairs.corner_distance(pairs.matched.image_wh),
        numbers=(
            ReportedNumber(
                'MPE_2D',
                'mean corner error, share of image sides',
                is_headline=True,
                status_name='2DMPE',
                tao=TaoRow(1, 'Mean Error 2D'),
            ),
        ),
        thresholds=thresholds_up_to(0.1),
        unit='share of the image sides',
        tao=TaoMetric(2, '2D Pixel', missed=0.1),
    ),
    MetricSpec(
        key='pixel_px',
        title='2D corner distance',
        measure=lambda pairs: pairs.corner_distance(np.ones_like(pairs.matched.image_wh)),
        numbers=(ReportedNumber('MPE_2D_px', 'mean corner error, pixels', digits=2),),
        unit='pixels',
    ),
    MetricSpec(
        key='azimuth',
        title='Azimuth',
        measure=_azimuth_error,
        numbers=(
            ReportedNumber('AP_azimuth15', 'AP at azimuth error ≤ 15°', 15.0, is_headline=True),
            ReportedNumber(
                'mean_azimuth_deg',
                'mean azimuth error, degrees',
                digits=2,
                tao=TaoRow(3, 'Mean Azimuth Error'),
            ),
        ),
        thresholds=thresholds_up_to(30),
        unit='degrees',
        tao=TaoMetric(3, 'Azimuth', missed=30.0),
    ),
    MetricSpec(
        key='polar',
        title='Polar angle',
        measure=_polar_error,
        numbers=(
            ReportedNumber(
                'AP_polar10', 'AP at polar (elevation) error ≤ 10°', 10.0, is_headline=True
            ),
            ReportedNumber(
                'mean_polar_deg',
                'mean polar error, degrees',
                digits=2,
                tao=TaoRow(4, 'Mean Polar Error'),
            ),
        ),
        thresholds=thresholds_up_to(20),
        unit='degrees',
        tao=TaoMetric(4, 'Polar', missed=20.0),
    ),
    MetricSpec(
        key='scale',
        title='Relative size',
        measure=lambda pairs: relative_scale_error(pairs.matched.pred_dims, pairs.gt_dims),
        numbers=(
            ReportedNumber(
                'mean_scale_error',
                'relative size error, sum of x, y, z',
                tao=TaoRow(0, 'Mean Error Scale'),
            ),
        ),
        thresholds=thresholds_up_to(1),
        unit='sum of relative errors',
        tao=TaoMetric(0, 'Scale', missed=2.0),
    ),
    MetricSpec(
        key='add',
        title='ADD',
        measure=lambda pairs: average_distance(pairs.pred_keypoints, pairs.gt_keypoints),
        numbers=(ReportedNumber('ADD', 'mean keypoint distance, metres'),),
        thresholds=thresholds_up_to(1),
        unit='metres',
        tao=TaoMetric(5, 'ADD', missed=1.0),
    ),
    MetricSpec(
        key='adds',
        title='ADD-S',
        measure=lambda pairs: average_nearest_distance(pairs.pred_keypoints, pairs.gt_keypoints),
        numbers=(ReportedNumber('ADDS', 'mean nearest keypoint distance, metres'),),
        thresholds=thresholds_up_to(1),
        unit='metres',
        tao=TaoMetric(6, 'ADDS', missed=1.0),
    ),
)
"""The metrics of every evaluation. Source of the thresholds: TAO PyTorch 6.25.10, evaluation."""


def build_metrics(extra: Sequence[Mapping[str, Any]] = ()) -> tuple[MetricSpec, ...]:
    """Return the metrics of the table and those built from configs, in this order.

    Args:
        extra: Configs of functions in ``METRIC_SPECS``.

    Raises:
        ConfigError: If a metric or a number has the key of another.
    """
    metrics = (*METRIC_TABLE, *(METRIC_SPECS.build(dict(config)) for config in extra))
    keys = [metric.key for metric in metrics]
    names = [*COUNTS, *(number.key for _, number in list_numbers(metrics))]
    for known in (keys, names):
        twice = sorted({key for key in known if known.count(key) > 1})
        if twice:
            raise ConfigError(
                f'leads to several metrics with the key {", ".join(twice)}',
                argument='extra_metrics',
                advice=('Choose other keys', 'Name each metric once'),
            )
    return metrics


def describe_extra_metrics(metrics: Sequence[MetricSpec]) -> dict[str, Any]:
    """Return the part of a report that describes metrics outside of the table, {} without any."""
    extra = [describe_metric(metric) for metric in metrics if metric not in METRIC_TABLE]
    return {EXTRA_METRICS: extra} if extra else {}


def metrics_of_report(report: Mapping[str, Any]) -> tuple[MetricSpec, ...]:
    """Return the metrics whose numbers and curves a report holds."""
    return (*METRIC_TABLE, *map(metric_from_description, report.get(EXTRA_METRICS, ())))


def find_number(
    name: str, metrics: Sequence[MetricSpec] = METRIC_TABLE
) -> tuple[MetricSpec, ReportedNumber] | None:
    """Return the number with a key, or with a name in TAO's ``status.json``; None if unknown."""
    for metric, number in list_numbers(metrics):
        if name in (number.key, number.status_name):
            return metric, number
    return None


@METRIC_SPECS.register_module(name='ScaleFreeIoU')
def scale_free_iou() -> MetricSpec:
    """Return the 3D IoU at the best scale of the prediction along the viewing rays.

    It tells shape and direction apart from the size, which one image leaves open.
    """
    return MetricSpec(
        key='iou_scale_free',
        title='3D IoU at the best scale',
        measure=_iou_at_best_scale,
        numbers=(
            ReportedNumber('AP50_scale_free', 'AP at 3D IoU ≥ 0.5 at the best scale', 0.5),
            ReportedNumber('mean_IoU_scale_free', 'mean 3D IoU at the best scale'),
        ),
        thresholds=thresholds_up_to(1),
        larger_is_better=True,
    )


def _iou_at_best_scale(pairs: AlignedPairs) -> np.ndarray:
    angles = full_turn(pairs.num_rotations)
    return best_scale(pairs.pred_keypoints, pairs.gt_keypoints, angles)[1]


@METRIC_SPECS.register_module(name='RecallAtScore')
def recall_at_score(min_score: float = 0.3, min_iou: float = 0.5) -> MetricSpec:
    """Return the share of all objects that predictions of a score find.

    Args:
        min_score: Score from which on a prediction is shown to a user.
        min_iou: 3D IoU from which on an object is found.
    """
    meaning = f'objects found with 3D IoU ≥ {min_iou:g} at scores ≥ {min_score:g}, share of all'
    return MetricSpec(
        key='iou_at_score',
        title='3D IoU',
        measure=lambda pairs: pairs.iou,
        numbers=(ReportedNumber('recall', meaning, min_iou, 'recall', min_score),),
        larger_is_better=True,
    )


@METRIC_SPECS.register_module(name='MeanPrecision')
def mean_precision() -> MetricSpec:
    """Return the average precision, averaged over all thresholds of 3D IoU.

    It changes with every object that becomes better, also where few pictures leave the average
    precision at one threshold as it was.
    """
    meaning = 'AP averaged over 3D IoU ≥ 0, 0.05, …, 1'
    return MetricSpec(
        key='iou_mean',
        title='3D IoU',
        measure=lambda pairs: pairs.iou,
        numbers=(ReportedNumber('mAP_3DIoU', meaning, counting='mean_precision'),),
        thresholds=thresholds_up_to(1),
        larger_is_better=True,
    )


@METRIC_SPECS.register_module(name='FalsePositives')
def false_positives(min_score: float = 0.3, min_overlap: float = 0.5) -> MetricSpec:
    """Return how many predictions per image show no object, or one that another one shows.

    A box in the right place whose pose is poor is none of them: precision tells of it.

    Args:
        min_score: Score from which on a prediction is shown to a user.
        min_overlap: IoU of the rectangles around the corners in the image from which on a
            prediction shows the object it is matched to.
    """
    meaning = f'false positives per image at scores ≥ {min_score:g}'
    return MetricSpec(
        key='outline',
        title='Overlap in the image',
        measure=lambda pairs: outline_overlap(
            pairs.matched.pred_points[:, 1:], pairs.gt_points[:, 1:]
        ),
        numbers=(
            ReportedNumber('false_positives', meaning, min_overlap, 'misses', min_score, digits=3),
        ),
        larger_is_better=True,
    )
