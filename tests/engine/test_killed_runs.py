"""A run killed with SIGKILL at any moment resumes with the losses of the uninterrupted run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..child_processes import LONGEST_WAIT
from .toy_training import read_losses

SCRIPT = Path(__file__).with_name('kill_repeatedly.py')


@pytest.mark.slow
def test_killed_runs_resume_exactly(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures['killed'] >= 10
    assert figures['unfinished'] >= 2
    assert figures['last_exit_code'] == 0
    whole = read_losses(tmp_path / 'whole/losses.jsonl')
    killed = read_losses(tmp_path / 'killed/losses.jsonl')
    assert list(killed) == list(whole)
    for iteration, records in killed.items():
        assert all(record == whole[iteration][0] for record in records), f'iteration {iteration}'
    assert not list((tmp_path / 'killed').glob('iter_*.pth'))
    assert len(list((tmp_path / 'killed').glob('epoch_*.pth'))) == 1
