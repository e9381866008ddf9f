import re

import pytest

from cpose.checkpoints.checkpoint_file import find_resume_checkpoint, load_checkpoint_file
from cpose.engine.hooks.tao_checkpoint_hook import LATEST, TaoCheckpointHook
from cpose.errors import ConfigError

from ...user_errors import raises
from .test_atomic_checkpoint_hook import score_by

STEPS = 6
"""Iterations of an epoch of the toy data."""


def run(build_runner, epochs, **hook):
    options = {
        'train_cfg.max_epochs': epochs,
        'default_hooks.checkpoint': {'_delete_': True, 'type': 'TaoCheckpointHook', **hook},
    }
    runner = build_runner(options)
    runner.train()
    return runner


def names(folder):
    return sorted(file.name for file in folder.glob('*.pth') if not file.is_symlink())


def test_names_are_those_of_tao_and_all_are_kept(build_runner, tmp_path):
    runner = run(build_runner, 5, interval=2)
    steps = len(runner.train_dataloader)
    folder = tmp_path / 'run'
    assert names(folder) == [
        f'model_epoch_{epoch:03d}_step_{(epoch + 1) * steps:05d}.pth' for epoch in (1, 3, 4)
    ]
    assert (folder / LATEST).is_symlink()
    assert (folder / LATEST).readlink().name == names(folder)[-1]
    assert find_resume_checkpoint(folder).name == names(folder)[-1]
    assert not [file for file in folder.iterdir() if file.name.startswith('.')]


def test_unit_step(build_runner, tmp_path):
    runner = run(build_runner, 2, interval=4, unit='step')
    steps = len(runner.train_dataloader)
    saved = [int(re.findall(r'step_(\d+)', name)[0]) for name in names(tmp_path / 'run')]
    assert saved == sorted({*range(4, 2 * steps + 1, 4), 2 * steps})
    for name in names(tmp_path / 'run'):
        meta = load_checkpoint_file(tmp_path / 'run' / name)['meta']
        assert int(re.findall(r'step_(\d+)', name)[0]) == meta['iter']
        assert int(re.findall(r'epoch_(\d+)', name)[0]) == (meta['iter'] - 1) // steps


def test_best(build_runner, tmp_path, monkeypatch):
    score_by(monkeypatch, [0.1, 0.5, 0.3])
    run(build_runner, 3, save_best='AP50_3DIoU', best_name='best_{epoch:02d}')
    best = [name for name in names(tmp_path / 'run') if name.startswith('best')]
    assert best == ['best_01.pth']


@pytest.mark.parametrize('arguments', [{'unit': 'hour'}, {'best_name': '{step}'}, {'interval': 0}])
def test_bad_arguments(arguments):
    with raises(ConfigError, argument=next(iter(arguments))):
        TaoCheckpointHook(**arguments)
