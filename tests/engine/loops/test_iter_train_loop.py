import json
from copy import deepcopy
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.hooks import Hook
from torch.utils.data import BatchSampler

from cpose.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from cpose.engine.loops.iter_train_loop import EndlessBatches, ResumableIterTrainLoop
from cpose.errors import CheckpointError, ConfigError

from ...user_errors import raises
from ..toy_training import CrashError, CrashHook, ToyMetric, loader, read_losses

ITERATIONS = 15
SCHEDULE = [{'type': 'MultiStepLR', 'milestones': [4, 10], 'gamma': 0.1, 'by_epoch': False}]


def by_iterations(sampler='InfiniteSampler', **options):
    """Return a training by iterations; six of them are a pass over the data."""
    train = loader(12, sampler={'type': sampler, 'shuffle': True})
    return {
        'train_cfg': {
            'type': 'IterBasedTrainLoop',
            'max_iters': ITERATIONS,
            'val_interval': 5,
            '_delete_': True,
        },
        'param_scheduler': SCHEDULE,
        'train_dataloader': train,
        'default_hooks.checkpoint.iter_interval': 1,
        **options,
    }


WORKERS = {
    'train_dataloader.num_workers': 2,
    'train_dataloader.persistent_workers': True,
    'train_dataloader.dataset.use_global_noise': False,
}
CASES = {
    'infinite': by_iterations(),
    'finite': by_iterations('DefaultSampler'),
    'workers': by_iterations(**WORKERS),
    'accumulation': by_iterations(**{'optim_wrapper.accumulative_counts': 4}),
}


@pytest.mark.slow
@pytest.mark.parametrize('name', CASES)
def test_resumed_losses_equal_the_uninterrupted_ones(build_runner, tmp_path, name):
    options = CASES[name]  # copied: reading a config takes `_delete_` out
    whole = build_runner(deepcopy(options), name='whole')
    whole.train()
    assert isinstance(whole.train_loop, ResumableIterTrainLoop)
    crashed = build_runner(deepcopy(options), name='resumed')
    crashed.register_hook(CrashHook(9))
    with pytest.raises(CrashError):
        crashed.train()
    file = str(tmp_path / 'resumed/iter_9.pth')
    options = {**deepcopy(options), 'resume': True, 'load_from': file}
    build_runner(options, name='resumed').train()
    expected, actual = (
        read_losses(tmp_path / run / 'losses.jsonl') for run in ('whole', 'resumed')
    )
    assert list(expected) == list(range(ITERATIONS))
    assert actual == expected


def test_files_and_validations(build_runner, tmp_path, monkeypatch):
    scores = iter([0.1, 0.3, 0.2])
    monkeypatch.setattr(
        ToyMetric, 'compute_metrics', lambda self, results: {'AP50_3DIoU': next(scores)}
    )
    runner = build_runner(by_iterations(**{'default_hooks.checkpoint.iter_interval': 4}))
    runner.train()
    assert sorted(file.name for file in (tmp_path / 'run').glob('*.pth')) == [
        'best_AP50_3DIoU_iter_10.pth', 'iter_12.pth', 'iter_15.pth', 'iter_8.pth'
    ]  # fmt: skip
    assert runner.last_checkpoint == str(tmp_path / 'run/iter_15.pth')
    stored = torch.load(runner.last_checkpoint, weights_only=True)
    assert stored['meta']['iter'] == 15
    rates = runner.message_hub.get_scalar('train/lr').data[0]
    assert rates[[0, 3, 4, 9, 10]] == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3, 1e-4])


@pytest.mark.slow
def test_validation_that_a_crash_prevented_is_made_up_for(build_runner, tmp_path):
    class CrashInValidation(Hook):
        def before_val(self, runner):
            raise CrashError

    runner = build_runner(by_iterations())
    runner.register_hook(CrashInValidation())
    with pytest.raises(CrashError):
        runner.train()
    file = str(tmp_path / 'run/iter_5.pth')
    options = by_iterations(**{'train_cfg.max_iters': 5, 'resume': True, 'load_from': file})
    runner = build_runner(options)
    runner.train()
    assert len(runner.message_hub.get_scalar('val/AP50_3DIoU').data[0]) == 1


def test_other_batches_go_on_at_the_same_image(build_runner, tmp_path):
    build_runner(by_iterations(**{'train_cfg.max_iters': 4})).train()
    file = str(tmp_path / 'run/iter_4.pth')
    options = by_iterations(**{'resume': True, 'load_from': file, 'train_cfg.max_iters': 5})
    options['train_dataloader']['batch_size'] = 4
    runner = build_runner(options)
    runner.train()
    sampler = InfiniteSampler(range(12), seed=1234)
    drawn = [next(sampler.indices) for _ in range(12)]
    assert runner.iter == 5
    assert runner.train_dataloader.dataset.loaded == drawn[8:]
    assert runner.train_loop.state_dict()['images_done'] == 12


@pytest.mark.parametrize('first', ['epochs', 'iterations'])
def test_the_other_kind_of_loop_is_refused(build_runner, tmp_path, first):
    kinds = {
        'epochs': {'train_cfg.max_epochs': 1},
        'iterations': by_iterations(**{'train_cfg.max_iters': 6}),
    }
    runner = build_runner(kinds.pop(first))
    runner.train()
    second = next(iter(kinds.values()))
    with raises(CheckpointError, first):
        build_runner({**second, 'resume': True, 'load_from': runner.last_checkpoint}).train()


def test_status_lines_of_passes(build_runner, tmp_path):
    hook = {'default_hooks.status': {'type': 'StatusHook'}, 'val_cfg': None}
    without = {'val_dataloader': None, 'val_evaluator': None}
    build_runner(by_iterations(**hook, **without)).train()
    lines = [json.loads(line) for line in (tmp_path / 'run/status.json').read_text().splitlines()]
    assert [(line['epoch'], line['step']) for line in lines] == [(0, 6), (1, 12), (2, 15)]
    assert {(line['max_epoch'], line['max_step']) for line in lines} == {(2, 15)}
    losses = read_losses(tmp_path / 'run/losses.jsonl')
    last = [float.fromhex(losses[k][0][2]['loss']) for k in (12, 13, 14)]
    assert lines[-1]['kpi']['train_loss'] == pytest.approx(np.mean(last))


def test_log_lines_count_iterations(build_runner):
    runner = build_runner(by_iterations(log_level='INFO'))
    runner.train()
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert 'Iter(train) [ 2/15]' in log
    steps = [json.loads(line).get('step') for line in _scalars(runner) if 'AP50' in line]
    assert steps == [5, 10, 15]


def _scalars(runner):
    return next(Path(runner.log_dir).rglob('scalars.json')).read_text().splitlines()


@pytest.mark.parametrize(
    ('name', 'value'), [('max_iters', 0), ('val_interval', 0), ('val_begin', 'abc')]
)
def test_numbers_out_of_range(build_runner, name, value):
    with raises(ConfigError, argument=name, key=f'train_cfg.{name}'):
        build_runner(by_iterations(**{f'train_cfg.{name}': value})).train()


@pytest.mark.parametrize(
    ('train_cfg', 'name'),
    [
        ({'by_epoch': False, 'max_iters': 2}, 'ResumableIterTrainLoop'),
        ({'by_epoch': True, 'max_epochs': 1}, 'ResumableEpochTrainLoop'),
        ({'type': 'EpochBasedTrainLoop', 'max_epochs': 1}, 'ResumableEpochTrainLoop'),
    ],
)
def test_loops_of_mmengine_become_resumable(build_runner, train_cfg, name):
    options = {'train_cfg': {**train_cfg, '_delete_': True}, 'param_scheduler': None}
    runner = build_runner(options)
    runner.train()
    assert type(runner.train_loop).__name__ == name


@pytest.mark.parametrize('train_cfg', [{'max_iters': 3}, {'type': 'x', 'by_epoch': True}])
def test_loop_without_a_kind(build_runner, train_cfg):
    with raises(ConfigError, argument='train_cfg'):
        build_runner({'train_cfg': {**train_cfg, '_delete_': True}})


def numbers_of(sampler, count, skip=0, length=5):
    batches = EndlessBatches(BatchSampler(sampler, 2, drop_last=False), length, skip)
    batches.count = count
    return list(batches)


def test_endless_batches_of_a_sampler_that_ends():
    sampler = DefaultSampler(range(5), shuffle=True, seed=3)
    numbers = numbers_of(sampler, 6)
    assert [sorted(chain(*numbers[k : k + 3])) for k in (0, 3)] == [
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8, 9],
    ]
    assert [n % 5 for n in chain(*numbers[:3])] != [n % 5 for n in chain(*numbers[3:])]
    again = numbers_of(DefaultSampler(range(5), shuffle=True, seed=3), 2, skip=4)
    assert again == numbers[4:]


def test_endless_batches_of_an_endless_sampler():
    numbers = list(chain(*numbers_of(InfiniteSampler(range(5), seed=3), 5)))
    assert sorted(numbers) == list(range(10))
    assert sorted(numbers[:5]) == list(range(5))


def test_every_process_has_its_part(monkeypatch):
    drawn = []
    for rank in range(2):
        for module in ('dataset.sampler', 'dist.utils'):
            monkeypatch.setattr(f'mmengine.{module}.get_dist_info', lambda rank=rank: (rank, 2))
        monkeypatch.setattr('cpose.engine.loops.iter_train_loop.get_rank', lambda rank=rank: rank)
        monkeypatch.setattr('cpose.engine.loops.iter_train_loop.get_world_size', lambda: 2)
        drawn += chain(*numbers_of(InfiniteSampler(range(5), seed=3), 5))
    assert sorted(drawn) == list(range(20))


def test_hook_of_mmengine_saves_the_best(build_runner, tmp_path):
    checkpoint = {
        'type': 'CheckpointHook',
        'interval': 5,
        'by_epoch': False,
        'save_best': 'AP50_3DIoU',
        'rule': 'greater',
        '_delete_': True,
    }
    options = by_iterations()
    del options['default_hooks.checkpoint.iter_interval']
    runner = build_runner({**options, 'default_hooks.checkpoint': checkpoint})
    runner.train()
    files = {file.name for file in (tmp_path / 'run').glob('*.pth')}
    assert {'iter_5.pth', 'iter_10.pth', 'iter_15.pth'} <= files
    assert any(name.startswith('best_AP50_3DIoU_iter_') for name in files)
    assert not any(isinstance(hook, AtomicCheckpointHook) for hook in runner.hooks)
