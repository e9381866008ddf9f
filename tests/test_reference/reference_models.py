"""Our counterpart of a reference network, from the facts in its JSON file."""

import torch

STATISTICS = {'mean': (0.0, 0.0, 0.0), 'std': (1.0, 1.0, 1.0)}


def build_config(facts):
    construction = facts['construction']
    is_fan = 'fan' in construction['backbone'].lower()
    is_deformable = construction['neck_conv'].startswith('deformable')
    conv = 'ModulatedDeformConv' if is_deformable else 'PlainConv'
    backbone = {'type': 'DLA34', 'out_strides': (1, 2, 4, 8, 16, 32)}
    if is_fan:
        arch = construction['backbone'].split()[0].removeprefix('fan_')
        backbone = {'type': 'FAN', 'arch': arch, 'drop_path_rate': 0.3}
    heads = dict(facts['outputs'])
    if 'tracking' in heads:
        backbone['type'] = 'DLA34Track'
    return {
        'type': 'CenterPose',
        'data_preprocessor': {
            'type': 'PoseDataPreprocessor',
            'channel_order': 'bgr',
            'size_divisor': 32,
            **STATISTICS,
        },
        'backbone': backbone,
        'neck': {
            'type': 'IDAUpNeck' if is_fan else 'DLAUpNeck',
            'out_stride': construction['down_ratio'],
            'conv': {'type': conv},
        },
        'head': {
            'type': 'CenterPoseHead',
            'num_classes': heads['hm'],
            'head_conv': construction['head_conv'],
            'use_association': construction['use_convGRU'],
            'branches': build_branches(heads),
        },
    }


def build_branches(heads):
    """Return what the head has besides the branches of all networks."""
    names = [name for name in heads if f'{name}_uncertainty' in heads]
    branches = {name: {'loss': {'type': 'KLDUncertaintyLoss'}} for name in names}
    if 'tracking' in heads:
        branches['tracking'] = {'type': 'CenterTrackingBranch'}
        branches['tracking_hp'] = {'type': 'CornerTrackingBranch'}
    return branches


@torch.inference_mode()
def own_stages(model, images):
    """Return the intermediate maps under the reference's names."""
    levels = model.backbone(images)
    stages = {f'backbone.{number}': level for number, level in enumerate(levels)}
    used = levels[model.neck.first_level :]
    if hasattr(model.neck, 'refine_levels'):
        refined = model.neck.refine_levels(used)
        stages |= {f'dla_up.{number}': level for number, level in enumerate(refined)}
    fused = stages['fused'] = model.neck(levels)
    association = model.head.branches.association
    if association is not None:
        stages |= {f'gru.{step}': state for step, state in enumerate(association(fused))}
    return stages
