"""Which of two scores is better."""

from collections.abc import Mapping
from math import isnan

from cpose.errors import ConfigError


def find_score(metrics: Mapping[str, float], name: str) -> float:
    """Return a metric by its name with or without prefix.

    Raises:
        ConfigError: If there is none; the message lists what there is.
    """
    for key, value in metrics.items():
        if name in (key, key.rpartition('/')[2]):
            return float(value)
    raise ConfigError(
        f'There is no metric {name!r} (default_hooks.checkpoint.save_best). '
        f'Metrics of this run: {", ".join(metrics)}.'
    )


def is_better(score: float, best: float | None, rule: str) -> bool:
    """Whether a score beats the best so far; NaN never does.

    Args:
        score: New score.
        best: Best so far, None if there is none.
        rule: 'greater' or 'less'.
    """
    if isnan(score):
        return False
    return best is None or (score > best if rule == 'greater' else score < best)
