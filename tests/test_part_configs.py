import pytest

from cpose.errors import ConfigError
from cpose.part_configs import with_wiring


def test_wiring():
    wired = with_wiring('model.neck', {'type': 'A', 'in_channels': [1, 2]}, in_channels=(1, 2))
    assert wired == {'type': 'A', 'in_channels': (1, 2)}
    says = r'model\.neck\.stride=8 in the config, but the part before it has 4\. Leave the key out'
    with pytest.raises(ConfigError, match=says):
        with_wiring('model.neck', {'type': 'A', 'stride': 8}, stride=4)
