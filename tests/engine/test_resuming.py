import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope

from cpose.engine import resuming
from cpose.engine.resuming import check_optimizer, prepare_resume
from cpose.errors import CheckpointError
from cpose.registry import RUNNERS

from ..user_errors import raises
from .toy_training import toy_config


def test_weights_cannot_be_resumed():
    with raises(CheckpointError, 'optimizer, train_loop'):
        prepare_resume({'meta': {}, 'message_hub': {}, 'state_dict': {}}, 'best.pth', None)


def test_settings_of_another_optimizer():
    parameters = [torch.zeros(1, requires_grad=True)]
    adam, sgd = (
        OptimWrapper(kind(parameters, lr=0.1)) for kind in (torch.optim.Adam, torch.optim.SGD)
    )
    checkpoint = {'meta': {}, 'optimizer': adam.state_dict()}
    check_optimizer(checkpoint, 'a.pth', adam)
    with raises(CheckpointError, 'dampening, momentum'):
        check_optimizer(checkpoint, 'a.pth', sgd)


def test_equal_meta_information_is_the_same_object(monkeypatch):
    told = []
    monkeypatch.setattr(resuming, 'print_log', lambda text, **settings: told.append(text))
    hub = {part: {} for part in ('log_scalars', 'runtime_info', 'resumed_keys')}
    checkpoint = {'message_hub': hub, 'optimizer': {}}
    sizes = {'iter': 0, 'images_per_iter': 1}
    checkpoint['train_loop'] = {'random_states': [], 'gradients': {}, **sizes}
    checkpoint['meta'] = {'dataset_meta': {'category': ('cup',), 'symmetry': ({'type': 'X'},)}}
    metainfo = {'category': ('cup',), 'symmetry': (ConfigDict(type='X'),)}
    prepare_resume(checkpoint, 'a.pth', metainfo)
    assert checkpoint['meta']['dataset_meta'] is metainfo
    assert not told
    prepare_resume(checkpoint, 'a.pth', {'category': ('mug',), 'symmetry': metainfo['symmetry']})
    assert "category is ('mug',), was ('cup',)" in told[0]
    assert 'symmetry' not in told[0]


@pytest.fixture(scope='module')
def stored(tmp_path_factory):
    """A checkpoint of one epoch."""
    with DefaultScope.overwrite_default_scope('cpose'):
        options = {'train_cfg.max_epochs': 1}
        runner = RUNNERS.build(toy_config(tmp_path_factory.mktemp('first'), options))
        runner.train()
    return torch.load(runner.last_checkpoint, weights_only=True)


HUB = 'message_hub'
DAMAGES = {
    'no part': ((HUB, 'resumed_keys'), None),
    'part of numbers': ((HUB, 'runtime_info'), {3: 4}),
    'resumed key': ((HUB, 'resumed_keys', 'iter'), [True, True]),
    'key not to be resumed': ((HUB, 'resumed_keys', 'train/lr'), False),
    'logged number': ((HUB, 'log_scalars', 'train/lr'), 0.5),
    'best score': ((HUB, 'runtime_info', 'best_score'), 'high'),
    'infinite best score': ((HUB, 'runtime_info', 'best_score'), float('inf')),
    'best of another folder': ((HUB, 'runtime_info', 'best_checkpoint'), '../other.pth'),
    'absolute best': ((HUB, 'runtime_info', 'best_checkpoint'), '/tmp/other.pth'),
    'files of other folders': ((HUB, 'runtime_info', 'checkpoint_files'), ['../other.pth']),
    'files of numbers': ((HUB, 'runtime_info', 'checkpoint_files'), [1]),
    'no gradients': (('train_loop', 'gradients'), None),
    'no batch size': (('train_loop', 'images_per_iter'), None),
    'no moment': (('optimizer', 'state', 0, 'exp_avg_sq'), None),
    'moment of text': (('optimizer', 'state', 0, 'exp_avg'), 'x'),
    'infinite moment': (('optimizer', 'state', 0, 'exp_avg'), torch.full((4, 3, 3, 3), torch.inf)),
    'step before the first': (('optimizer', 'state', 0, 'step'), -1),
    'steps of many': (('optimizer', 'state', 0, 'step'), torch.ones(4)),
}


@pytest.mark.parametrize('name', DAMAGES)
def test_state_that_no_training_wrote(stored, name, tmp_path, build_runner):
    """PyTorch and MMEngine take it, and fail later, or remove other files."""
    (*outer, last), value = DAMAGES[name]
    content = copy.deepcopy(stored)
    node = content
    for key in outer:
        node = node[key]
    if value is None:
        del node[last]
    else:
        node[last] = value
    torch.save(content, tmp_path / 'spoilt.pth')
    runner = build_runner({'load_from': str(tmp_path / 'spoilt.pth'), 'resume': True})
    with raises(CheckpointError, 'damaged training state', path=tmp_path / 'spoilt.pth'):
        runner.train()
    assert runner.iter == 0 or 'optimizer' in outer


def test_sound_state_goes_on(stored, tmp_path, build_runner):
    torch.save(stored, tmp_path / 'sound.pth')
    runner = build_runner({'load_from': str(tmp_path / 'sound.pth'), 'resume': True})
    runner.train()
    assert runner.epoch == 3
