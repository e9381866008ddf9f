import pytest
import torch
from torch import nn

from cpose.checkpoints.loading import load_weights, own_weights
from cpose.errors import CheckpointError

from ..user_errors import raises


def build(width=4, out=2):
    return nn.ModuleDict({'backbone': nn.Conv2d(3, width, 3), 'head': nn.Linear(width, out)})


@pytest.mark.parametrize('wrap', [dict, lambda state: {'state_dict': state, 'meta': {}}])
@pytest.mark.parametrize('prefix', ['', 'module.', 'module._orig_mod.'])
def test_loads_own_checkpoints(wrap, prefix):
    source, model = build(), build()
    state = {prefix + key: value for key, value in source.state_dict().items()}
    load_weights(model, wrap(state), 'a.pth')
    for name, value in source.state_dict().items():
        assert model.state_dict()[name].equal(value)


DIFFERENCES = {
    'unexpected': ({'head.extra': torch.ones(1)}, (), '1 unexpected (head.extra)'),
    'missing': ({}, ('head.bias',), '1 missing (head.bias)'),
    'shape': (
        {'head.weight': torch.ones(3, 4)},
        (),
        '1 of another shape (head.weight (3, 4) instead of (2, 4))',
    ),
    'backbone': ({'backbone.weight': torch.ones(8, 3, 3, 3)}, (), 'backbone.weight'),
}


@pytest.mark.parametrize('name', DIFFERENCES)
def test_differences_are_listed_and_nothing_is_loaded(name):
    changed, removed, fact = DIFFERENCES[name]
    model = build()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = {key: value for key, value in build().state_dict().items() if key not in removed}
    with raises(CheckpointError, fact, argument='checkpoint', path='a.pth'):
        load_weights(model, {**state, **changed}, 'a.pth')
    for key, value in model.state_dict().items():
        assert value.equal(before[key])


def test_long_lists_are_cut():
    state = {f'head.x{number}': torch.ones(1) for number in range(9)}
    with raises(CheckpointError, '9 unexpected (head.x0'):
        load_weights(build(), {**build().state_dict(), **state}, 'a.pth')


@pytest.mark.parametrize('dtype', [torch.int8, torch.complex64])
def test_weights_of_another_kind_of_number(dtype):
    model = build()
    state = {**model.state_dict(), 'head.bias': torch.zeros(2, dtype=dtype)}
    with raises(CheckpointError, 'head.bias', path='a.pth'):
        load_weights(model, state, 'a.pth')


@pytest.mark.parametrize('stored', [{}, {'epoch': 3}, {'state_dict': {}}])
def test_no_weights(stored):
    with raises(CheckpointError, path='a.pth'):
        own_weights(build(), stored, 'a.pth')


def test_unknown_family():
    with raises(CheckpointError, path='a.pth'):
        own_weights(build(), {'something.weight': torch.ones(1)}, 'a.pth')


def test_classification_networks_are_named():
    stored = {'base_layer.0.weight': torch.ones(16, 3, 7, 7)}
    with raises(CheckpointError, argument='checkpoint'):
        own_weights(build(), stored, 'dla34.pth')


def test_number_of_categories_is_named():
    model = part = nn.Module()
    for name in ('head', 'branches', 'outputs', 'hm'):
        part.add_module(name, nn.Module())
        part = part.get_submodule(name)
    part.out = nn.Conv2d(4, 1, 1, bias=False)
    state = {'head.branches.outputs.hm.out.weight': torch.zeros(2, 4, 1, 1)}
    with raises(CheckpointError, argument='checkpoint'):
        load_weights(model, state, 'a.pth')


def test_a_backbone_alone_is_no_model():
    weights = {'backbone.features.base_layer.0.weight': torch.ones(16, 3, 7, 7)}
    with raises(CheckpointError, argument='checkpoint'):
        load_weights(build(), weights, 'backbone.pth')
