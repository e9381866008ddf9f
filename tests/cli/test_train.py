import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cpose.apis import training
from cpose.cli.commands.train import resume_command
from cpose.cli.main import main
from cpose.errors import OutputError, TrainingError, TrainingInterruptedError

from ..child_processes import LONGEST_WAIT, started, wait_until, write_program
from ..engine.toy_training import loader, read_losses, toy_config

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ('cpose train dla34_bike', 'cpose train dla34_bike --resume'),
        ('tools/train.py a.py --amp', 'python tools/train.py a.py --amp --resume'),
        ('cpose train a --resume', 'cpose train a --resume'),
        ('cpose train a --resume auto --amp fp16', 'cpose train a --amp fp16 --resume'),
        ('cpose train a --resume x/iter_3.pth', 'cpose train a --resume'),
        ('cpose train a --resume=auto', 'cpose train a --resume'),
        ('cpose train a --resume --amp', 'cpose train a --amp --resume'),
        ('cpose train a --cfg-options x=1', 'cpose train a --cfg-options x=1 --resume'),
    ],
)
def test_resume_command(given, expected):
    assert resume_command(shlex.split(given)) == expected


def run_with(monkeypatch, outcome, arguments=()):
    calls = []

    def train(*values):
        calls.append(values)
        raise outcome

    monkeypatch.setattr(training, 'train', train)
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'a.py'])
    return main(['train', 'a.py', *arguments]), calls


def test_interrupted(monkeypatch, capsys):
    stop = TrainingInterruptedError(signal.SIGINT, 7, 'w/iter_7.pth')
    code, _ = run_with(monkeypatch, stop)
    assert code == 130
    error = capsys.readouterr().err
    assert 'w/iter_7.pth' in error
    assert 'Continue with: python tools/train.py a.py --resume' in error


@pytest.mark.parametrize(
    'error', [OutputError('No space left on device'), TrainingError('The loss is not finite')]
)
def test_errors_are_messages_with_code_2(monkeypatch, capsys, error):
    code, _ = run_with(monkeypatch, error)
    assert code == 2
    assert capsys.readouterr().err == f'cpose train: {error}\n'


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        ((), ('a.py', None, None, None, 'none', {})),
        (
            ('--work-dir', 'w', '--resume', '--amp', '--launcher', 'slurm'),
            ('a.py', 'w', 'auto', 'bf16', 'slurm', {}),
        ),
        (
            ('--resume', 'x.pth', '--amp', 'fp16', '--cfg-options', 'a.b=3'),
            ('a.py', None, 'x.pth', 'fp16', 'none', {'a.b': 3}),
        ),
    ],
)
def test_arguments(monkeypatch, arguments, expected):
    _, calls = run_with(monkeypatch, OutputError('x'), arguments)
    assert calls == [expected]


def test_unknown_precision(capsys):
    with pytest.raises(SystemExit) as caught:
        main(['train', 'a.py', '--amp', 'int8'])
    assert caught.value.code == 2
    assert 'int8' in capsys.readouterr().err


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh'])
def test_launch_scripts_say_how_they_are_used(script):
    done = subprocess.run(
        ['sh', str(ROOT / 'tools' / script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert 'Usage' in done.stderr


def test_slurm_script_starts_srun(tmp_path):
    write_program(tmp_path / 'srun', '#!/bin/sh\necho "$@"\n')
    done = subprocess.run(
        ['sh', str(ROOT / 'tools/slurm_train.sh'), 'part', 'job', 'a.py', '--amp'],
        env={**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}', 'GPUS': '2'},
        capture_output=True,
        text=True,
        check=True,
    )
    words = done.stdout.split()
    assert {'--partition=part', '--job-name=job', '--gres=gpu:2', '--ntasks=2'} <= set(words)
    assert words[-4:] == ['a.py', '--amp', '--launcher', 'slurm']


@pytest.mark.slow
def test_ctrl_c_saves_and_the_printed_command_continues(tmp_path):
    options = {
        'custom_imports': ['toy_training'],
        'train_dataloader': loader(60, shuffle=True),
        'train_cfg.max_epochs': 2000,
        'default_hooks.checkpoint.keep_last': 1,
    }
    config = tmp_path / 'config.py'
    toy_config(tmp_path / 'work', options).dump(config)
    command = [sys.executable, 'tools/train.py', str(config)]
    variables = {'PYTHONPATH': str(ROOT / 'tests/engine'), 'OMP_NUM_THREADS': '1'}
    settings = {'cwd': ROOT, 'env': {**os.environ, **variables}, 'text': True}
    record = tmp_path / 'work/losses.jsonl'
    with started(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, **settings) as process:
        wait_until(lambda: record.exists() and record.stat().st_size > 2000, process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LONGEST_WAIT)
    assert process.returncode == 130, errors
    stopped = max(read_losses(record))
    printed = errors.partition('Continue with: ')[2].splitlines()[0]
    assert printed.startswith('python tools/train.py')
    epochs = stopped // 30 + 1
    again = [*command, *shlex.split(printed)[3:], '--cfg-options', f'train_cfg.max_epochs={epochs}']
    subprocess.run(again, check=True, capture_output=True, timeout=LONGEST_WAIT, **settings)
    losses = read_losses(record)
    assert list(losses) == list(range(30 * epochs))
    assert all(len(records) == 1 for records in losses.values())
