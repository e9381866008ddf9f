"""Every registered part keeps the protocol of its kind, see ``static_contracts.py``."""

import inspect
import typing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from cpose import registry as registries

SPEC = spec_from_file_location('static_contracts', Path(__file__).with_name('static_contracts.py'))
CONTRACTS = module_from_spec(SPEC)
SPEC.loader.exec_module(CONTRACTS)
LISTS = {
    name: value
    for name, value in vars(CONTRACTS).items()
    if name.isupper() and isinstance(value, list)
}
CHECKED = ('MODELS', 'CODECS', 'BRANCHES', 'SYMMETRIES', 'DATASETS', 'TRANSFORMS', 'METRICS')
CHECKED += ('RUNTIMES', 'WEIGHT_FAMILIES', 'CHECKPOINT_FORMATS')
WITHOUT_CONTRACT = {
    *(
        'CenterPose',
        'RuntimePose',
        'PoseDataPreprocessor',
        'TrackPreprocessor',
    ),  # MMEngine's
    *('PlainConv', 'ModulatedDeformConv'),  # layers
    'NumberedDraws',
}


def registered(name):
    """Return the classes of this package in a registry."""
    registry = getattr(registries, name)
    registry.import_from_location()
    for item in registry.module_dict.values():
        if inspect.isclass(item) and item.__module__.startswith('cpose.'):
            yield item


@pytest.mark.parametrize('name', CHECKED)
def test_every_registered_class_is_checked(name):
    listed = {part for parts in LISTS.values() for part in parts}
    found = {item for item in registered(name) if item.__name__ not in WITHOUT_CONTRACT}
    assert found, name
    assert found <= listed, {item.__name__ for item in found - listed}


def pairs():
    for name, parts in LISTS.items():
        protocol = typing.get_args(typing.get_args(CONTRACTS.__annotations__[name])[0])[0]
        for part in parts:
            yield pytest.param(part, protocol, id=f'{part.__name__}-{protocol.__name__}')


@pytest.mark.parametrize(('part', 'protocol'), list(pairs()))
def test_methods_take_what_the_protocol_promises(part, protocol):
    for name, wanted in vars(protocol).items():
        if not inspect.isfunction(wanted) or (name.startswith('_') and name != '__call__'):
            continue
        found = inspect.signature(getattr(part, name))
        if any(item.kind is item.VAR_POSITIONAL for item in found.parameters.values()):
            continue  # nn.Module.__call__
        parameters = inspect.signature(wanted).parameters.values()
        by_place = [item for item in parameters if item.kind is item.POSITIONAL_ONLY]
        by_name = {item.name: None for item in parameters if item not in by_place}
        found.bind(*by_place, **by_name)


@pytest.mark.parametrize('protocol', sorted({case.values[1] for case in pairs()}, key=str))
def test_protocols_are_documented(protocol):
    assert protocol.__doc__
    for name, member in vars(protocol).items():
        if inspect.isfunction(member) and not name.startswith('_'):
            assert member.__doc__, f'{protocol.__name__}.{name}'
