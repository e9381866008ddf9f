import pytest
import torch
from mmengine.model import BaseModule
from torch import nn

from cpose.errors import CheckpointError
from cpose.models.backbones.fan import FAN
from cpose.models.backbones.timm_backbone import DLA34

from ..shipped_parts import settings
from ..user_errors import raises

IMAGENET = {'base_layer.0.weight': torch.ones(2, 3, 1, 1), 'base_layer.0.bias': torch.zeros(2)}
WHOLE = {
    'backbone.features.base_layer.0.weight': torch.ones(2, 3, 1, 1),
    'backbone.features.base_layer.0.bias': torch.zeros(2),
    'head.branches.outputs.hm.weight': torch.full((1, 2, 1, 1), 2.0),
}


class Backbone(BaseModule):
    """The first layer of DLA-34."""

    def __init__(self, init_cfg=None):
        super().__init__(init_cfg)
        self.features = nn.ModuleDict({'base_layer': nn.Sequential(nn.Conv2d(3, 2, 1))})


class Detector(BaseModule):
    def __init__(self, init_cfg=None, backbone_cfg=None):
        super().__init__(init_cfg)
        self.backbone = Backbone(backbone_cfg)
        output = nn.ModuleDict({'hm': nn.Conv2d(2, 1, 1, bias=False)})
        self.head = nn.ModuleDict({'branches': nn.ModuleDict({'outputs': output})})


@pytest.fixture
def write(tmp_path):
    """Write a checkpoint and return the config that initialises from it."""

    def write(weights, **settings):
        path = tmp_path / 'weights.pth'
        torch.save(weights, path)
        return {'type': 'Pretrained', 'checkpoint': str(path), **settings}

    return write


def first_layer(backbone):
    return backbone.features['base_layer'][0].weight


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_whole_models_fill_a_detector(write, prefix):
    stored = {'state_dict': {prefix + key: value for key, value in WHOLE.items()}, 'meta': {}}
    model = Detector(write(stored))
    model.init_weights()
    assert all(value.equal(WHOLE[key]) for key, value in model.state_dict().items())


def test_imagenet_weights_fill_the_backbone_of_a_detector(write):
    model = Detector(backbone_cfg=write(IMAGENET))
    model.init_weights()
    assert (first_layer(model.backbone) == 1).all()


@pytest.mark.parametrize('settings', [{'prefix': 'backbone.'}, {}], ids=['prefix', 'plain'])
def test_a_backbone_takes_its_part_of_a_whole_model(write, settings):
    backbone = Backbone(write(WHOLE, **settings))
    backbone.init_weights()
    assert (first_layer(backbone) == 1).all()


def test_a_module_takes_a_file_of_its_own_names(write):
    class Own(BaseModule):
        def __init__(self, init_cfg):
            super().__init__(init_cfg)
            self.layer = nn.Linear(2, 1)

    weights = {'layer.weight': torch.ones(1, 2), 'layer.bias': torch.ones(1)}
    module = Own(write(weights))
    module.init_weights()
    assert (module.layer.weight == 1).all()
    with raises(CheckpointError, 'layer.bias'):
        Own(write({'layer.weight': torch.ones(1, 2)})).init_weights()


@pytest.mark.slow
@pytest.mark.parametrize('build', [DLA34, FAN], ids=['dla34', 'fan'])
def test_files_of_shipped_backbones(write, build):
    options = settings(build.__name__)
    source = build(**options)
    weights = {f'backbone.{key}': value for key, value in source.state_dict().items()}
    backbone = build(**{**options, 'init_cfg': write({'state_dict': weights})})
    backbone.init_weights()
    assert all(
        value.equal(source.state_dict()[key]) for key, value in backbone.state_dict().items()
    )


@pytest.mark.parametrize(
    ('build', 'weights', 'fact'),
    [
        (Detector, IMAGENET, 'ImageNet'),
        (Detector, {'head.branches.outputs.hm.weight': torch.ones(1, 2, 1, 1)}, '2 missing'),
        (Detector, {**WHOLE, 'head.extra': torch.ones(1)}, '1 unexpected (head.extra)'),
        (Backbone, {'base_layer.0.weight': IMAGENET['base_layer.0.weight']}, '1 missing'),
    ],
    ids=['backbone for a detector', 'missing', 'unexpected', 'part'],
)
def test_what_does_not_fit_is_told(write, build, weights, fact):
    with raises(CheckpointError, fact) as caught:
        build(write(weights)).init_weights()
    assert 'weights.pth' in str(caught.value.place.path)
    assert f'init_cfg of {build.__name__}' in str(caught.value.place.path)


def test_a_prefix_of_no_weights(write):
    with raises(CheckpointError, "'neck.'"):
        Backbone(write(WHOLE, prefix='neck.')).init_weights()


class Settings:
    """Stands for an object that is pickled beside the weights."""


def test_files_with_other_objects(write):
    content = {'state_dict': WHOLE, 'hyper_parameters': Settings()}
    with raises(CheckpointError, 'pickled'):
        Detector(write(content)).init_weights()
    model = Detector(write(content, tensors_only=True))
    model.init_weights()
    assert (first_layer(model.backbone) == 1).all()
