import onnx
import onnxruntime
import pytest
import torch

from cpose.deploy.runtimes import onnx_runtime
from cpose.deploy.runtimes.onnx_runtime import CPU, CUDA, OnnxRuntime, choose_providers
from cpose.errors import CheckpointError, ConfigError, MissingDependencyError

from ...user_errors import raises
from .model_files import write_onnx

TENSORRT = 'TensorrtExecutionProvider'


@pytest.mark.slow
def test_outputs_of_pytorch(model, folder):
    runtime = OnnxRuntime(folder / 'tiny.onnx', 'cpu')
    torch.manual_seed(1)
    images = torch.randn(3, 3, 64, 64)
    found = runtime(images)
    with torch.no_grad():
        expected = model.head.codec.decode(model(images))
    assert list(found) == list(expected)
    is_peak = expected['scores'][..., 0] > 0.01
    assert is_peak.sum() > 10
    for name, value in found.items():
        assert value.dtype == torch.float32
        assert torch.allclose(value[is_peak], expected[name][is_peak], atol=1e-4), name


def test_description_names_what_runs(folder, monkeypatch):
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 3)
    runtime = OnnxRuntime(folder / 'tiny.onnx')
    version = onnxruntime.__version__
    path = folder / 'tiny.onnx'
    assert runtime.describe() == f'ONNX Runtime {version}, CPU, 3 threads, fp32: {path}'
    assert runtime.session.get_session_options().intra_op_num_threads == 3


def test_fixed_batch(model, tmp_path):
    runtime = OnnxRuntime(write_onnx(model, tmp_path / 'two.onnx', batch=2))
    images = torch.randn(2, 3, 64, 64)
    both, first = runtime(images), runtime(images[:1])
    assert first['scores'].shape == (1, 100, 1)
    assert torch.allclose(first['scores'], both['scores'][:1], atol=1e-6)
    with raises(ConfigError, '2 images', argument='batch_size', value=3):
        runtime(torch.randn(3, 3, 64, 64))


@pytest.mark.parametrize(
    ('available', 'device', 'has_gpu', 'expected'),
    [
        ([CPU], None, False, [CPU]),
        ([CPU], None, True, [CPU]),
        ([CUDA, CPU], None, False, [CPU]),
        ([TENSORRT, CUDA, CPU], None, True, [CUDA, CPU]),
        ([CUDA, CPU], 'cpu', True, [CPU]),
        ([CUDA, CPU], 'cuda', True, [CUDA, CPU]),
        ([CUDA, CPU], 'cuda:1', True, [CUDA, CPU]),
    ],
)
def test_providers_by_device(monkeypatch, available, device, has_gpu, expected):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: has_gpu)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 2)
    chosen = choose_providers(available, device)
    assert list(chosen) == expected
    if CUDA in expected:
        assert chosen[CUDA] == {'device_id': 1 if device == 'cuda:1' else 2}


def test_providers_by_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 2)
    available = [TENSORRT, CUDA, CPU]
    assert list(choose_providers(available, 'cpu', [TENSORRT, CUDA])) == [TENSORRT, CUDA, CPU]
    assert list(choose_providers(available, None, [CPU])) == [CPU]
    for device, number in (('cuda:1', 1), ('cuda', 2), ('cpu', 2), (None, 2)):
        chosen = choose_providers(available, device, [TENSORRT, CUDA])
        assert chosen == {TENSORRT: {'device_id': number}, CUDA: {'device_id': number}, CPU: {}}
    with raises(ConfigError, argument='providers', key='runtime.providers'):
        choose_providers([CPU], None, ['CoreMLExecutionProvider'])


@pytest.mark.parametrize('device', ['cuda', 'cuda:1', 'mps', 'cpu:one'])
def test_device_that_is_not_there(folder, device):
    with raises(ConfigError, argument='device', value=device):
        OnnxRuntime(folder / 'tiny.onnx', device)


class Started(onnxruntime.InferenceSession):
    """As where CUDA is a part of the package, but cannot start: only the CPU is left."""

    def __init__(self, path, options, providers):
        super().__init__(path, options, providers=[CPU])


@pytest.fixture
def broken_cuda(monkeypatch):
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, 'InferenceSession', Started)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 0)


def test_provider_that_does_not_start(broken_cuda, folder, caplog):
    with raises(ConfigError, argument='device', value='cuda'):
        OnnxRuntime(folder / 'tiny.onnx', 'cuda')
    with raises(ConfigError, argument='providers', value='CUDAExecutionProvider'):
        OnnxRuntime(folder / 'tiny.onnx', providers=[CUDA])
    assert OnnxRuntime(folder / 'tiny.onnx').providers == [CPU]
    assert 'CUDAExecutionProvider could not start, so the CPU is used' in caplog.text


def test_file_quantised_for_another_target(model, tmp_path):
    path = write_onnx(model, tmp_path / 'a.onnx', precision='int8', quantize_target='tensorrt')
    with raises(CheckpointError, 'tensorrt', path=path):
        OnnxRuntime(path)
    own = write_onnx(model, tmp_path / 'b.onnx', precision='int8', quantize_target='ort')
    assert 'int8' in OnnxRuntime(own).describe()


def test_foreign_file(folder, tmp_path):
    proto = onnx.load(str(folder / 'tiny.onnx'))
    del proto.metadata_props[:]
    del proto.graph.output[2:]
    onnx.save(proto, str(tmp_path / 'other.onnx'))
    with raises(CheckpointError, 'bboxes, scores'):
        OnnxRuntime(tmp_path / 'other.onnx')


@pytest.mark.parametrize('part', [0.0, 0.3, 0.99])
def test_truncated_file(folder, tmp_path, part):
    content = (folder / 'tiny.onnx').read_bytes()
    (tmp_path / 'cut.onnx').write_bytes(content[: int(part * len(content))])
    with raises(CheckpointError, path=tmp_path / 'cut.onnx'):
        OnnxRuntime(tmp_path / 'cut.onnx')


def test_file_that_only_onnx_runtime_refuses(folder, tmp_path):
    proto = onnx.load(str(folder / 'tiny.onnx'))
    proto.graph.node[0].op_type = 'NoSuchOperator'
    onnx.save(proto, str(tmp_path / 'odd.onnx'))
    with raises(CheckpointError, 'NoSuchOperator'):
        OnnxRuntime(tmp_path / 'odd.onnx')


def test_missing_package(folder, monkeypatch):
    def missing(module, extra):
        raise MissingDependencyError(f'{module} {extra}')

    monkeypatch.setattr(onnx_runtime, 'import_extra', missing)
    with raises(MissingDependencyError, 'onnxruntime'):
        OnnxRuntime(folder / 'tiny.onnx')
