"""Parts of a config that evaluation reads: the data folder and the metric."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.config.check import import_custom_modules
from cpose.apis.config.load import load_config
from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.datasets.draws import innermost_configs
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.registry import DATASETS, METRICS

READER = CenterPoseDataset
EVALUATORS = '_base_/evaluators/objectron.py'


def set_data_root(config: Config, data_root: str | Path) -> None:
    """Test on a folder; a data set without files makes way for one that reads the folder.

    Settings that only the former knows are left out; those that neither knows stay, to be found.
    Of data sets inside a wrapper the first one stands for all.

    Args:
        config: The whole config, changed in place.
        data_root: Folder of annotated images.

    Raises:
        ConfigError: If the config has no test data.
    """
    dataset = (config.get('test_dataloader') or {}).get('dataset')
    if dataset is None:
        raise ConfigError(
            f'is missing; {data_root} is read with its settings',
            place=ConfigPlace(('test_dataloader.dataset',), config.filename or ''),
            advice='Give a config that has test data.',
        )
    dataset = config.test_dataloader.dataset = innermost_configs(dataset)[0]
    if 'data_root' not in dataset:
        import_custom_modules(config)
        replaced = _arguments(DATASETS.get(dataset.get('type', ''))) - _arguments(READER)
        kept = {key: value for key, value in dataset.items() if key not in replaced}
        config.test_dataloader.dataset = {**kept, 'type': READER.__name__}
    config.test_dataloader.dataset.data_root = str(data_root)
    config.test_dataloader.dataset.pop('image_list', None)  # it names images of the other folder


def _arguments(built: object) -> set[str]:
    return set(inspect.signature(built).parameters) if callable(built) else set()


def find_metric_config(config: Config, advice: str) -> Any:
    """Return the part of ``test_evaluator`` that is an `ObjectronMetric` or derived from it.

    Args:
        config: The whole config.
        advice: What else to do if there is none, for the message.

    Raises:
        ConfigError: If there is none.
    """
    evaluator = config.get('test_evaluator') or []
    for item in evaluator if isinstance(evaluator, list) else [evaluator]:
        metric = METRICS.get(str(item.get('type')))
        if isinstance(metric, type) and issubclass(metric, ObjectronMetric):
            return item
    raise ConfigError(
        'has no ObjectronMetric',
        place=ConfigPlace(('test_evaluator',), config.filename or ''),
        advice=('Add one', advice),
    )


def metric_settings(
    source: str | Config | None = None, options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what the metric of a config scores by, to build an `ObjectronMetric` with.

    Args:
        source: Config, its file or the name of a shipped one; None takes the shipped metric.
        options: Overrides by dotted key.

    Returns:
        ``protocol`` and ``tao_protocol``, and ``extra_metrics`` where the config names some.

    Raises:
        ConfigError: If the config has no such metric.
    """
    config = load_config(source or EVALUATORS, options)
    import_custom_modules(config)
    metric = find_metric_config(config, 'Leave out {config}')
    names = ('protocol', 'tao_protocol', 'extra_metrics')
    found = {name: metric[name] for name in names if name in metric}
    return found if source is None else {**metric_settings(), **found}
