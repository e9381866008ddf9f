"""Checkpoints that cannot be used: a message that tells what to do, exit code 2, nothing lost."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch

from cpose.cli.main import main

from .commands import COMMANDS, MODEL, TRAIN, replaced


class Payload:
    """A pickle that would make a folder when it is loaded."""

    def __reduce__(self):
        return os.mkdir, ('executed',)


def truncate_model(file):
    file.write_bytes(Path(MODEL).read_bytes()[:100_000])


def plant_payload(file):
    torch.save({**torch.load(MODEL, weights_only=True), 'payload': Payload()}, file)


def plant_plain_payload(file):
    file.write_bytes(pickle.dumps({'state_dict': Payload()}))


MODEL_DAMAGES = {
    'missing': (lambda file: None, 'bad.pth'),
    'truncated': (truncate_model, ['bad.pth is cut off after 100000 bytes', 'Copy or download']),
    'empty': (lambda file: file.write_bytes(b''), ['bad.pth is empty (0 bytes)', 'download']),
    'garbage': (lambda file: file.write_bytes(b'garbage'), 'bad.pth is not a PyTorch checkpoint'),
    'payload': (plant_payload, ['bad.pth holds pickled objects', 'mkdir', 'nothing was loaded']),
    'plain payload': (plant_plain_payload, ['bad.pth holds pickled objects', 'mkdir']),
}


@pytest.mark.slow
@pytest.mark.parametrize('damage', MODEL_DAMAGES)
def test_unusable_checkpoint(fails, damage):
    change, says = MODEL_DAMAGES[damage]
    change(Path('bad.pth'))
    for command in ('test', 'infer'):
        fails(*replaced(command, MODEL, 'bad.pth'), says=says)
    fails('infer', '-', 'bad.pth', 'data', '--out', 'out', says=says)
    fails(*TRAIN, '--resume', 'bad.pth', says=says)
    assert not Path('executed').exists()


@pytest.mark.slow
@pytest.mark.parametrize('command', ['test', 'infer'])
@pytest.mark.parametrize('config', ['tiny.py', '-'])
def test_tensors_beside_a_payload_can_be_read(workplace, command, config):
    plant_payload(Path('bad.pth'))
    words = [config if word == 'tiny.py' else word for word in replaced(command, MODEL, 'bad.pth')]
    assert main([*words, '--tensors-only']) == 0
    assert not Path('executed').exists()


@pytest.mark.slow
@pytest.mark.parametrize('source', ['load_from', 'resume'])
def test_training_from_tensors_beside_a_payload(fails, source):
    plant_payload(Path('bad.pth'))
    how = ['--cfg-options', 'load_from=bad.pth', 'train_cfg.max_epochs=2']
    if source == 'resume':
        how = ['--resume', 'bad.pth', '--cfg-options', 'train_cfg.max_epochs=2']
    fails('train', 'tiny.py', '--work-dir', 'new', *how, says=['holds pickled', '--tensors-only'])
    assert main(['train', 'tiny.py', '--work-dir', 'new', '--tensors-only', *how]) == 0
    assert not Path('executed').exists()


@pytest.mark.parametrize('command', ['test', 'infer'])
def test_foreign_imports_of_a_checkpoint(fails, command):
    content = torch.load(MODEL, weights_only=True)
    config = json.loads(content['meta']['config_json'])
    config['custom_imports'] = {'imports': ['no_such_package']}
    content['meta']['config_json'] = json.dumps(config)
    torch.save(content, 'bad.pth')
    words = ['-' if word == 'tiny.py' else word for word in replaced(command, MODEL, 'bad.pth')]
    fails(*words, says=['no_such_package', '--allow-custom-imports'])
    fails(*words, '--allow-custom-imports', says='Failed to import no_such_package')


@pytest.mark.parametrize('command', ['test', 'infer'])
@pytest.mark.parametrize(
    ('option', 'says'),
    [
        ('model.head.head_conv=8', 'head.branches.outputs.hm.hidden.weight (16, 16, 3, 3) instead'),
        ('model.backbone.name=test_efficientnet', 'missing (backbone.'),
        ('model.neck.out_channels=8', 'Compare num_classes'),
    ],
)
def test_checkpoint_of_another_model(fails, command, option, says):
    error = fails(*COMMANDS[command], '--cfg-options', option, says=[MODEL, says])
    assert 'does not fit this CenterPose' in error


def test_resume(fails):
    fails(*TRAIN, '--resume', 'nowhere.pth', says=['nowhere.pth does not exist', '--resume'])
    content = torch.load(MODEL, weights_only=True)
    torch.save(content['state_dict'], 'weights.pth')
    fails(*TRAIN, '--resume', 'weights.pth', says=['weights.pth holds no', 'load_from'])


def set_entry(*path):
    *keys, last, value = path

    def change(content):
        node = content
        for key in keys:
            node = node[key]
        node[last] = value

    return change


STATE_DAMAGES = {
    'no loop': set_entry('train_loop', [1]),
    'negative epoch': set_entry('train_loop', 'epoch', -1),
    'epoch of text': set_entry('train_loop', 'epoch', 'one'),
    'endless': set_entry('train_loop', 'epoch', 10**15),
    'infinite batches': set_entry('train_loop', 'batches_done', float('inf')),
    'no random states': set_entry('train_loop', 'random_states', 7),
    'odd random states': set_entry('train_loop', 'random_states', [{'python': 1}]),
    'gradients': set_entry(
        'train_loop', 'gradients', {'head.branches.outputs.hm.hidden.weight': torch.zeros(3)}
    ),
    'rate of text': set_entry('optimizer', 'param_groups', 0, 'lr', 'fast'),
    'infinite rate': set_entry('optimizer', 'param_groups', 0, 'lr', float('inf')),
    'groups': set_entry('optimizer', 'param_groups', 5),
    'moments': set_entry('optimizer', 'state', 0, {'exp_avg': torch.zeros(7)}),
    'schedule': set_entry('param_schedulers', 0, 'last_step', 'x'),
    'schedules': set_entry('param_schedulers', 3),
    'scalars': set_entry('message_hub', 'log_scalars', {'a': {'__kind__': 'HistoryBuffer'}}),
    'hub': set_entry('message_hub', 3),
    'seed': set_entry('meta', 'seed', 'x'),
}


@pytest.mark.slow
def test_damaged_training_state(fails):
    """Whatever is wrong, the checkpoint is named, and nothing is trained."""
    for name, change in STATE_DAMAGES.items():
        content = torch.load(MODEL, weights_only=True)
        change(content)
        torch.save(content, 'bad.pth')
        words = ['--resume', 'bad.pth', '--cfg-options', 'train_cfg.max_epochs=2']
        fails(*TRAIN[:-1], 'new', *words, says='bad.pth')
        assert not list(Path('new').glob('*.pth')), name


def test_python_in_a_checkpoint_to_resume_is_not_run(workplace):
    """MMEngine runs the text under ``config``; checkpoints of this project have none."""
    content = torch.load(MODEL, weights_only=True)
    content['meta']['config'] = 'open("executed", "w")'
    torch.save(content, 'bad.pth')
    words = ['--resume', 'bad.pth', '--cfg-options', 'train_cfg.max_epochs=2']
    assert main([*TRAIN[:-1], 'new', *words]) == 0
    assert not Path('executed').exists()
