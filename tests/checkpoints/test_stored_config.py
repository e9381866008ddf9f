import json
from functools import partial

import numpy as np
import pytest
import torch
from mmengine.config import Config

from cpose.checkpoints.checkpoint_file import save_checkpoint_atomic
from cpose.checkpoints.stored_config import (
    CONFIG_KEY,
    config_from_checkpoint,
    config_from_json,
    config_to_json,
    without_pretrained,
)
from cpose.errors import CheckpointError

from ..user_errors import raises


def stored(content):
    return {'meta': {CONFIG_KEY: json.dumps(content)}}


def test_round_trip_through_a_file(tmp_path):
    config = Config({'model': {'type': 'A', 'sizes': (1, 2)}, 'scale': np.float32(0.5)})
    file = tmp_path / 'a.pth'
    content = {'meta': {CONFIG_KEY: config_to_json(config)}, 'state_dict': {'w': torch.ones(1)}}
    save_checkpoint_atomic(file, content)
    assert config_from_checkpoint(file).to_dict() == {
        'model': {'type': 'A', 'sizes': [1, 2]},
        'scale': 0.5,
    }


def test_classes_are_named():
    text = config_to_json(Config({'hook': {'type': Config}}))
    assert json.loads(text) == {'hook': {'type': 'mmengine.config.config.Config'}}


def test_what_has_no_name_is_text():
    text = config_to_json(Config({'rule': partial(max, 0)}))
    assert 'partial' in json.loads(text)['rule']


def test_keys_of_the_run_and_downloads_are_left_out():
    model = {'type': 'A', 'backbone': {'type': 'B', 'pretrained': True, 'pretrained_path': 'x'}}
    content = {'work_dir': 'w', 'load_from': 'l', 'resume': True, 'launcher': 'pytorch'}
    config = config_from_checkpoint(stored({**content, 'model': model}))
    assert config.to_dict() == {'model': {'type': 'A', 'backbone': {'type': 'B'}}}


@pytest.mark.parametrize('text', ['{', '[' * 100_000, f'{{"a": {"1" * 5000}}}'])
def test_config_that_is_no_json(text):
    with raises(CheckpointError, path='a.pth'):
        config_from_json(text, 'a.pth')


def test_config_that_is_no_object():
    with raises(CheckpointError):
        config_from_checkpoint(stored(['work_dir']))


def test_places_to_write_to_are_left_out_everywhere():
    content = {
        'work_dir': 'w',
        'test_evaluator': {'type': 'M', 'dump_file': 'f', 'collect_dir': 'd', 'scale': 2},
        'visualizer': {'vis_backends': [{'type': 'B', 'save_dir': 's', 'img_save_dir': 'i'}]},
        'custom_hooks': [{'type': 'H', 'out_dir': 'o', 'trace': {'json_trace_path': 'p'}}],
    }
    config = config_from_checkpoint(stored(content), allow_custom_imports=True)
    assert config.to_dict() == {
        'test_evaluator': {'type': 'M', 'scale': 2},
        'visualizer': {'vis_backends': [{'type': 'B'}]},
        'custom_hooks': [{'type': 'H', 'trace': {}}],
    }


def test_without_pretrained_changes_nothing_in_place():
    model = {'parts': [{'init_cfg': {'type': 'Pretrained'}, 'depth': 2}]}
    assert without_pretrained(model) == {'parts': [{'depth': 2}]}
    assert 'init_cfg' in model['parts'][0]


@pytest.mark.parametrize('imports', [['evil'], 'evil.part', {'imports': ['cpose.errors', 'evil']}])
def test_foreign_imports_are_refused(imports):
    content = stored({'custom_imports': imports})
    with raises(CheckpointError, 'evil'):
        config_from_checkpoint(content)
    assert config_from_checkpoint(content, allow_custom_imports=True).custom_imports == imports


def test_own_imports_are_accepted():
    content = stored({'custom_imports': ['cpose.models.necks']})
    assert config_from_checkpoint(content).custom_imports


@pytest.mark.parametrize(
    'content',
    [
        {'model': {'type': 'os.system', 'command': 'touch x'}},
        {'val_evaluator': [{'type': 'subprocess.Popen', 'args': 'x'}]},
        {'runner_type': 'evil.Runner'},
        {'custom_hooks': [{'type': 'EMAHook', 'ema_type': 'builtins.exec'}]},
        {'model': {'type': 'mmengine.utils.import_modules_from_strings'}},
    ],
)
def test_calls_of_unregistered_names_are_refused(content):
    with raises(CheckpointError):
        config_from_checkpoint(stored(content))


def test_registered_names_with_scope_are_accepted():
    config = config_from_checkpoint(stored({'visualizer': {'type': 'mmengine.Visualizer'}}))
    assert config.visualizer.type == 'mmengine.Visualizer'


@pytest.mark.parametrize('content', [{}, {'meta': {'epoch': 1}}, {'meta': None}])
def test_no_config(content):
    with raises(CheckpointError, argument='checkpoint'):
        config_from_checkpoint(content)


def test_python_text_is_not_executed(tmp_path):
    trace = tmp_path / 'executed'
    text = f'open({str(trace)!r}, "w")'
    with raises(CheckpointError):
        config_from_checkpoint({'meta': {CONFIG_KEY: text}})
    assert not trace.exists()
