"""Files as TAO and NVlabs/CenterPose write them, with networks of the reference's names."""

import importlib.util
from pathlib import Path

import torch

SPEC = importlib.util.spec_from_file_location(
    'published_weights', Path(__file__).parents[1] / 'models' / 'published_weights.py'
)
published_weights = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(published_weights)


class AttributeDict(dict):
    """Stands for the settings that Lightning pickles beside the weights."""


def write_tao(file, name='tao_DLA34', prefix='model.', **changes):
    """Write a Lightning checkpoint as TAO's training does."""
    weights = {**published_weights.drawn_weights(name), **changes}
    content = {
        'epoch': 3,
        'global_step': 8,
        'pytorch-lightning_version': '2.1.4',
        'state_dict': {f'{prefix}{key}': value for key, value in weights.items()},
        'hyper_parameters': AttributeDict(num_classes=1),
    }
    torch.save(content, file)
    return weights


def write_nvlabs(file, name='nvlabs_dlav1_34'):
    """Write a ``.pth`` as the training of NVlabs/CenterPose does, in the format of its time."""
    weights = published_weights.drawn_weights(name)
    content = {'epoch': 140, 'state_dict': weights}
    torch.save(content, file, _use_new_zipfile_serialization=False)
    return weights
