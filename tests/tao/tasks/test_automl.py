"""Whole searches, with trials that compute in place of training."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import optuna
import pytest
import yaml

from cpose.engine.hooks.tao_checkpoint_hook import LATEST
from cpose.errors import ConfigError
from cpose.tao import BEST_MODEL
from cpose.tao.automl.search import WITHOUT_COUNTERPART
from cpose.tao.spec.spec_file import load_spec
from cpose.tao.tasks.automl import run_automl

from ...child_processes import LONGEST_WAIT
from ...user_errors import raises
from ..automl.search_tools import SPEC, quick_trial, read_log, value_of, write_spec


def search(file, *words, run_trial=quick_trial):
    shown = []
    return run_automl(file, words, shown.append, run_trial), shown


@pytest.mark.slow
def test_search_finds_writes_and_tells(tmp_path):
    file = write_spec(tmp_path)
    result, shown = search(file, 'automl.max_recommendations=8')
    folder = tmp_path / 'results/automl'
    assert result.folder == folder
    assert [line.partition(':')[0][:16] for line in shown] == [
        f'Trial {number} complete' for number in range(8)
    ]
    best = yaml.safe_load((folder / 'best_spec.yaml').read_text())
    value = max(trial.value for trial in result.study.trials)
    assert value_of(best, 3) == pytest.approx(value)
    assert set(result.best_values) == {'train.optim.lr', 'train.optim.lr_decay'}
    assert (folder / 'trials.png').read_bytes().startswith(b'\x89PNG')
    lines = [json.loads(line) for line in (folder / 'status.json').read_text().splitlines()]
    assert [line['status'] for line in lines] == ['STARTED', *['RUNNING'] * 8, 'SUCCESS']
    assert lines[-1]['kpi']['best_val_3DIoU'] == pytest.approx(value)


def trial_that_saves(job, report):
    quick_trial(job, report)
    file = job.folder.results / 'model_epoch_003_step_00008.pth'
    file.write_text(str(value_of(job.values, 3)))
    (job.folder.results / LATEST).symlink_to(file.name)


@pytest.mark.slow
def test_weights_of_the_best_trial_are_linked(tmp_path):
    file = write_spec(tmp_path)
    result, _ = search(file, 'automl.max_recommendations=4', run_trial=trial_that_saves)
    link = result.folder / BEST_MODEL
    assert float(link.read_text()) == pytest.approx(result.study.best_value)
    assert not Path(os.readlink(link)).is_absolute()


@pytest.mark.slow
def test_best_spec_is_the_spec_with_the_best_values(tmp_path):
    file = write_spec(tmp_path)
    result, _ = search(file)
    original = load_spec(file, task='train').values
    best = load_spec(result.folder / 'best_spec.yaml', task='train').values
    changed = original.train.model_copy(update={'optim': best.train.optim})
    assert best.train == changed
    assert best.dataset == original.dataset
    assert best.train.optim.lr == result.best_values['train.optim.lr']
    assert best.results_dir == original.results_dir


@pytest.mark.slow
def test_search_goes_on_with_more_trials(tmp_path):
    file = write_spec(tmp_path)
    search(file, 'automl.max_recommendations=2')
    result, shown = search(file, 'automl.max_recommendations=4')
    assert len(shown) == 2
    assert [trial.number for trial in result.study.trials] == [0, 1, 2, 3]
    values = {trial.params['train.optim.lr'] for trial in result.study.trials}
    assert len(values) == 4


def test_other_spec_in_the_same_study_is_refused(tmp_path):
    file = write_spec(tmp_path)
    search(file, 'automl.max_recommendations=1')
    name = 'automl.study_name'
    with raises(ConfigError, 'train.num_epochs: stored 4, now 5', spec_key=name):
        search(file, 'train.num_epochs=5')


def test_search_without_effect_is_told(tmp_path):
    text = SPEC.replace('lr_steps: [2]', 'lr_steps: [90, 120]')
    _, shown = search(write_spec(tmp_path, text), 'automl.max_recommendations=1')
    assert 'lr_decay is searched, but changes nothing' in shown[0]


@pytest.mark.slow
def test_hyperband_stops_weak_trials(tmp_path):
    words = ('automl.algorithm=hyperband', 'automl.reduction_factor=2', 'automl.max_epochs=8')
    result, shown = search(write_spec(tmp_path), *words, 'automl.max_recommendations=16')
    states = [trial.state.name for trial in result.study.trials]
    assert 'PRUNED' in states
    assert any('stopped early' in line for line in shown)


def test_key_is_in_no_file(tmp_path):
    text = SPEC + 'encryption_key: very secret\n'
    file = write_spec(tmp_path, text)
    search(file, 'automl.max_recommendations=2')
    for path in (tmp_path / 'results').rglob('*'):
        assert path.is_dir() or b'very secret' not in path.read_bytes()


MISTAKES = {
    'automl.algorithm=pbt': WITHOUT_COUNTERPART['pbt'],
    'automl.algorithm=grid': 'no algorithm',
    'automl.storage=mysql://u:geheim@nowhere.invalid/x': '',
    'automl.hyperparameters=[train.optim.momentum]': 'train.optim.momentum',
    'automl.reduction_factor=1': 'a whole number',
}


@pytest.mark.parametrize('word', MISTAKES)
def test_mistakes_are_told_and_recorded(tmp_path, word):
    key = word.partition('=')[0]
    with raises(ConfigError, MISTAKES[word], spec_key=key, where='Command line') as caught:
        search(write_spec(tmp_path), word)
    assert 'geheim' not in str(caught.value)
    lines = (tmp_path / 'results/automl/status.json').read_text().splitlines()
    assert json.loads(lines[-1])['status'] == 'FAILURE'


DRIVER = """
    import sys
    sys.path.insert(0, {folder!r})
    from search_tools import slow_trial
    from cpose.tao.tasks.automl import run_automl
    run_automl(sys.argv[1], sys.argv[2:], run_trial=slow_trial)
"""


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a search in a process of its own."""
    folder = str(Path(__file__).parents[1] / 'automl')
    script = textwrap.dedent(DRIVER).format(folder=folder)
    processes = []

    def run(*words):
        command = [sys.executable, '-c', script, str(write_spec(tmp_path)), *words]
        processes.append(subprocess.Popen(command))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.wait()


def wait_for(folder, event, count):
    end = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < end:
        if (folder / 'events.jsonl').is_file():
            found = [entry for entry in read_log(folder) if entry[0] == event]
            if len(found) >= count:
                return
        time.sleep(0.05)
    raise AssertionError(f'no {count} times {event}')


@pytest.mark.slow
def test_killed_search_goes_on_where_it_was(tmp_path, start):
    folder = tmp_path / 'results/automl'
    process = start()
    wait_for(folder, 'start', 3)
    process.kill()
    process.wait()
    assert start().wait() == 0
    log = read_log(folder)
    started = [(name, rate) for event, name, rate in log if event == 'start']
    ended = [(name, rate) for event, name, rate in log if event == 'end']
    assert [name for name, _ in started[:4]] == ['trial_000', 'trial_001', 'trial_002', 'trial_002']
    assert started[2] == started[3]
    assert len(ended) == len(set(ended)) == 6
    study = optuna.load_study(study_name='automl', storage=f'sqlite:///{folder}/study.db')
    states = [trial.state.name for trial in study.trials]
    assert sorted(states) == ['COMPLETE'] * 6 + ['FAIL']
    best = yaml.safe_load((folder / 'best_spec.yaml').read_text())
    assert best['train']['optim']['lr'] == study.best_params['train.optim.lr']
    load_spec(folder / 'best_spec.yaml', task='train')


@pytest.mark.slow
def test_processes_share_a_search(tmp_path, start):
    processes = [start(), start()]
    assert [process.wait() for process in processes] == [0, 0]
    ended = [name for event, name, _ in read_log(tmp_path / 'results/automl') if event == 'end']
    assert len(ended) == len(set(ended)) == 6
