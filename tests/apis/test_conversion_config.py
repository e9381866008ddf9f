import pytest
from mmengine.config import Config

from cpose.apis.config.load import load_config
from cpose.apis.conversion_config import ConfigChoice, check_config_fits, choose_config
from cpose.checkpoints.architecture import Architecture
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.errors import CheckpointError, ConfigError

from ..user_errors import raises

DLA34 = Architecture('dla34', 1, 256, use_association=True)
DEFORMABLE = Architecture('dla34', 1, 256, is_deformable=True, log_variances=('hps',))
OTHER = Architecture('', 1, 64)


def test_shipped_config_of_a_category():
    config, name = choose_config(ConfigChoice('shoe', options={'randomness.seed': 5}), DLA34, {})
    assert name == 'dla34_shoe'
    assert config.test_dataloader.dataset.metainfo.category == 'shoe'
    assert config.randomness.seed == 5
    check_config_fits(DLA34, config, name, 'a.pth')


def test_shipped_config_becomes_the_network_that_was_found():
    config, name = choose_config(ConfigChoice('shoe'), DEFORMABLE, {})
    assert config.model.neck.conv.type == 'ModulatedDeformConv'
    assert config.model.head.use_association is False
    assert config.model.head.branches.hps.loss.type == 'KLDUncertaintyLoss'
    check_config_fits(DEFORMABLE, config, name, 'a.pth')


def test_carried_config():
    carried = config_to_json(load_config('fan_small_cup'))
    stored = {'meta': {CONFIG_KEY: carried}}
    choice = ConfigChoice(options={'model.head.head_conv': 32})
    config, name = choose_config(choice, OTHER, stored)
    assert name == 'of the checkpoint'
    assert (config.model.backbone.arch, config.model.head.head_conv) == ('small', 32)


def test_without_a_choice_there_is_only_the_model():
    config, name = choose_config(ConfigChoice(), Architecture('fan_base', 3, 64), {})
    assert name == ''
    assert 'test_dataloader' not in config
    assert (config.model.head.num_classes, config.model.backbone.arch) == (3, 'base')


@pytest.mark.parametrize(
    ('choice', 'found', 'argument'),
    [
        (ConfigChoice('bike', 'dla34_bike'), DLA34, 'category'),
        (ConfigChoice('bicycle'), DLA34, 'category'),
        (ConfigChoice('bike'), OTHER, 'category'),
        (ConfigChoice(), OTHER, None),
        (ConfigChoice(options={'a': 1}), DLA34, 'options'),
    ],
)
def test_choices_that_do_not_work(choice, found, argument):
    with raises(ConfigError, argument=argument) as caught:
        choose_config(choice, found, {})
    assert caught.value.advice


@pytest.mark.parametrize(
    ('found', 'problem'),
    [
        (Architecture('dla34', 2, 256, True), 'num_classes is 1'),
        (Architecture('dla34', 1, 64, True), 'model.head.head_conv is 256'),
        (Architecture('dla34', 1, 256), 'model.head.use_association is True'),
        (
            Architecture('dla34', 1, 256, True, is_deformable=True),
            "model.neck.conv.type is 'PlainConv'",
        ),
        (Architecture('fan_large', 1, 256, True), "backbone is 'DLA34'"),
    ],
)
def test_differences_name_their_key(found, problem):
    with raises(CheckpointError, problem, path='a.pth'):
        check_config_fits(found, load_config('dla34_bike'), 'dla34_bike', 'a.pth')


def test_parts_of_others_are_left_to_the_strict_loading():
    model = {
        'backbone': {'type': 'MyBackbone'},
        'neck': {'type': 'MyNeck', 'conv': {'type': 'MyConv'}},
        'head': {'type': 'MyHead', 'num_classes': 7},
    }
    check_config_fits(DLA34, Config({'model': model}), 'mine', 'a.pth')
