"""From records to the numbers of a report: per category, then averaged over categories."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpose.evaluation.assessment import (
    RECALL_LEVELS,
    Assessment,
    precision_at_recall,
    precision_curves,
    reported_numbers,
)
from cpose.evaluation.base import EvaluationProtocol
from cpose.evaluation.evaluation_symmetry import EvaluationSymmetry, build_evaluation_symmetry
from cpose.evaluation.metric_spec import MetricSpec, in_tao_order, list_numbers
from cpose.evaluation.metric_table import METRIC_TABLE, describe_extra_metrics
from cpose.evaluation.records import EvaluationRecord

RECALL_IOUS = (0.25, 0.5, 0.75)
"""3D IoUs for which precision is reported over recall."""


def build_report(
    records: Sequence[EvaluationRecord],
    dataset_meta: Mapping[str, Sequence[Any]] | None,
    protocol: EvaluationProtocol,
    tao_protocol: EvaluationProtocol,
    metrics: Sequence[MetricSpec] = METRIC_TABLE,
) -> dict[str, Any]:
    """Evaluate all images.

    Numbers are averaged over the categories that have objects; those of one category stand
    under ``per_category``. What cannot be computed is NaN.

    Args:
        records: One per image.
        dataset_meta: ``category``, ``symmetry`` and ``eval_num_symmetry``, one entry each per
            category; None for a single category without symmetry.
        protocol: Rules of all numbers except ``AP50_3DIoU_tao`` and ``curves_tao``.
        tao_protocol: Rules of these two.
        metrics: What is measured and reported.

    Returns:
        The numbers by name, ``curves``, ``curves_tao`` and ``precision_recall`` as plain lists,
        and ``per_category`` with the same content for each; ``extra_metrics`` describes metrics
        that are not in `METRIC_TABLE`, where there are any.
    """
    categories = {}
    for label, (name, symmetry) in enumerate(category_symmetries(dataset_meta)):
        chosen = [record.of_label(label) for record in records]
        own = protocol.assess(chosen, symmetry, metrics)
        categories[name] = _category_report(
            own, tao_protocol.assess(chosen, symmetry, metrics), metrics
        )
    occurring = [report for report in categories.values() if report['num_objects']]
    averaged = average_tree(occurring or list(categories.values()))
    return {
        **averaged,
        'num_images': len(records),
        'num_objects': sum(report['num_objects'] for report in categories.values()),
        'per_category': categories,
        **describe_extra_metrics(metrics),
    }


def category_symmetries(
    dataset_meta: Mapping[str, Sequence[Any]] | None,
) -> list[tuple[str, EvaluationSymmetry]]:
    """Return name and symmetry of each category of the data."""
    meta = dataset_meta or {}
    names = meta.get('category', ('object',))
    symmetries = meta.get('symmetry', (None,) * len(names))
    rotations = meta.get('eval_num_symmetry', (1,) * len(names))
    return [
        (name, build_evaluation_symmetry(symmetry, count))
        for name, symmetry, count in zip(names, symmetries, rotations, strict=True)
    ]


def _category_report(
    own: Assessment, by_tao: Assessment, metrics: Sequence[MetricSpec]
) -> dict[str, Any]:
    curves, tao_curves = precision_curves(own, metrics), precision_curves(by_tao, metrics)
    numbers = reported_numbers(own, curves, metrics)
    tao_numbers = reported_numbers(by_tao, tao_curves, metrics)
    return {
        **{
            number.key: (tao_numbers if number.by_tao_rules else numbers)[number.key]
            for _, number in list_numbers(metrics)
        },
        'num_objects': own.num_objects,
        'curves': _curve_lists(curves, metrics),
        'curves_tao': _curve_lists(tao_curves, metrics),
        'precision_recall': {
            'recall': RECALL_LEVELS.tolist(),
            **{f'{iou:g}': precision_at_recall(own, iou).tolist() for iou in RECALL_IOUS},
        },
    }


def _curve_lists(
    curves: Mapping[str, np.ndarray], metrics: Sequence[MetricSpec]
) -> dict[str, dict[str, list[float]]]:
    return {
        metric.key: {'thresholds': list(metric.thresholds), 'ap': curves[metric.key].tolist()}
        for metric in in_tao_order(metrics)
        if metric.thresholds
    }


def average_tree(reports: Sequence[Any]) -> Any:
    """Average equally shaped nested dicts, lists and numbers, leaving out NaN."""
    first = reports[0]
    if isinstance(first, dict):
        return {key: average_tree([report[key] for report in reports]) for key in first}
    values = np.asarray(reports, dtype=np.float64)
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=0)
    count = known.sum(axis=0)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean.tolist()
