"""A whole search that trains, killed half-way: the key in no file, a best spec that trains."""

import json
import os
import sys

import optuna
import pytest
import yaml

from cpose.cli.main import main
from cpose.files.encrypted_file import is_encrypted
from cpose.files.encryption_key import KEY_VARIABLE

from ...child_processes import started, wait_until

KEY = 'a-key-that-nobody-must-see'
SPEC = {
    'encryption_key': KEY,
    'results_dir': 'results',
    'dataset': {
        'train_data': 'data',
        'val_data': 'data',
        'category': 'chair',
        'batch_size': 2,
        'workers': 0,
        'input_res': 64,
        'output_res': 16,
    },
    'model': {'head_conv': 32, 'use_convGRU': False, 'backbone': {'model_type': 'DLA34'}},
    'train': {'num_epochs': 1, 'optim': {'lr': 1e-4, 'lr_steps': [1]}},
    'automl': {'max_recommendations': 2},
}
TIMEOUT = 1800


def start(task, spec):
    command = [sys.executable, '-m', 'cpose.cli.main', 'tao', task, '-e', str(spec)]
    environment = {key: value for key, value in os.environ.items() if key != KEY_VARIABLE}
    return started(command, env={**environment, 'OMP_NUM_THREADS': '1'})


@pytest.mark.slow
def test_killed_search_of_real_trainings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(['synth', 'data', '--num', '2', '--size', '64', '64']) == 0
    (tmp_path / 'spec.yaml').write_text(yaml.safe_dump(SPEC))
    folder = tmp_path / 'results/automl'
    with start('automl', tmp_path / 'spec.yaml') as search:
        wait_until((folder / 'trial_000/train/status.json').exists, search)
    with start('automl', tmp_path / 'spec.yaml') as search:
        assert search.wait(TIMEOUT) == 0
    study = optuna.load_study(study_name='automl', storage=f'sqlite:///{folder}/study.db')
    states = [trial.state.name for trial in study.trials]
    assert states == ['FAIL', 'COMPLETE', 'COMPLETE']  # trial 1 goes on in the folder of trial 0
    assert sorted(path.name for path in folder.glob('trial_*')) == ['trial_000', 'trial_002']
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert main(['tao', 'train', '-e', str(folder / 'best_spec.yaml')]) == 0
    lines = (tmp_path / 'results/train/status.json').read_text().splitlines()
    last = json.loads(lines[-1])
    assert last['status'] == 'SUCCESS'
    assert float(last['kpi']['val_3DIoU']) >= 0
    check_secrets(tmp_path / 'results')


def check_secrets(results):
    encrypted = 0
    for path in results.rglob('*'):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert KEY.encode() not in content, path
            if path.suffix == '.pth' and results / 'train' not in path.parents:
                assert is_encrypted(path), path
                encrypted += 1
    assert encrypted >= 2
