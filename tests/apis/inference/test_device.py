import pytest
import torch

from cpose.apis.builder import choose_device
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.errors import ConfigError

from ...user_errors import raises


def test_default():
    assert choose_device() == ('cuda' if torch.cuda.is_available() else 'cpu')
    assert choose_device('cpu') == 'cpu'


@pytest.mark.parametrize('device', ['gpu', 'meta', 'cuda:x', 'cuda:97'])
def test_unusable(device):
    with raises(ConfigError, argument='device', value=device):
        choose_device(device)


def test_a_device_that_is_not_there_is_told_by_the_inferencer():
    with raises(ConfigError, argument='device', value='cuda:99'):
        CenterPoseInferencer('quickstart', device='cuda:99')
