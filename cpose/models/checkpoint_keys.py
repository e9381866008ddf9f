"""Names of parameters in published checkpoints, turned into ours.

Pure functions on state dicts. A family is a way of naming:

- ``cpose``: this project's;
- ``tao_dla34``, ``tao_fan``: TAO PyTorch, with or without Lightning's prefixes;
- ``nvlabs_dla34``: the CenterPose research code, with deformable convolutions;
- ``dla34_imagenet``, ``fan_imagenet``: classification networks, whose backbone is taken.

Every key is either renamed or dropped by name because it has no effect on any output.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from cpose.errors import CheckpointError, nearest_names

OWN_FAMILY = 'cpose'
BACKBONE_PREFIX = 'backbone.'
BACKBONE_FAMILIES = ('dla34_imagenet', 'fan_imagenet')
"""Families whose checkpoints fill the backbone only."""

WRAPPERS = re.compile(r'^(?:(?:module|model)\.)+')
MMLAB_WRAPPERS = re.compile(r'^(?:(?:module|model|backbone)\.)+')
BRANCHES = 'hm|wh|reg|hm_hp|hp_offset|hps|scale|hps_uncertainty|scale_uncertainty'
GATE = re.compile(r'(head\.branches\.association\..+)\.([rzn])')
LINEAR_FROM_CONV = re.compile(r'backbone\.stem\.\d+\.1\.\d+\.fc[12]\.weight')
STATE_DICT_KEYS = ('state_dict', 'model', 'state_dict_ema')


class Rule(NamedTuple):
    """Rename keys that match ``pattern`` as a whole."""

    pattern: str
    name: str | Callable[[re.Match[str]], str]


def _rule_of_step(target: str) -> Callable[[re.Match[str]], str]:
    """Count aggregation steps from 0; ``target`` holds the step as {step}."""
    return lambda match: match.expand(target.replace('{step}', str(int(match['step']) - 1)))


def _neck_rules(source: str, target: str) -> list[Rule]:
    parts = {'proj': 'project', 'node': 'fuse'}
    rules = [
        Rule(
            rf'{source}\.{part}_(?P<step>\d+)\.{layer}\.(?P<leaf>.+)',
            _rule_of_step(rf'{target}.steps.{{step}}.{name}.{own}.\g<leaf>'),
        )
        for part, name in parts.items()
        for layer, own in (('conv', 'conv'), (r'actf\.0', 'norm'))
    ]
    upsample = _rule_of_step(rf'{target}.steps.{{step}}.upsample.weight')
    return [*rules, Rule(rf'{source}\.up_(?P<step>\d+)\.weight', upsample)]


NECK_AND_HEAD = [
    *_neck_rules(r'dla_up\.ida_(?P<level>\d+)', r'neck.refine.\g<level>'),
    *_neck_rules('ida_up', 'neck.merge'),
    Rule(r'convGRU\.cell0\.Wi([rzn])\.(\w+)', r'head.branches.association.input_gates.\2.\1'),
    Rule(r'convGRU\.cell0\.Wh([rzn])\.(\w+)', r'head.branches.association.hidden_gates.\2.\1'),
    Rule(rf'({BRANCHES})\.0\.(weight|bias)', r'head.branches.outputs.\1.hidden.\2'),
    Rule(rf'({BRANCHES})\.1\.(weight|bias)', r'head.branches.outputs.\1.norm.\2'),
    Rule(rf'({BRANCHES})\.[23]\.(weight|bias)', r'head.branches.outputs.\1.out.\2'),
]
DLA_BACKBONE = [Rule(r'((?:base_layer|level\d)\..+)', r'backbone.features.\1')]
DLA_DROPPED = [r'fc\..+', r'level[34]\.project\..+']
FAN_BACKBONE = [
    Rule(r'patch_embed\.backbone\.stem\.0\.(\w+)', r'backbone.stem.0.0.0.\1'),
    Rule(r'patch_embed\.backbone\.stem\.1\.(\w+)', r'backbone.stem.0.0.1.norm.\1'),
    Rule(r'patch_embed\.backbone\.stages\.1\.downsample\.0\.(\w+)', r'backbone.stem.1.0.0.norm.\1'),
    Rule(r'patch_embed\.backbone\.stages\.1\.downsample\.1\.(\w+)', r'backbone.stem.1.0.1.\1'),
    Rule(
        r'patch_embed\.backbone\.stages\.(\d+)\.blocks\.(\d+)\.(?:mlp\.)?(.+)',
        r'backbone.stem.\1.1.\2.\3',
    ),
    Rule(r'patch_embed\.proj\.(\w+)', r'backbone.patch_proj.\1'),
    Rule(r'pos_embed\.(.+)', r'backbone.position.\1'),
    Rule(r'(blocks\.\d+\.(?:gamma|norm|attn).*)', r'backbone.\1'),
    Rule(r'(blocks\.\d+)\.mlp\.(temperature|q\..+)', r'backbone.\1.channel_attn.\2'),
    Rule(r'(blocks\.\d+)\.mlp\.norm_v\.(.+)', r'backbone.\1.channel_attn.norm.\2'),
    Rule(r'(blocks\.\d+)\.mlp\.mlp_v\.dwconv\.bn\.(.+)', r'backbone.\1.channel_attn.mlp.norm.\2'),
    Rule(r'(blocks\.\d+)\.mlp\.mlp_v\.(?:dwconv\.)?(.+)', r'backbone.\1.channel_attn.mlp.\2'),
    Rule(r'cls_attn_blocks\.(\d+)\.(gamma1|norm[12]\..+)', r'backbone.refinement.\1.\2'),
    Rule(r'out_norm(\d)\.(.+)', r'backbone.out_norms.\1.norm.\2'),
    Rule(r'(learnable_downsample\..+)', r'backbone.\1'),
]
FAN_DROPPED = [r'cls_token', r'cls_attn_blocks\.\d+\.(?:gamma2|attn\..+|mlp\..+)']
CLASSIFIER = [r'ema_.+', r'norm\..+', r'head\..+', r'patch_embed\.backbone\.head\..+']


class Family(NamedTuple):
    """How one kind of checkpoint names its parameters.

    Attributes:
        wrappers: Prefixes that are taken off first.
        rules: Renaming, the first match counts.
        dropped: Patterns of keys without effect; they are looked at before the rules.
    """

    wrappers: re.Pattern[str]
    rules: list[Rule]
    dropped: list[str]


def _whole_model(backbone: Iterable[Rule], dropped: Iterable[str]) -> Family:
    rules = [Rule(rf'base\.{rule.pattern}', rule.name) for rule in backbone]
    return Family(WRAPPERS, [*rules, *NECK_AND_HEAD], [rf'base\.{key}' for key in dropped])


FAMILIES = {
    'tao_dla34': _whole_model(DLA_BACKBONE, DLA_DROPPED),
    'tao_fan': _whole_model(FAN_BACKBONE, FAN_DROPPED),
    'nvlabs_dla34': _whole_model(DLA_BACKBONE, DLA_DROPPED),
    'dla34_imagenet': Family(WRAPPERS, DLA_BACKBONE, DLA_DROPPED),
    'fan_imagenet': Family(MMLAB_WRAPPERS, FAN_BACKBONE, [*FAN_DROPPED, *CLASSIFIER]),
}


def find_state_dict(checkpoint: object) -> dict[str, Tensor]:
    """Find the state dict in what a checkpoint file holds.

    Raises:
        CheckpointError: If there is none.
    """
    content = checkpoint if isinstance(checkpoint, Mapping) else {}
    nested = [content[key] for key in STATE_DICT_KEYS if isinstance(content.get(key), Mapping)]
    weights = nested[0] if nested else content
    tensors = {key: value for key, value in weights.items() if isinstance(value, Tensor)}
    if tensors:
        return tensors
    raise CheckpointError(
        'The checkpoint holds no weights: expected a dict of tensors, or one under '
        f'{" or ".join(STATE_DICT_KEYS)}.'
    )


def detect_family(state_dict: Mapping[str, Tensor]) -> str:
    """Tell from the keys how a checkpoint names its parameters.

    Raises:
        CheckpointError: If it is of no known family.
    """
    own = [key.startswith(('backbone.', 'neck.', 'head.branches.')) for key in state_dict]
    if any(own) and any(key.startswith('head.branches.') for key in state_dict):
        return OWN_FAMILY
    keys = {MMLAB_WRAPPERS.sub('', key) for key in state_dict}
    if any(key.startswith('base.') for key in keys):
        if 'base.cls_token' in keys:
            return 'tao_fan'
        is_deformable = any('conv_offset_mask' in key for key in keys)
        return 'nvlabs_dla34' if is_deformable else 'tao_dla34'
    if any(key.startswith('patch_embed.backbone.') for key in keys):
        return 'fan_imagenet'
    if 'base_layer.0.weight' in keys:
        return 'dla34_imagenet'
    raise CheckpointError(
        f'The checkpoint is of no known family; its keys begin with {sorted(keys)[:5]}. '
        f'Known families: {", ".join((OWN_FAMILY, *FAMILIES))}.'
    )


def convert(state_dict: Mapping[str, Tensor], family: str) -> dict[str, Tensor]:
    """Rename the parameters of one family to ours; nothing is changed in place.

    Args:
        state_dict: Tensors by their names in the family.
        family: As `detect_family` tells it.

    Returns:
        Tensors by the names in `CenterPose`; those of `BACKBONE_FAMILIES` begin with ``backbone.``.

    Raises:
        CheckpointError: If the family is unknown, or keys have no counterpart; lists them.
    """
    if family == OWN_FAMILY:
        return dict(state_dict)
    if family not in FAMILIES:
        raise CheckpointError(
            f'There is no checkpoint family {family!r}. {nearest_names(family, FAMILIES)}'
        )
    names = _own_names(state_dict, FAMILIES[family])
    unknown = [key for key, name in names.items() if name is None]
    if unknown:
        raise CheckpointError(
            f'{len(unknown)} keys of the checkpoint have no counterpart in a {family} model: '
            f'{unknown[:20]}. Is it of another network, for example one with tracking inputs?'
        )
    converted = {}
    for key, name in names.items():
        is_linear = name is not None and LINEAR_FROM_CONV.fullmatch(name)
        converted[str(name)] = state_dict[key].flatten(1) if is_linear else state_dict[key]
    return _join_gates(converted)


def _own_names(state_dict: Mapping[str, Tensor], family: Family) -> dict[str, str | None]:
    """Return our name by foreign key, None where there is none; without keys of no effect."""
    unwrapped = {key: family.wrappers.sub('', key) for key in state_dict}
    return {
        key: _rename(bare, family.rules)
        for key, bare in unwrapped.items()
        if not any(re.fullmatch(pattern, bare) for pattern in family.dropped)
    }


def _join_gates(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Join the three kernels of the recurrent unit, which is one convolution here."""
    joined = {key: value for key, value in weights.items() if not GATE.fullmatch(key)}
    gates = {match[1] for match in map(GATE.fullmatch, weights) if match}
    missing = [
        f'{name}.{part}' for name in gates for part in 'rzn' if f'{name}.{part}' not in weights
    ]
    if missing:
        raise CheckpointError(f'The checkpoint lacks gates of the recurrent unit: {missing}.')
    for name in gates:
        joined[name] = torch.cat([weights[f'{name}.{part}'] for part in 'rzn'])
    return joined


def _rename(key: str, rules: Iterable[Rule]) -> str | None:
    for pattern, name in rules:
        match = re.fullmatch(pattern, key)
        if match:
            return match.expand(name) if isinstance(name, str) else name(match)
    return None
