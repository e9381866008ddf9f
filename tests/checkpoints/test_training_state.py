from mmengine.logging import MessageHub

from cpose.checkpoints.training_state import (
    message_hub_content,
    model_content,
    scheduler_content,
)


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
