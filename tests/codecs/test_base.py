"""The shipped parts keep what the protocols promise."""

import inspect

import numpy as np
import pytest

from cpose.codecs import base
from cpose.registry import BRANCHES, CODECS, SYMMETRIES

from ..head_parts import make_branches, make_head

UNSURE = {name: {'type': 'KLDUncertaintyLoss'} for name in ('hps', 'scale')}
OPTIONS = {
    'ResidualDims': {'reference': [0.5, 1, 2]},
}
PARTS = {
    'CenterRule': ('BoxCenter', 'ProjectedCenter'),
    'CornerRule': ('SubpixelCorners', 'TruncatedCorners'),
    'DimsCoder': ('AbsoluteDims', 'RelativeDims', 'ResidualDims'),
    'PointSource': ('DisplacementAndHeatmapPoints', 'DisplacementPoints'),
    'PoseSolver': ('InFrontPnP', 'IterativePnP', 'StdWeightedPnP'),
    'DimsRefiner': ('PredictedDims', 'ReprojectedDims'),
}


def members(protocol):
    """Return attributes and methods that a protocol names."""
    methods = {
        name: value
        for name, value in vars(protocol).items()
        if inspect.isfunction(value) and (name == '__call__' or not name.startswith('_'))
    }
    properties = [name for name, value in vars(protocol).items() if isinstance(value, property)]
    return {*vars(protocol).get('__annotations__', {}), *properties}, methods


def check_keeps(part, protocol):
    attributes, methods = members(protocol)
    assert attributes or methods
    for name in attributes:
        assert hasattr(part, name), f'{type(part).__name__} lacks {name}'
    for name, method in methods.items():
        wanted = list(inspect.signature(method).parameters)
        own = inspect.signature(getattr(type(part), name)).parameters.values()
        needed = [item.name for item in own if item.default is inspect.Parameter.empty]
        assert wanted[: len(needed)] == needed, f'{type(part).__name__}.{name}'


@pytest.mark.parametrize(
    ('protocol', 'name'), [(key, name) for key, names in PARTS.items() for name in names]
)
def test_parts(protocol, name):
    part = CODECS.build({'type': name, **OPTIONS.get(name, {})})
    check_keeps(part, getattr(base, protocol))


@pytest.mark.parametrize('name', ['NoSymmetry', 'RotationalSymmetry', 'CuboidSymmetry'])
def test_symmetries(name):
    check_keeps(SYMMETRIES.build({'type': name}), base.Symmetry)


def test_branches():
    branches = make_branches(UNSURE)
    BRANCHES.import_from_location()
    shipped = {
        name for name, kind in BRANCHES.module_dict.items() if kind.__module__[:5] == 'cpose'
    }
    assert {type(branch).__name__ for branch in branches} == shipped
    for branch in branches:
        check_keeps(branch, base.Branch)
        assert all(output.size > 0 for output in branch.outputs.values())


def test_codec_and_postprocessor():
    head = make_head(head_conv=32)
    check_keeps(head.codec, base.Codec)
    check_keeps(head.postprocessor, base.Postprocessor)


def test_activated_values_keep_their_shape():
    import torch

    values = torch.from_numpy(np.linspace(-1, 1, 48, dtype=np.float32))
    for branch in make_branches(UNSURE):
        shaped = values[: 3 * branch.channels].view(3, branch.channels)
        assert branch.activate(shaped).shape == shaped.shape
