import pytest
import torch

from cpose.checkpoints.loading import find_state_dict
from cpose.errors import CheckpointError
from cpose.models.checkpoint_keys import convert, detect_family, weight_families

from ..user_errors import raises

TAO_DLA = {
    'base.base_layer.0.weight': torch.zeros(16, 3, 7, 7),
    'base.level3.project.0.weight': torch.zeros(128, 64, 1, 1),
    'base.level3.tree1.project.0.weight': torch.zeros(1),
    'dla_up.ida_1.proj_2.actf.0.running_mean': torch.zeros(1),
    'dla_up.ida_1.up_2.weight': torch.zeros(1),
    'ida_up.node_1.conv.bias': torch.zeros(1),
    'hm.0.weight': torch.zeros(1),
    'hm.1.bias': torch.zeros(1),
    'hps.3.bias': torch.zeros(1),
}
OWN_NAMES = {
    'backbone.features.base_layer.0.weight',
    'backbone.features.level3.tree1.project.0.weight',
    'neck.refine.1.steps.1.project.norm.running_mean',
    'neck.refine.1.steps.1.upsample.weight',
    'neck.merge.steps.0.fuse.conv.bias',
    'head.branches.outputs.hm.hidden.weight',
    'head.branches.outputs.hm.norm.bias',
    'head.branches.outputs.hps.out.bias',
}


def with_prefix(prefix, weights):
    return {prefix + key: value for key, value in weights.items()}


@pytest.mark.parametrize('prefix', ['', 'module.', 'model.', 'model.model.'])
def test_tao_names_with_any_wrapper(prefix):
    weights = with_prefix(prefix, TAO_DLA)
    assert detect_family(weights) == 'tao_dla34'
    assert set(convert(weights, 'tao_dla34')) == OWN_NAMES


def test_nvlabs_names():
    weights = with_prefix(
        'module.',
        TAO_DLA
        | {
            'base.fc.weight': torch.zeros(1),
            'ida_up.node_1.conv.conv_offset_mask.weight': torch.zeros(1),
            'wh.2.bias': torch.zeros(1),
        },
    )
    assert detect_family(weights) == 'nvlabs_dla34'
    added = set(convert(weights, 'nvlabs_dla34')) - OWN_NAMES
    assert added == {
        'neck.merge.steps.0.fuse.conv.conv_offset_mask.weight',
        'head.branches.outputs.wh.out.bias',
    }


def test_names_of_what_reads_the_frame_before():
    weights = with_prefix(
        'module.',
        {
            'base.base_layer.0.weight': torch.zeros(16, 3, 7, 7),
            'base.pre_img_layer.0.weight': torch.zeros(16, 3, 7, 7),
            'base.pre_hm_hp_layer.1.running_var': torch.zeros(16),
            'ida_up.node_1.conv.conv_offset_mask.weight': torch.zeros(1),
            'tracking_hp.2.bias': torch.zeros(16),
        },
    )
    assert detect_family(weights) == 'nvlabs_track'
    assert set(convert(weights, 'nvlabs_track')) == {
        'backbone.features.base_layer.0.weight',
        'backbone.features.base_layer.pre_img.0.weight',
        'backbone.features.base_layer.pre_hm_hp.1.running_var',
        'neck.merge.steps.0.fuse.conv.conv_offset_mask.weight',
        'head.branches.outputs.tracking_hp.out.bias',
    }


def test_gates_are_joined_in_order():
    weights = {
        f'convGRU.cell0.W{side}{gate}.weight': torch.full((2, 2, 3, 3), float(value))
        for side in 'ih'
        for value, gate in enumerate('rzn')
    }
    converted = convert(weights, 'tao_dla34')
    joined = converted['head.branches.association.input_gates.weight']
    assert joined[:, 0, 0, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert len(converted) == 2
    del weights['convGRU.cell0.Whz.weight']
    with raises(CheckpointError, 'hidden_gates.weight.z'):
        convert(weights, 'tao_dla34')


def test_fan_names():
    weights = {
        'base.cls_token': torch.zeros(1),
        'base.cls_attn_blocks.1.mlp.fc1.bias': torch.zeros(1),
        'base.cls_attn_blocks.1.norm1.bias': torch.zeros(1),
        'base.patch_embed.backbone.stages.1.blocks.2.mlp.fc1.weight': torch.zeros(8, 2, 1, 1),
        'base.blocks.3.mlp.mlp_v.dwconv.bn.bias': torch.zeros(1),
        'base.blocks.3.mlp.mlp_v.gamma': torch.zeros(1),
        'base.out_norm2.bias': torch.zeros(1),
    }
    assert detect_family(weights) == 'tao_fan'
    converted = convert(weights, 'tao_fan')
    assert {key: tuple(value.shape) for key, value in converted.items()} == {
        'backbone.refinement.1.norm1.bias': (1,),
        'backbone.stem.1.1.2.fc1.weight': (8, 2),
        'backbone.blocks.3.channel_attn.mlp.norm.bias': (1,),
        'backbone.blocks.3.channel_attn.mlp.gamma': (1,),
        'backbone.out_norms.2.norm.bias': (1,),
    }


def test_imagenet_names():
    fan = {
        'backbone.patch_embed.backbone.stem.0.bias': torch.zeros(1),
        'backbone.cls_token': torch.zeros(1),
        'ema_backbone_cls_token': torch.zeros(1),
        'head.fc.weight': torch.zeros(1),
    }
    assert detect_family(fan) == 'fan_imagenet'
    assert set(convert(fan, 'fan_imagenet')) == {'backbone.stem.0.0.0.bias'}
    dla = {
        'base_layer.0.weight': torch.zeros(1),
        'fc.weight': torch.zeros(1),
        'level4.project.1.bias': torch.zeros(1),
    }
    assert detect_family(dla) == 'dla34_imagenet'
    assert set(convert(dla, 'dla34_imagenet')) == {'backbone.features.base_layer.0.weight'}


def test_own_names_stay():
    weights = {name: torch.zeros(1) for name in OWN_NAMES}
    assert detect_family(weights) == 'cpose'
    assert set(convert(weights, 'cpose')) == OWN_NAMES


def test_unknown_keys_are_listed():
    tracking = TAO_DLA | {'tracking.0.weight': torch.zeros(1)}
    with raises(CheckpointError, 'tracking.0.weight'):
        convert(tracking, 'tao_dla34')
    with raises(CheckpointError, 'conv1.weight'):
        detect_family({'conv1.weight': torch.zeros(1)})
    with raises(CheckpointError) as caught:
        convert(TAO_DLA, 'tao_dla')
    assert all(name in str(caught.value) for name in ("'tao_dla'", 'tao_dla34'))


def test_the_input_is_not_changed():
    weights = dict(TAO_DLA)
    convert(weights, 'tao_dla34')
    assert weights == TAO_DLA


@pytest.mark.parametrize('key', ['state_dict', 'model', 'state_dict_ema'])
def test_state_dict_inside_a_checkpoint(key):
    assert find_state_dict({'epoch': 3, key: TAO_DLA}) == TAO_DLA
    assert find_state_dict(TAO_DLA) == TAO_DLA


@pytest.mark.parametrize('content', [{}, {'epoch': 3}, [1], None])
def test_no_weights(content):
    with raises(CheckpointError):
        find_state_dict(content)


def test_own_names_behind_a_wrapper():
    weights = with_prefix('module.', {name: torch.zeros(1) for name in OWN_NAMES})
    assert detect_family(weights) == 'cpose'
    assert set(convert(weights, 'cpose')) == OWN_NAMES


def test_own_backbone():
    weights = {'backbone.features.base_layer.0.weight': torch.zeros(1)}
    assert detect_family(weights) == 'cpose_backbone'
    assert convert(weights, 'cpose_backbone') == weights
    assert weight_families()['cpose_backbone'].dropped(weights) == []


def test_dropped_keys_keep_their_names_and_have_a_reason():
    weights = with_prefix('model.', TAO_DLA)
    (dropped,) = weight_families()['tao_dla34'].dropped(weights)
    assert dropped.keys == ('model.base.level3.project.0.weight',)
    assert 'not used' in dropped.reason
