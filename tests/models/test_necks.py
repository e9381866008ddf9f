import pytest

from cpose.errors import ConfigError
from cpose.models.necks import (
    AggregationNeck,
    DLAUpNeck,
    FeatureLevels,
    IDAUpNeck,
)

from ..user_errors import raises

PLAIN_CONV = {'type': 'PlainConv'}
LEVELS = {'in_channels': (2, 4, 6, 8), 'in_strides': (2, 4, 8, 16), 'conv': PLAIN_CONV}


class NotingNeck(AggregationNeck):
    """Notes what it is given."""

    def add_layers(self, levels, conv):
        self.given = levels, conv


def test_levels_that_a_subclass_gets():
    neck = NotingNeck(**LEVELS, out_stride=4)
    assert neck.given == (FeatureLevels(1, (4, 6, 8), (1, 2, 4)), PLAIN_CONV)
    assert (neck.first_level, neck.out_channels, neck.out_stride) == (1, 4, 4)
    assert NotingNeck(**LEVELS, out_stride=4, out_channels=5).out_channels == 5


@pytest.mark.parametrize('neck', [DLAUpNeck, IDAUpNeck])
def test_levels_are_checked(neck):
    with raises(ConfigError, argument='out_stride', value=3):
        neck(**LEVELS, out_stride=3)


def test_a_subclass_must_add_layers():
    with pytest.raises(TypeError, match='add_layers'):
        AggregationNeck(**LEVELS, out_stride=4)
