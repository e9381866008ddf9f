"""How far the directions are off."""

import numpy as np

from cpose.evaluation.matched_pairs import AlignedPairs
from cpose.evaluation.metric_spec import MetricSpec, ReportedNumber, thresholds_up_to
from cpose.registry import METRIC_SPECS
from example_head.handle_branch import ANGLE


@METRIC_SPECS.register_module(name='HandleAngleError')
def handle_angle_error() -> MetricSpec:
    """Return the metric: absolute angle between predicted and annotated direction, 0 to 180."""
    return MetricSpec(
        key='handle_angle',
        title='Direction of the handle',
        measure=_measure,
        numbers=(
            ReportedNumber('AP_handle20', 'AP at handle angle error ≤ 20°', 20.0),
            ReportedNumber('mean_handle_angle_deg', 'mean handle angle error, degrees', digits=2),
        ),
        thresholds=thresholds_up_to(80.0),
        unit='degrees',
        allows_unknown=True,
    )


def _measure(pairs: AlignedPairs) -> np.ndarray:
    """Return the errors (n,), NaN where no direction is annotated."""
    unknown = np.full(len(pairs.matched), np.nan)
    found = pairs.matched.pred_extras.get(ANGLE, unknown)
    annotated = pairs.matched.gt_extras.get(ANGLE, unknown)
    return np.asarray(np.abs((found - annotated + 180) % 360 - 180))
