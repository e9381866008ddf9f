"""Weights that cannot be used."""

from argparse import Namespace

import torch
from torch import nn

from cpose.checkpoints.categories import check_categories
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.loading import find_state_dict, load_weights
from cpose.checkpoints.pretrained import Pretrained
from cpose.checkpoints.stored_config import config_from_json
from cpose.models.backbones.fan import FAN
from cpose.models.checkpoint_keys import convert, detect_family


def with_file(write):
    def run(folder):
        file = folder / 'a.pth'
        write(file)
        load_checkpoint_file(file)

    return run


def cut_off(file):
    torch.save({'a': torch.zeros(1000)}, file)
    file.write_bytes(file.read_bytes()[:2000])


def load_whole_model(**settings):
    def run(folder):
        weights = {'backbone.a': torch.zeros(1), 'head.branches.hm.out.bias': torch.zeros(1)}
        torch.save(weights, folder / 'a.pth')
        Pretrained(str(folder / 'a.pth'), **settings)(nn.Linear(4, 2))

    return run


def load_linear(**changed):
    weights = {f'head.{name}': value for name, value in nn.Linear(4, 2).state_dict().items()}
    model = nn.ModuleDict({'head': nn.Linear(4, 2)})
    return lambda folder: load_weights(model, {**weights, **changed}, 'a.pth')


CASES = {
    'categories in another order': lambda folder: check_categories(
        ('cup', 'shoe'), ('shoe', 'cup'), 'a.pth'
    ),
    'file that is cut off': with_file(cut_off),
    'weights of another shape': load_linear(**{'head.weight': torch.zeros(3, 4)}),
    'weights of more layers': load_linear(**{'head.extra': torch.zeros(1)}),
    'file that is missing': with_file(lambda file: None),
    'file that is a folder': with_file(lambda file: file.mkdir()),
    'file that is empty': with_file(lambda file: file.write_bytes(b'')),
    'file of text': with_file(lambda file: file.write_text('weights')),
    'file of onnx': with_file(lambda file: file.write_bytes(b'\x08\x08\x12\x07pytorch:\x04body')),
    'file of other objects': with_file(lambda file: torch.save({'run': Namespace()}, file)),
    'whole model for a part': load_whole_model(),
    'whole model without the part': load_whole_model(prefix='neck.'),
    'file of a list': with_file(lambda file: torch.save([1], file)),
    'no weights': lambda folder: find_state_dict({'epoch': 3}),
    'no known family': lambda folder: detect_family({'conv1.weight': torch.zeros(1)}),
    'family that is unknown': lambda folder: convert({}, 'tao_dla43'),
    'config that imports': lambda folder: config_from_json('{"custom_imports": ["evil"]}', 'a.pth'),
    'config that calls': lambda folder: config_from_json('{"a": {"type": "os.system"}}', 'a.pth'),
    'size of FAN': lambda folder: FAN('smal', 0.0),
}
