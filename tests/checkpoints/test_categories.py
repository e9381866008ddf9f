import pytest

from cpose.checkpoints.categories import check_categories, stored_categories
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
    ('wanted', 'is_start_of_training'),
    [
        (('shoe', 'cup'), False),
        (('cup', 'boot'), True),
        (('cup', 'shoe', 'hat'), False),
        (('boot', 'cup'), False),
        (('cup',), False),
    ],
)
def test_what_does_not(wanted, is_start_of_training):
    told = ('cup', 'shoe')
    with raises(CheckpointError, ', '.join(wanted), argument='checkpoint', path='a.pth'):
        check_categories(told, wanted, 'a.pth')
    if is_start_of_training:
        check_categories(told, wanted, 'a.pth', may_rename=True)
        return
    with raises(CheckpointError, 'cup, shoe', argument='checkpoint'):
        check_categories(told, wanted, 'a.pth', may_rename=True)


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
