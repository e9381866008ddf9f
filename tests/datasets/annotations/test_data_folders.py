import pytest

from cpose.datasets.annotations.data_folders import find_folders
from cpose.errors import ConfigError

from ...user_errors import raises

NAMES = ('cup', 'shoe')


@pytest.mark.parametrize(
    ('data_root', 'expected'),
    [
        ('data', [('data', None)]),
        (['x', 'y', 'x'], [('x', None), ('y', None)]),
        ('data/{category}/val', [('data/cup/val', None), ('data/shoe/val', None)]),
        ({'shoe': 'x'}, [('x', 'shoe')]),
        (
            {'shoe': ['x', 'y/{category}'], 'cup': 'y/{category}'},
            [('x', 'shoe'), ('y/shoe', 'shoe'), ('y/cup', 'cup')],
        ),
    ],
)
def test_folders(data_root, expected):
    assert [folder[:2] for folder in find_folders(data_root, NAMES)] == expected


@pytest.mark.parametrize('data_root', ['', [], None, [3], {}, {'cup': ''}, {'cup': 3}])
def test_no_folder(data_root):
    with raises(ConfigError, argument='data_root'):
        find_folders(data_root, NAMES)


def test_folder_of_an_unknown_category():
    with raises(ConfigError, 'cap', argument='data_root'):
        find_folders({'cap': 'x'}, NAMES)


def test_folder_of_two_categories():
    with raises(ConfigError, 'folder x for cup and for shoe', argument='data_root'):
        find_folders({'cup': 'x', 'shoe': ['y', 'x']}, NAMES)


def test_lists_are_in_the_form_of_the_folders():
    roots = {'cup': ['x', 'y'], 'shoe': 'z'}
    lists = {'cup': ['1.txt', '2.txt'], 'shoe': '{category}.txt'}
    found = find_folders(roots, NAMES, lists)
    assert [folder.image_list for folder in found] == ['1.txt', '2.txt', 'shoe.txt']
    with raises(ConfigError, '3 files', argument='image_list'):
        find_folders(roots, NAMES, ['1.txt', '2.txt'])
