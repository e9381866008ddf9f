import io
import json
import signal
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from cpose.annotation.adaptation import training_config
from cpose.annotation.adaptation.division import SYMMETRIES, choose_category
from cpose.apis.config.load import load_config
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.cli.main import main
from cpose.datasets.synthetic.folder import write_images
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.engine.hooks.training_hooks import FiniteLossHook
from cpose.errors import ConfigError

from ..user_errors import raises

CUBOIDS = {
    'category': ['cuboid'],
    'symmetry': [{'type': 'CuboidSymmetry'}],
    'eval_num_symmetry': [1],
}


def draw_photographs(folder, count=6, seed=3):
    folder.mkdir()
    list(write_images(SyntheticCuboidDataset(count, image_wh=(96, 64), seed=seed), folder))
    return folder


@pytest.fixture
def photographs(tmp_path):
    return draw_photographs(tmp_path / 'photographs')


@pytest.fixture(scope='module', autouse=True)
def _few_draws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_config, 'DRAWS', 8)
        patch.setattr(training_config, 'BATCH_SIZE', 4)
        yield


def command(photographs, out, *more):
    return ['adapt', str(photographs), '--model', 'cuboid', '--out', str(out), *more]


SMALL = ('--size', '64', '--epochs', '1', '--val', '0.3')


def change_annotation(photographs, change):
    for file in photographs.glob('*.json'):
        content = json.loads(file.read_text())
        for item in content['objects']:
            change(item)
        file.write_text(json.dumps(content))


def as_parcels(photographs):
    change_annotation(photographs, lambda item: item.update({'class': 'parcel'}))
    return photographs


@dataclass(frozen=True)
class Adapted:
    """A model of parcels, half of whose pictures were drawn."""

    photographs: Path
    before: dict[str, bytes]
    out: Path
    text: str


@pytest.fixture(scope='module')
def adapted(tmp_path_factory):
    root = tmp_path_factory.mktemp('adapted')
    photographs = as_parcels(draw_photographs(root / 'photographs'))
    before = {path.name: path.read_bytes() for path in photographs.iterdir()}
    words = command(photographs, root / 'out', *SMALL, '--synthetic', '0.5')
    with redirect_stdout(io.StringIO()) as text:
        assert main(words) == 0
    return Adapted(photographs, before, root / 'out', text.getvalue())


@pytest.mark.slow
def test_leaves_a_model_that_every_command_takes(adapted, tmp_path):
    photographs, out, text = adapted.photographs, adapted.out, adapted.text
    assert f'cpose infer --model {out / "model.safetensors"}' in text
    assert '4 photographs trained on, 2 held out' in text
    assert {path.name: path.read_bytes() for path in photographs.glob('cuboid*')} == adapted.before
    summary = json.loads((out / 'adapt.json').read_text())
    assert (summary['num_train'], summary['num_val'], summary['category']) == (4, 2, 'parcel')
    assert summary['before']['num_images'] == summary['after']['num_images'] == 2
    assert (out / 'before_after.jpg').stat().st_size > 1000
    held = sorted(path.name for path in (out / 'photos/val').glob('*.jpg'))
    trained = sorted(path.name for path in (out / 'photos/train').glob('*.jpg'))
    assert sorted(held + trained) == sorted(path.name for path in photographs.glob('*.jpg'))
    image, results = photographs / trained[0], tmp_path / 'results'
    model = str(out / 'model.safetensors')
    assert main(['infer', '--model', model, str(image), '--out', str(results)]) == 0
    assert (results / 'json' / f'{image.stem}.json').is_file()
    onnx = ['export-onnx', '--model', model, '--out', str(tmp_path / 'a.onnx')]
    assert main([*onnx, '--opset', '17', '--width', '96', '--height', '96']) == 0


@pytest.mark.slow
def test_the_config_says_all_and_trains_again(adapted, tmp_path):
    out = adapted.out
    config = load_config(out / 'adapt.py')
    repeated, *drawn = config.train_dataloader.dataset.datasets
    assert repeated.dataset.type == 'CenterPoseDataset'
    assert 4 * repeated.times == sum(item.num_images for item in drawn) == 4
    assert {item.type for item in drawn} == {'SyntheticCuboidDataset'}
    assert main(['train', str(out / 'adapt.py'), '--work-dir', str(tmp_path / 'again')]) == 0
    first, again = (
        load_checkpoint_file(next(folder.glob('epoch_1.pth')))['state_dict']
        for folder in (out / 'train', tmp_path / 'again')
    )
    assert all(torch.equal(value, again[name]) for name, value in first.items())


@pytest.mark.slow
def test_goes_on_after_an_interruption(photographs, tmp_path, capsys, monkeypatch):
    out = tmp_path / 'adapted'
    with monkeypatch.context() as patch:
        patch.setattr(
            FiniteLossHook, 'after_train_iter', lambda *_, **__: signal.raise_signal(signal.SIGINT)
        )
        assert main(command(photographs, out, *SMALL)) == 130
    assert '--resume' in capsys.readouterr().err
    division = (out / 'split.json').read_text()
    assert main(command(photographs, out, *SMALL)) == 2
    assert '--resume' in capsys.readouterr().err
    for other in (('--symmetry', 'none'), ('--size', '96'), ('--val', '0.5')):
        refused(
            capsys, command(photographs, out, *SMALL, '--resume', *other), other[0], 'begin again'
        )
    elsewhere = draw_photographs(tmp_path / 'elsewhere', 2)
    refused(capsys, command(elsewhere, out, *SMALL, '--resume'), 'elsewhere', 'begin again')
    assert main(command(photographs, out, *SMALL, '--resume')) == 0
    assert 'resumed epoch: 0, iter: 1' in capsys.readouterr().out
    assert (out / 'split.json').read_text() == division
    assert (out / 'model.safetensors').is_file()


@pytest.mark.slow
def test_a_checkpoint_and_held_out_pictures_of_another_folder(adapted, tmp_path):
    again = tmp_path / 'again'
    others = as_parcels(draw_photographs(tmp_path / 'others', 2, seed=9))
    options = ('--size', '64', '--epochs', '1', '--val', str(others))
    words = command(adapted.photographs, again, *options)
    words[words.index('cuboid')] = str(adapted.out / 'model.safetensors')
    assert main(words) == 0
    summary = json.loads((again / 'adapt.json').read_text())
    assert (summary['num_train'], summary['num_val'], summary['num_scenes']) == (6, 2, 0)


def refused(capsys, words, *texts):
    assert main(words) == 2
    output, error = capsys.readouterr()
    assert 'Traceback' not in output + error
    for text in texts:
        assert text in error


@pytest.mark.slow
def test_folders_that_cannot_be_used(photographs, tmp_path, capsys):
    out, empty = tmp_path / 'adapted', tmp_path / 'empty'
    empty.mkdir()
    refused(capsys, command(tmp_path / 'nowhere', out), 'nowhere')
    refused(capsys, command(empty, out), 'empty')
    for file in sorted(photographs.glob('*.jpg'))[1:]:
        file.unlink()
        file.with_suffix('.json').unlink()
    refused(capsys, command(photographs, out), '--val')
    next(photographs.glob('*.json')).unlink()
    refused(capsys, command(photographs, out), str(photographs))
    assert not out.exists()


@pytest.mark.parametrize(
    'more',
    [
        ('--val', '1.5'),
        ('--val', 'nowhere'),
        ('--size', '100'),
        ('--category', 'mug'),
        ('--symmetry', 'round'),
    ],
    ids=' '.join,
)
def test_options_that_do_not_fit(photographs, tmp_path, capsys, more):
    out = tmp_path / 'adapted'
    refused(capsys, command(photographs, out, *more), *more[-1:])
    assert not out.exists()


def test_models_that_cannot_be_adapted(photographs, tmp_path, capsys):
    bare, onnx = tmp_path / 'bare.pth', tmp_path / 'a.onnx'
    torch.save({'state_dict': {'a': torch.zeros(1)}}, bare)
    onnx.write_bytes(b'onnx')
    for model in (bare, onnx, Path('cubid')):
        words = command(photographs, tmp_path / 'adapted')
        words[words.index('cuboid')] = str(model)
        refused(capsys, words, str(model))
    assert not (tmp_path / 'adapted').exists()


def test_results_lie_outside_of_the_photographs(photographs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(photographs)
    refused(capsys, ['adapt', '.', '--model', 'cuboid'], 'adapted lies in .')
    refused(capsys, command('.', photographs / 'out', '--val', str(tmp_path)), 'out lies in .')
    assert not (photographs / 'adapted').exists()


def test_other_files_are_left_alone(photographs, tmp_path, capsys):
    out = tmp_path / 'mine'
    out.mkdir()
    (out / 'notes.txt').write_text('mine')
    refused(capsys, command(photographs, out), str(out))
    assert [path.name for path in out.iterdir()] == ['notes.txt']


@pytest.mark.parametrize(
    ('found', 'category', 'expected', 'classes'),
    [
        (['cuboid'], None, 'cuboid', None),
        (['parcel'], None, 'parcel', None),
        (['parcel'], 'cuboid', 'cuboid', None),
        ([''], None, 'cuboid', None),
        ([''], 'mug', 'mug', None),
        (['cuboid', 'mug'], None, 'cuboid', {'cuboid': 'cuboid', '*': 'leave_out'}),
        (['cup', 'mug'], 'mug', 'mug', {'mug': 'mug', '*': 'leave_out'}),
    ],
)
def test_category(found, category, expected, classes):
    metainfo, chosen = choose_category(found, CUBOIDS, category, None)
    assert (metainfo['category'], chosen) == (expected, classes)
    assert metainfo['symmetry'] == {'type': 'CuboidSymmetry'}


def test_categories_that_do_not_fit():
    with raises(ConfigError, argument='category', value='mug'):
        choose_category(['cup'], CUBOIDS, 'mug', None)
    with raises(ConfigError, 'cup, mug', argument='category'):
        choose_category(['cup', 'mug'], CUBOIDS, None, None)
    several = {key: value * 2 for key, value in CUBOIDS.items()} | {'category': ['cup', 'mug']}
    with raises(ConfigError, argument='category', value='mug'):
        choose_category(['mug'], several, 'mug', None)
    assert choose_category(['mug'], several, None, None) == (several, None)


def test_symmetries():
    assert SYMMETRIES == ('none', 'cuboid')
    metainfo, _ = choose_category(['cup'], CUBOIDS, None, '12')
    assert metainfo['symmetry'] == {'type': 'RotationalSymmetry', 'order': 12}
    assert metainfo['eval_num_symmetry'] == 12
    metainfo, _ = choose_category(['cup'], CUBOIDS, None, 'none')
    assert metainfo['symmetry'] == {'type': 'NoSymmetry'}
