import pytest

from cpose.errors import ConfigError
from cpose.registry import METRICS

from ...user_errors import raises


@pytest.mark.parametrize('kind', ['OneToOneProtocol', 'TaoProtocol'])
@pytest.mark.parametrize('name', ['min_score', 'min_visibility'])
@pytest.mark.parametrize('value', [[0.5], '0.5', None, True, float('nan')], ids=str)
def test_what_counts_is_a_number(kind, name, value):
    settings = {'min_score': 0.1, 'min_visibility': 0.1, 'scale_rule': {'type': 'GroundPlaneScale'}}
    with raises(ConfigError, argument=name):
        METRICS.get(kind)(**{**settings, name: value})
