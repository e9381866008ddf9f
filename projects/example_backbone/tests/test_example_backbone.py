"""The project trains for one step through the command line, from another working directory."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[1] / 'configs' / 'tiny_conv_cuboid.py'

TINY = [
    'train_dataloader.dataset.num_images=4',
    'train_dataloader.dataset.image_wh=(64,64)',
    'train_dataloader.dataset.input_wh=(64,64)',
    'train_dataloader.batch_size=4',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'train_cfg.max_epochs=1',
    'val_dataloader=None',
    'val_cfg=None',
    'val_evaluator=None',
]


@pytest.mark.slow
def test_trains_one_step(tmp_path):
    command = [sys.executable, '-m', 'cpose.cli.main', 'train', str(CONFIG)]
    done = subprocess.run(
        [*command, '--work-dir', str(tmp_path / 'run'), '--cfg-options', *TINY],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'run' / 'epoch_1.pth').is_file()
    assert 'TinyConv' in next((tmp_path / 'run').glob('*/*.log')).read_text()
