import pytest
from mmengine.config import Config

from cpose.apis.config.check import check_config
from cpose.apis.config.evaluation_parts import set_data_root
from cpose.errors import ConfigError

from ...user_errors import raises


def config_of(**dataset):
    return Config({'test_dataloader': {'dataset': dataset}})


def test_another_folder():
    config = config_of(type='CenterPoseDataset', data_root='a', max_objs=3)
    set_data_root(config, 'b')
    expected = {'type': 'CenterPoseDataset', 'data_root': 'b', 'max_objs': 3}
    assert config.test_dataloader.dataset == expected


def test_settings_that_a_folder_has_too_are_kept():
    config = config_of(
        type='SyntheticCuboidDataset',
        **{'num_images': 3, 'image_wh': (64, 64), 'seed': 7, 'on_error': 'skip', 'pipeline': []},
    )
    set_data_root(config, 'b')
    expected = {'seed': 7, 'on_error': 'skip', 'pipeline': [], 'data_root': 'b'}
    assert config.test_dataloader.dataset == {'type': 'CenterPoseDataset', **expected}
    check_config(config, ())


def test_misspelt_settings_are_kept_to_be_found():
    config = config_of(type='SyntheticCuboidDataset', num_images=3, on_eror='skip')
    set_data_root(config, 'b')
    with raises(ConfigError, argument='on_eror', key='test_dataloader.dataset.on_eror'):
        check_config(config, ())


@pytest.mark.parametrize('config', [Config({}), Config({'test_dataloader': None})])
def test_without_test_data(config):
    with raises(ConfigError, key='test_dataloader.dataset'):
        set_data_root(config, 'b')
