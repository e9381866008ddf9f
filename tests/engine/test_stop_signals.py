"""Signals to the whole group of a training, as schedulers send them, and workers that die."""

import multiprocessing
import os
import signal
import subprocess
import sys

import pytest
from mmengine.hooks import Hook

from cpose.errors import TrainingError

from ..child_processes import LONGEST_WAIT, started, wait_until
from ..user_errors import raises
from .toy_training import ROOT, loader, read_losses

CONFIG = f"""
_base_ = '{ROOT}/configs/centerpose/quickstart.py'
model = dict(
    backbone=dict(name='test_resnet', pretrained=False),
    neck=dict(out_channels=16),
    head=dict(head_conv=16, use_association=False),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=1,
    dataset=dict(num_images=4000, image_wh=(64, 64), input_wh=(64, 64)),
)
val_dataloader = None
val_cfg = None
val_evaluator = None
default_hooks = dict(progress=None)
custom_hooks = []
"""


def train(folder, *words, **options):
    command = [sys.executable, '-m', 'cpose.cli.main', 'train', 'tiny.py', '--work-dir', 'run']
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    return started(
        [*command, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def has_trained(folder):
    return any('loss' in log.read_text() for log in folder.glob('run/*/vis_data/*.json'))


@pytest.mark.slow
@pytest.mark.parametrize(
    'numbers', [[signal.SIGTERM, signal.SIGTERM], [signal.SIGHUP], [signal.SIGUSR1]]
)
def test_group_is_stopped(tmp_path, numbers):
    (tmp_path / 'tiny.py').write_text(CONFIG)
    options = ('--cfg-options', 'default_hooks.logger.interval=1')
    with train(tmp_path, *options) as process:
        wait_until(lambda: has_trained(tmp_path), process)
        for number in numbers:
            os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=LONGEST_WAIT)
    assert process.returncode == 128 + numbers[0], errors
    checkpoints = list((tmp_path / 'run').glob('iter_*.pth'))
    assert len(checkpoints) == 1
    assert checkpoints[0].name in errors
    assert '--resume' in errors
    assert 'Traceback' not in errors


class KillWorkerHook(Hook):
    """Kill the processes that load data after an iteration."""

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == self.iteration:
            for child in multiprocessing.active_children():
                child.kill()


@pytest.mark.slow
def test_killed_worker_loses_nothing(build_runner, tmp_path):
    options = {'train_dataloader': {**loader(24), 'num_workers': 1}}
    options['train_dataloader.dataset.use_global_noise'] = False
    build_runner(options, name='whole').train()
    runner = build_runner(options)
    runner.register_hook(KillWorkerHook(3))
    with raises(TrainingError, 'A process that loads data has ended') as caught:
        runner.train()
    saved = list((tmp_path / 'run').glob('iter_*.pth'))
    assert len(saved) == 1
    assert any(str(saved[0]) in text for text in caught.value.advice)
    build_runner({**options, 'resume': True, 'load_from': str(saved[0])}).train()
    assert read_losses(tmp_path / 'run/losses.jsonl') == read_losses(
        tmp_path / 'whole/losses.jsonl'
    )
