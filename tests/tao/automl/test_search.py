import fcntl
from contextlib import contextmanager
from math import inf, nan
from pathlib import Path

import optuna
import pytest

from cpose.errors import TrainingError
from cpose.tao.automl.search import (
    REASON,
    SearchPlan,
    is_less_better,
    remove_checkpoints,
    run_search,
)
from cpose.tao.automl.search_space import Parameter
from cpose.tao.automl.study import FOLDER
from cpose.tao.automl.trial_training import HopelessTrialError
from cpose.tao.automl.trials import TrialFolder
from cpose.tao.spec.sections.experiment import Automl

from ...user_errors import raises
from .search_tools import quick_trial

RATE = [Parameter('train.optim.lr', 1e-4, 1e-1, is_log=True)]


@pytest.fixture
def search(tmp_path):
    """Return a function that searches and gives the study and what was told."""

    def run(run_trial=quick_trial, study=None, **settings):
        study = study or optuna.create_study(direction='maximize')
        plan = SearchPlan(
            Automl(**{'max_recommendations': 4, **settings}),
            RATE,
            {'train': {'num_epochs': 4}},
            tmp_path,
            run_trial,
        )
        told = []
        run_search(plan, study, lambda study, trial: told.append(trial.number))
        return study, told

    return run


def test_best_value_over_epochs_counts(search, tmp_path):
    def falling(job, report):
        for epoch, value in enumerate((0.1, 0.4, 0.2)):
            assert not report(epoch, value)

    study, told = search(falling)
    assert [trial.value for trial in study.trials] == [0.4] * 4
    assert study.trials[0].intermediate_values == {1: 0.1, 2: 0.4, 3: 0.2}
    assert told == [0, 1, 2, 3]
    assert study.trials[2].user_attrs[FOLDER] == str(tmp_path / 'trial_002')


def test_every_trial_gets_its_values_and_folder(search):
    seen = []

    def look(job, report):
        seen.append((job.values['results_dir'], job.values['train']['optim']['lr']))
        report(0, 0.5)

    study, _ = search(look)
    assert [folder[-9:] for folder, _ in seen] == [f'trial_{k:03d}' for k in range(4)]
    assert [rate for _, rate in seen] == [trial.params['train.optim.lr'] for trial in study.trials]


def test_only_missing_trials_are_run(search):
    study, _ = search()
    _, told = search(study=study)
    assert told == []
    _, told = search(study=study, max_recommendations=6)
    assert told == [4, 5]


def test_values_that_cannot_be_trained_are_told(search):
    def diverge(job, report):
        raise HopelessTrialError('the loss is not finite')

    study, told = search(diverge)
    assert {trial.state.name for trial in study.trials} == {'PRUNED'}
    assert study.trials[0].user_attrs[REASON] == 'the loss is not finite'
    assert len(told) == 4


def test_metric_that_is_never_finite(search):
    study, told = search(lambda job, report: report(0, nan) or report(1, inf), metric='val_2DMPE')
    assert {trial.state.name for trial in study.trials} == {'PRUNED'}
    assert study.trials[0].user_attrs[REASON] == '2 values were measured, none is finite'
    assert len(told) == 4


def test_trials_that_cannot_be_trained_keep_no_checkpoints(search):
    def diverge(job, report):
        job.folder.results.mkdir(parents=True)
        (job.folder.results / 'model_epoch_000.pth').touch()
        raise HopelessTrialError('the loss is not finite')

    study, _ = search(diverge, delete_intermediate_ckpt=True)
    left = [Path(trial.user_attrs[FOLDER]).rglob('*.pth') for trial in study.trials]
    assert not [file for files in left for file in files]


def test_values_that_are_not_finite_do_not_count(search):
    def begin_late(job, report):
        assert not report(0, nan)
        report(1, 0.3)

    study, _ = search(begin_late)
    assert study.trials[0].intermediate_values == {2: 0.3}
    assert study.trials[0].value == 0.3


def test_folder_is_held_until_the_study_knows_the_result(search, monkeypatch):
    study = optuna.create_study(direction='maximize')
    ends = []

    @contextmanager
    def held(folder):
        assert FOLDER not in study.trials[-1].user_attrs
        yield
        ends.append(study.trials[-1].state.name)

    monkeypatch.setattr(TrialFolder, 'held', held)
    search(study=study)
    assert ends == ['COMPLETE'] * 4


def test_processes_choose_their_trials_one_after_the_other(search, tmp_path, monkeypatch):
    seen = []

    def is_free():
        with (tmp_path / 'turn.lock').open('ab') as turn:
            try:
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    @contextmanager
    def held(folder):
        seen.append(('choosing', is_free()))
        yield

    def train(job, report):
        seen.append(('training', is_free()))
        report(0, 0.5)

    monkeypatch.setattr(TrialFolder, 'held', held)
    search(train, max_recommendations=2)
    assert seen == [('choosing', False), ('training', True)] * 2
    assert is_free()


def test_failure_ends_the_search_and_its_place_is_filled_later(search):
    study = optuna.create_study(direction='maximize')

    def fail(job, report):
        raise TrainingError('no data')

    with raises(TrainingError, 'no data'):
        search(fail, study)
    search(study=study)
    assert [trial.state.name for trial in study.trials] == ['FAIL'] + ['COMPLETE'] * 4


def test_interruption_leaves_the_trial_running(search):
    study = optuna.create_study(direction='maximize')

    def stop(job, report):
        raise SystemExit(143)

    with pytest.raises(SystemExit):
        search(stop, study)
    assert study.trials[0].state.name == 'RUNNING'


def test_metric_that_is_never_measured(search):
    with raises(TrainingError, 'status.json', argument='metric', value='val_4D'):
        search(lambda job, report: None, metric='val_4D')


def test_weak_trials_are_stopped(search):
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=4, reduction_factor=2)
    study = optuna.create_study(study_name='weak', direction='maximize', pruner=pruner)
    search(study=study, max_recommendations=20, algorithm='hyperband')
    states = [trial.state.name for trial in study.trials]
    assert states.count('PRUNED') > 3
    assert study.best_trial.value == max(
        trial.value for trial in study.trials if trial.state.name == 'COMPLETE'
    )


@pytest.mark.parametrize(
    ('name', 'expected'),
    [('val_3DIoU', False), ('val_2DMPE', True), ('train_loss', True), ('val_ADD', True)],
)
def test_direction_by_name(name, expected):
    assert is_less_better(name) is expected


@pytest.fixture
def folder(tmp_path):
    folder = TrialFolder(tmp_path)
    folder.results.mkdir()
    names = ('model_epoch_000_step_00008', 'model_epoch_001_step_00016', 'model_best_000')
    for name in names:
        (folder.results / f'{name}.pth').touch()
    (folder.results / 'centerpose_model_latest.pth').symlink_to(f'{names[1]}.pth')
    (folder.results / 'status.json').touch()
    return folder


def test_last_and_best_checkpoint_stay(folder):
    remove_checkpoints(folder, keep_last=True)
    assert {file.name for file in folder.results.iterdir()} == {
        'model_epoch_001_step_00016.pth',
        'model_best_000.pth',
        'centerpose_model_latest.pth',
        'status.json',
    }


def test_no_checkpoint_of_a_stopped_trial_stays(folder):
    remove_checkpoints(folder, keep_last=False)
    assert [file.name for file in folder.results.iterdir()] == ['status.json']
