"""What the exchangeable parts of an evaluation promise each other; registered in METRICS.

A number of your own is no class of these but one `MetricSpec`, see ``metric_spec.py``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from cpose.evaluation.assessment import Assessment
from cpose.evaluation.evaluation_symmetry import EvaluationSymmetry
from cpose.evaluation.matched_pairs import MatchedPairs
from cpose.evaluation.metric_spec import MetricSpec
from cpose.evaluation.records import EvaluationRecord
from cpose.structures.object_pose import PoseResult


@runtime_checkable
class EvaluationProtocol(Protocol):
    """Rules by which predictions and annotated objects are matched and measured.

    Attributes:
        min_score: Predictions below it do not count, 0 to 1.
    """

    min_score: float

    def assess(
        self,
        records: Sequence[EvaluationRecord],
        symmetry: EvaluationSymmetry,
        metrics: Sequence[MetricSpec],
    ) -> Assessment:
        """Match the predictions of one category and measure them by all metrics.

        Args:
            records: One per image, with predictions and objects of this category only. Keypoints
                are of the Objectron camera frame; NaN where there is no pose.
            symmetry: Rotations about its up axis under which an object counts as the same.
            metrics: What is measured on matched pairs.
        """


@runtime_checkable
class ScaleRule(Protocol):
    """The metric size of cuboids whose unit of length is unknown."""

    def factors(self, pairs: MatchedPairs) -> np.ndarray:
        """Return (n,) metres per predicted unit of n matched pairs; NaN where it is unknown."""


@runtime_checkable
class Metric(Protocol):
    """A metric of MMEngine for the results of this project; `BaseMetric` is its base class.

    The evaluator has the config key ``val_evaluator`` or ``test_evaluator``.
    """

    def process(self, data_batch: Mapping[str, Any], data_samples: Sequence[PoseResult]) -> None:
        """Append exactly one element per image to ``self.results``, also for replaced images.

        Args:
            data_batch: Its ``data_samples`` are the `PoseDataSample` of the images.
            data_samples: What the model found, in the same order.

        Raises:
            DataError: If an image has no annotation.
        """

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Return numbers by name; NaN for what cannot be computed.

        Args:
            results: The elements of all processes, in the order of the data.
        """
