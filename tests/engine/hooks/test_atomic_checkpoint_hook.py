import os
from pathlib import Path

import pytest

from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from cpose.errors import ConfigError
from cpose.evaluation.metric_spec import MetricSpec, ReportedNumber

from ...user_errors import raises
from ..toy_training import ToyMetric

SMALL = MetricSpec('error', 'Error', None, (ReportedNumber('AP50_3DIoU', 'mean error'),))


def names(folder):
    return sorted(file.name for file in folder.glob('*.pth'))


def score_by(monkeypatch, scores):
    remaining = iter(scores)
    monkeypatch.setattr(
        ToyMetric, 'compute_metrics', lambda self, results: {'AP50_3DIoU': next(remaining)}
    )


def test_interval_and_last_epoch(build_runner, tmp_path):
    options = {
        'train_cfg.max_epochs': 5,
        'default_hooks.checkpoint': {
            'type': 'AtomicCheckpointHook',
            'interval': 2,
            'keep_last': -1,
            'save_best': None,
        },
    }
    runner = build_runner(options)
    runner.train()
    assert names(tmp_path / 'run') == ['epoch_2.pth', 'epoch_4.pth', 'epoch_5.pth']
    last = (tmp_path / 'run/last_checkpoint').read_text()
    assert last == runner.last_checkpoint == str(tmp_path / 'run/epoch_5.pth')


def test_keep_last(build_runner, tmp_path):
    build_runner({'default_hooks.checkpoint.keep_last': 2, 'train_cfg.max_epochs': 4}).train()
    assert [n for n in names(tmp_path / 'run') if n.startswith('epoch')] == [
        'epoch_3.pth',
        'epoch_4.pth',
    ]


def test_leftovers_of_another_run_are_not_removed(build_runner, tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run/epoch_140.pth').write_bytes(b'older')
    build_runner({'default_hooks.checkpoint.keep_last': 1}).train()
    assert (tmp_path / 'run/epoch_140.pth').read_bytes() == b'older'


def test_within_an_epoch(build_runner, tmp_path):
    seen = []
    runner = build_runner({'default_hooks.checkpoint.iter_interval': 2, 'train_cfg.max_epochs': 1})
    save = runner.save_checkpoint

    def record(folder, name, **options):
        save(folder, name, **options)
        seen.append((name, load_checkpoint_file(Path(folder) / name)['meta']['batches_done']))

    runner.save_checkpoint = record
    runner.train()
    assert [item for item in seen if not item[0].startswith('best')][:3] == [
        ('iter_2.pth', 2),
        ('iter_4.pth', 4),
        ('epoch_1.pth', 0),
    ]
    assert 'iter_4.pth' not in names(tmp_path / 'run')


def test_old_is_removed_only_after_the_new_is_complete(build_runner, tmp_path, monkeypatch):
    events = []
    replace, unlink = os.replace, os.unlink

    def record_replace(source, target):
        replace(source, target)
        events.append(('complete', Path(target).name))

    def record_unlink(path, *args, **kwargs):
        events.append(('removed', Path(path).name))
        unlink(path, *args, **kwargs)

    monkeypatch.setattr(os, 'replace', record_replace)
    monkeypatch.setattr(os, 'unlink', record_unlink)
    checkpoint = {'type': 'AtomicCheckpointHook', 'keep_last': 1, 'save_best': None}
    build_runner({'default_hooks.checkpoint': checkpoint, 'train_cfg.max_epochs': 2}).train()
    assert [item for item in events if not item[1].endswith('.py')] == [
        ('complete', 'epoch_1.pth'),
        ('complete', 'last_checkpoint'),
        ('complete', 'epoch_1.pth'),  # with the validation
        ('complete', 'epoch_2.pth'),
        ('complete', 'last_checkpoint'),
        ('removed', 'epoch_1.pth'),
        ('complete', 'epoch_2.pth'),
    ]


def test_best_is_kept(build_runner, tmp_path, monkeypatch):
    score_by(monkeypatch, [0.2, 0.6, 0.4, float('nan')])
    runner = build_runner({'train_cfg.max_epochs': 4})
    runner.train()
    best = [name for name in names(tmp_path / 'run') if name.startswith('best')]
    assert best == ['best_AP50_3DIoU_epoch_2.pth']
    assert runner.message_hub.get_info('best_score') == 0.6


def test_less_is_better(build_runner, tmp_path, monkeypatch):
    score_by(monkeypatch, [0.2, 0.1, 0.4])
    build_runner({'default_hooks.checkpoint.rule': 'less'}).train()
    assert 'best_AP50_3DIoU_epoch_2.pth' in names(tmp_path / 'run')


def test_direction_of_the_metric_decides(build_runner, tmp_path, monkeypatch):
    score_by(monkeypatch, [0.2, 0.1, 0.4])
    monkeypatch.setattr(ToyMetric, 'metrics', [SMALL], raising=False)
    build_runner().train()
    assert 'best_AP50_3DIoU_epoch_2.pth' in names(tmp_path / 'run')


def test_best_is_known_after_resuming(build_runner, tmp_path, monkeypatch):
    score_by(monkeypatch, [0.9, 0.1, 0.2])
    build_runner({'train_cfg.max_epochs': 1}).train()
    options = {'resume': True, 'load_from': str(tmp_path / 'run/epoch_1.pth')}
    build_runner(options).train()
    best = [name for name in names(tmp_path / 'run') if name.startswith('best')]
    assert best == ['best_AP50_3DIoU_epoch_1.pth']


@pytest.mark.slow
def test_best_of_a_run_in_another_folder_is_forgotten(build_runner, tmp_path, monkeypatch):
    score_by(monkeypatch, [0.9, 0.1, 0.2])
    build_runner({'train_cfg.max_epochs': 1}, name='first').train()
    options = {'resume': True, 'load_from': str(tmp_path / 'first/epoch_1.pth')}
    runner = build_runner(options, name='second')
    runner.train()
    assert names(tmp_path / 'first') == ['best_AP50_3DIoU_epoch_1.pth', 'epoch_1.pth']
    assert names(tmp_path / 'second') == [
        'best_AP50_3DIoU_epoch_3.pth', 'epoch_2.pth', 'epoch_3.pth',
    ]  # fmt: skip
    assert runner.message_hub.get_info('best_checkpoint') == 'best_AP50_3DIoU_epoch_3.pth'


def test_best_metric_with_prefix(build_runner, tmp_path):
    build_runner({'val_evaluator.prefix': 'toy', 'train_cfg.max_epochs': 1}).train()
    assert 'best_AP50_3DIoU_epoch_1.pth' in names(tmp_path / 'run')


def test_missing_metric_is_named(build_runner):
    runner = build_runner({'default_hooks.checkpoint.save_best': 'mAP'})
    with raises(ConfigError, 'AP50_3DIoU, num_images', argument='save_best', value='mAP'):
        runner.train()


def test_unfinished_files_of_killed_runs_are_removed(build_runner, tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run/.epoch_3.pth.unfinished').write_bytes(b'half')
    build_runner({'train_cfg.max_epochs': 1}).train()
    assert not list((tmp_path / 'run').glob('.*unfinished'))


@pytest.mark.parametrize(
    'options', [{'interval': 0}, {'keep_last': 0}, {'iter_interval': 0}, {'rule': 'more'}]
)
def test_wrong_arguments(options):
    with raises(ConfigError, argument=next(iter(options))):
        AtomicCheckpointHook(**options)
