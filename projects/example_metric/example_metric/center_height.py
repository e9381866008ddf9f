"""How far boxes float above or sink below their objects."""

import numpy as np

from cpose.evaluation.matched_pairs import AlignedPairs
from cpose.evaluation.metric_spec import MetricSpec, ReportedNumber, thresholds_up_to
from cpose.registry import METRIC_SPECS


@METRIC_SPECS.register_module(name='CenterHeightError')
def center_height_error(most_percent: float = 20.0) -> MetricSpec:
    """Return the metric.

    Args:
        most_percent: Largest threshold of the curve, per cent of the height of the object.
    """
    return MetricSpec(
        key='center_height',
        title='Height of the centre',
        measure=_measure,
        numbers=(
            ReportedNumber('AP_center_height10', 'AP at centre height error ≤ 10 %', 10.0),
            ReportedNumber('mean_center_height', 'mean centre height error, per cent', digits=2),
        ),
        thresholds=thresholds_up_to(most_percent),
        unit='per cent of the height',
    )


def _measure(pairs: AlignedPairs) -> np.ndarray:
    """Return the shift (n,) of the centres along the up axes of the objects."""
    up = pairs.gt_keypoints[:, 3] - pairs.gt_keypoints[:, 1]
    shift = pairs.pred_keypoints[:, 0] - pairs.gt_keypoints[:, 0]
    return np.asarray(100 * np.abs((shift * up).sum(axis=1)) / (up * up).sum(axis=1))
