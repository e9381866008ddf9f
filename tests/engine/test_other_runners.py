"""MMEngine's own runner, registry and hooks with the shipped runtime."""

import pytest
import torch
from mmengine.registry import RUNNERS, DefaultScope
from mmengine.runner import Runner

from cpose.apis.config.check import check_config
from cpose.engine.pose_runner import PoseRunner
from cpose.errors import ConfigError

from ..user_errors import raises
from .toy_training import read_losses, toy_config

MMENGINE_HOOK = {
    'type': 'CheckpointHook',
    'interval': 1,
    'save_best': 'AP50_3DIoU',
    'rule': 'greater',
    '_delete_': True,
}


def plain_runner(folder, options=None):
    """Return MMEngine's runner; those of one name and second would share their visualizer."""
    name = {'experiment_name': f'{folder.parent.name}_{folder.name}'}
    return Runner.from_cfg(toy_config(folder, {**name, **(options or {})}))


def test_the_registry_of_mmengine_finds_the_runner(tmp_path):
    with DefaultScope.overwrite_default_scope('mmengine'):
        runner = RUNNERS.build(toy_config(tmp_path / 'run', {'train_cfg.max_epochs': 1}))
    assert type(runner) is PoseRunner
    runner.train()
    assert (tmp_path / 'run/epoch_1.pth').is_file()


@pytest.mark.slow
def test_the_runner_of_mmengine_trains_alike(build_runner, tmp_path):
    build_runner(name='ours').train()
    runner = plain_runner(tmp_path / 'theirs')
    runner.train()
    assert type(runner) is Runner
    ours, theirs = (read_losses(tmp_path / name / 'losses.jsonl') for name in ('ours', 'theirs'))
    assert ours == theirs
    stored = [
        torch.load(tmp_path / name / 'epoch_3.pth', weights_only=True)['state_dict']
        for name in ('ours', 'theirs')
    ]
    assert all(value.equal(stored[1][name]) for name, value in stored[0].items())
    assert list((tmp_path / 'theirs').glob('best_AP50_3DIoU_epoch_*.pth'))


def test_the_runner_of_mmengine_says_that_it_cannot_resume(tmp_path):
    options = {'resume': True, 'load_from': str(tmp_path / 'none.pth')}
    runner = plain_runner(tmp_path / 'run', options)
    with raises(ConfigError, 'resume', argument='runner_type', value='Runner'):
        runner.train()


@pytest.mark.slow
def test_loops_that_keep_no_state_need_the_hook_of_mmengine(tmp_path):
    loop = {'by_epoch': True, 'max_epochs': 1, '_delete_': True}
    runner = plain_runner(tmp_path / 'run', {'train_cfg': dict(loop)})
    with raises(ConfigError, key='train_cfg.type', value='EpochBasedTrainLoop') as caught:
        runner.train()
    assert "dict(type='CheckpointHook')" in str(caught.value.advice)
    options = {'train_cfg': dict(loop), 'default_hooks.checkpoint': dict(MMENGINE_HOOK)}
    options['default_hooks.status'] = {'type': 'StatusHook'}
    plain_runner(tmp_path / 'other', options).train()
    assert (tmp_path / 'other/epoch_1.pth').is_file()


@pytest.mark.slow
def test_hooks_of_mmengine(build_runner, tmp_path):
    profiler = {
        'type': 'ProfilerHook',
        'by_epoch': False,
        'profile_times': 2,
        'on_trace_ready': {'type': 'log_trace'},
    }
    options = {
        'default_hooks.checkpoint': dict(MMENGINE_HOOK),
        'custom_hooks': [profiler],
        'optim_wrapper.clip_grad': {'type': 'value', 'clip_value': 1.0, '_delete_': True},
        'train_cfg.max_epochs': 2,
    }
    check_config(toy_config(tmp_path / 'checked', options))
    options['default_hooks.checkpoint'] = dict(MMENGINE_HOOK)
    options['optim_wrapper.clip_grad'] = {'type': 'value', 'clip_value': 1.0, '_delete_': True}
    build_runner(options).train()
    assert list((tmp_path / 'run').glob('best_AP50_3DIoU_epoch_*.pth'))
    last = (tmp_path / 'run/last_checkpoint').read_text()
    assert last == str(tmp_path / 'run/epoch_2.pth')
    options = {'resume': True, 'load_from': last, 'train_cfg.max_epochs': 3}
    again = build_runner({**options, 'default_hooks.checkpoint': dict(MMENGINE_HOOK)})
    again.train()
    assert again.iter == 18
