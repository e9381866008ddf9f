import platform
from dataclasses import replace
from importlib.util import find_spec

import pytest

from cpose.deploy.engines.engine_build import BatchProfile, BuildSettings, build_engine
from cpose.deploy.engines.flavors import Flavor, load_flavor
from cpose.errors import CheckpointError, ConfigError

from ...user_errors import raises
from ..small_models import INPUT_WH, small_model
from .fake_tensorrt import NULL_ERROR, make_module

PROFILE = BatchProfile(1, 4, 8)

needs_rtx = pytest.mark.skipif(
    find_spec('tensorrt_rtx') is None,
    reason=f'tensorrt-rtx is not installed ({platform.system()} {platform.machine()})',
)


def build(module, settings=None):
    settings = settings or BuildSettings()
    return build_engine(Flavor('tensorrt', module), b'onnx', (96, 64), PROFILE, settings)


@pytest.mark.parametrize(('version', 'flags'), [('10.9.0', 2), ('11.4.0', 0)])
def test_classic_calls(version, flags):
    module = make_module(version)
    assert build(module, BuildSettings(workspace_mib=512)) == b'engine'
    shapes = {'input': ((1, 3, 64, 96), (4, 3, 64, 96), (8, 3, 64, 96))}
    assert module.calls == [
        ('network', flags),
        ('parse', b'onnx'),
        ('memory', 'workspace', 512 * 1024 * 1024),
        ('profile', shapes),
    ]


def test_the_timing_cache_is_read_and_written(tmp_path):
    file = tmp_path / 'timing.bin'
    for expected in (b'', b'+timings'):
        module = make_module()
        build(module, BuildSettings(timing_cache=file))
        assert ('cache', expected, False) in module.calls
        assert file.read_bytes() == expected + b'+timings'


def test_errors_of_the_parser_name_the_nodes():
    module = make_module(
        parser_errors=[('TopK', '/topk', 'K is too large'), ('Foo', '/foo', 'no plugin')]
    )
    with raises(CheckpointError, 'tensorrt 10.9.0', argument='model') as error:
        build(module)
    assert error.value.problem.splitlines()[1:] == [
        "  TopK node '/topk': K is too large",
        "  Foo node '/foo': no plugin",
    ]


def test_errors_of_the_builder_are_shown(tmp_path):
    file = tmp_path / 'timing.bin'
    module = make_module(
        engine=None, messages=[('ERROR', 'out of workspace'), ('INFO', 'hello'), ('ERROR', 'bye')]
    )
    with raises(CheckpointError, 'out of workspace; bye', argument='model'):
        build(module, BuildSettings(timing_cache=file))
    assert not file.exists()


@pytest.mark.parametrize('part', ['Builder', 'OnnxParser'])
def test_a_package_that_does_not_start(part):
    def fail(*args):
        raise TypeError(NULL_ERROR)

    with raises(ConfigError, part):
        build(make_module(**{part: fail}))


@pytest.mark.slow
@needs_rtx
def test_a_real_engine_is_built_without_a_gpu():
    flavor = load_flavor('rtx', ['89'])
    model, _ = small_model()
    settings = BuildSettings(compute_capabilities=('89',))
    engine = build_engine(flavor, model.SerializeToString(), INPUT_WH, PROFILE, settings)
    assert len(engine) > 100_000


@needs_rtx
def test_a_real_parser_explains_itself():
    flavor = load_flavor('rtx', ['89'])
    model, _ = small_model()
    node = next(node for node in model.graph.node if node.op_type == 'Conv')
    node.op_type = 'NoSuchOperator'
    settings = BuildSettings(compute_capabilities=('89',))
    with raises(CheckpointError, f"NoSuchOperator node '{node.name}'", argument='model'):
        build_engine(flavor, model.SerializeToString(), INPUT_WH, PROFILE, settings)


@needs_rtx
def test_an_unknown_gpu_is_refused_with_those_that_are_known():
    flavor = load_flavor('rtx', ['99'])
    model, _ = small_model()
    settings = replace(BuildSettings(), compute_capabilities=('99',))
    with raises(ConfigError, argument='compute_capabilities', value=['99']):
        build_engine(flavor, model.SerializeToString(), INPUT_WH, PROFILE, settings)
