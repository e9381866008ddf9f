"""What counts in an evaluation: settings that all protocols of this project have."""

from collections.abc import Mapping
from typing import Any

from cpose.building import build_checked
from cpose.errors import check_number
from cpose.evaluation.base import ScaleRule
from cpose.registry import METRICS


class CountingProtocol:
    """Base of protocols with a least score, a least visibility and a rule of scale.

    Args:
        min_score: Predictions below do not count.
        min_visibility: Objects below do not count.
        scale_rule: Config of the rule that makes predictions metric.

    Raises:
        ConfigError: If a number is none, or the rule cannot be built.
    """

    def __init__(
        self, min_score: float, min_visibility: float, scale_rule: Mapping[str, Any]
    ) -> None:
        for name, value in (('min_score', min_score), ('min_visibility', min_visibility)):
            check_number(name, value)
        self.min_score = min_score
        self.min_visibility = min_visibility
        self.scale_rule: Any = build_checked(METRICS, scale_rule, ScaleRule)
