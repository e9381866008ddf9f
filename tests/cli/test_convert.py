"""The command from a published file to poses, and files that cannot be converted."""

import json
import os
from pathlib import Path

import pytest
import torch

from cpose.cli.commands.convert import _part_of, _readable
from cpose.cli.main import main

from .commands import MODEL
from .published_files import AttributeDict, write_nvlabs, write_tao
from .test_bad_checkpoints import plant_payload


@pytest.fixture(scope='module')
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp('published')
    write_tao(folder / 'tao.pth')
    write_nvlabs(folder / 'nvlabs.pth', 'nvlabs_dla_34')
    return folder


@pytest.mark.slow
def test_from_tao_to_poses(published, workplace, capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '120')
    words = ['convert', str(published / 'tao.pth'), '--out', 'bike.pth', '--category', 'bike']
    options = ['test_dataloader.dataset.input_wh=(64,64)']
    assert main([*words, '--tensors-only', '--cfg-options', *options]) == 0
    output = capsys.readouterr().out
    for text in (
        'TAO PyTorch CenterPose (tao_dla34), DLA34, plain convolutions in the neck',
        'feature association, 1 category',
        'branch hm_hp',
        'base.level[34].project.*',
        'its result is not used',
        '405 tensors in the file, 12 left out, 387 written',
        'hyper_parameters',
        'It carries the config dla34_bike: cpose infer --model bike.pth IMAGE',
    ):
        assert text in output
    image = str(next(Path('data').rglob('*.jpg')))
    assert main(['infer', '-', 'bike.pth', image, '--out', 'poses', '--device', 'cpu']) == 0
    (file,) = Path('poses/json').glob('*.json')
    assert json.loads(file.read_text())['image_name'] == Path(image).name


@pytest.mark.slow
def test_from_nvlabs_to_poses(published, workplace, capsys):
    words = ['convert', str(published / 'nvlabs.pth'), '--out', 'shoe.pth', '--category', 'shoe']
    assert main([*words, '--cfg-options', 'test_dataloader.dataset.input_wh=(64,64)']) == 0
    output = capsys.readouterr().out
    assert 'NVlabs/CenterPose (nvlabs_dla34), DLA34, deformable convolutions' in output
    assert 'base.fc.*' in output
    image = str(next(Path('data').rglob('*.jpg')))
    assert main(['infer', '-', 'shoe.pth', image, '--out', 'poses', '--device', 'cpu']) == 0


@pytest.mark.slow
def test_a_network_that_reads_the_frame_before(workplace, capsys):
    write_nvlabs('track.pth', 'nvlabs_dla_34_track')
    words = ['convert', 'track.pth', '--out', 'shoe.pth', '--category', 'shoe']
    assert main([*words, '--cfg-options', 'test_dataloader.dataset.input_wh=(64,64)']) == 0
    output = ' '.join(capsys.readouterr().out.split())
    assert 'CenterPoseTrack (nvlabs_track), DLA34 with the frame before, deformable' in output
    assert 'carries the config dla34_track_shoe' in output
    image = str(next(Path('data').rglob('*.jpg')))
    assert main(['infer', '-', 'shoe.pth', image, '--out', 'poses', '--device', 'cpu']) == 0


@pytest.mark.slow
def test_without_a_category(published, workplace, capsys):
    assert main(['convert', str(published / 'nvlabs.pth'), '--out', 'plain.pth']) == 0
    assert 'carries no config' in capsys.readouterr().out
    image = str(next(Path('data').rglob('*.jpg')))
    assert main(['infer', '-', 'plain.pth', image, '--out', 'poses']) == 2
    assert 'carries no config' in capsys.readouterr().err


def truncate_archive(file):
    file.write_bytes(Path(MODEL).read_bytes()[:100_000])


def truncate_legacy(file):
    torch.save({'a': torch.zeros(9)}, file, _use_new_zipfile_serialization=False)
    file.write_bytes(file.read_bytes()[:300])


def two_categories(file):
    state = torch.load(MODEL, weights_only=True)['state_dict']
    for part in ('weight', 'bias'):
        key = f'head.branches.outputs.hm.out.{part}'
        state[key] = torch.cat([state[key], state[key]])
    torch.save(state, file)


UNUSABLE = {
    'payload': (plant_payload, ['holds pickled objects', 'mkdir', '--tensors-only']),
    'settings': (
        lambda file: torch.save({'hyper_parameters': AttributeDict(a=1)}, file),
        ['AttributeDict', '--tensors-only'],
    ),
    'missing': (lambda file: None, 'bad.pth does not exist'),
    'truncated': (truncate_archive, 'bad.pth is cut off after 100000 bytes'),
    'truncated legacy': (truncate_legacy, 'cut off or damaged'),
    'text': (lambda file: file.write_text('weights'), 'but a text file'),
    'onnx': (
        lambda file: file.write_bytes(b'\x08\x08\x12\x07pytorch:\x04body'),
        ['but an ONNX file', 'the .pth it was exported from'],
    ),
    'resnet': (
        lambda file: torch.save({'conv1.weight': torch.zeros(64, 3, 7, 7)}, file),
        ['no known family', 'conv1.weight', 'tao_dla34'],
    ),
    'categories': (
        two_categories,
        ['model.head.num_classes is 1, the checkpoint needs 2', 'metainfo.category'],
    ),
}


@pytest.mark.parametrize('kind', UNUSABLE)
def test_unusable_files(fails, kind):
    write, says = UNUSABLE[kind]
    write(Path('bad.pth'))
    fails('convert', 'bad.pth', '--out', 'out.pth', '--config', 'tiny.py', says=says)
    assert not Path('out.pth').exists()
    assert not Path('executed').exists()


@pytest.mark.slow
def test_outputs_that_cannot_be_written(fails):
    words = ('convert', MODEL, '--out')
    fails(*words, 'metrics.json', says=['metrics.json exists', '--force'])
    fails(*words, 'metrics.json/a.pth', says='is not a folder')
    fails(*words, MODEL, '--force', says='never replaces an input')
    fails(*words, 'new.pth', '--category', 'bike', '--config', 'tiny.py', says='not allowed with')
    assert main([*words, 'new.pth']) == 0
    assert main([*words, 'new.pth', '--force']) == 0
    assert os.path.getsize('new.pth') < os.path.getsize(MODEL)


def test_words_of_the_tables():
    assert _part_of('head.branches.outputs.hm_hp.out.bias') == 'branch hm_hp'
    assert _part_of('head.branches.association.input_gates.bias') == 'feature association'
    assert _part_of('backbone.features.fc') == 'backbone'
    assert _readable(r'base\.blocks\.\d+\.(?:a|b\..+)') == 'base.blocks.*.(a|b.*)'
