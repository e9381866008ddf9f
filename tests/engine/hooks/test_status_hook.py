import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cpose.engine.hooks import status_hook
from cpose.engine.hooks.status_hook import metrics_kpi
from cpose.engine.status_file import STATUS_NAME

from ..toy_training import read_losses


def lines(runner):
    text = (Path(runner.work_dir) / STATUS_NAME).read_text()
    return [json.loads(line) for line in text.splitlines()]


def with_hook(options=None):
    return {
        'default_hooks.status': {'type': 'StatusHook'},
        'default_hooks.checkpoint.save_best': None,
        **(options or {}),
    }


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by one second at every look."""
    seconds = iter(range(1000))
    clock = SimpleNamespace(monotonic=lambda: float(next(seconds)))
    monkeypatch.setattr(status_hook, 'time', clock)


@pytest.mark.slow
def test_epochs_and_validations(build_runner, clock, tmp_path):
    runner = build_runner(with_hook())
    runner.train()
    found = lines(runner)
    names = ['Train metrics generated.', 'Eval metrics generated.'] * 3
    assert [line['message'] for line in found] == names
    assert [line['epoch'] for line in found] == [0, 0, 1, 1, 2, 2]
    assert [line['step'] for line in found] == [6, 6, 12, 12, 18, 18]
    assert {(line['max_epoch'], line['max_step'], line['status']) for line in found} == {
        (2, 18, 'RUNNING')
    }
    trained = found[::2]
    assert [line['time_per_epoch'] for line in trained] == ['0:00:01'] * 3
    assert trained[0]['time_per_step'] == '0:00:00.166667'
    assert [line['eta'] for line in trained] == ['0:00:04', '0:00:02', '0:00:00']


@pytest.mark.slow
def test_losses_are_the_means_of_the_epoch(build_runner):
    runner = build_runner(with_hook())
    runner.train()
    per_step = read_losses(Path(runner.work_dir) / 'losses.jsonl')
    totals = [float.fromhex(losses['loss']) for [[_, _, losses]] in per_step.values()]
    trained = lines(runner)[::2]
    for epoch, line in enumerate(trained):
        expected = np.mean(totals[6 * epoch : 6 * epoch + 6])
        assert line['kpi']['train_loss'] == pytest.approx(expected)
    assert set(trained[0]['kpi']) == {'train_loss', 'loss_a', 'loss_b', 'lr'}
    assert trained[0]['kpi']['lr'] == pytest.approx(0.01)


@pytest.mark.slow
def test_checkpoint_of_the_epoch_is_there_before_its_line(build_runner, monkeypatch):
    found = []

    def look(runner, message, kpi, **values):
        if 'Train' in message:
            found.append((Path(runner.work_dir) / f'epoch_{values["epoch"] + 1}.pth').is_file())

    monkeypatch.setattr(status_hook, '_write', look)
    build_runner(with_hook()).train()
    assert found == [True] * 3


def test_test_and_validation_alone(build_runner):
    runner = build_runner(with_hook())
    runner.val()
    runner.test()
    first, second = lines(runner)
    assert 'epoch' not in first
    assert set(first['kpi']) == {'val_AP50_3DIoU', 'val_num_images'}
    assert set(second['kpi']) == {'test_AP50_3DIoU', 'test_num_images'}


def test_names_of_metrics():
    metrics = {
        'objectron/AP50_3DIoU_tao': 0.5,
        'AP50_3DIoU': 0.4,
        'MPE_2D': 0.02,
        'ADD': 0.1,
        'category': 'cup',
    }
    assert metrics_kpi(metrics, 'val') == {
        'val_3DIoU': '0.5',
        'val_2DMPE': '0.02',
        'val_AP50_3DIoU_tao': 0.5,
        'val_AP50_3DIoU': 0.4,
        'val_MPE_2D': 0.02,
        'val_ADD': 0.1,
    }
