import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cpose.errors import CheckpointError
from cpose.models.backbones.pretrained_backbone import PretrainedBackbone

from ...user_errors import raises


class Backbone(PretrainedBackbone):
    """The first layer of DLA-34 and one that ImageNet weights lack."""

    def __init__(self, pretrained_path='', may_lack=()):
        super().__init__()
        self.features = nn.ModuleDict({'base_layer': nn.Sequential(nn.Conv2d(3, 2, 1))})
        self.extra = nn.Linear(2, 2)
        nn.init.constant_(self.extra.weight, 3)
        self.optional_weights = may_lack
        self.finish(str(pretrained_path), frozen_stages=0)


WEIGHTS = {'base_layer.0.weight': torch.ones(2, 3, 1, 1), 'base_layer.0.bias': torch.zeros(2)}


@pytest.mark.parametrize('name', ['weights.pth', 'weights.safetensors'])
def test_fills_the_backbone(tmp_path, name):
    write = save_file if name.endswith('safetensors') else torch.save
    write(WEIGHTS, tmp_path / name)
    backbone = Backbone(tmp_path / name, may_lack=('extra.*',))
    assert (backbone.features['base_layer'][0].weight == 1).all()
    assert (backbone.extra.weight == 3).all()


def test_missing_parameters_are_named(tmp_path):
    torch.save(WEIGHTS, tmp_path / 'weights.pth')
    with raises(CheckpointError, 'extra.bias'):
        Backbone(tmp_path / 'weights.pth')


def test_other_shapes_are_named(tmp_path):
    other = WEIGHTS | {'base_layer.0.bias': torch.zeros(5)}
    torch.save(other, tmp_path / 'weights.pth')
    with raises(CheckpointError, 'bias (5,)'):
        Backbone(tmp_path / 'weights.pth', may_lack=('extra.*',))


def test_the_backbone_of_a_whole_model(tmp_path):
    weights = {f'base.{name}': value for name, value in WEIGHTS.items()}
    head = {'hm.0.weight': torch.ones(1), 'dla_up.ida_0.proj_1.conv.weight': torch.ones(1)}
    torch.save({**weights, **head}, tmp_path / 'model.pth')
    backbone = Backbone(tmp_path / 'model.pth', may_lack=('extra.*',))
    assert (backbone.features['base_layer'][0].weight == 1).all()
    torch.save({'base.base_layer.0.bias': torch.zeros(2)}, tmp_path / 'part.pth')
    with raises(CheckpointError, 'base_layer.0.weight'):
        Backbone(tmp_path / 'part.pth')


class Exploit:
    def __reduce__(self):
        return (exec, ('raise SystemExit',))


def test_code_in_the_file_is_not_run(tmp_path):
    (tmp_path / 'weights.pth').write_bytes(pickle.dumps(Exploit()))
    with raises(CheckpointError, 'pickled'):
        Backbone(tmp_path / 'weights.pth')


@pytest.mark.parametrize('name', ['nothing.pth', 'nothing.safetensors'])
def test_missing_file(tmp_path, name):
    with raises(CheckpointError, 'pretrained_path', path=tmp_path / name) as error:
        Backbone(tmp_path / name)
    assert 'convert' not in str(error.value)


@pytest.mark.parametrize('is_archive', [True, False])
@pytest.mark.parametrize('part', [0.0, 0.1, 0.3, 0.8, 0.99])
def test_files_that_are_cut_off(tmp_path, is_archive, part):
    path = tmp_path / 'weights.pth'
    torch.save(WEIGHTS, path, _use_new_zipfile_serialization=is_archive)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with raises(CheckpointError, 'pretrained_path', path=path):
        Backbone(path)


@pytest.mark.parametrize('content', [{'epoch': 3}, {'a.b': torch.zeros(1)}])
def test_other_contents_are_refused_with_file_and_key(tmp_path, content):
    torch.save(content, tmp_path / 'weights.pth')
    with raises(CheckpointError) as error:
        Backbone(tmp_path / 'weights.pth')
    assert 'weights.pth' in str(error.value.place.path)
    assert 'pretrained_path' in str(error.value.place.path)


def test_files_of_our_names(tmp_path):
    own = {f'backbone.features.{key}': value for key, value in WEIGHTS.items()}
    torch.save({'state_dict': own}, tmp_path / 'weights.pth')
    backbone = Backbone(tmp_path / 'weights.pth', may_lack=('extra.*',))
    assert (backbone.features['base_layer'][0].weight == 1).all()
