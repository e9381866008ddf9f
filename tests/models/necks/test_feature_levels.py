import pytest

from cpose.errors import ConfigError
from cpose.models.necks import select_levels

from ...user_errors import raises


@pytest.mark.parametrize(
    ('out_stride', 'first', 'channels', 'factors'),
    [
        (4, 0, (10, 20, 30, 40), (1, 2, 4, 8)),
        (8, 1, (20, 30, 40), (1, 2, 4)),
        (16, 2, (30, 40), (1, 2)),
    ],
)
def test_levels_from_the_output_stride_on(out_stride, first, channels, factors):
    levels = select_levels((10, 20, 30, 40), (4, 8, 16, 32), out_stride)
    assert levels == (first, channels, factors)


@pytest.mark.parametrize('out_stride', [2, 3, 32, 64])
def test_stride_without_a_coarser_level(out_stride):
    with raises(ConfigError, '(4, 8, 16)', argument='out_stride', value=out_stride):
        select_levels((10, 20, 30, 40), (4, 8, 16, 32), out_stride)


def test_strides_must_double():
    with raises(ConfigError, 'double', argument='in_strides', value=(4, 16)):
        select_levels((10, 20), (4, 16), 4)


def test_as_many_channels_as_strides():
    with raises(ConfigError, '3 strides', argument='in_channels', value=[10, 20]):
        select_levels((10, 20), (4, 8, 16), 4)
