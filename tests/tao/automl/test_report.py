import io

import cv2
import optuna
import pytest
import yaml
from rich.console import Console

from cpose.errors import OutputError
from cpose.files.encryption_key import use_key
from cpose.tao.automl.report import build_table, plot_trials, write_best_spec
from cpose.tao.automl.search import REASON
from cpose.tao.automl.search_space import Parameter
from cpose.tao.automl.study import FOLDER

from ...user_errors import raises

PARAMETERS = [
    Parameter('train.optim.lr', 1e-4, 1e-1, is_log=True),
    Parameter('train.optim.lr_steps', options=([1], [1, 2])),
]


def searched(values):
    study = optuna.create_study(direction='maximize', study_name='mine')
    for number, value in enumerate(values):
        study.enqueue_trial({'train.optim.lr': 10.0 ** -(number + 1)})
        trial = study.ask()
        for parameter in PARAMETERS:
            parameter.suggest(trial)
        trial.set_user_attr(FOLDER, f'/x/trial_{number:03d}')
        if value is None:
            trial.set_user_attr(REASON, 'diverged')
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            trial.report(value, 3)
            study.tell(trial, value)
    return study


def test_table():
    console = Console(record=True, width=160, file=io.StringIO())
    console.print(build_table(searched([0.25, 0.75, None]), PARAMETERS, 'val_3DIoU'))
    lines = console.export_text().splitlines()
    assert 'mine: val_3DIoU by trial' in lines[0]
    rows = [line.split('│')[1:] for line in lines if '│' in line]
    first, second, third = ([cell.strip() for cell in row] for row in rows)
    assert first[:4] == ['0', 'complete', '0.25', '0.1']
    assert second[:4] == ['1 *', 'complete', '0.75', '0.01']
    assert second[5:7] == ['3', 'trial_001']
    assert third[:4] == ['2', 'untrainable', '-', '0.001']


def test_best_spec(tmp_path):
    study = searched([0.25, 0.75])
    values = {'dataset': {'train_data': 'x'}, 'train': {'seed': 1}}
    best = write_best_spec(tmp_path / 'best.yaml', study, PARAMETERS, values)
    written = yaml.safe_load((tmp_path / 'best.yaml').read_text())
    assert best['train.optim.lr'] == 0.01
    assert written['train']['optim']['lr'] == 0.01
    assert written['train']['optim']['lr_steps'] == best['train.optim.lr_steps']
    assert written['dataset'] == {'train_data': 'x'}


def test_best_spec_says_that_the_key_is_missing(tmp_path):
    with use_key('secret'):
        write_best_spec(tmp_path / 'best.yaml', searched([0.5]), PARAMETERS, {})
    text = (tmp_path / 'best.yaml').read_text()
    assert text.startswith('# The encryption key is not written here.')
    assert 'secret' not in text


def test_no_best_without_a_complete_trial(tmp_path):
    assert write_best_spec(tmp_path / 'best.yaml', searched([None]), PARAMETERS, {}) is None
    assert not (tmp_path / 'best.yaml').exists()


@pytest.mark.slow
@pytest.mark.parametrize('values', [[], [None], [0.5], [0.25, None, 0.75]])
def test_picture(tmp_path, values):
    plot_trials(tmp_path / 'trials.png', searched(values), PARAMETERS, 'val_3DIoU')
    image = cv2.imread(str(tmp_path / 'trials.png'))
    assert image.shape == (350, 1200, 3)
    assert image.std() > 5
    assert [file.name for file in tmp_path.iterdir()] == ['trials.png']


def test_picture_that_cannot_be_written(tmp_path):
    (tmp_path / 'none').touch()
    with raises(OutputError, path=tmp_path / 'none/trials.png'):
        plot_trials(tmp_path / 'none/trials.png', searched([0.5]), PARAMETERS, 'val_3DIoU')
