import torch
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper

from cpose.checkpoints.training_state import (
    check_optimizer,
    message_hub_content,
    model_content,
    prepare_resume,
    scheduler_content,
)
from cpose.errors import CheckpointError

from ..user_errors import raises


def test_message_hub_leaves_out_objects_and_the_config(request):
    hub = MessageHub(request.node.name)
    hub.update_scalar('train/loss', 1.5)
    hub.update_info_dict({'cfg': 'text', 'best_score': 0.5, 'hook': object()})
    content = message_hub_content(hub)
    assert content['runtime_info'] == {'best_score': 0.5}
    assert set(content['resumed_keys']) == {'train/loss', 'best_score'}
    assert content['log_scalars']['train/loss'].current() == 1.5


def test_schedulers_keep_their_structure():
    class Scheduler:
        def state_dict(self):
            return {'step': 1, 'end': 140}

    assert scheduler_content([Scheduler()]) == [{'step': 1}]
    assert scheduler_content({'a': [Scheduler()]}) == {'a': [{'step': 1}]}


def test_model_content(build_runner):
    runner = build_runner()
    runner.train()
    content = model_content(runner, {'note': 'mine'})
    assert content['meta']['epoch'] == 3
    assert content['meta']['iter'] == 18
    assert content['meta']['note'] == 'mine'
    assert content['meta']['dataset_meta']['category'] == ('toy',)
    assert content['state_dict'].keys() == runner.model.state_dict().keys()


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


def test_equal_meta_information_is_the_same_object():
    checkpoint = {key: {} for key in ('message_hub', 'optimizer', 'train_loop')}
    checkpoint['meta'] = {'dataset_meta': {'category': ('cup',), 'symmetry': ({'type': 'X'},)}}
    metainfo = {'category': ('cup',), 'symmetry': (ConfigDict(type='X'),)}
    prepare_resume(checkpoint, 'a.pth', metainfo)
    assert checkpoint['meta']['dataset_meta'] is metainfo
    prepare_resume(checkpoint, 'a.pth', {'category': ('mug',)})
    assert checkpoint['meta']['dataset_meta'] is metainfo
