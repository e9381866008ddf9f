"""The config of an adaptation takes names of classes and files as they are."""

import os

import pytest

from cpose.annotation.adaptation.training_config import write_overlay
from cpose.apis.config.load import load_config

NAMES = ('{{$SECRET:x}}', '{{ fileBasename }}', '{{_base_.work_dir}}', "women's", '"""', 'a\\')


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
