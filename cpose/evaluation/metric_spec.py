"""How a metric is described: what is measured on matched pairs, and what is reported of it.

A metric of your own is one `MetricSpec`: register a function that returns it in ``METRIC_SPECS``
and name it in ``extra_metrics`` of `ObjectronMetric`. Nothing else needs to know it.

Letters: n pairs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np

from cpose.errors import ConfigError
from cpose.evaluation.matched_pairs import AlignedPairs


@dataclass(frozen=True)
class TaoRow:
    """A row in TAO's report.

    Attributes:
        row: Its place, among means or among curves.
        title: Its name.
    """

    row: int
    title: str


@dataclass(frozen=True)
class TaoMetric(TaoRow):
    """What TAO does with a metric; the row is that of the curve.

    Attributes:
        missed: Value of a prediction without an object.
    """

    missed: float


Counting = Literal['precision', 'recall', 'misses', 'mean_precision', 'sum']
"""What a number counts, see `ReportedNumber`."""


@dataclass(frozen=True)
class ReportedNumber:
    """A single number of a report.

    Attributes:
        key: Name in reports and logs.
        meaning: What it is, in a few words for tables.
        threshold: A value of the metric from which on a prediction is a hit; None for the mean
            over matched predictions, with ``'sum'`` for their sum, or with ``'mean_precision'`` for
            the mean of the curve.
        counting: What a number with a threshold is: ``'precision'``, the average precision over
            all scores; ``'recall'``, the share of all objects that are hit by predictions of at
            least ``min_score``; or ``'misses'``, how many such predictions per image hit nothing.
        min_score: Predictions below it do not count for recall and misses.
        digits: Decimals in tables.
        is_headline: Whether it is shown where two models are compared.
        by_tao_rules: Whether it is of the TAO protocol's matches, not of the main protocol's.
        status_name: TAO's name of it in ``status.json``, without stage.
        tao: Its row in TAO's report; None if it has none.
    """

    key: str
    meaning: str
    threshold: float | None = None
    counting: Counting = 'precision'
    min_score: float = 0.0
    digits: int = 4
    is_headline: bool = False
    by_tao_rules: bool = False
    status_name: str | None = None
    tao: TaoRow | None = None

    @property
    def is_precision(self) -> bool:
        """Whether it is an average precision."""
        return self.threshold is not None and self.counting == 'precision'


@dataclass(frozen=True)
class MetricSpec:
    """A quantity that is measured on each matched pair, and what is reported of it.

    Attributes:
        key: Name among the curves of a report.
        title: Heading of its plot.
        measure: From n pairs to (n,) values in ``unit``. None in a spec that was read from a
            report: it can be shown, but not measured.
        numbers: What is reported by name.
        thresholds: Where average precision is computed, ascending; empty for no curve.
        unit: Of values and thresholds.
        larger_is_better: Direction of the values.
        missed: Value of a prediction without an object; None for one that passes no threshold.
        allows_unknown: Whether ``measure`` may return NaN, for pairs that lack what it needs. The
            mean leaves them out; they pass no threshold.
        tao: What TAO does with it; None if TAO does not know it.

    Raises:
        ConfigError: If an average precision has a threshold that is not one of the curve.
    """

    key: str
    title: str
    measure: Callable[[AlignedPairs], np.ndarray] | None
    numbers: tuple[ReportedNumber, ...]
    thresholds: tuple[float, ...] = ()
    unit: str = ''
    larger_is_better: bool = False
    missed: float | None = None
    allows_unknown: bool = False
    tao: TaoMetric | None = None

    def __post_init__(self) -> None:
        """Check the thresholds of the numbers."""
        for number in self.numbers:
            at = number.threshold
            if not number.is_precision or at is None:
                continue
            if not np.isclose(self.thresholds, at).any():
                raise ConfigError(
                    f'lacks {at:g}, at which {number.key} of the metric {self.key!r} is the '
                    'average precision',
                    argument='thresholds',
                    value=self.thresholds,
                    advice='Add it',
                )

    @property
    def missed_value(self) -> float:
        """Return the value of a prediction without an object."""
        if self.missed is not None:
            return self.missed
        return -np.inf if self.larger_is_better else np.inf

    @property
    def marked_threshold(self) -> float | None:
        """Return the threshold of the first number that has one."""
        return next((n.threshold for n in self.numbers if n.is_precision), None)

    def is_larger_better(self, number: ReportedNumber) -> bool:
        """Return the direction of one of the numbers."""
        if number.threshold is None:
            return self.larger_is_better
        return number.counting != 'misses'


def thresholds_up_to(most: float) -> tuple[float, ...]:
    """Return 21 evenly spaced thresholds from 0."""
    return tuple(np.linspace(0, most, 21).tolist())


def measure_pairs(metrics: Sequence[MetricSpec], pairs: AlignedPairs) -> dict[str, np.ndarray]:
    """Measure pairs by every metric.

    Raises:
        ConfigError: If a metric does not return one value per pair.
    """
    values = {}
    for metric in metrics:
        assert metric.measure is not None, f'{metric.key} can only be shown'
        value = np.asarray(metric.measure(pairs), dtype=np.float64)
        if value.shape != (len(pairs.matched),):
            raise ConfigError(
                f'of the metric {metric.key!r} returned an array of shape {value.shape} for '
                f'{len(pairs.matched)} pairs',
                argument='measure',
                advice='Return one value per pair',
            )
        values[metric.key] = value
    return values


def list_numbers(metrics: Iterable[MetricSpec]) -> list[tuple[MetricSpec, ReportedNumber]]:
    """Return all numbers in the order of tables: average precisions first, then all others."""
    numbers = [(metric, number) for metric in metrics for number in metric.numbers]
    return sorted(numbers, key=lambda item: not item[1].is_precision)


def in_tao_order(metrics: Iterable[MetricSpec]) -> list[MetricSpec]:
    """Return metrics in the order of TAO's report, those that TAO does not know last."""
    return sorted(metrics, key=lambda metric: (metric.tao is None, metric.tao and metric.tao.row))


def describe_metric(metric: MetricSpec) -> dict[str, Any]:
    """Return what a report tells of a metric that TAO does not know, to show it elsewhere."""
    told = {item.name for item in fields(MetricSpec)} - {'measure', 'tao'}
    return {key: value for key, value in asdict(metric).items() if key in told}


def metric_from_description(description: Mapping[str, Any]) -> MetricSpec:
    """Undo `describe_metric`; the metric can be shown, but not measured."""
    sequences = {
        'numbers': tuple(ReportedNumber(**number) for number in description['numbers']),
        'thresholds': tuple(description['thresholds']),
    }
    return MetricSpec(**{**description, **sequences, 'measure': None})
