"""Conversion of files; whole networks of the reference are converted in tests/cli."""

import os

import pytest
import torch

from cpose.apis.builder import build_model, resolve_config
from cpose.apis.conversion import convert_checkpoint
from cpose.apis.conversion_config import ConfigChoice
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.errors import CheckpointError, ConfigError, OutputError
from cpose.models.backbones.timm_backbone import DLA34

from ..user_errors import raises
from .inference_scenes import tiny_config


class Payload:
    """A pickle that would make a folder when it is loaded."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def own(tmp_path):
    """A checkpoint as MMEngine writes it, of a model of this project."""
    torch.manual_seed(7)
    state = {
        f'module.{key}': value for key, value in build_model(tiny_config()).state_dict().items()
    }
    content = {'state_dict': state, 'meta': {'epoch': 3, 'cfg': 'x = 1'}, 'optimizer': {}}
    torch.save(content, tmp_path / 'own.pth')
    return tmp_path / 'own.pth'


@pytest.fixture
def config_file(tmp_path):
    tiny_config().dump(tmp_path / 'tiny.py')
    return tmp_path / 'tiny.py'


def test_mmengine_checkpoint_with_a_config(own, config_file, tmp_path):
    out = tmp_path / 'out' / 'a.pth'
    done = convert_checkpoint(own, out, ConfigChoice(config=config_file))
    assert (done.family, done.is_backbone, done.other_entries) == (
        'cpose',
        False,
        ('meta', 'optimizer'),
    )
    stored = torch.load(out, weights_only=True)
    assert set(stored) == {'state_dict', 'meta'}
    assert stored['meta']['converted_from'] == {'file': 'own.pth', 'family': 'cpose'}
    before = torch.load(own, weights_only=True)['state_dict']
    assert len(before) == len(stored['state_dict']) == done.num_tensors
    for key, value in before.items():
        assert stored['state_dict'][key.removeprefix('module.')].equal(value)
    assert resolve_config('-', out).model.head.head_conv == 32
    assert not build_model(None, out).training


def test_carried_config_is_kept(own, tmp_path):
    content = torch.load(own, weights_only=True)
    content['meta'][CONFIG_KEY] = config_to_json(tiny_config())
    torch.save(content, own)
    done = convert_checkpoint(own, tmp_path / 'a.pth')
    assert done.config_name == 'of the checkpoint'
    assert resolve_config('-', tmp_path / 'a.pth').model.head.head_conv == 32


@pytest.mark.parametrize('change', ['missing', 'unexpected'])
def test_differences_are_listed_in_full(own, config_file, tmp_path, change):
    content = torch.load(own, weights_only=True)
    state = content['state_dict']
    names = [key for key in state if key.startswith('module.neck')][:8]
    for number, key in enumerate(names):
        if change == 'missing':
            del state[key]
        else:
            state[f'module.neck.extra{number}'] = torch.zeros(1)
    torch.save(content, own)
    with raises(CheckpointError, f'8 {change}') as caught:
        convert_checkpoint(own, tmp_path / 'a.pth', ConfigChoice(config=config_file))
    wanted = [key[7:] for key in names] if change == 'missing' else ['neck.extra0', 'neck.extra7']
    assert all(name in str(caught.value) for name in wanted)
    assert not (tmp_path / 'a.pth').exists()


@pytest.fixture(scope='module')
def imagenet(tmp_path_factory):
    """The weights of DLA-34 in the original naming, with classifier and unused projections."""
    file = tmp_path_factory.mktemp('imagenet') / 'dla34.pth'
    torch.manual_seed(3)
    state = DLA34().state_dict()
    weights = {key.removeprefix('features.'): value for key, value in state.items()}
    weights['fc.weight'] = torch.zeros(1000, 512, 1, 1)
    weights['level3.project.0.weight'] = torch.zeros(128, 64, 1, 1)
    torch.save(weights, file)
    return file


@pytest.mark.slow
def test_backbone(imagenet, tmp_path):
    out = tmp_path / 'backbone.pth'
    done = convert_checkpoint(imagenet, out)
    assert (done.family, done.is_backbone, done.config_name) == ('dla34_imagenet', True, '')
    assert sum(len(item.keys) for item in done.dropped) == 2
    stored = torch.load(imagenet, weights_only=True)
    filled = DLA34(pretrained_path=str(out)).state_dict()
    assert all(value.equal(stored[key.removeprefix('features.')]) for key, value in filled.items())


def test_backbone_takes_no_config_and_must_be_whole(imagenet, tmp_path):
    with raises(ConfigError, path=imagenet):
        convert_checkpoint(imagenet, tmp_path / 'a.pth', ConfigChoice('bike'))
    weights = torch.load(imagenet, weights_only=True)
    del weights['level5.root.conv.weight']
    weights['level2.tree1.conv3.weight'] = torch.zeros(1)
    torch.save(weights, tmp_path / 'dla60.pth')
    with raises(CheckpointError, 'level5.root'):
        convert_checkpoint(tmp_path / 'dla60.pth', tmp_path / 'a.pth')
    assert not (tmp_path / 'a.pth').exists()


def test_existing_files(own, config_file, tmp_path):
    out, choice = tmp_path / 'a.pth', ConfigChoice(config=config_file)
    out.write_text('precious')
    with raises(OutputError, argument='out', path=out):
        convert_checkpoint(own, out, choice)
    assert out.read_text() == 'precious'
    convert_checkpoint(own, out, choice, force=True)
    assert torch.load(out, weights_only=True)['state_dict']
    with raises(OutputError, argument='out', path=own):
        convert_checkpoint(own, own, choice, force=True)


def test_objects_beside_the_tensors_are_never_run(own, config_file, tmp_path):
    content = torch.load(own, weights_only=True)
    torch.save({**content, 'callbacks': Payload(tmp_path / 'made')}, own)
    choice = ConfigChoice(config=config_file)
    with raises(CheckpointError, 'pickled'):
        convert_checkpoint(own, tmp_path / 'a.pth', choice)
    assert not (tmp_path / 'a.pth').exists()
    done = convert_checkpoint(own, tmp_path / 'a.pth', choice, tensors_only=True)
    assert 'callbacks' in done.other_entries
    assert not (tmp_path / 'made').exists()


UNUSABLE = {
    'resnet': ({'conv1.weight': torch.zeros(64, 3, 7, 7)}, 'conv1.weight'),
    'encrypted': ({'state_dict': b'x', 'state_dict_encrypted': True}, 'state_dict_encrypted'),
    'empty': ({'epoch': 3}, ''),
    'fan_tiny': (
        {'patch_embed.proj.weight': torch.zeros(192, 256, 2, 2),
         'patch_embed.backbone.stem.0.bias': torch.zeros(128)},
        '192',
    ),
    'tracking': (
        {'base.base_layer.0.weight': torch.zeros(1), 'tracking.0.weight': torch.zeros(1)},
        'tracking.0.weight',
    ),
}  # fmt: skip


@pytest.mark.parametrize('kind', UNUSABLE)
def test_unusable_content(tmp_path, kind):
    content, problem = UNUSABLE[kind]
    torch.save(content, tmp_path / 'bad.pth')
    with raises(CheckpointError, problem, path=tmp_path / 'bad.pth'):
        convert_checkpoint(tmp_path / 'bad.pth', tmp_path / 'a.pth')
    assert [file.name for file in tmp_path.iterdir()] == ['bad.pth']


@pytest.fixture
def small(own, config_file, tmp_path):
    """The same weights as FP16, with the config."""
    out = tmp_path / 'small.safetensors'
    convert_checkpoint(own, out, ConfigChoice(config=config_file), half=True)
    return out


def test_half_a_file_as_safetensors(own, small):
    stored = load_checkpoint_file(small)
    assert stored['meta']['class_names'] == ['cup']
    assert stored['meta']['converted_from'] == {'file': 'own.pth', 'family': 'cpose'}
    assert small.stat().st_size < 0.6 * own.stat().st_size
    kinds = {value.dtype for value in stored['state_dict'].values()}
    assert kinds == {torch.float16, torch.int64}


def test_half_a_file_gives_what_rounded_weights_give(own, small):
    model = build_model(tiny_config(), own)
    model.load_state_dict(
        {
            key: value.half().float() if value.is_floating_point() else value
            for key, value in model.state_dict().items()
        }
    )
    loaded = build_model(None, small)
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        wanted, maps = model(images, mode='tensor'), loaded(images, mode='tensor')
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    assert wanted.keys() == maps.keys()
    assert all(torch.equal(wanted[key], maps[key]) for key in wanted)


def test_a_safetensors_file_is_converted_back(small, tmp_path):
    done = convert_checkpoint(small, tmp_path / 'back.pth')
    assert (done.family, done.config_name) == ('cpose', 'of the checkpoint')
    weights = torch.load(tmp_path / 'back.pth', weights_only=True)['state_dict']
    small_weights = load_checkpoint_file(small)['state_dict']
    assert all(weights[key].equal(small_weights[key].to(weights[key].dtype)) for key in weights)


def test_weights_beyond_fp16(own, config_file, tmp_path):
    content = torch.load(own, weights_only=True)
    next(iter(content['state_dict'].values())).fill_(1e6)
    torch.save(content, own)
    with raises(CheckpointError, 'has 1 tensors') as caught:
        convert_checkpoint(
            own, tmp_path / 'a.safetensors', ConfigChoice(config=config_file), half=True
        )
    assert caught.value.advice == ('Leave out {half}',)
    assert not (tmp_path / 'a.safetensors').exists()


@pytest.mark.parametrize('name', ['a.onnx', 'a.engine'])
def test_weights_do_not_take_the_ending_of_a_network(own, config_file, tmp_path, name):
    with raises(OutputError, argument='out', path=tmp_path / name):
        convert_checkpoint(own, tmp_path / name, ConfigChoice(config=config_file))
    assert not (tmp_path / name).exists()
