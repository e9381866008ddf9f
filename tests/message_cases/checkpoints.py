"""Weights that cannot be used."""

import torch

from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.loading import find_state_dict
from cpose.checkpoints.stored_config import config_from_json
from cpose.models.backbones.fan import FAN
from cpose.models.checkpoint_keys import convert, detect_family


def with_file(write):
    def run(folder):
        file = folder / 'a.pth'
        write(file)
        load_checkpoint_file(file)

    return run


CASES = {
    'file that is missing': with_file(lambda file: None),
    'file that is a folder': with_file(lambda file: file.mkdir()),
    'file that is empty': with_file(lambda file: file.write_bytes(b'')),
    'file of text': with_file(lambda file: file.write_text('weights')),
    'file of onnx': with_file(lambda file: file.write_bytes(b'\x08\x08\x12\x07pytorch:\x04body')),
    'file of a list': with_file(lambda file: torch.save([1], file)),
    'no weights': lambda folder: find_state_dict({'epoch': 3}),
    'no known family': lambda folder: detect_family({'conv1.weight': torch.zeros(1)}),
    'family that is unknown': lambda folder: convert({}, 'tao_dla43'),
    'config that imports': lambda folder: config_from_json('{"custom_imports": ["evil"]}', 'a.pth'),
    'config that calls': lambda folder: config_from_json('{"a": {"type": "os.system"}}', 'a.pth'),
    'size of FAN': lambda folder: FAN('smal', 0.0),
}
