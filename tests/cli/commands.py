"""Command lines that succeed in the fixture ``workplace``, and ways to change them."""

from pathlib import Path

MODEL = 'run/epoch_1.pth'
TRAIN = ('train', 'tiny.py', '--work-dir', 'run')
TEST = ('test', 'tiny.py', MODEL, '--out', 'metrics.json', '--work-dir', 'run/test')
INFER = ('infer', 'tiny.py', MODEL, 'data', '--out', 'out', '--device', 'cpu')
COMMANDS = {'train': TRAIN, 'test': TEST, 'infer': INFER}


def replaced(command, old, new):
    """Return the words of a command with one of them exchanged."""
    return [new if word == old else word for word in COMMANDS[command]]


def write_overlay(text):
    """Write ``broken.py``, which inherits the config that works."""
    Path('broken.py').write_text(f"_base_ = './tiny.py'\n{text}\n")
