from pathlib import Path

import optuna
import pytest

from cpose.errors import ConfigError
from cpose.tao.automl.study import (
    ATTEMPT,
    BEGUN_IN,
    FOLDER,
    MOST_ATTEMPTS,
    best_trial,
    finished_trials,
    missing_trials,
    open_storage,
    open_study,
    repeat_trial,
    storage_url,
    take_up_left_trials,
    trial_folder,
)
from cpose.tao.automl.trials import TrialFolder

from ...user_errors import raises

SETTINGS = {'train.optim.lr': '0.1 to 1, log', 'automl.metric': 'val_3DIoU'}


@pytest.fixture
def opened(tmp_path):
    """Return a function that opens the study as a new process would."""

    def open_it(settings=SETTINGS):
        storage = open_storage(storage_url('', tmp_path), repeat_trial)
        return open_study(storage, 'name', 'maximize', optuna.pruners.NopPruner(), settings)

    return open_it


@pytest.mark.slow
def test_opened_again(opened):
    study = opened()
    trial = study.ask()
    trial.suggest_float('x', 0, 1)
    study.tell(trial, 0.5)
    again = opened()
    assert best_trial(again).value == 0.5
    assert len(finished_trials(again)) == 1
    assert missing_trials(again, 3) == 2


def test_nothing_finished(opened):
    assert best_trial(opened()) is None


def test_other_settings_are_refused(opened):
    opened()
    other = {'train.optim.lr': '0.2 to 1, log', 'automl.metric': 'val_3DIoU', 'train.seed': '7'}
    with raises(ConfigError, argument='study_name', value='name') as caught:
        opened(other)
    assert 'train.optim.lr: stored 0.1 to 1, log, now 0.2 to 1, log' in caught.value.problem
    assert 'train.seed: stored nothing, now 7' in caught.value.problem
    assert 'automl.metric' not in caught.value.problem


def begin(study, folder):
    trial = study.ask()
    trial.set_user_attr(FOLDER, str(folder))
    trial.suggest_float('x', 0, 1)
    return trial


def test_left_trial_is_taken_up_in_its_folder(opened, tmp_path):
    study = opened()
    folder = TrialFolder(tmp_path / 'trial_000')
    trial = begin(study, folder.path)
    with folder.held():
        pass
    take_up_left_trials(study)
    assert study.trials[0].state.name == 'FAIL'
    again = study.ask()
    assert again.suggest_float('x', 0, 1) == trial.params['x']
    assert again.user_attrs == {BEGUN_IN: str(folder.path), ATTEMPT: 2}
    assert trial_folder(tmp_path, again) == folder
    take_up_left_trials(study)
    assert study.trials[1].state.name == 'RUNNING'  # it starts, and does not hold its folder yet
    assert missing_trials(study, 3) == 2


def test_trial_that_dies_before_it_holds_its_folder_keeps_it(opened, tmp_path):
    study = opened()
    begin(study, tmp_path / 'trial_000')
    repeat_trial(study, study.trials[0])
    study.ask()
    repeat_trial(study, study.trials[1])
    assert study.ask().user_attrs == {BEGUN_IN: str(tmp_path / 'trial_000'), ATTEMPT: 3}


def test_trial_elsewhere_is_left_alone(opened, tmp_path):
    study = opened()
    begin(study, tmp_path / 'on another machine')
    study.ask()
    take_up_left_trials(study)
    assert [trial.state.name for trial in study.trials] == ['RUNNING', 'RUNNING']
    assert missing_trials(study, 3) == 1


def test_trial_that_kills_its_process_is_given_up(opened, tmp_path):
    study = opened()
    folder = TrialFolder(tmp_path / 'trial_000')
    with folder.held():
        pass
    for _ in range(MOST_ATTEMPTS):
        trial = study.ask()
        trial.set_user_attr(FOLDER, str(folder.path))
        take_up_left_trials(study)
    assert [trial.state.name for trial in study.trials] == ['FAIL'] * MOST_ATTEMPTS


def test_new_trial_has_its_own_folder(opened, tmp_path):
    study = opened()
    study.ask()
    assert trial_folder(tmp_path, study.ask()) == TrialFolder(Path(tmp_path / 'trial_001'))


def test_trial_of_another_machine_gets_a_folder_here(opened, tmp_path):
    study = opened()
    begin(study, tmp_path / 'on another machine')
    repeat_trial(study, study.trials[0])
    assert trial_folder(tmp_path, study.ask()) == TrialFolder(tmp_path / 'trial_001')
