import os
import signal

import pytest
from mmengine.hooks import Hook

from cpose.errors import TrainingInterruptedError

from ..toy_training import read_losses


class SignalHook(Hook):
    """Send a signal to this process during an iteration, or during validation."""

    priority = 'VERY_HIGH'

    def __init__(self, number, iteration=None, count=1):
        self.number, self.iteration, self.count = number, iteration, count

    def _send(self):
        for _ in range(self.count):
            os.kill(os.getpid(), self.number)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            self._send()

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        if self.iteration is None:
            self._send()
            self.iteration = -1


@pytest.fixture
def handlers():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
        signal.signal(number, handler)
    assert after == before


def close_hooks(runner):
    for hook in runner.hooks:
        if hasattr(hook, 'close'):
            hook.close()


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures('handlers')
def test_saves_and_resumes_exactly(build_runner, tmp_path, number):
    build_runner(name='whole').train()
    runner = build_runner()
    runner.register_hook(SignalHook(number, iteration=8))
    with pytest.raises(TrainingInterruptedError) as caught:
        runner.train()
    close_hooks(runner)
    file = tmp_path / 'run/iter_9.pth'
    assert caught.value.checkpoint == str(file)
    assert caught.value.iteration == 9
    assert caught.value.exit_code == 128 + number
    resumed = build_runner({'resume': True, 'load_from': str(file)})
    resumed.train()
    assert read_losses(tmp_path / 'run/losses.jsonl') == read_losses(
        tmp_path / 'whole/losses.jsonl'
    )


@pytest.mark.usefixtures('handlers')
def test_validation_is_finished_first(build_runner, tmp_path):
    runner = build_runner()
    runner.register_hook(SignalHook(signal.SIGINT))
    with pytest.raises(TrainingInterruptedError, match=r'iteration 6, saved .*epoch_1\.pth'):
        runner.train()
    close_hooks(runner)
    assert (tmp_path / 'run/best_AP50_3DIoU_epoch_1.pth').is_file()
    file = str(tmp_path / 'run/epoch_1.pth')
    resumed = build_runner({'resume': True, 'load_from': file, 'train_cfg.max_epochs': 1})
    resumed.train()
    assert len(resumed.message_hub.get_scalar('val/AP50_3DIoU').data[0]) == 1


@pytest.mark.usefixtures('handlers')
def test_second_signal_aborts(build_runner):
    runner = build_runner()
    runner.register_hook(SignalHook(signal.SIGINT, iteration=3, count=2))
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    close_hooks(runner)


@pytest.mark.usefixtures('handlers')
def test_signals_are_given_back(build_runner):
    build_runner({'train_cfg.max_epochs': 1}).train()


@pytest.mark.slow
@pytest.mark.usefixtures('handlers')
def test_saves_beside_the_hook_of_mmengine(build_runner, tmp_path):
    build_runner(name='whole').train()
    checkpoint = {'type': 'CheckpointHook', '_delete_': True}
    runner = build_runner({'default_hooks.checkpoint': dict(checkpoint)})
    runner.register_hook(SignalHook(signal.SIGTERM, iteration=8))
    with pytest.raises(TrainingInterruptedError) as caught:
        runner.train()
    close_hooks(runner)
    options = {'resume': True, 'load_from': caught.value.checkpoint}
    build_runner({**options, 'default_hooks.checkpoint': dict(checkpoint)}).train()
    assert read_losses(tmp_path / 'run/losses.jsonl') == read_losses(
        tmp_path / 'whole/losses.jsonl'
    )
