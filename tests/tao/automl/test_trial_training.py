"""What drives a training process, with a small program in place of the training."""

import json
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import yaml

from cpose.errors import TrainingError
from cpose.files.encryption_key import KEY_VARIABLE, use_key
from cpose.tao.automl import trial_training
from cpose.tao.automl.trial_training import (
    HopelessTrialError,
    TrialJob,
    read_validations,
    train_trial,
)
from cpose.tao.automl.trials import TrialFolder

from ...child_processes import started, wait_until
from ...user_errors import raises

PROGRAM = """
    import os, signal, sys, time
    from pathlib import Path
    from cpose.engine.status_file import StatusFile
    folder = Path(sys.argv[1]).parent
    file = StatusFile(folder / 'train/status.json')
    def measure(epoch, value):
        file.write('RUNNING', 'Train metrics generated.', {'train_loss': 1.0}, epoch=epoch)
        file.write('RUNNING', 'Eval metrics generated.', {'val_3DIoU': str(value)}, epoch=epoch)
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Return a function that makes a job whose training is a program."""
    real = subprocess.Popen

    def build(program):
        file = tmp_path / 'program.py'
        file.write_text(textwrap.dedent(PROGRAM) + textwrap.dedent(program))

        def start(command, **options):
            assert command[1:5] == ['-m', 'cpose.cli.main', 'tao', 'train']
            return real([sys.executable, str(file), command[-1]], **options)

        monkeypatch.setattr(trial_training.subprocess, 'Popen', start)
        values = {'results_dir': str(tmp_path / 'trial'), 'train': {'optim': {'lr': 0.1}}}
        return TrialJob(TrialFolder(tmp_path / 'trial'), values, 'val_3DIoU')

    return build


def test_validations_are_reported_once_and_in_order(job):
    seen = []
    work = job('measure(0, 0.1)\nmeasure(1, 0.2)\nprint("hello")')
    train_trial(work, lambda *pair: seen.append(pair))
    assert seen == [(0, 0.1), (1, 0.2)]
    assert yaml.safe_load(work.folder.spec.read_text()) == work.values
    assert work.folder.output.read_text() == 'hello\n'


def test_weak_trial_is_ended_and_may_save(job):
    work = job("""
        signal.signal(signal.SIGTERM, lambda *_: (folder / 'saved').touch() or sys.exit(143))
        measure(0, 0.1)
        time.sleep(600)
    """)
    start = time.monotonic()
    train_trial(work, lambda epoch, value: True)
    assert time.monotonic() - start < 300
    assert (work.folder.path / 'saved').is_file()


def test_deaf_training_is_killed(job, monkeypatch):
    monkeypatch.setattr(trial_training, 'STOP_SECONDS', 0.3)
    work = job('signal.signal(signal.SIGTERM, signal.SIG_IGN)\nmeasure(0, 0.1)\ntime.sleep(600)')
    start = time.monotonic()
    train_trial(work, lambda epoch, value: True)
    assert time.monotonic() - start < 300


@pytest.mark.parametrize(
    'message', ['Training error: The loss is not finite', 'X: CUDA out of memory.']
)
def test_values_that_cannot_be_trained(job, message):
    work = job(f'file.write("FAILURE", {message!r})\nsys.exit(2)')
    with pytest.raises(HopelessTrialError, match=message):
        train_trial(work, lambda epoch, value: False)


FAILURES = {
    'file.write("FAILURE", "File system error: no data")\nsys.exit(2)': (
        *('2', 'File system error: no data'),
    ),
    'file.write("FAILURE", "Training error: A process that loads data has ended")\nsys.exit(2)': (
        *('2', 'A process that loads data'),
    ),
    'sys.stderr.write("first line\\nlast line")\nsys.exit(1)': ('1', 'last line'),
    'os.kill(os.getpid(), 9)': ('-9', 'nothing'),
}


@pytest.mark.parametrize('program', FAILURES)
def test_other_failures_name_reason_and_log(job, program):
    work, (code, reason) = job(program), FAILURES[program]
    with raises(TrainingError, reason, path=work.folder.path) as caught:
        train_trial(work, lambda epoch, value: False)
    assert f'exit code {code}:' in caught.value.problem
    assert str(work.folder.output) in caught.value.advice[0]


def test_key_is_in_the_environment_of_the_trial_only(job, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    work = job(f'assert os.environ["{KEY_VARIABLE}"] == "secret"')
    with use_key('secret'):
        train_trial(work, lambda epoch, value: False)
    assert 'secret' not in work.folder.spec.read_text()
    assert KEY_VARIABLE not in os.environ


DRIVER = """
    import sys
    from pathlib import Path
    from cpose.tao.automl.trials import TrialFolder
    from cpose.tao.automl import trial_training as module
    real = module.subprocess.Popen
    training = ['sh', '-c', 'echo started; exec sleep 600']
    module.subprocess.Popen = lambda command, **options: real(training, **options)
    module.train_trial(
        module.TrialJob(TrialFolder(Path(sys.argv[1])), {}, 'val_3DIoU'), lambda *pair: False
    )
"""


@pytest.mark.slow
def test_training_ends_with_a_killed_search(tmp_path):
    command = [sys.executable, '-c', textwrap.dedent(DRIVER), str(tmp_path)]
    output = tmp_path / 'output.txt'
    with started(command) as search:
        wait_until(lambda: output.is_file() and output.read_text() == 'started\n', search)
    with TrialFolder(tmp_path).training_lock(longest_wait=60):
        pass


def test_validations_among_other_lines():
    lines = [
        {'epoch': 0, 'kpi': {'val_3DIoU': '0.5'}},
        {'epoch': 0, 'kpi': {'train_loss': 1.0}},
        {'kpi': {'val_3DIoU': '0.7'}},
        {'epoch': 1, 'kpi': {'val_3DIoU': 'nan'}},
        {'epoch': 2, 'kpi': {'val_3DIoU': None}},
        {'epoch': 3},
    ]
    texts = [json.dumps(line).encode() for line in lines]
    found = list(read_validations([*texts, b'{"epo'], 'val_3DIoU'))
    np.testing.assert_equal(found, [(0, 0.5), (1, np.nan), (2, np.nan)])
