import json
import re
import signal

import pytest

from cpose.cli.main import main
from cpose.engine.hooks.training_hooks import FiniteLossHook

TINY = [
    'train_dataloader.dataset.num_images=8',
    'train_dataloader.batch_size=4',
    'train_cfg.max_epochs=1',
    'test_dataloader.dataset.num_images=3',
    *(f'{part}_dataloader.dataset.{key}=(64,64)' for part in ('train', 'val', 'test')
      for key in ('image_wh', 'input_wh')),
    *(f'{part}_dataloader.num_workers=0' for part in ('train', 'val', 'test')),
    *(f'{part}_dataloader.persistent_workers=False' for part in ('train', 'val')),
    'val_dataloader.dataset.num_images=2',
]  # fmt: skip


@pytest.mark.slow
def test_leaves_numbers_pictures_and_a_summary_line(tmp_path, capsys):
    out = tmp_path / 'first'
    (out / 'vis').mkdir(parents=True)
    (out / 'vis' / 'of_an_earlier_run.jpg').write_bytes(b'')
    assert main(['quickstart', '--out', str(out), '--force', '--cfg-options', *TINY]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    pattern = rf'quickstart: AP50_3DIoU=\d\.\d\d images=3 seconds=\d+ out={re.escape(str(out))}'
    assert re.fullmatch(pattern, lines[-1])
    assert any('AP50_3DIoU' in line and '│' in line for line in lines)
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['num_images'] == 3
    assert set(metrics['curves']) >= {'iou', 'azimuth', 'polar'}
    pictures = [path.stem for path in (out / 'vis').glob('[!.]*')]
    assert set(pictures) == {path.stem for path in (out / 'json').glob('[!.]*')} | {
        'of_an_earlier_run'
    }
    assert any(line.endswith(f' and 12 in {out / "vis"}') for line in lines)
    for name in ('overview.jpg', 'curves.png', 'train/epoch_1.pth'):
        assert (out / name).stat().st_size > 1000, name


@pytest.mark.slow
def test_after_ctrl_c_the_same_command_continues(tmp_path, capsys, monkeypatch):
    command = ['quickstart', '--out', str(tmp_path), '--cfg-options', *TINY]
    with monkeypatch.context() as patch:
        patch.setattr(
            FiniteLossHook, 'after_train_iter', lambda *_, **__: signal.raise_signal(signal.SIGINT)
        )
        assert main(command) == 130
    output, error = capsys.readouterr()
    assert 'Traceback' not in output + error
    assert 'after iteration 1, saved' in error
    assert 'The same command continues.' in error
    assert main(command) == 0
    assert 'resumed epoch: 0, iter: 1' in capsys.readouterr().out
