import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from cpose.apis.config.load import load_config
from cpose.cli.main import main
from cpose.errors import TrainingInterruptedError
from cpose.tao import TASKS
from cpose.tao.jobs import processes
from cpose.tao.tasks import run as tasks_run

ROOT = Path(__file__).parents[2]
SPEC = """
results_dir: results
dataset:
  train_data: data
  category: box
model:
  backbone:
    model_type: DLA34
"""


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'spec.yaml'
    path.write_text(SPEC)
    return path


def fails(capsys, *words):
    try:
        code = main(['tao', *map(str, words)])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    output, error = capsys.readouterr()
    assert 'Traceback' not in output + error
    return error


def test_listing_is_json_alone(capsys):
    assert main(['tao', 'list-base-experiments']) == 0
    entries = json.loads(capsys.readouterr().out)
    assert {'id', 'name', 'backbone', 'category'} <= set(entries[0])


@pytest.mark.parametrize('task', TASKS)
def test_schema_is_json_alone(capsys, task):
    assert main(['tao', 'get-job-schema', '--action', task]) == 0
    assert task in json.loads(capsys.readouterr().out)['properties']


def test_schema_of_an_entry(capsys):
    words = ('tao', 'get-job-schema', '--action', 'train', '--base-experiment-id', 'fan_large_cup')
    assert main(words) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema['default']['model']['backbone']['model_type'] == 'fan_large'


def test_to_config(spec, capsys):
    assert main(['tao', 'to-config', str(spec), 'train.seed=5', '--out', 'config.py']) == 0
    config = load_config('config.py')
    assert config.randomness.seed == 5
    assert config.model.backbone.type == 'DLA34'
    assert config.train_dataloader.dataset.data_root == 'data'


def test_name_of_a_spec_is_no_code(spec, tmp_path):
    odd = tmp_path / '"""\n\'; open("made", "w")\n#.yaml'
    spec.rename(odd)
    assert main(['tao', 'to-config', str(odd), '--out', 'config.py']) == 0
    assert load_config('config.py').model.backbone.type == 'DLA34'
    assert not (tmp_path / 'made').exists()


def test_tool_is_the_command():
    done = subprocess.run(
        [sys.executable, 'tools/tao.py', '--help'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'gen_trt_engine' in done.stdout


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('trian', '-e', 's'), "invalid choice: 'trian'"),
        (('train',), 'required: -e'),
        (('train', '-e', 'none.yaml'), 'none.yaml cannot be read: No such file'),
        (('train', '-e', 'spec.yaml', 'train.num_epochs=0'), 'Command line: train.num_epochs=0'),
        (('train', '-e', 'spec.yaml', 'nothing'), 'is not KEY=VALUE'),
        (('train', '-e', 'spec.yaml', 'train.gpu_ids=[1,1]'), 'names a GPU twice'),
        (('train', '-e', 'spec.yaml', 'train.num_gpus=64'), 'GPUs that are visible'),
        (
            ('train', '-e', 'spec.yaml', 'dataset.train_data='),
            'dataset.train_data is required by train',
        ),
        (('evaluate', '-e', 'spec.yaml'), 'dataset.test_data is required by evaluate'),
        (('get-job-schema', '--action', 'automl'), 'invalid choice'),
        (
            ('get-job-schema', '--action', 'train', '--base-experiment-id', 'x'),
            '--base-experiment-id x is no base experiment',
        ),
        (
            ('to-config', 'spec.yaml', '--out', 'spec.yaml/config.py'),
            'spec.yaml/config.py cannot be written: spec.yaml is not a folder',
        ),
    ],
)
def test_bad_input(spec, capsys, words, message):
    assert message in fails(capsys, *words)


@pytest.mark.parametrize('text', ['train: [', '\tx', 'a: b: c'])
def test_unreadable_yaml(spec, capsys, text):
    spec.write_text(text)
    error = fails(capsys, 'train', '-e', spec)
    assert f'{spec}, line 1 is no YAML' in error


@pytest.mark.parametrize('option', ['-e', '--experiment_spec', '--experiment_spec_file'])
def test_options_of_tao(spec, monkeypatch, capsys, option):
    calls = []

    def run_task(task, loaded, launcher):
        calls.append((task, loaded.values.train.seed, launcher))
        raise TrainingInterruptedError(2, 7, 'w/x.pth')

    monkeypatch.setattr(tasks_run, 'run_task', run_task)
    assert main(['tao', 'train', option, str(spec), 'train.seed=3']) == 130
    assert calls == [('train', 3, 'none')]
    assert 'The same command continues.' in capsys.readouterr().err


def test_several_gpus_are_several_processes(spec, monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 4)
    monkeypatch.setattr(processes, 'run_processes', lambda *values: calls.append(values) or 0)
    assert main(['tao', 'train', '-e', str(spec), 'train.gpu_ids=[1,3]']) == 0
    words = ['tao', 'train', '-e', str(spec), 'train.gpu_ids=[1,3]']
    assert calls == [(words, [1, 3], Path('results/train'))]
