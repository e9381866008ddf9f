"""From records to the numbers of a report: per category, then averaged over categories."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from cpose.evaluation.assessment import (
    HEADLINES,
    MEANS,
    RECALL_LEVELS,
    Assessment,
    headline_numbers,
    precision_at_recall,
    precision_curves,
)
from cpose.evaluation.evaluation_symmetry import EvaluationSymmetry, build_evaluation_symmetry
from cpose.evaluation.functional.average_precision import THRESHOLDS, average_precision_at
from cpose.evaluation.records import EvaluationRecord

RECALL_IOUS = (0.25, 0.5, 0.75)
"""3D IoUs for which precision is reported over recall."""


class EvaluationProtocol(Protocol):
    """What a class of ``cpose.evaluation.protocols`` offers."""

    min_score: float

    def assess(
        self, records: Sequence[EvaluationRecord], symmetry: EvaluationSymmetry
    ) -> Assessment:
        """Match and measure the predictions of one category."""


def build_report(
    records: Sequence[EvaluationRecord],
    dataset_meta: Mapping[str, Sequence[Any]] | None,
    protocol: EvaluationProtocol,
    tao_protocol: EvaluationProtocol,
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

    Returns:
        The numbers by name, ``curves``, ``curves_tao`` and ``precision_recall`` as plain lists,
        and ``per_category`` with the same content for each.
    """
    categories = {}
    for label, (name, symmetry) in enumerate(_category_symmetries(dataset_meta)):
        chosen = [record.of_label(label) for record in records]
        categories[name] = _category_report(chosen, symmetry, protocol, tao_protocol)
    occurring = [report for report in categories.values() if report['num_objects']]
    averaged = average_tree(occurring or list(categories.values()))
    return {
        **averaged,
        'num_images': len(records),
        'num_objects': sum(report['num_objects'] for report in categories.values()),
        'per_category': categories,
    }


def headline_names() -> tuple[str, ...]:
    """Return the names of all single numbers of a report, in the order of its tables."""
    return ('AP50_3DIoU', 'AP50_3DIoU_tao', *list(HEADLINES)[1:], *MEANS)


def _category_symmetries(
    dataset_meta: Mapping[str, Sequence[Any]] | None,
) -> list[tuple[str, EvaluationSymmetry]]:
    meta = dataset_meta or {}
    names = meta.get('category', ('object',))
    symmetries = meta.get('symmetry', (None,) * len(names))
    rotations = meta.get('eval_num_symmetry', (1,) * len(names))
    return [
        (name, build_evaluation_symmetry(symmetry, count))
        for name, symmetry, count in zip(names, symmetries, rotations, strict=True)
    ]


def _category_report(
    records: Sequence[EvaluationRecord],
    symmetry: EvaluationSymmetry,
    protocol: EvaluationProtocol,
    tao_protocol: EvaluationProtocol,
) -> dict[str, Any]:
    assessment = protocol.assess(records, symmetry)
    curves = precision_curves(assessment)
    tao_curves = precision_curves(tao_protocol.assess(records, symmetry))
    numbers = headline_numbers(assessment, curves)
    numbers['AP50_3DIoU_tao'] = average_precision_at('iou', tao_curves['iou'], 0.5)
    return {
        **{name: numbers[name] for name in headline_names()},
        'num_objects': assessment.num_objects,
        'curves': _curve_lists(curves),
        'curves_tao': _curve_lists(tao_curves),
        'precision_recall': {
            'recall': RECALL_LEVELS.tolist(),
            **{f'{iou:g}': precision_at_recall(assessment, iou).tolist() for iou in RECALL_IOUS},
        },
    }


def _curve_lists(curves: Mapping[str, np.ndarray]) -> dict[str, dict[str, list[float]]]:
    return {
        metric: {'thresholds': THRESHOLDS[metric].tolist(), 'ap': curve.tolist()}
        for metric, curve in curves.items()
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
