"""State dicts as others publish them: names and shapes of the reference networks."""

import json
from pathlib import Path

import torch

REFERENCE = Path(__file__).parents[1] / 'data' / 'reference'
WHOLE = (
    'tao_DLA34',
    'tao_fan_small',
    'tao_fan_base',
    'tao_fan_large',
    'nvlabs_dlav1_34',
    'nvlabs_dla_34',
    'nvlabs_dla_34_track',
)


def read_facts(name):
    return json.loads((REFERENCE / f'{name}.json').read_text())


def facts_of(name):
    return read_facts(name)['state_dict']


def parameters_without_effect(name):
    """Return the keys on which no output of the reference depends, as measured there."""
    return {key for keys in read_facts(name)['parameters_without_effect'].values() for key in keys}


def shapes_only(name):
    """Return tensors without values, by the reference's names."""
    return {
        key: torch.empty(shape, dtype=getattr(torch, dtype), device='meta')
        for key, shape, dtype in facts_of(name)
    }


def drawn_weights(name):
    """Return small random weights by the reference's names; variances are 1."""
    generator = torch.Generator().manual_seed(5)
    return {
        key: torch.ones(shape)
        if key.endswith('running_var')
        else torch.empty(shape).normal_(std=0.02, generator=generator).to(getattr(torch, dtype))
        for key, shape, dtype in facts_of(name)
    }


def backbone_of(weights):
    """Return the backbone of a reference network as its ImageNet file names it, with classifier."""
    base = {
        key.removeprefix('base.'): value
        for key, value in weights.items()
        if key.startswith('base.') and not key.startswith(PYRAMID)
    }
    is_fan = 'cls_token' in base
    classifier = 'head.fc.weight' if is_fan else 'fc.weight'
    return {**base, classifier: torch.zeros(2, 2)}


PYRAMID = ('base.out_norm', 'base.learnable_downsample')
