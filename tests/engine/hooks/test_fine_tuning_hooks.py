import pytest
import torch
from torch import nn

from cpose.engine.hooks.fine_tuning_hooks import HeadFirstHook, PatienceHook, TimeLimitHook
from cpose.errors import ConfigError

from ...user_errors import raises
from ..toy_training import ToyMetric


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
        self.backbone[0].requires_grad_(False)
        self.head = nn.Linear(2, 1)


class Runner:
    def __init__(self, model):
        self.model, self.epoch = model, 0


def trainable(model):
    return {name for name, item in model.named_parameters() if item.requires_grad}


HEAD = {'head.weight', 'head.bias'}
AWAKE = {'backbone.1.weight', 'backbone.1.bias', 'backbone.2.weight', 'backbone.2.bias'}


def test_the_backbone_waits_and_what_is_frozen_stays_so():
    runner = Runner(Network())
    hook = HeadFirstHook(epochs=2)
    hook.before_train(runner)
    for runner.epoch, expected in ((0, HEAD), (1, HEAD), (2, HEAD | AWAKE), (3, HEAD | AWAKE)):
        hook.before_train_epoch(runner)
        assert trainable(runner.model) == expected


def test_a_run_that_ends_early_leaves_the_backbone_trainable():
    runner = Runner(Network())
    hook = HeadFirstHook(epochs=2)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    hook.after_train(runner)
    assert trainable(runner.model) == HEAD | AWAKE


@pytest.mark.parametrize('is_frozen', [True, False])
def test_batch_norms_keep_their_statistics(is_frozen):
    runner = Runner(Network())
    hook = HeadFirstHook(epochs=0, freeze_norms=is_frozen)
    hook.before_train(runner)
    runner.model.train()
    hook.before_train_iter(runner, 0)
    runner.model.backbone(torch.randn(4, 2) + 5)
    assert (runner.model.backbone[1].running_mean.abs().sum() == 0) == is_frozen
    assert runner.model.head.training


def score_by(monkeypatch, scores):
    remaining = iter(scores)
    monkeypatch.setattr(
        ToyMetric, 'compute_metrics', lambda self, results: {'AP50_3DIoU': next(remaining)}
    )


def with_hook(hook, epochs):
    return {'custom_hooks': [hook], 'train_cfg.max_epochs': epochs}


PATIENCE = {'type': 'PatienceHook', 'monitor': 'AP50_3DIoU', 'patience': 2}


def test_training_ends_without_gain(build_runner, monkeypatch):
    score_by(monkeypatch, [0.1, 0.3, 0.2, 0.3, 0.9])
    runner = build_runner(with_hook(PATIENCE, 5))
    runner.train()
    assert runner.epoch == 4


def test_a_resumed_run_goes_on_counting(build_runner, monkeypatch, tmp_path):
    score_by(monkeypatch, [0.3, 0.2])
    build_runner(with_hook(PATIENCE, 2)).train()
    score_by(monkeypatch, [0.1, 0.9])
    resumed = {'resume': True, 'load_from': str(tmp_path / 'run/epoch_2.pth')}
    runner = build_runner({**with_hook(PATIENCE, 9), **resumed})
    runner.train()
    assert runner.epoch == 3


def test_time_is_counted_over_interruptions(build_runner, monkeypatch):
    now = iter(range(0, 6000, 50))
    monkeypatch.setattr('cpose.engine.hooks.fine_tuning_hooks.time.monotonic', lambda: next(now))
    runner = build_runner(with_hook({'type': 'TimeLimitHook', 'minutes': 2}, 9))
    runner.train()
    assert runner.epoch == 3
    assert runner.message_hub.get_info('trained_seconds') == 150


def test_arguments():
    with raises(ConfigError, argument='epochs', value=-1):
        HeadFirstHook(-1)
    with raises(ConfigError, argument='patience', value=0):
        PatienceHook('AP50_3DIoU', 0)
    with raises(ConfigError, argument='minutes', value=-1):
        TimeLimitHook(-1)
