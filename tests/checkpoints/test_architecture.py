import pytest
import torch

from cpose.checkpoints.architecture import Architecture, infer_architecture
from cpose.errors import CheckpointError
from cpose.models.checkpoint_keys import convert, detect_family

from ..models.published_weights import WHOLE, backbone_of, shapes_only
from ..user_errors import raises

EXPECTED = {
    'tao_DLA34': Architecture('dla34', 1, 256, use_association=True),
    'tao_fan_small': Architecture('fan_small', 1, 256, use_association=True),
    'tao_fan_base': Architecture('fan_base', 1, 256, use_association=True),
    'tao_fan_large': Architecture('fan_large', 1, 256, use_association=True),
    'nvlabs_dlav1_34': Architecture('dla34', 1, 256, use_association=True, is_deformable=True),
    'nvlabs_dla_34': Architecture('dla34', 1, 256, is_deformable=True),
    'nvlabs_dla_34_track': Architecture(
        'dla34_track', 1, 256, is_deformable=True, log_variances=('hps', 'scale')
    ),
}


def own_weights(weights):
    return convert(weights, detect_family(weights))


@pytest.mark.parametrize('name', WHOLE)
def test_whole_models(name):
    assert infer_architecture(own_weights(shapes_only(name))) == EXPECTED[name]


@pytest.mark.parametrize('name', ['tao_DLA34', 'tao_fan_base'])
def test_backbones(name):
    found = infer_architecture(own_weights(backbone_of(shapes_only(name))))
    assert found == Architecture(EXPECTED[name].backbone)


def test_other_heads():
    weights = own_weights(shapes_only('nvlabs_dla_34'))
    weights['head.branches.outputs.hm.out.weight'] = torch.zeros(3, 64, 1, 1)
    weights['head.branches.outputs.hm.hidden.weight'] = torch.zeros(64, 64, 3, 3)
    weights['head.branches.outputs.scale_uncertainty.out.bias'] = torch.zeros(3)
    found = infer_architecture(weights)
    assert (found.num_classes, found.head_conv, found.log_variances) == (3, 64, ('scale',))
    assert found.describe() == (
        'DLA34, deformable convolutions in the neck, no feature association, '
        'uncertainty of scale, 3 categories'
    )


def test_other_backbones_have_no_name():
    weights = {
        'backbone.features.stem.weight': torch.zeros(1),
        'head.branches.outputs.hm.hidden.weight': torch.zeros(32, 16, 3, 3),
        'head.branches.outputs.hm.out.weight': torch.zeros(1, 32, 1, 1),
    }
    found = infer_architecture(weights)
    assert found == Architecture('', 1, 32)
    assert found.describe().startswith('another backbone, plain')


def test_unknown_size():
    weights = {'backbone.patch_proj.weight': torch.zeros(192, 256, 2, 2)}
    with raises(CheckpointError, '192 channels and 0 blocks'):
        infer_architecture(weights)


def test_incomplete_head():
    with raises(CheckpointError, 'hm'):
        infer_architecture({'head.branches.outputs.wh.out.bias': torch.zeros(2)})
