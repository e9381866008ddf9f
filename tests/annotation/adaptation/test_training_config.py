"""The config of an adaptation: what judges, and names of classes and files as they are."""

import os

import pytest

from cpose.annotation.adaptation.training_config import (
    AdaptRecipe,
    Photographs,
    build_overlay,
    write_overlay,
)
from cpose.apis.config.load import load_config
from cpose.errors import ConfigError

from ...user_errors import raises

NAMES = ('{{$SECRET:x}}', '{{ fileBasename }}', '{{_base_.work_dir}}', "women's", '"""', 'a\\')
PHOTOGRAPHS = Photographs(
    'photos/train',
    'photos/val',
    6,
    {'category': 'box', 'symmetry': {'type': 'CuboidSymmetry'}, 'eval_num_symmetry': 1},
)
UNJUDGED = '{0}_dataloader = None\n{0}_evaluator = None\n{0}_cfg = None\n'


def overlay_on(folder, *unjudged):
    """Return the config of an adaptation of a model that was trained without some loops."""
    text = "_base_ = 'cpose::centerpose/quickstart.py'\n"
    (folder / 'base.py').write_text(text + ''.join(map(UNJUDGED.format, unjudged)))
    base = load_config(folder / 'base.py')
    overlay = build_overlay(base, './base.py', 'a.pth', PHOTOGRAPHS, AdaptRecipe(side=64))
    write_overlay(folder / 'adapt.py', overlay, 'a', 6)
    return load_config(folder / 'adapt.py')


@pytest.mark.parametrize('unjudged', [(), ('val',), ('test',)], ids=str)
def test_models_without_validation_are_judged_all_the_same(tmp_path, unjudged):
    config = overlay_on(tmp_path, *unjudged)
    for name in ('val', 'test'):
        dataset = config[f'{name}_dataloader'].dataset
        assert (dataset.type, dataset.data_root) == ('CenterPoseDataset', 'photos/val')
        assert dataset.input_wh == (64, 64)
        assert '_delete_' not in dataset
        assert config[f'{name}_evaluator'].type == 'ObjectronMetric'
        assert config[f'{name}_cfg'] == {}


def test_models_without_anything_to_be_judged_by(tmp_path):
    with raises(ConfigError, 'test_dataloader', argument='model'):
        overlay_on(tmp_path, 'val', 'test')


@pytest.mark.parametrize('name', NAMES)
def test_names_stay_what_they_are(tmp_path, monkeypatch, caplog, name):
    monkeypatch.setenv('SECRET', 'geheim')
    classes = {name: name, "x': open('code', 'w'), 'y": 'z'}
    overlay = {'_base_': 'cpose::centerpose/quickstart.py', 'note': {'classes': classes}}
    monkeypatch.chdir(tmp_path)
    write_overlay(tmp_path / 'adapt.py', overlay, f'{name}\n"""\nopen("code", "w")\n"""', 3)
    assert load_config('adapt.py').note.classes.to_dict() == classes
    assert 'geheim' not in caplog.text
    assert not os.path.exists('code')
