import pytest

from cpose.apis.export import engine_building
from cpose.apis.export.engine_building import EngineRequest, build_engine_file
from cpose.apis.export.quantization import CalibrationSource
from cpose.deploy.engines.engine_build import BatchProfile, BuildSettings
from cpose.deploy.engines.flavors import Flavor
from cpose.deploy.model_metadata import read_engine_sidecar
from cpose.errors import CheckpointError, ConfigError

from ...deploy.engines.fake_tensorrt import FakeConfig, make_module
from ...deploy.small_models import write_small_model
from ...user_errors import raises

ADA = BuildSettings(compute_capabilities=('89',))


@pytest.fixture
def recorded(monkeypatch):
    """A fake of TensorRT for RTX in the place of the package."""
    module = make_module('1.7.1')
    monkeypatch.setattr(FakeConfig, 'set_compute_capability', lambda *words: True, raising=False)
    module.ComputeCapability = type('ComputeCapability', (), {'SM89': 89})
    monkeypatch.setattr(engine_building, 'load_flavor', lambda *words: Flavor('rtx', module))
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    ('precision', 'words'),
    [('fp32', ''), ('fp16', 'converted to fp16'), ('int8', 'nodes quantised to int8')],
)
def test_an_fp32_file_becomes_an_engine_of_any_precision(recorded, tmp_path, precision, words):
    file, out = write_small_model(tmp_path / 'a.onnx'), tmp_path / 'a.engine'
    source = CalibrationSource(batch_size=2, num_batches=1)
    result = build_engine_file(file, out, EngineRequest(precision), ADA, source)
    assert out.read_bytes() == b'engine'
    assert words in result.preparation
    assert result.profile == BatchProfile(1, 4, 8)
    told = read_engine_sidecar(out)
    assert told['precision'] == told['metadata'].precision == precision


@pytest.mark.slow
def test_a_fixed_batch_size_is_that_of_the_engine(recorded, tmp_path):
    file = write_small_model(tmp_path / 'a.onnx', batch=3)
    result = build_engine_file(file, tmp_path / 'a.engine', settings=ADA)
    assert result.profile == BatchProfile(3, 3, 3)
    request = EngineRequest(batches=(1, 3, 3))
    with raises(ConfigError, '3', argument='min_batch', value=1):
        build_engine_file(file, tmp_path / 'b.engine', request, ADA)


@pytest.mark.slow
def test_refusals_leave_no_file(recorded, tmp_path):
    file = write_small_model(tmp_path / 'a.onnx', precision='int8', quantize_target='ort')
    with raises(CheckpointError, 'ort', path=file):
        build_engine_file(file, tmp_path / 'a.engine', settings=ADA)
    assert recorded.calls == []
    assert [path.name for path in tmp_path.iterdir()] == ['a.onnx']
