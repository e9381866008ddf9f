import pytest

from cpose.codecs.symmetries import (
    CuboidSymmetry,
    NoSymmetry,
    RotationalSymmetry,
    decode_symmetric,
    encode_symmetric,
    parse_symmetric,
    resolve_symmetry,
)
from cpose.errors import DataError

from ..user_errors import raises


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        (None, None),
        (True, True),
        ('True', True),
        ('true', True),
        (False, False),
        ('False', False),
        (6, 6),
        (1, 1),
        (360, 360),
    ],
)
def test_parse(value, expected):
    parsed = parse_symmetric(value)
    assert parsed is expected or (type(parsed) is int and parsed == expected)


@pytest.mark.parametrize('value', [0, -1, 2.0, 'yes', '4', [], {}, 361, 10**12])
def test_parse_refuses(value):
    with raises(DataError, '360', argument='symmetric', value=value):
        parse_symmetric(value)


@pytest.mark.parametrize('category', [RotationalSymmetry(12), CuboidSymmetry(), NoSymmetry()])
def test_missing_means_the_category(category):
    assert resolve_symmetry(None, category) is category


@pytest.mark.parametrize('value', [None, True, False, 1, 12])
def test_code(value):
    decoded = decode_symmetric(encode_symmetric(value))
    assert decoded == value
    assert type(decoded) is type(value)


def test_true_means_the_category():
    category = RotationalSymmetry(4)
    assert resolve_symmetry(True, category) is category


def test_true_in_a_category_without_symmetry_means_none():
    assert resolve_symmetry(True, NoSymmetry()).order == 1


def test_false_means_none():
    assert isinstance(resolve_symmetry(False, RotationalSymmetry(12)), NoSymmetry)


@pytest.mark.parametrize('category', [RotationalSymmetry(12), NoSymmetry()])
@pytest.mark.parametrize('order', [1, 6])
def test_number_means_rotations(order, category):
    symmetry = resolve_symmetry(order, category)
    assert isinstance(symmetry, RotationalSymmetry)
    assert symmetry.order == order
