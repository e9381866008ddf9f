import pytest
import torch

from cpose.apis.builder import build_model, resolve_config
from cpose.apis.config.load import load_config
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.errors import CheckpointError, ConfigError

from ..user_errors import raises
from .inference_scenes import tiny_config

MAPS = {'hm', 'wh', 'reg', 'hm_hp', 'hp_offset', 'hps', 'scale'}


@pytest.fixture
def checkpoint(tmp_path):
    """Weights of another initialisation, and the config, beside an object of no use."""
    config = tiny_config()
    torch.manual_seed(7)
    content = {
        'state_dict': build_model(config).state_dict(),
        'meta': {CONFIG_KEY: config_to_json(config)},
    }
    torch.save(content, tmp_path / 'tiny.pth')
    torch.save({**content, 'arguments': Arguments()}, tmp_path / 'foreign.pth')
    return tmp_path / 'tiny.pth'


class Arguments:
    """What other projects store beside the weights."""


def test_maps_of_a_model_with_weights(checkpoint):
    model = build_model(None, checkpoint)
    stored = torch.load(checkpoint, weights_only=True)['state_dict']
    assert all(torch.equal(value, stored[key]) for key, value in model.state_dict().items())
    assert not model.training
    with torch.no_grad():
        maps = model(torch.zeros(2, 3, 64, 96), mode='tensor')
    assert set(maps) == MAPS
    assert maps['hm'].shape == (2, 1, 16, 24)


def test_weights_that_the_checkpoint_replaces_are_not_looked_for(checkpoint):
    config = tiny_config()
    config.model.backbone.pretrained = True
    assert not build_model(config, checkpoint).training


def test_config_of_the_checkpoint_or_another(checkpoint):
    assert resolve_config('-', checkpoint).model.head.head_conv == 32
    assert resolve_config(None, checkpoint).model.head.head_conv == 32
    assert resolve_config('dla34_bike', checkpoint).model.backbone.type == 'DLA34'
    options = {'model.head.head_conv': 64}
    assert resolve_config('-', checkpoint, options=options).model.head.head_conv == 64
    with raises(ConfigError, argument='config', value=None):
        resolve_config(None)


def test_options_take_the_presets_away(tmp_path):
    file = tmp_path / 'mine.py'
    file.write_text("_base_ = 'cpose::centerpose/dla34_cup.py'\npresets = '_base_/compat/tao.py'\n")
    head = resolve_config(file, options={'presets': []}).model.head
    assert head.codec.corner_rule.type == 'SubpixelCorners'


def test_objects_beside_the_weights(checkpoint):
    foreign = checkpoint.with_name('foreign.pth')
    with raises(CheckpointError, 'Arguments'):
        build_model(tiny_config(), foreign)
    build_model(load_config(tiny_config(), {'load_tensors_only': True}), foreign)
    assert resolve_config('-', foreign, tensors_only=True).model.head.head_conv == 32


def test_mistakes_are_named():
    with raises(ConfigError, "'model'"):
        build_model(load_config({'train_cfg': {}}))
    part = {'type': 'TimmBackbone', 'name': 'test_resnet', 'pretrained': False}
    with raises(ConfigError, 'missing', key='model'):
        build_model(load_config({'model': {'type': 'CenterPose', 'backbone': part}}))
