import pytest
import torch

from cpose.checkpoints.categories import (
    CENTER_OUTPUT,
    check_categories,
    stored_categories,
    take_categories,
)
from cpose.errors import CheckpointError

from ..user_errors import raises


@pytest.mark.parametrize(
    ('told', 'wanted'),
    [
        ((), ('cup', 'shoe')),
        (('cup', 'shoe'), ()),
        (('cup', 'shoe'), ['cup', 'shoe']),
        (('cup',), ('mug',)),
    ],
)
def test_what_goes_together(told, wanted):
    check_categories(told, wanted, 'a.pth')


@pytest.mark.parametrize(
    'wanted', [('shoe', 'cup'), ('cup', 'boot'), ('cup', 'shoe', 'hat'), ('boot', 'cup'), ('cup',)]
)
def test_what_does_not(wanted):
    with raises(CheckpointError, ', '.join(wanted), argument='checkpoint', path='a.pth'):
        check_categories(('cup', 'shoe'), wanted, 'a.pth')


@pytest.mark.parametrize(
    ('told', 'wanted', 'rows', 'changes'),
    [
        (('cup', 'shoe'), ('cup', 'shoe'), (1, 2), ''),
        (('cup', 'shoe'), ('mug', 'shoe'), (1, 2), ''),
        (('cup',), ('boot',), (1,), ''),
        (('cup', 'shoe'), (), (1, 2), ''),
        (('cup', 'shoe'), ('shoe', 'cup'), (2, 1), 'known: shoe, cup'),
        (('cup', 'shoe'), ('boot', 'cup'), (0, 1), 'known: cup; new: boot; left out: shoe'),
        (('cup', 'shoe'), ('hat', 'shoe', 'cup'), (0, 2, 1), 'known: shoe, cup; new: hat'),
        (('cup', 'shoe'), ('shoe',), (2,), 'known: shoe; left out: cup'),
        (('box',), ('cup', 'shoe'), (0, 0), 'new: cup, shoe; left out: box'),
    ],
)
def test_training_starts_with_what_was_learnt_for_a_name(told, wanted, rows, changes):
    weights = {'neck': torch.full((3,), 7.0)}
    initial = {'neck': torch.zeros(3)}
    for key in CENTER_OUTPUT:
        weights[key] = torch.arange(1.0, len(told) + 1)[:, None]
        initial[key] = torch.zeros(len(rows), 1)
    taken, text = take_categories(weights, initial, told, wanted)
    assert text == changes
    assert taken['neck'] is weights['neck']
    for key in CENTER_OUTPUT:
        assert taken[key].flatten().tolist() == list(rows)
    assert initial[CENTER_OUTPUT[0]].count_nonzero() == 0


def test_weights_of_unknown_categories_stay_as_they_are():
    weights = {CENTER_OUTPUT[0]: torch.ones(2, 1)}
    assert take_categories(weights, {}, (), ('cup', 'shoe')) == (weights, '')


@pytest.mark.parametrize(
    ('meta', 'expected'),
    [
        (None, ()),
        ({}, ()),
        ({'dataset_meta': {'category': ('cup', 'shoe')}, 'class_names': ['x']}, ('cup', 'shoe')),
        ({'dataset_meta': None, 'class_names': ['cup', 'shoe']}, ('cup', 'shoe')),
        ({'class_names': 'cup'}, ()),
    ],
)
def test_what_a_checkpoint_tells(meta, expected):
    assert stored_categories({'meta': meta} if meta is not None else {}) == expected
