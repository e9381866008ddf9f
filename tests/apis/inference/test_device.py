import pytest
import torch

from cpose.apis.inference.inference_model import choose_device
from cpose.errors import ConfigError


def test_default():
    assert choose_device() == ('cuda' if torch.cuda.is_available() else 'cpu')
    assert choose_device('cpu') == 'cpu'


@pytest.mark.parametrize(
    ('device', 'message'),
    [
        ('gpu', "'gpu' is unknown"),
        ('meta', "'meta' is unknown"),
        ('cuda:x', "'cuda:x' is unknown"),
        ('cuda:97', "'cuda:97' is not there"),
    ],
)
def test_unusable(device, message):
    with pytest.raises(ConfigError, match=message):
        choose_device(device)
