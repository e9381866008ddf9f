"""Names of code in data of others: only registered ones pass, and nothing is imported for them."""

import json
import sys

import pytest

from cpose.apis.config.load import load_config
from cpose.checkpoints.stored_config import CONFIG_KEY, config_from_checkpoint, config_to_json
from cpose.errors import CheckpointError
from cpose.type_gate import find_foreign, passes

from .user_errors import raises


@pytest.mark.parametrize(
    'name',
    [
        *('os.system', 'os', 'subprocess', 'mmengine', 'mmengine.rmtree', 'mmengine.put_text'),
        *('mmcv.imwrite', 'mmengine.utils.import_modules_from_strings', 'evil.Runner', '.os', ''),
        *('builtins.exec', 'cpose.cli.main', 'torch.nn.ReLU', 'a b'),
    ],
)
def test_what_does_not_pass(name):
    assert not passes(name)


@pytest.mark.parametrize(
    'name',
    [
        *('CenterPose', 'cpose.CenterPose', 'mmengine.Visualizer', 'mmcv.LoadImageFromFile'),
        *('AdamW', 'pseudo_collate', 'NoSuchThingAnywhere'),
    ],
)
def test_what_passes(name):
    """What is nowhere registered, and no module, is an error of the builder."""
    assert passes(name)


def test_nothing_is_imported(tmp_path, monkeypatch):
    """A module in the working directory is not run because a file has its name."""
    (tmp_path / 'evil_module').mkdir()
    for file in ('evil_module.py', 'evil_module/registry.py'):
        (tmp_path / file).write_text('raise SystemExit("run")')
    monkeypatch.syspath_prepend(tmp_path)
    for name in ('evil_module', 'evil_module.X'):
        for key in ('type', 'ema_type', 'constructor', 'collate_fn', 'worker_init_fn'):
            assert list(find_foreign([{'a': {key: name}}])) == [(f'[0].a.{key}', name)]
    for key in ('_scope_', 'default_scope', 'scope'):
        assert list(find_foreign({key: 'evil_module'})) == [(key, 'evil_module')]
    assert 'evil_module' not in sys.modules


@pytest.mark.parametrize(
    'content',
    [
        {'optim_wrapper': {'constructor': 'os.system', 'optimizer': {'type': 'SGD'}}},
        {'default_scope': 'evil'},
        {'model': {'type': 'CenterPose', '_scope_': 'evil'}},
        {'hooks': [[{'type': 'mmengine.rmtree', 'dir_path': '/'}]]},
        {'train_dataloader': {'collate_fn': {'type': 'os.system', 'command': 'x'}}},
    ],
)
def test_configs_in_model_files(content):
    stored = {'meta': {CONFIG_KEY: json.dumps(content)}}
    with raises(CheckpointError, 'only registered names'):
        config_from_checkpoint(stored)
    assert config_from_checkpoint(stored, allow_custom_imports=True)


def test_what_acts_on_the_machine_is_left_out():
    """The types are known, but a runner, a library or an address of a server is not theirs."""
    backends = [{'type': 'MLflowVisBackend', 'tracking_uri': 'x'}, {'type': 'LocalVisBackend'}]
    content = {
        'runner_type': 'FlexibleRunner',
        'compile': {'options': {'cpp.cxx': ['sh', '-c', 'touch made']}},
        'runtime': {'type': 'OnnxRuntime', 'providers': [['X', {'trt_extra_plugin_lib_paths': 1}]]},
        'visualizer': {'type': 'PoseVisualizer', 'vis_backends': backends},
    }
    stored = {'meta': {CONFIG_KEY: json.dumps(content)}}
    assert config_from_checkpoint(stored).to_dict() == {
        'runtime': {'type': 'OnnxRuntime'},
        'visualizer': {'type': 'PoseVisualizer', 'vis_backends': [{'type': 'LocalVisBackend'}]},
    }
    assert config_from_checkpoint(stored, allow_custom_imports=True).runner_type


@pytest.mark.parametrize('name', ['dla34_bike', 'fan_small_cup', 'quickstart'])
def test_shipped_configs_pass(name):
    stored = {'meta': {CONFIG_KEY: config_to_json(load_config(name))}}
    assert config_from_checkpoint(stored).model.type == 'CenterPose'
