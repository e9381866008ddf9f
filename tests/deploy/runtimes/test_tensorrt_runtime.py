"""Engines, with a recorded stand-in for TensorRT: only the test marked ``gpu`` runs a real one."""

import ctypes
import sys
from contextlib import nullcontext
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from cpose.apis.export.engine_building import EngineRequest, build_engine_file
from cpose.deploy.engines.flavors import MODULES, load_flavor
from cpose.deploy.model_metadata import write_engine_sidecar
from cpose.deploy.onnx.row_matching import differences, match_rows
from cpose.deploy.runtimes import tensorrt_runtime
from cpose.deploy.runtimes.onnx_runtime import OnnxRuntime
from cpose.deploy.runtimes.tensorrt_runtime import TensorRTRuntime, choose_gpu
from cpose.errors import CheckpointError, ConfigError, MissingDependencyError

from ...user_errors import raises
from ..contract import OUTPUT_SIZES
from ..engines.fake_tensorrt import NULL_ERROR, make_module
from ..small_models import small_metadata

OWN, CURRENT = 4711, 7
ROWS = 5
NAMES = ('input', *OUTPUT_SIZES)


class Stream:
    """Record what waits for what."""

    def __init__(self, log, handle):
        self.log, self.cuda_stream = log, handle

    def wait_stream(self, other):
        self.log.append(('wait', self.cuda_stream, other.cuda_stream))


class Context:
    """Write the number of the image into all outputs, at the addresses that it was told."""

    def __init__(self, log):
        self.log, self.addresses, self.succeeds = log, {}, True

    def set_input_shape(self, name, shape):
        self.log.append(('shape', name, shape))
        self.batch = shape[0]
        self.count = int(np.prod(shape))

    def get_tensor_shape(self, name):
        return [self.batch, ROWS, OUTPUT_SIZES[name]]

    def set_tensor_address(self, name, address):
        self.log.append(('address', name))
        self.addresses[name] = address

    def execute_async_v3(self, stream):
        self.log.append(('execute', stream))
        images = self._array('input', self.count).reshape(self.batch, -1)
        for name, size in OUTPUT_SIZES.items():
            values = self._array(name, self.batch * ROWS * size).reshape(self.batch, -1)
            values[:] = images[:, :1]
        return self.succeeds

    def _array(self, name, count):
        return np.ctypeslib.as_array((ctypes.c_float * count).from_address(self.addresses[name]))


class Engine:
    """Tensors of a cpose model; batches of 1 to 8 images, or of a fixed number."""

    def __init__(self, log, names=NAMES, kind='float32', batch=-1):
        self.names, self.kind, self.batch = names, kind, batch
        self.num_io_tensors = len(names)
        self.context = Context(log)

    def get_tensor_name(self, number):
        return self.names[number]

    def get_tensor_dtype(self, name):
        return self.kind

    def get_tensor_shape(self, name):
        return (self.batch, 3, 64, 64)

    def get_tensor_profile_shape(self, name, profile):
        assert (name, profile) == ('input', 0)
        return [(count, 3, 64, 64) for count in (2, 4, 8)]

    def create_execution_context(self):
        return self.context


@pytest.fixture
def log():
    return []


@pytest.fixture
def engine(log):
    return Engine(log)


@pytest.fixture
def open_engine(engine, log, tmp_path, monkeypatch):
    """Return a function that opens a file whose engine is the stand-in."""

    class Deserializer:
        def __init__(self, told):
            self.told = told
            if module.engine is NULL_ERROR:
                raise TypeError(NULL_ERROR)

        def deserialize_cuda_engine(self, content):
            log.append(('deserialize', content))
            if module.engine is None:
                self.told.log('Severity.ERROR', 'Version tag does not match.')
            return module.engine

    module = make_module(Runtime=Deserializer, engine=engine, float32='float32')
    monkeypatch.setattr(tensorrt_runtime, 'choose_gpu', lambda path, device: torch.device('cpu'))
    monkeypatch.setattr(tensorrt_runtime, 'on_gpu', lambda device: nullcontext())
    monkeypatch.setattr(tensorrt_runtime, 'new_stream', lambda device: Stream(log, OWN))
    monkeypatch.setattr(tensorrt_runtime, 'current_stream', lambda device: Stream(log, CURRENT))
    monkeypatch.setattr(tensorrt_runtime, 'gpu_name', lambda device: 'Some GPU, 8.9')

    def call(flavor='tensorrt', package='tensorrt', **changes):
        vars(module).update(changes)
        module.__name__ = package
        monkeypatch.setitem(sys.modules, package, module)
        return TensorRTRuntime(write_engine(tmp_path / 'a.engine', flavor))

    return call


def write_engine(path, flavor='tensorrt'):
    path.write_bytes(b'serialised')
    build = {'flavor': flavor, 'version': '10.4', 'compute_capability': '8.6'}
    profile = {'min': 2, 'opt': 4, 'max': 8}
    write_engine_sidecar(path, small_metadata(precision='fp16'), profile, **build)
    return path


def images(count):
    return torch.arange(1.0, count + 1)[:, None, None, None].expand(count, 3, 64, 64)


@pytest.mark.parametrize(('flavor', 'package'), [('tensorrt', 'tensorrt'), ('rtx', 'tensorrt_rtx')])
def test_run(open_engine, log, flavor, package):
    runtime = open_engine(flavor, package)
    assert log == [('deserialize', b'serialised')]
    found = runtime(images(3))
    assert log[1] == ('shape', 'input', (3, 3, 64, 64))
    assert log[2:-3] == [('address', name) for name in NAMES]
    assert log[-3:] == [('wait', OWN, CURRENT), ('execute', OWN), ('wait', CURRENT, OWN)]
    assert list(found) == list(OUTPUT_SIZES)
    for name, size in OUTPUT_SIZES.items():
        assert found[name].shape == (3, ROWS, size)
        assert found[name].dtype == torch.float32
        assert (found[name] == torch.tensor([1.0, 2.0, 3.0])[:, None, None]).all()
    name = f'{package} 10.9.0, cpu, batches of 2 to 8, fp16'
    assert runtime.describe() == f'{name}: {runtime.path}'


def test_second_run_does_not_write_into_the_first_result(open_engine):
    runtime = open_engine()
    first = runtime(images(2))
    runtime(images(3) + 10)
    assert first['scores'][:, 0, 0].tolist() == [1, 2]


def test_batches(open_engine, log):
    runtime = open_engine()
    assert runtime(images(1))['scores'].shape == (1, ROWS, 1)
    assert ('shape', 'input', (2, 3, 64, 64)) in log
    with raises(ConfigError, '2 to 8', argument='batch_size', value=9):
        runtime(images(9))
    assert ('shape', 'input', (9, 3, 64, 64)) not in log


def test_fixed_batch(open_engine, log):
    assert open_engine(engine=Engine(log, batch=4)).batch_limits == (4, 4)


def test_a_gpu_without_room(open_engine, engine):
    engine.context = None
    with raises(CheckpointError, 'Some GPU, 8.9'):
        open_engine()


def test_failed_run(open_engine, engine):
    runtime = open_engine()
    engine.context.succeeds = False
    with pytest.raises(RuntimeError, match=r'could not run .*a\.engine'):
        runtime(images(2))


def test_engine_of_another_gpu(open_engine):
    with raises(CheckpointError, 'Version tag does not'):
        open_engine(engine=None)


def test_a_package_that_does_not_start(open_engine):
    with raises(ConfigError, 'Runtime'):
        open_engine(engine=NULL_ERROR)


@pytest.mark.parametrize(
    ('changes', 'says'),
    [({'names': ('input', 'boxes')}, 'input (float32), boxes'), ({'kind': 'half'}, 'half')],
)
def test_foreign_engine(open_engine, log, changes, says):
    with raises(CheckpointError, says):
        open_engine(engine=Engine(log, **changes))


def test_unknown_flavor(open_engine):
    with raises(CheckpointError, "'other'"):
        open_engine('other')


@pytest.mark.parametrize(
    ('flavor', 'package', 'extra'),
    [('tensorrt', 'tensorrt', 'tensorrt'), ('rtx', 'tensorrt_rtx', 'tensorrt-rtx')],
)
def test_missing_package(tmp_path, monkeypatch, flavor, package, extra):
    monkeypatch.setattr(tensorrt_runtime, 'choose_gpu', lambda path, device: torch.device('cpu'))
    monkeypatch.setitem(sys.modules, package, None)
    with raises(MissingDependencyError) as caught:
        TensorRTRuntime(write_engine(tmp_path / 'a.engine', flavor))
    assert f'cpose[{extra}]' in str(caught.value)


def test_missing_sidecar(tmp_path):
    (tmp_path / 'a.engine').write_bytes(b'serialised')
    with raises(CheckpointError, path=tmp_path / 'a.engine.json'):
        TensorRTRuntime(tmp_path / 'a.engine')


@pytest.mark.parametrize('device', [None, 'cuda', 'cpu'])
def test_machine_without_a_gpu(tmp_path, monkeypatch, device):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with raises(ConfigError, path=tmp_path / 'a.plan'):
        TensorRTRuntime(write_engine(tmp_path / 'a.plan'), device)


@pytest.mark.parametrize(
    ('device', 'expected'), [(None, 'cuda:1'), ('cuda', 'cuda:1'), ('cuda:0', 'cuda:0')]
)
def test_gpus(monkeypatch, device, expected):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 1)
    assert choose_gpu('a.engine', device) == torch.device(expected)
    for wrong in ('cuda:2', 'gpu'):
        with raises(ConfigError, argument='device', value=wrong):
            choose_gpu('a.engine', wrong)


@pytest.mark.gpu
@pytest.mark.tensorrt
@pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no GPU to run an engine on')
@pytest.mark.parametrize('flavor', MODULES)
def test_a_real_engine_finds_what_onnx_runtime_finds(folder, tmp_path, flavor):
    if find_spec(MODULES[flavor]) is None:
        pytest.skip(f'{MODULES[flavor]} is not installed')
    capability = 'SM{}{}'.format(*torch.cuda.get_device_capability())
    if flavor == 'rtx' and not hasattr(load_flavor('rtx').module.ComputeCapability, capability):
        pytest.skip(f'TensorRT for RTX does not run on GPUs of {capability}')
    build_engine_file(folder / 'tiny.onnx', tmp_path / 'a.engine', EngineRequest(flavor=flavor))
    engine = TensorRTRuntime(tmp_path / 'a.engine')
    generator = torch.Generator().manual_seed(1)
    for count in (1, 8):
        noise = torch.randn(count, 3, 64, 64, generator=generator)
        found = {name: value.cpu() for name, value in engine(noise).items()}
        expected = OnnxRuntime(folder / 'tiny.onnx', 'cpu')(noise)
        rows = expected['scores'][..., 0] > 0.1
        largest, compared, _ = differences(match_rows(expected, found, rows), 0.1)
        assert compared >= count
        assert max(largest.values()) < 0.1, largest  # TF32 has 10 bits
    with raises(ConfigError, '1 to 8', argument='batch_size', value=9):
        engine(torch.zeros(9, 3, 64, 64))
