"""Names of parameters in published checkpoints, turned into ours.

Pure functions on state dicts. A family is a way of naming:

- ``cpose``, ``cpose_backbone``: this project's, of a whole model and of a backbone alone;
- ``tao_dla34``, ``tao_fan``: TAO PyTorch, with or without Lightning's prefixes;
- ``nvlabs_dla34``: the CenterPose research code, with deformable convolutions;
- ``dla34_imagenet``, ``fan_imagenet``: classification networks, whose backbone is taken.

Every key is either renamed or dropped by name because it has no effect on any output.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from cpose.errors import CheckpointError, nearest_names
from cpose.models.checkpoint_rules import FAMILIES, MMLAB_WRAPPERS, Family, Rule

OWN_FAMILY = 'cpose'
OWN_BACKBONE_FAMILY = 'cpose_backbone'
BACKBONE_PREFIX = 'backbone.'
BACKBONE_FAMILIES = ('dla34_imagenet', 'fan_imagenet', OWN_BACKBONE_FAMILY)
"""Families whose checkpoints fill the backbone only."""

GATE = re.compile(r'(head\.branches\.association\..+)\.([rzn])')
LINEAR_FROM_CONV = re.compile(r'backbone\.stem\.\d+\.1\.\d+\.fc[12]\.weight')
STATE_DICT_KEYS = ('state_dict', 'model', 'state_dict_ema')
OWN_WRAPPER = 'module.'
OWN_BACKBONE_KEYS = ('backbone.features.base_layer.0.weight', 'backbone.patch_proj.weight')


class Dropped(NamedTuple):
    """Keys that are left out.

    Attributes:
        pattern: What they have in common, a regular expression.
        keys: Their names in the checkpoint.
        reason: Why no output depends on them.
    """

    pattern: str
    keys: tuple[str, ...]
    reason: str


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
    bare = {key.removeprefix(OWN_WRAPPER) for key in state_dict}
    if any(key.startswith('head.branches.') for key in bare):
        return OWN_FAMILY
    if not bare.isdisjoint(OWN_BACKBONE_KEYS):
        return OWN_BACKBONE_FAMILY
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
        f'Known families: {", ".join((OWN_FAMILY, OWN_BACKBONE_FAMILY, *FAMILIES))}.'
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
    if family in (OWN_FAMILY, OWN_BACKBONE_FAMILY):
        return {key.removeprefix(OWN_WRAPPER): value for key, value in state_dict.items()}
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


def dropped_keys(state_dict: Mapping[str, Tensor], family: str) -> list[Dropped]:
    """Tell which keys `convert` leaves out, and why."""
    if family not in FAMILIES:
        return []
    bare = {key: FAMILIES[family].wrappers.sub('', key) for key in state_dict}
    found = [
        Dropped(pattern, tuple(key for key in bare if re.fullmatch(pattern, bare[key])), reason)
        for pattern, reason in FAMILIES[family].dropped.items()
    ]
    return [item for item in found if item.keys]


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
