from functools import partial

import pytest

from cpose.cli.main import main
from cpose.tao.tasks import automl

SPEC = """
results_dir: results
dataset: {train_data: data, val_data: data}
train: {num_epochs: 2, optim: {lr: 0.001, lr_steps: [1]}}
automl: {max_recommendations: 3}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data').mkdir()
    (tmp_path / 'spec.yaml').write_text(SPEC)
    return tmp_path


def measure(job, report):
    report(0, job.values['train']['optim']['lr'])


@pytest.mark.slow
def test_search_is_printed(folder, monkeypatch, capsys):
    monkeypatch.setattr(automl, 'run_automl', partial(automl.run_automl, run_trial=measure))
    assert main(['tao', 'automl', '-e', 'spec.yaml']) == 0
    out = capsys.readouterr().out
    assert 'Trial 2 complete, 3 of 3. val_3DIoU=' in out
    assert 'automl: val_3DIoU by trial' in out
    assert 'Best: train.optim.lr=' in out
    assert 'results/automl/best_spec.yaml' in out
    assert (folder / 'results/automl/trials.png').is_file()


MISTAKES = {
    ('automl.algorithm=pbt',): ['Command line', "automl.algorithm='pbt'", 'Allowed: bayesian'],
    ('automl.max_recommendations=0',): ['max_recommendations=0', 'a whole number from 1'],
    ('automl.hyperparameters=[train.optim.momentum]',): [
        'train.optim.momentum',
        'Known: lr, lr_decay',
    ],
    ('automl.storage=nothing',): [
        "automl.storage='nothing'",
        'cannot be opened',
        'a URL of SQLAlchemy',
    ],
    ('automl.range_override=[{parameter: train.optim.lr, valid_min: 1, valid_max: 0.1}]',): [
        'valid_min=1.0 is not below valid_max=0.1'
    ],
}


@pytest.mark.parametrize('words', MISTAKES)
def test_mistakes_end_with_code_2(folder, capsys, words):
    assert main(['tao', 'automl', '-e', 'spec.yaml', *words]) == 2
    error = capsys.readouterr().err
    for text in MISTAKES[words]:
        assert text in error
    assert 'Traceback' not in error


def test_missing_spec(folder, capsys):
    assert main(['tao', 'automl', '-e', 'none.yaml']) == 2
    assert 'none.yaml cannot be read' in capsys.readouterr().err
