import platform
from importlib.util import find_spec

import pytest

from cpose.deploy.engines import engine_file
from cpose.deploy.engines.engine_build import BatchProfile, BuildSettings
from cpose.deploy.engines.engine_file import check_engine_path, prepare_model, write_engine
from cpose.deploy.engines.flavors import Flavor, load_flavor
from cpose.deploy.model_metadata import read_engine_sidecar
from cpose.deploy.quantization.quantize import QuantizationSettings
from cpose.errors import CheckpointError, ConfigError, OutputError

from ...user_errors import raises
from ..small_models import noise_batches, small_model
from .fake_tensorrt import make_module

SM89 = BuildSettings(compute_capabilities=('89',))
PROFILE = BatchProfile(1, 2, 4)


def prepare(precision, stored='fp32'):
    model, metadata = small_model(precision=stored)
    settings = QuantizationSettings(target='tensorrt')
    return prepare_model(model, metadata, 'a.onnx', precision, noise_batches, settings)


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec('tensorrt_rtx') is None,
    reason=f'tensorrt-rtx is not installed ({platform.system()} {platform.machine()})',
)
@pytest.mark.parametrize('precision', ['fp32', 'fp16', 'int8'])
def test_real_engines(tmp_path, precision):
    flavor = load_flavor('rtx', ['89'])
    file = tmp_path / 'model.engine'
    size = write_engine(prepare(precision), file, flavor, PROFILE, SM89)
    assert file.stat().st_size == size > 100_000
    told = read_engine_sidecar(file)
    assert told['metadata'].precision == told['precision'] == precision
    assert told['metadata'].quantize_target == ('tensorrt' if precision == 'int8' else '')
    assert told['profile'] == {'min': 1, 'opt': 2, 'max': 4}
    assert (told['flavor'], told['version']) == ('rtx', flavor.version)
    assert told['compute_capability'] == ['89']
    assert sorted(path.name for path in tmp_path.iterdir()) == ['model.engine', 'model.engine.json']


def test_a_file_of_the_wanted_precision_stays_as_it_is():
    prepared = prepare(None, 'fp16')
    assert (prepared.metadata.precision, prepared.preparation) == ('fp16', '')


def test_what_was_done_is_told():
    assert prepare('fp16').preparation == 'converted to fp16'
    assert 'nodes quantised to int8, ranges measured' in prepare('int8').preparation


def test_nothing_is_left_of_a_failed_build(tmp_path):
    module = make_module(engine=None, messages=[('ERROR', 'no')])
    with raises(CheckpointError, 'no'):
        write_engine(
            prepare('fp32'), tmp_path / 'a.engine', Flavor('rtx', module), PROFILE, BuildSettings()
        )
    assert list(tmp_path.iterdir()) == []


def test_an_engine_whose_description_cannot_be_written_replaces_none(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_file, 'build_engine', lambda *args: b'new')
    (tmp_path / 'a.engine').write_bytes(b'old')
    (tmp_path / 'a.engine.json').mkdir()
    flavor = Flavor('rtx', make_module())
    with raises(OutputError, path=tmp_path / 'a.engine.json'):
        write_engine(prepare('fp32'), tmp_path / 'a.engine', flavor, PROFILE, SM89)
    assert (tmp_path / 'a.engine').read_bytes() == b'old'
    assert sorted(file.name for file in tmp_path.iterdir()) == ['a.engine', 'a.engine.json']


def test_the_ending_is_that_of_an_engine(tmp_path):
    for name in ('a.engine', 'a.plan', 'a.trt'):
        check_engine_path(tmp_path / name, may_replace=False)
    with raises(ConfigError, '.engine', argument='out'):
        check_engine_path(tmp_path / 'a.onnx', may_replace=False)
    (tmp_path / 'a.trt').touch()
    with raises(OutputError, argument='out'):
        check_engine_path(tmp_path / 'a.trt', may_replace=False)
    (tmp_path / 'b.trt.json').touch()
    with raises(OutputError, argument='out', path=tmp_path / 'b.trt.json'):
        check_engine_path(tmp_path / 'b.trt', may_replace=False)
    check_engine_path(tmp_path / 'b.trt', may_replace=True)
