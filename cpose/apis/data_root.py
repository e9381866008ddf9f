"""Test data from another folder than the config says."""

import inspect
from pathlib import Path

from mmengine.config import Config

from cpose.apis.config_check import import_custom_modules
from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.errors import ConfigError
from cpose.registry import DATASETS

READER = CenterPoseDataset


def set_data_root(config: Config, data_root: str | Path) -> None:
    """Test on a folder; a data set without files makes way for one that reads the folder.

    Settings that only the former knows are left out; those that neither knows stay, to be found.

    Args:
        config: The whole config, changed in place.
        data_root: Folder of annotated images.

    Raises:
        ConfigError: If the config has no test data.
    """
    dataset = (config.get('test_dataloader') or {}).get('dataset')
    if dataset is None:
        raise ConfigError(
            'The config has no test data (config key test_dataloader.dataset) whose settings could '
            f'be used for {data_root}. Give a config that has them.'
        )
    if 'data_root' not in dataset:
        import_custom_modules(config)
        replaced = _arguments(DATASETS.get(dataset.get('type', ''))) - _arguments(READER)
        kept = {key: value for key, value in dataset.items() if key not in replaced}
        config.test_dataloader.dataset = {**kept, 'type': READER.__name__}
    config.test_dataloader.dataset.data_root = str(data_root)


def _arguments(built: object) -> set[str]:
    return set(inspect.signature(built).parameters) if callable(built) else set()
