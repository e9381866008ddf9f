import json
import sys

import pytest

from cpose.apis.runtime_files import (
    config_from_file,
    find_runtime,
    is_runtime_file,
    runtime_model,
)
from cpose.deploy.model_metadata import write_engine_sidecar
from cpose.errors import CheckpointError, ConfigError
from cpose.registry import RUNTIMES

from ..deploy.small_models import small_metadata
from ..user_errors import raises
from .inference_scenes import tiny_config

OWN_RUNTIME = """
from cpose.deploy.runtimes.base import Runtime
from cpose.registry import RUNTIMES


@RUNTIMES.register_module()
class OwnRuntime(Runtime):
    suffixes = ('.own', '.onnx')
"""


@pytest.fixture
def own_runtime(tmp_path, monkeypatch):
    (tmp_path / 'own_runtime.py').write_text(OWN_RUNTIME)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield {'custom_imports': {'imports': ['own_runtime']}}
    RUNTIMES.module_dict.pop('OwnRuntime', None)
    sys.modules.pop('own_runtime', None)


@pytest.mark.parametrize(
    ('name', 'runtime'),
    [
        ('a.onnx', 'OnnxRuntime'),
        ('a.ONNX', 'OnnxRuntime'),
        ('a.engine', 'TensorRTRuntime'),
        ('a.plan', 'TensorRTRuntime'),
        ('b.v2.trt', 'TensorRTRuntime'),
        ('a.pth', None),
        ('best', None),
        ('a.onnx.pth', None),
    ],
)
def test_runtime_by_ending(name, runtime):
    found = find_runtime(tiny_config(), name)
    assert found == (runtime and {'type': runtime})
    assert is_runtime_file(name) == (runtime is not None)


def test_settings_of_the_runtime():
    config = tiny_config(runtime={'providers': ['CPUExecutionProvider']})
    expected = {'type': 'OnnxRuntime', 'providers': ['CPUExecutionProvider']}
    assert find_runtime(config, 'a.onnx') == expected
    for chosen, device in ((None, 'cpu'), ('cuda:1', 'cuda:1')):
        model = runtime_model(config, 'a.onnx', {**expected, 'device': 'cpu'}, chosen)
        assert model['runtime']['device'] == device
    assert find_runtime(tiny_config(runtime={'type': 'TorchRuntime'}), 'a.pth') is None


@pytest.mark.parametrize(
    ('runtime', 'name', 'problem'),
    [
        ({'type': 'OnnxRuntime'}, 'a.pth', 'a.pth: OnnxRuntime opens .onnx'),
        ({'type': 'TensorRTRuntime'}, 'a.onnx', 'TensorRTRuntime opens .engine, .plan, .trt'),
        ({'type': 'TorchRuntime'}, 'a.onnx', 'TorchRuntime'),
        ({'providers': []}, 'a.pth', 'TorchRuntime'),
    ],
)
def test_runtime_that_does_not_fit(runtime, name, problem):
    with raises(ConfigError, problem, key='runtime'):
        find_runtime(tiny_config(runtime=runtime), name)


def test_own_runtime(own_runtime):
    config = tiny_config(**own_runtime)
    assert find_runtime(config, 'a.own') == {'type': 'OwnRuntime'}
    assert find_runtime(config, 'a.onnx') == {'type': 'OnnxRuntime'}
    chosen = tiny_config(**own_runtime, runtime={'type': 'OwnRuntime'})
    assert find_runtime(chosen, 'a.onnx') == {'type': 'OwnRuntime'}


def test_model_config():
    config = tiny_config()
    model = runtime_model(config, 'a.onnx', {'type': 'OnnxRuntime'}, 'cpu')
    assert model == {
        'type': 'RuntimePose',
        'runtime': {'type': 'OnnxRuntime', 'path': 'a.onnx', 'device': 'cpu'},
        'input_wh': (64, 64),
        'data_preprocessor': config.model.data_preprocessor,
        'head': config.model.head,
    }


def write_engine(path, config, **changes):
    path.write_bytes(b'')
    profile = {'min': 1, 'opt': 1, 'max': 1}
    write_engine_sidecar(path, small_metadata(config, **changes), profile, flavor='rtx')
    return path


def test_config_of_a_file_has_its_input_size(tmp_path):
    config = json.loads(json.dumps(tiny_config().to_dict()))
    path = write_engine(tmp_path / 'a.engine', config, input_wh=(96, 32))
    found = config_from_file(path)
    assert found.test_dataloader.dataset.input_wh == [96, 32]
    assert found.model.head.head_conv == 32
    bare = config_from_file(write_engine(tmp_path / 'b.engine', {'model': {}}))
    assert bare.test_dataloader.dataset.input_wh == [64, 64]


def test_config_of_a_file_runs_nothing(tmp_path):
    config = {'custom_imports': {'imports': ['evil']}, 'model': {}}
    path = write_engine(tmp_path / 'a.engine', config)
    with raises(CheckpointError, 'evil'):
        config_from_file(path)
    assert config_from_file(path, allow_custom_imports=True).custom_imports.imports == ['evil']
    called = write_engine(tmp_path / 'b.engine', {'model': {'type': 'os.system'}})
    with raises(CheckpointError, 'os.system'):
        config_from_file(called)
