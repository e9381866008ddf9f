"""Results that cannot be made: a message that tells what to do, exit code 2, nothing lost."""

import errno
import os
from pathlib import Path

import pytest

from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.cli.main import main

from .commands import MODEL, TEST, TRAIN, replaced, write_overlay


@pytest.mark.slow
@pytest.mark.parametrize(
    'words',
    [
        (*TRAIN[:-1], 'metrics.json/sub'),
        (*TEST[:-1], 'metrics.json/sub'),
        ('test', 'tiny.py', MODEL, '--out', 'metrics.json/sub.json'),
        (*TEST, '--dump', 'metrics.json/sub.json'),
        (*TEST, '--plot', 'metrics.json/sub.png'),
        (*TEST, '--plot', 'out'),
        ('infer', 'tiny.py', MODEL, 'data', '--out', 'metrics.json/sub'),
        ('infer', 'tiny.py', MODEL, 'data', '--out', 'metrics.json'),
        ('synth', 'metrics.json/sub', '--num', '1', '--size', '64', '64'),
        ('synth', 'data', '--num', '1', '--size', '64', '64'),
        ('quickstart', '--out', 'metrics.json/sub'),
    ],
    ids=' '.join,
)
def test_output_that_cannot_be_written(fails, words, monkeypatch):
    """It is found out before anything long begins."""
    monkeypatch.setattr('cpose.models.detectors.centerpose.CenterPose.forward', None)
    output = next(word for word in reversed(words) if word.startswith(('metrics', 'out', 'data')))
    fails(*words, says=output)


def test_no_right_to_read(fails, monkeypatch):
    is_file = Path.is_file

    def forbid(path):
        if path.name == 'secret.pth':
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return is_file(path)

    monkeypatch.setattr(Path, 'is_file', forbid)
    fails(*replaced('infer', MODEL, 'secret.pth'), says=['secret.pth', 'Permission denied'])


@pytest.mark.slow
@pytest.mark.parametrize('name', ['epoch_2.pth', 'last_checkpoint'])
def test_full_disk(fails, monkeypatch, capsys, name):
    """The checkpoint before is intact, and training goes on from it when there is room."""
    fsync, end = os.fsync, ['--resume', '--cfg-options', 'train_cfg.max_epochs=2']

    def fail_on_checkpoint(descriptor):
        if Path(f'/proc/self/fd/{descriptor}').readlink().name.startswith(f'.{name}.'):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', fail_on_checkpoint)
        says = ['cannot be written: No space left on device', 'Make room', '--resume']
        fails(*TRAIN, *end, says=says)
    assert not list(Path('run').glob('.*.unfinished'))
    assert load_checkpoint_file(MODEL)['meta']['epoch'] == 1
    assert main([*TRAIN, *end]) == 0
    assert load_checkpoint_file('run/epoch_2.pth')['meta']['epoch'] == 2


def test_loss_that_is_no_number(fails):
    """After an epoch that is fine the steps become so large that the weights overflow."""
    write_overlay(
        "param_scheduler = [dict(type='MultiStepLR', milestones=[1], gamma=1e35)]\n"
        'train_cfg = dict(max_epochs=2)'
    )
    words = [*replaced('train', 'tiny.py', 'broken.py')[:-1], 'diverging']
    error = fails(
        *words,
        says=['loss is not finite at iteration 4 (epoch 2, batch 2)', 'loss_hm=', 'optimizer.lr'],
    )
    assert f'Last good checkpoint: {Path("diverging/epoch_1.pth").resolve()}' in error
    assert [file.name for file in Path('diverging').glob('*.pth')] == ['epoch_1.pth']
    weights = load_checkpoint_file('diverging/epoch_1.pth')['state_dict']
    assert all(weight.isfinite().all() for weight in weights.values())
