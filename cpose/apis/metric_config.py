"""Where a config says how poses are scored."""

from typing import Any

from mmengine.config import Config

from cpose.errors import ConfigError
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.registry import METRICS


def find_metric_config(config: Config, advice: str) -> Any:
    """Return the part of ``test_evaluator`` that is an `ObjectronMetric` or derived from it.

    Args:
        config: The whole config.
        advice: What to do if there is none, for the message.

    Raises:
        ConfigError: If there is none.
    """
    evaluator = config.get('test_evaluator') or []
    for item in evaluator if isinstance(evaluator, list) else [evaluator]:
        metric = METRICS.get(str(item.get('type')))
        if isinstance(metric, type) and issubclass(metric, ObjectronMetric):
            return item
    raise ConfigError(
        f'The config has no ObjectronMetric (config key test_evaluator). Add one, or {advice}.'
    )
