import re

import pytest

from cpose.checkpoints.renaming import RenamingFamily
from cpose.models.checkpoint_keys import convert, detect_family, weight_families

from .published_weights import WHOLE, backbone_of, parameters_without_effect, shapes_only

FAMILY_OF = {
    'tao_DLA34': 'tao_dla34',
    'tao_fan_small': 'tao_fan',
    'nvlabs_dlav1_34': 'nvlabs_dla34',
    'nvlabs_dla_34': 'nvlabs_dla34',
    'nvlabs_dla_34_track': 'nvlabs_track',
}
BUFFERS = ('running_mean', 'running_var', 'num_batches_tracked')
GATES_JOINED = 6
"""Fewer tensors with a recurrent unit: three kernels each of inputs and states, and biases."""


@pytest.mark.parametrize('name', FAMILY_OF)
def test_what_is_dropped_is_what_has_no_effect_in_the_reference(name):
    weights, family = shapes_only(name), FAMILY_OF[name]
    assert detect_family(weights) == family
    dropped = weight_families()[family].dropped(weights)
    assert all(item.reason for item in dropped)
    keys = [key for item in dropped for key in item.keys]
    assert {key for key in keys if not key.endswith(BUFFERS)} == parameters_without_effect(name)
    joined = GATES_JOINED if 'convGRU.cell0.Wir.weight' in weights else 0
    assert len(convert(weights, family)) == len(weights) - len(keys) - joined


@pytest.mark.parametrize('name', ['tao_DLA34', 'tao_fan_large'])
def test_classifiers_are_dropped_by_name(name):
    weights = backbone_of(shapes_only(name))
    dropped = weight_families()[detect_family(weights)].dropped(weights)
    reasons = {key: item.reason for item in dropped for key in item.keys}
    classifier = 'fc.weight' if name == 'tao_DLA34' else 'head.fc.weight'
    assert 'classifier' in reasons[classifier]


def test_patterns_are_valid_and_families_distinct():
    for family in weight_families().values():
        if isinstance(family, RenamingFamily):
            for pattern in (*family.left_out, *[rule.pattern for rule in family.rules]):
                re.compile(pattern)
    assert {detect_family(shapes_only(name)) for name in WHOLE} < set(weight_families())
