import pytest
import torch
from torch import nn

from cpose.errors import ConfigError
from cpose.models.detectors.centerpose import CenterPose
from cpose.registry import MODELS

from ...shipped_parts import part
from ...user_errors import raises


class TinyBackbone(nn.Module):
    """Three levels of stride 4, 8 and 16."""

    out_channels = (4, 8, 16)
    out_strides = (4, 8, 16)

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(3, channels, stride, stride)
            for channels, stride in zip(self.out_channels, self.out_strides, strict=True)
        )

    def forward(self, images):
        self.is_channels_last = images.is_contiguous(memory_format=torch.channels_last)
        return tuple(conv(images) for conv in self.convs)


class TinyHead(nn.Module):
    """Tell what arrives."""

    def __init__(self, in_channels, stride):
        super().__init__()
        self.in_channels, self.stride = in_channels, stride

    def forward(self, feature):
        return {'hm': feature}

    def loss(self, feature, samples):
        return {'loss_hm': feature.sum() + len(samples)}

    def predict(self, feature, samples):
        return [f'pose of {sample}' for sample in samples]


class Nameless(TinyBackbone):
    """A backbone that forgot to say its channels."""

    out_channels = None

    def __init__(self):
        nn.Module.__init__(self)


@pytest.fixture(autouse=True)
def _registered():
    with MODELS.switch_scope_and_registry('cpose') as registry:
        for module in (TinyBackbone, TinyHead, Nameless):
            registry.register_module(module=module, force=True)
        yield
        for module in (TinyBackbone, TinyHead, Nameless):
            registry.module_dict.pop(module.__name__)


def make_config(**changes):
    config = {
        'data_preprocessor': part('PoseDataPreprocessor'),
        'backbone': {'type': 'TinyBackbone'},
        'neck': part('IDAUpNeck'),
        'head': {'type': 'TinyHead'},
    }
    return config | changes


@pytest.mark.parametrize('stride', [4, 8])
def test_parts_are_wired(stride):
    model = CenterPose(**make_config(neck=part('IDAUpNeck', out_stride=stride)))
    assert model.head.in_channels == stride  # by chance the tiny backbone's channels
    assert model.head.stride == stride
    assert model(torch.zeros(1, 3, 32, 48))['hm'].shape == (1, stride, 32 // stride, 48 // stride)


def test_modes():
    model = CenterPose(**make_config()).eval()
    images = torch.randn(2, 3, 32, 32)
    assert set(model(images)) == {'hm'}
    assert model(images, ['a', 'b'], mode='predict') == ['pose of a', 'pose of b']
    expected = model(images)['hm'].sum() + 2
    assert torch.allclose(model(images, ['a', 'b'], mode='loss')['loss_hm'], expected)
    with pytest.raises(ValueError, match="mode='train' is unknown"):
        model(images, mode='train')


def test_steps_of_the_runner():
    model = CenterPose(**make_config()).eval()
    batch = {'inputs': [torch.zeros(3, 30, 31, dtype=torch.uint8)], 'data_samples': ['a']}
    assert model.test_step(batch) == ['pose of a']


def test_convolutions_see_channels_last():
    model = CenterPose(**make_config())
    model(torch.zeros(1, 3, 32, 32))
    assert model.backbone.is_channels_last
    for conv in model.backbone.convs:
        assert conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_wrong_input_size():
    with pytest.raises(ValueError, match=r'48×40 pixels.*multiples of 16'):
        CenterPose(**make_config())(torch.zeros(1, 3, 40, 48))


@pytest.mark.parametrize(
    ('changes', 'argument', 'value', 'problem'),
    [
        ({'head': {'type': 'TinyHead', 'in_channels': 7}}, 'head.in_channels', 7, '4'),
        ({'neck': part('IDAUpNeck', in_channels=[1, 2, 3])}, 'neck.in_channels', [1, 2, 3], ''),
        ({'backbone': {'type': 'Nameless'}}, 'backbone.type', 'Nameless', "'out_channels'"),
    ],
)
def test_parts_that_do_not_fit(changes, argument, value, problem):
    with raises(ConfigError, problem, argument=argument, value=value):
        CenterPose(**make_config(**changes))


def test_matching_numbers_in_the_config_are_accepted():
    neck = part('IDAUpNeck', in_channels=[4, 8, 16], in_strides=[4, 8, 16])
    assert CenterPose(**make_config(neck=neck)).head.in_channels == 4
