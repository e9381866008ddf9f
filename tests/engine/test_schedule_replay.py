from pathlib import Path

import pytest

from cpose.errors import CheckpointError

from ..user_errors import raises
from .toy_training import loader

SCHEDULES = {
    'by iteration': [{'type': 'CosineAnnealingLR', 'by_epoch': False, 'eta_min': 1e-5}],
    'warm-up and cosine': [
        {'type': 'LinearLR', 'start_factor': 0.05, 'by_epoch': False, 'begin': 0, 'end': 10},
        {
            'type': 'CosineAnnealingLR',
            'T_max': 4,
            'end': 4,
            'eta_min': 1e-5,
            'by_epoch': True,
            'convert_to_iter_based': True,
        },
    ],
    'by epoch and iteration': [
        {'type': 'MultiStepLR', 'milestones': [1, 3], 'gamma': 0.1, 'by_epoch': True},
        {'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'end': 15},
    ],
    'by epoch': [{'type': 'MultiStepLR', 'milestones': [1, 3], 'gamma': 0.1, 'by_epoch': True}],
    'none': None,
}


def learning_rates(runner):
    """Train; return the learning rates, one of each iteration."""
    rates = []
    step = runner.model.train_step

    def train_step(data, optim_wrapper):
        rates.append(optim_wrapper.get_lr()['lr'][0])
        return step(data, optim_wrapper=optim_wrapper)

    runner.model.train_step = train_step
    runner.train()
    return rates


def options(schedules, batch_size, **changes):
    return {
        'param_scheduler': schedules,
        'train_dataloader': loader(12, batch_size=batch_size),
        'train_cfg.max_epochs': 4,
        **changes,
    }


@pytest.mark.slow
@pytest.mark.parametrize('batch_size', [1, 4])
@pytest.mark.parametrize('schedules', SCHEDULES.values(), ids=SCHEDULES)
def test_rates_are_those_of_a_run_with_such_batches_from_the_start(
    build_runner, tmp_path, schedules, batch_size
):
    expected = learning_rates(build_runner(options(schedules, batch_size), name='whole'))
    build_runner(options(schedules, 2), name='run').train()
    file = str(tmp_path / 'run/epoch_2.pth')
    resumed = build_runner(options(schedules, batch_size, resume=True, load_from=file))
    rates = learning_rates(resumed)
    assert rates == pytest.approx(expected[len(expected) // 2 :], rel=1e-9)
    assert resumed.iter == len(expected)


def test_schedule_by_results_cannot_be_replayed(build_runner, tmp_path):
    schedules = [
        {'type': 'ReduceOnPlateauLR', 'monitor': 'AP50_3DIoU', 'by_epoch': True},
        {'type': 'LinearLR', 'by_epoch': False, 'end': 15},
    ]
    build_runner(options(schedules, 2)).train()
    file = str(tmp_path / 'run/epoch_4.pth')
    build_runner(options(schedules, 2, resume=True, load_from=file)).train()
    other = build_runner(options(schedules, 4, resume=True, load_from=file))
    with raises(CheckpointError, 'param_scheduler'):
        other.train()


CHANGED = {
    'length': (
        {'param_scheduler': [{'type': 'CosineAnnealingLR', 'T_max': 2, 'eta_min': 1e-6}]},
        {'param_scheduler': [{'type': 'CosineAnnealingLR', 'T_max': 4, 'eta_min': 1e-6}]},
        'param_scheduler.0.T_max is 4, was 2',
    ),
    'length of the training': (
        {'param_scheduler': [{'type': 'CosineAnnealingLR', 'by_epoch': False, 'eta_min': 1e-5}]},
        {'param_scheduler': [{'type': 'CosineAnnealingLR', 'by_epoch': False, 'eta_min': 1e-5}]},
        'train_cfg.max_epochs is 4, was 2',
    ),
    'milestones': (
        {'param_scheduler': [{'type': 'MultiStepLR', 'milestones': [1, 2]}]},
        {'param_scheduler': [{'type': 'MultiStepLR', 'milestones': [3], 'gamma': 0.5}]},
        'param_scheduler.0.milestones is [3], was [1, 2]',
    ),
    'rate': (
        {'param_scheduler': [{'type': 'MultiStepLR', 'milestones': [1]}]},
        {
            'param_scheduler': [{'type': 'MultiStepLR', 'milestones': [1]}],
            'optim_wrapper.optimizer.lr': 0.5,
        },
        'optim_wrapper.optimizer.lr is 0.5, was ',
    ),
    'rate without schedule': (
        {'param_scheduler': None},
        {'param_scheduler': None, 'optim_wrapper.optimizer.lr': 0.5},
        'optim_wrapper.optimizer.lr is 0.5, was ',
    ),
    'schedule added': (
        {'param_scheduler': None},
        {'param_scheduler': [{'type': 'MultiStepLR', 'milestones': [3]}]},
        'param_scheduler.0.type is MultiStepLR, was absent',
    ),
    'schedule taken away': (
        {'param_scheduler': [{'type': 'MultiStepLR', 'milestones': [1]}]},
        {'param_scheduler': None},
        'param_scheduler.0.milestones is absent, was [1]',
    ),
}


@pytest.mark.parametrize(('before', 'after', 'told'), CHANGED.values(), ids=CHANGED)
def test_a_changed_config_holds_from_where_the_run_is(build_runner, tmp_path, before, after, told):
    common = {'train_dataloader': loader(12, batch_size=2), 'train_cfg.max_epochs': 4}
    expected = learning_rates(build_runner({**common, **after}, name='whole'))
    build_runner({**common, **before, 'train_cfg.max_epochs': 2}, name='run').train()
    file = str(tmp_path / 'run/epoch_2.pth')
    resumed = build_runner({**common, **after, 'resume': True, 'load_from': file}, name='on')
    assert learning_rates(resumed) == pytest.approx(expected[len(expected) // 2 :], rel=1e-9)
    log = Path(resumed.log_dir, f'{resumed.timestamp}.log').read_text()
    assert told in log


def test_other_settings_of_the_optimizer_hold_too(build_runner, tmp_path):
    build_runner(options(None, 2)).train()
    file = str(tmp_path / 'run/epoch_4.pth')
    changed = {'optim_wrapper.optimizer.weight_decay': 0.25, 'train_cfg.max_epochs': 5}
    resumed = build_runner(options(None, 2, resume=True, load_from=file, **changed))
    resumed.train()
    assert resumed.optim_wrapper.param_groups[0]['weight_decay'] == 0.25


def test_a_longer_run_keeps_a_schedule_by_results(build_runner, tmp_path):
    schedules = [{'type': 'ReduceOnPlateauLR', 'monitor': 'AP50_3DIoU', 'by_epoch': True}]
    build_runner(options(schedules, 2)).train()
    file = str(tmp_path / 'run/epoch_4.pth')
    longer = {'resume': True, 'load_from': file, 'train_cfg.max_epochs': 5}
    build_runner(options(schedules, 2, **longer)).train()
    schedules[0]['factor'] = 0.5
    with raises(CheckpointError, 'param_scheduler'):
        build_runner(options(schedules, 2, **longer)).train()
