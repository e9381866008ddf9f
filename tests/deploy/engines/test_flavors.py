from types import SimpleNamespace

import pytest
import torch

from cpose.deploy.engines import flavors
from cpose.deploy.engines.flavors import load_flavor, parse_capability
from cpose.errors import ConfigError, MissingDependencyError

from ...user_errors import raises
from .fake_tensorrt import make_module


@pytest.fixture
def machine(monkeypatch):
    """Choose which packages are installed and whether there is a GPU."""

    def prepare(packages, has_gpu):
        monkeypatch.setattr(flavors, 'find_spec', lambda name: name if name in packages else None)
        monkeypatch.setattr(flavors, 'import_module', lambda name: make_module(__name__=name))
        monkeypatch.setattr(torch.cuda, 'is_available', lambda: has_gpu)

    return prepare


@pytest.mark.parametrize(
    ('packages', 'name', 'capabilities', 'expected'),
    [
        (('tensorrt', 'tensorrt_rtx'), 'auto', (), 'tensorrt'),
        (('tensorrt_rtx',), 'auto', (), 'rtx'),
        (('tensorrt', 'tensorrt_rtx'), 'rtx', (), 'rtx'),
        (('tensorrt', 'tensorrt_rtx'), 'auto', ('89',), 'rtx'),
    ],
)
def test_the_package_is_chosen(machine, packages, name, capabilities, expected):
    machine(packages, has_gpu=True)
    flavor = load_flavor(name, capabilities)
    assert flavor.name == expected
    assert flavor.module.__name__ == {'tensorrt': 'tensorrt', 'rtx': 'tensorrt_rtx'}[expected]
    assert flavor.version == '10.9.0'


@pytest.mark.parametrize(
    ('packages', 'name', 'capabilities', 'error', 'argument', 'advice'),
    [
        ((), 'auto', (), MissingDependencyError, None, 'cpose[tensorrt]'),
        ((), 'auto', ('89',), MissingDependencyError, None, 'cpose[tensorrt-rtx]'),
        ((), 'tensorrt', (), MissingDependencyError, None, 'cpose[tensorrt]'),
        (('tensorrt',), 'auto', (), ConfigError, None, 'rtx'),
        (('tensorrt_rtx',), 'auto', (), ConfigError, None, '{compute_capabilities}'),
        (('tensorrt',), 'tensorrt', ('89',), ConfigError, 'compute_capabilities', 'rtx'),
    ],
)
def test_what_cannot_build_here_is_refused(
    machine, packages, name, capabilities, error, argument, advice
):
    machine(packages, has_gpu=False)
    with raises(error, argument=argument) as caught:
        load_flavor(name, capabilities)
    assert advice in ' '.join(caught.value.advice)


def test_a_named_gpu_need_not_be_here(machine):
    machine(('tensorrt_rtx',), has_gpu=False)
    assert load_flavor('auto', ('89',)).name == 'rtx'


@pytest.mark.parametrize('text', ['89', '8.9', 'sm89', 'SM89'])
def test_capabilities_may_be_written_in_several_ways(text):
    module = make_module(ComputeCapability=SimpleNamespace(SM75=1, SM89=2, NONE=0))
    assert parse_capability(module, text) == 2


def test_unknown_capabilities_are_refused():
    module = make_module(ComputeCapability=SimpleNamespace(SM75=1, SM89=2, NONE=0))
    with raises(ConfigError, argument='compute_capabilities', value=['90']):
        parse_capability(module, '90')
