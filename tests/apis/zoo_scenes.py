"""A zoo of one small model, with random weights, in a folder of its own."""

import hashlib

import torch
import yaml

from cpose.apis.builder import build_model
from cpose.apis.conversion import convert_checkpoint
from cpose.apis.conversion_config import ConfigChoice

from .inference_scenes import tiny_config

RESULTS = [
    {'Dataset': 'shelf', 'Photographs': True, 'Metrics': {'AP50_3DIoU': 0.81, 'mean_3DIoU': 0.66}},
    {'Dataset': 'drawn', 'Photographs': False, 'Metrics': {'AP50_3DIoU': 0.95}},
]
FACTS = {
    'Name': 'tiny',
    'Metadata': {'Backbone': 'test_resnet', 'Category': 'cup'},
    'License': 'Apache-2.0',
    'Data': 'nothing',
    'Command': 'torch.manual_seed(0)',
    'Input': [64, 64],
    'Speed': [{'Milliseconds': 3.5, 'Runtime': 'PyTorch', 'Machine': 'a test'}],
    'Results': RESULTS,
}


def write_weights(folder):
    """Write ``tiny.py`` and ``tiny.safetensors``, FP16 with its config; return the latter."""
    tiny_config().dump(folder / 'tiny.py')
    torch.manual_seed(0)
    torch.save({'state_dict': build_model(tiny_config()).state_dict()}, folder / 'own.pth')
    out = folder / 'tiny.safetensors'
    convert_checkpoint(
        folder / 'own.pth', out, ConfigChoice(config=folder / 'tiny.py'), force=True, half=True
    )
    return out


def entry_of(weights, **changes):
    """Return the entry of a file in the metafile of its folder; None leaves a key out."""
    facts = {
        **FACTS,
        'Weights': weights.name,
        'SHA256': hashlib.sha256(weights.read_bytes()).hexdigest(),
        'Bytes': weights.stat().st_size,
        **changes,
    }
    return {key: value for key, value in facts.items() if value is not None}


def write_metafile(folder, *entries):
    """Write ``metafile.yml``; return its path."""
    file = folder / 'metafile.yml'
    file.write_text(yaml.safe_dump({'Models': list(entries)}))
    return file
