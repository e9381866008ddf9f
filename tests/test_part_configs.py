from cpose.building import with_wiring
from cpose.errors import ConfigError

from .user_errors import raises


def test_wiring():
    wired = with_wiring('neck', {'type': 'A', 'in_channels': [1, 2]}, in_channels=(1, 2))
    assert wired == {'type': 'A', 'in_channels': (1, 2)}
    with raises(ConfigError, '4', argument='neck.stride', value=8):
        with_wiring('neck', {'type': 'A', 'stride': 8}, stride=4)
