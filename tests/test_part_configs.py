import pytest

from cpose.errors import ConfigError
from cpose.part_configs import with_defaults, with_wiring


def test_defaults_of_another_type_stay_out():
    defaults = {'type': 'OneToOneProtocol', 'min_score': 0.05}
    assert with_defaults({'type': 'Own', 'a': 1}, defaults) == {'type': 'Own', 'a': 1}
    assert with_defaults({'type': 'OneToOneProtocol'}, defaults) == defaults
    assert with_defaults({'min_score': 0.3}, defaults)['min_score'] == 0.3


def test_wiring():
    wired = with_wiring('model.neck', {'type': 'A', 'in_channels': [1, 2]}, in_channels=(1, 2))
    assert wired == {'type': 'A', 'in_channels': (1, 2)}
    says = r'model\.neck\.stride=8 in the config, but the part before it has 4\. Leave the key out'
    with pytest.raises(ConfigError, match=says):
        with_wiring('model.neck', {'type': 'A', 'stride': 8}, stride=4)
