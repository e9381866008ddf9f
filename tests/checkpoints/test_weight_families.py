"""What every family has to offer, and families that are added."""

import pytest
import torch

from cpose.checkpoints.base import WeightFamily
from cpose.checkpoints.loading import compare_weights
from cpose.checkpoints.renaming import RenamingFamily, Rule
from cpose.errors import CheckpointError
from cpose.models.checkpoint_keys import convert, detect_family, weight_families
from cpose.registry import WEIGHT_FAMILIES

from ..user_errors import raises


@pytest.fixture
def register():
    """Register a family for one test."""
    names = []

    def register(name, family):
        WEIGHT_FAMILIES.register_module(name=name, module=family)
        names.append(name)

    yield register
    for name in names:
        WEIGHT_FAMILIES.module_dict.pop(name)


class Doubled(WeightFamily):
    """The smallest family."""

    def recognise(self, state_dict):
        return any(key.startswith('twice.') for key in state_dict)

    def rename(self, state_dict):
        return {key.replace('twice.', 'backbone.'): value for key, value in state_dict.items()}


def test_a_family_of_two_methods(register):
    register('doubled', Doubled)
    weights = {'twice.a': torch.ones(1)}
    assert detect_family(weights) == 'doubled'
    assert convert(weights, 'doubled') == {'backbone.a': weights['twice.a']}
    family = weight_families()['doubled']
    assert (family.dropped(weights), family.is_backbone, family.normalisation) == ([], False, None)


def test_families_that_recognise_the_same(register):
    register('doubled', Doubled)
    register('again', type('Again', (Doubled,), {}))
    with raises(CheckpointError, 'doubled, again'):
        detect_family({'twice.a': torch.ones(1)})


def test_tables():
    class Tables(RenamingFamily):
        title = 'tables'
        rules = (Rule('a', 'backbone.a'), Rule('a|b', 'backbone.b'))
        left_out = {'c': 'for the test', 'd': 'not there'}  # noqa: RUF012

    weights = {f'module.{key}': torch.ones(1) for key in 'abc'}
    renamed = Tables().rename(weights)
    assert {key: value is weights[f'module.{key[-1]}'] for key, value in renamed.items()} == {
        'backbone.a': True,
        'backbone.b': True,
    }
    (dropped,) = Tables().dropped(weights)
    assert (dropped.pattern, dropped.keys, dropped.reason) == ('c', ('module.c',), 'for the test')
    with raises(CheckpointError, "['x']"):
        Tables().rename({**weights, 'x': torch.ones(1)})


OWN = {'a': torch.zeros(2), 'b': torch.zeros(3), 'norm.num_batches_tracked': torch.tensor(0)}


@pytest.mark.parametrize(
    ('weights', 'may_lack', 'expected'),
    [
        (OWN, (), ''),
        ({'a': torch.ones(2), 'b': torch.ones(3)}, ('*.num_batches_tracked',), ''),
        ({'a': torch.ones(2)}, ('norm.*',), '1 missing (b)'),
        ({**OWN, 'c': torch.ones(1), 'd': torch.ones(1)}, (), '2 unexpected (c and 1 more)'),
        ({**OWN, 'a': torch.ones(1)}, ('a',), '1 of another shape (a (1,) instead of (2,))'),
        ({}, (), '3 missing (a and 2 more)'),
    ],
)
def test_comparison(weights, may_lack, expected):
    differences = compare_weights(weights, OWN, may_lack)
    assert differences.describe(shown=1) == expected
    assert any(differences) == bool(expected)
