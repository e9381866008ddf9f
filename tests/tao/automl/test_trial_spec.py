import tarfile

import pytest
import yaml

from cpose.error_places import NO_VALUE
from cpose.errors import ConfigError
from cpose.tao.automl.trials import (
    compared_settings,
    load_search_spec,
    search_folder,
    trial_base,
    with_values,
)

from ...user_errors import raises
from .search_tools import SPEC, write_spec


def test_what_trials_share(tmp_path):
    text = SPEC + 'encryption_key: secret\nmodel_name: ${{dataset.category}}\n'
    file = write_spec(tmp_path, text.replace('train:', 'train:\n  results_dir: other'))
    spec, values = load_search_spec(file, ['train.seed=5', 'dataset.category=cup'])
    assert search_folder(spec) == tmp_path / 'results/automl'
    assert values['model_name'] == 'cup'
    assert 'secret' not in yaml.safe_dump(values)
    base = trial_base(spec, values, tmp_path)
    assert 'automl' not in base
    assert base['train'] == {
        'num_epochs': 4,
        'seed': 5,
        'optim': {'lr': 0.001, 'lr_steps': [2]},
    }
    assert values['train']['results_dir'] == 'other'


def test_epochs_of_trials(tmp_path):
    spec, values = load_search_spec(write_spec(tmp_path), ['automl.max_epochs=9'])
    assert trial_base(spec, values, tmp_path)['train']['num_epochs'] == 9
    assert values['train']['num_epochs'] == 4


def test_archives_are_extracted_once(tmp_path):
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images/a.png').touch()
    with tarfile.open(tmp_path / 'images.tar.gz', 'w:gz') as archive:
        archive.add(tmp_path / 'images', 'images')
    words = [f'dataset.train_data={tmp_path}/images.tar.gz']
    spec, values = load_search_spec(write_spec(tmp_path), words)
    base = trial_base(spec, values, tmp_path / 'results')
    assert base['dataset']['train_data'].startswith(str(tmp_path / 'results/data'))
    assert base['dataset']['val_data'] == str(tmp_path / 'data')


def test_gpus_of_the_command_line_stand_alone(tmp_path):
    text = SPEC.replace('train:', 'train:\n  num_gpus: 2\n  gpu_ids: [0, 1]')
    spec, values = load_search_spec(write_spec(tmp_path, text), ['train.num_gpus=1'])
    assert spec.values.train.gpu_ids == [0]
    assert 'gpu_ids' not in values['train']


def test_values_of_a_trial_do_not_reach_the_base():
    base = {'train': {'optim': {'lr': 1}}, 'model': None}
    values = with_values(base, {'train.optim.lr': 2, 'model.backbone.model_type': 'DLA34'})
    assert values == {
        'train': {'optim': {'lr': 2}},
        'model': {'backbone': {'model_type': 'DLA34'}},
    }
    assert base == {'train': {'optim': {'lr': 1}}, 'model': None}


def test_what_makes_trials_comparable():
    base = {
        'results_dir': 'here',
        'train': {'num_epochs': 4, 'num_gpus': 2, 'optim': {'lr': 1}, 'pretrained_model_path': 'x'},
        'dataset': {'train_data': 'a', 'workers': 3, 'category': 'cup'},
    }
    assert compared_settings(base, {'train.optim.lr': '1 to 2'}) == {
        'train.num_epochs': '4',
        'train.optim.lr': '1 to 2',
        'dataset.category': "'cup'",
    }


UNUSABLE = {
    'results_dir=': ('results_dir', '', 'automl'),
    'dataset.val_data=': ('dataset.val_data', '', "automl.metric='val_3DIoU'"),
    'dataset.train_data=': ('dataset.train_data', NO_VALUE, 'required by train'),
    'train.resume_training_checkpoint_path=a.pth': (
        'train.resume_training_checkpoint_path',
        'a.pth',
        'searched',
    ),
    'train.is_dry_run=true': ('train.is_dry_run', True, 'searched'),
    'automl.max_recommendations=0': ('automl.max_recommendations', 0, 'from 1'),
    'automl.trials=3': ('automl.trials', NO_VALUE, 'no key'),
}


@pytest.mark.parametrize('word', UNUSABLE)
def test_spec_that_cannot_be_searched(tmp_path, word):
    key, value, problem = UNUSABLE[word]
    with raises(ConfigError, problem, spec_key=key, where='Command line', value=value):
        load_search_spec(write_spec(tmp_path), [word])
